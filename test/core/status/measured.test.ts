import { expect, test } from "vitest";
import type { Interval } from "../../../core/confirmation.ts";
import { gaps, joined, measuredTimes } from "../../../core/status/measured.ts";
import {
  atOnce,
  daySeconds,
  type Past,
  type Service,
  scene,
  service,
  timelinesOf,
} from "../../helpers/status-scene.ts";

const now = Temporal.Instant.from("2026-11-23T18:42:10Z");
const secondsAgo = (seconds: number) => now.epochMilliseconds - seconds * 1000;
const span = { from: secondsAgo(90 * daySeconds), to: now.epochMilliseconds };
const times = (...services: Parameters<typeof service>[]) =>
  measured(
    services.map((one) => service(...one)),
    span,
  );
function measured(services: readonly Service[], span: Interval) {
  const input = scene(now, services);
  return atOnce(measuredTimes(input.targets, { ...input, timelines: timelinesOf(input), span }));
}
const ending: Past = [
  [100 * daySeconds, "up"],
  [50 * daySeconds, "unknown"],
];
const later: Past = [[40 * daySeconds, "down"]];

test("a time is measured when any service was known, good or bad; silence and blindness are not", () => {
  expect(times(["forum", ending], ["wiki", later])).toEqual([
    { from: span.from, to: secondsAgo(50 * daySeconds) },
    { from: secondsAgo(40 * daySeconds), to: span.to },
  ]);
});

test("what members do not see proves nothing to them", () => {
  expect(times(["forum", ending], ["database", later, { target: { public: false } }])).toHaveLength(1);
  expect(times(["database", later, { target: { planned: true } }])).toEqual([]);
});

test("a check that fell silent long ago was not measured since, however its last transition stands", () => {
  const silent = service("forum", [[200 * daySeconds, "up"]], { lastSecondsAgo: 120 * daySeconds });
  const before = { from: secondsAgo(300 * daySeconds), to: secondsAgo(90 * daySeconds) };
  expect(measured([silent], before)).toEqual([
    { from: secondsAgo(200 * daySeconds), to: secondsAgo(120 * daySeconds - 60) },
  ]);
});

test("what overlaps or touches is one; the gaps are what is left of the span", () => {
  const together = joined([
    { from: 30, to: 40 },
    { from: 0, to: 10 },
    { from: 5, to: 20 },
    { from: 20, to: 25 },
  ]);
  expect(together).toEqual([
    { from: 0, to: 25 },
    { from: 30, to: 40 },
  ]);
  expect(gaps(together, { from: -5, to: 50 })).toEqual([
    { from: -5, to: 0 },
    { from: 25, to: 30 },
    { from: 40, to: 50 },
  ]);
  expect(gaps(together, { from: 10, to: 27 })).toEqual([{ from: 25, to: 27 }]);
  expect(gaps(together, { from: 32, to: 38 })).toEqual([]);
  expect(gaps([], { from: 1, to: 2 })).toEqual([{ from: 1, to: 2 }]);
});
