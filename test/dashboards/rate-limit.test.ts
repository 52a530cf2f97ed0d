import { expect, test } from "vitest";
import { RateLimit } from "../../dashboards/rate-limit.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

test("so many at once, then one after each refill, for each key apart", async () => {
  const clock = new FakeClock();
  const limit = new RateLimit(clock, 2, 60);
  expect([limit.allows("a"), limit.allows("a"), limit.allows("a"), limit.allows("b")]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  await clock.turn(61);
  expect([limit.allows("a"), limit.allows("a")]).toEqual([true, false]);
});

test("a jump of the wall clock gives nobody more", () => {
  const clock = new FakeClock();
  const limit = new RateLimit(clock, 1, 60);
  expect(limit.allows("a")).toBe(true);
  clock.jump(86_400);
  expect(limit.allows("a")).toBe(false);
});

test("strangers cannot make the memory grow: newcomers wait until others are forgotten", async () => {
  const clock = new FakeClock();
  const limit = new RateLimit(clock, 1, 60, 3);
  expect(["a", "b", "c", "d"].map((key) => limit.allows(key))).toEqual([true, true, true, false]);
  await clock.turn(61);
  expect(limit.allows("d")).toBe(true);
});
