/** The one race against the clock, on which deadlines of checks, notices and pages rest. */
import { expect, test } from "vitest";
import { withinTime } from "../../core/deadline.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

function setup(work: Promise<string> = new Promise(() => {})) {
  const clock = new FakeClock();
  const end = new AbortController();
  return { clock, end, racing: withinTime(work, { seconds: 10, clock, signal: end.signal }, () => "late") };
}

test("work that ends in time has its say", async () => {
  expect(await setup(Promise.resolve("done")).racing).toBe("done");
  await expect(setup(Promise.reject(new Error("broken"))).racing).rejects.toThrow("broken");
});

test("when the time is over, work is left behind, whatever it still says", async () => {
  const work = Promise.withResolvers<string>();
  const { clock, racing } = setup(work.promise);
  await clock.turn(10);
  expect(await racing).toBe("late");
  work.reject(new Error("nobody listens"));
  await clock.turn(1);
});

test("an end that comes earlier is the reason of the end", async () => {
  const { end, racing } = setup();
  end.abort(new Error("shutting down"));
  await expect(racing).rejects.toThrow("shutting down");
});
