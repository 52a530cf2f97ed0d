import { expect, test } from "vitest";
import { Nap } from "../../core/nap.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

const never = new AbortController().signal;

test("a nap ends after its time, when it is woken, or when everything ends", async () => {
  const clock = new FakeClock();
  const nap = new Nap();
  const woken = nap.sleep(clock, 60, never);
  nap.wake();
  await woken;
  expect(clock.monotonicSeconds()).toBe(0);

  const slept = nap.sleep(clock, 60, never);
  await clock.turn(60);
  await slept;

  const stop = new AbortController();
  const stopped = nap.sleep(clock, 60, stop.signal);
  stop.abort();
  await stopped;
});

test("what wakes nobody, because nobody sleeps yet, wakes the next one, and only that", async () => {
  const clock = new FakeClock();
  const nap = new Nap();
  nap.wake();
  await nap.sleep(clock, 60, never);
  let over = false;
  const second = nap.sleep(clock, 60, never).then(() => {
    over = true;
  });
  await clock.turn(59);
  expect(over).toBe(false);
  await clock.turn(1);
  await second;
});
