import { expect, test } from "vitest";
import { TokenBuckets } from "../../dashboards/token-bucket.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

test("so many at once, then one after each refill, for each key apart", async () => {
  const clock = new FakeClock();
  const buckets = new TokenBuckets(clock, 2, 60);
  expect([buckets.take("a"), buckets.take("a"), buckets.take("a"), buckets.take("b")]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  await clock.turn(61);
  expect([buckets.take("a"), buckets.take("a")]).toEqual([true, false]);
});

test("a jump of the wall clock gives nobody more", () => {
  const clock = new FakeClock();
  const buckets = new TokenBuckets(clock, 1, 60);
  expect(buckets.take("a")).toBe(true);
  clock.jump(86_400);
  expect(buckets.take("a")).toBe(false);
});

test("strangers cannot make the memory grow: newcomers wait until others are forgotten", async () => {
  const clock = new FakeClock();
  const buckets = new TokenBuckets(clock, 1, 60, 3);
  expect(["a", "b", "c", "d"].map((key) => buckets.take(key))).toEqual([true, true, true, false]);
  await clock.turn(61);
  expect(buckets.take("d")).toBe(true);
});
