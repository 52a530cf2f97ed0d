import { expect, test } from "vitest";
import { ConcurrencyLimit } from "../../../collector/probing/concurrency.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";

function setup(limits: { busy?: number; underWay?: number } = {}) {
  const clock = new FakeClock();
  const concurrency = new ConcurrencyLimit({ clock, ...limits });
  const { signal } = new AbortController();
  return { clock, concurrency, signal };
}

const hanging = () => new Promise<never>(() => {});

test("no more are busy at once than allowed, and they begin in the order of asking", async () => {
  const { concurrency, signal } = setup({ busy: 2 });
  const begun: number[] = [];
  const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<number>());
  const uses = gates.map((gate, index) =>
    concurrency.use(signal, () => {
      begun.push(index);
      return gate.promise;
    }),
  );
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  gates[1]?.resolve(11);
  expect(await uses[1]).toBe(11);
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2]);
  for (const gate of gates) gate.resolve(0);
  await Promise.all(uses);
  expect(begun).toEqual([0, 1, 2, 3]);
});

test("one that waits for the network makes room after a quarter of a second", async () => {
  const { clock, concurrency, signal } = setup({ busy: 1 });
  void concurrency.use(signal, hanging);
  let begun = false;
  const second = concurrency.use(signal, async () => {
    begun = true;
  });
  await clock.turn(0.24);
  expect(begun).toBe(false);
  await clock.turn(0.02);
  await second;
});

test("a place that was given back early is not given back twice", async () => {
  const { clock, concurrency, signal } = setup({ busy: 1 });
  const slow = Promise.withResolvers<void>();
  const first = concurrency.use(signal, () => slow.promise);
  await clock.turn(1);
  slow.resolve();
  await first;
  void concurrency.use(signal, hanging);
  let begun = false;
  void concurrency.use(signal, async () => {
    begun = true;
  });
  await clock.turn(0.2);
  expect(begun).toBe(false);
});

test("so many may be under way, not one more", async () => {
  const { clock, concurrency, signal } = setup({ busy: 2, underWay: 3 });
  let begun = 0;
  for (let index = 0; index < 5; index++) {
    void concurrency.use(signal, () => {
      begun += 1;
      return hanging();
    });
  }
  await clock.turn(10);
  expect(begun).toBe(3);
});

test("work that fails gives its place back", async () => {
  const { concurrency, signal } = setup({ busy: 1 });
  await expect(concurrency.use(signal, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await concurrency.use(signal, async () => "next")).toBe("next");
});

test("who waits when it ends is sent away and takes no place", async () => {
  const { concurrency } = setup({ busy: 1 });
  const end = new AbortController();
  const gate = Promise.withResolvers<void>();
  const first = concurrency.use(end.signal, () => gate.promise);
  const second = concurrency.use(end.signal, async () => {});
  end.abort(new Error("over"));
  await expect(second).rejects.toThrow("over");
  gate.resolve();
  await first;
  expect(await concurrency.use(new AbortController().signal, async () => "free")).toBe("free");
});
