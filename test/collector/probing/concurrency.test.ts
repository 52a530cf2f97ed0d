import { expect, test } from "vitest";
import { ConcurrencyLimit } from "../../../collector/probing/concurrency.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";

function setup(limits: { busy?: number; underWay?: number } = {}) {
  const clock = new FakeClock();
  const concurrency = new ConcurrencyLimit({ clock, ...limits });
  return { clock, concurrency };
}

const hanging = () => new Promise<never>(() => {});

test("no more are busy at once than allowed, and they begin in the order of asking", async () => {
  const { concurrency } = setup({ busy: 2 });
  const begun: number[] = [];
  const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<number>());
  const uses = gates.map((gate, index) =>
    concurrency.use(() => {
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
  const { clock, concurrency } = setup({ busy: 1 });
  void concurrency.use(hanging);
  let begun = false;
  const second = concurrency.use(async () => {
    begun = true;
  });
  await clock.turn(0.24);
  expect(begun).toBe(false);
  await clock.turn(0.02);
  await second;
});

test("a place that was given back early is not given back twice", async () => {
  const { clock, concurrency } = setup({ busy: 1 });
  const slow = Promise.withResolvers<void>();
  const first = concurrency.use(() => slow.promise);
  await clock.turn(1);
  slow.resolve();
  await first;
  void concurrency.use(hanging);
  let begun = false;
  void concurrency.use(async () => {
    begun = true;
  });
  await clock.turn(0.2);
  expect(begun).toBe(false);
});

test("so many may be under way, not one more", async () => {
  const { clock, concurrency } = setup({ busy: 2, underWay: 3 });
  let begun = 0;
  for (let index = 0; index < 5; index++) {
    void concurrency.use(() => {
      begun += 1;
      return hanging();
    });
  }
  await clock.turn(10);
  expect(begun).toBe(3);
});

test("work that fails gives its place back", async () => {
  const { concurrency } = setup({ busy: 1 });
  await expect(concurrency.use(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await concurrency.use(async () => "next")).toBe("next");
});

test("when all ends, who waits or comes later is sent away, and who is under way is told", async () => {
  const { concurrency } = setup({ busy: 1 });
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let told: unknown;
  const first = concurrency.use((signal) => {
    begun.resolve();
    signal.addEventListener("abort", () => {
      told = signal.reason;
    });
    return gate.promise;
  });
  const second = concurrency.use(async () => {});
  const over = new Error("over");
  await begun.promise;
  concurrency.end(over);
  await expect(second).rejects.toBe(over);
  expect(told).toBe(over);
  gate.resolve();
  await first;
  await expect(concurrency.use(async () => "late")).rejects.toBe(over);
});
