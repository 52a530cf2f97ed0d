import { expect, test } from "vitest";
import { WakeableSleep } from "../../core/wake-up.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

const never = new AbortController().signal;

test("a wakeable sleep ends after its time, when it is woken, or when everything ends", async () => {
  const clock = new FakeClock();
  const sleeper = new WakeableSleep();
  const woken = sleeper.sleep(clock, 60, never);
  sleeper.wake();
  await woken;
  expect(clock.monotonicSeconds()).toBe(0);

  const slept = sleeper.sleep(clock, 60, never);
  await clock.turn(60);
  await slept;

  const stop = new AbortController();
  const stopped = sleeper.sleep(clock, 60, stop.signal);
  stop.abort();
  await stopped;
});

test("a wake-up before the sleep begins ends the next sleep, and only that one", async () => {
  const clock = new FakeClock();
  const sleeper = new WakeableSleep();
  sleeper.wake();
  await sleeper.sleep(clock, 60, never);
  let over = false;
  const second = sleeper.sleep(clock, 60, never).then(() => {
    over = true;
  });
  await clock.turn(59);
  expect(over).toBe(false);
  await clock.turn(1);
  await second;
});
