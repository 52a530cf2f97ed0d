import { expect, test } from "vitest";
import { z } from "zod";
import {
  advance,
  type Confirmation,
  currentOutcome,
  noConfirmation,
  type OutcomeInterval,
  settle,
} from "../../core/confirmation.ts";
import type { Outcome } from "../../core/sample.ts";
import fixture from "../fixtures/sla/samples-to-intervals.json" with { type: "json" };

const Pair = z.tuple([z.number(), z.number()]);
const cases = z
  .array(
    z.object({
      id: z.string(),
      why: z.string(),
      input: z.object({
        from: z.number(),
        to: z.number(),
        I: z.number(),
        N: z.number(),
        K: z.number(),
        results: z.array(Pair),
      }),
      expect: z.object({
        down: z.array(Pair),
        unknown: z.array(Pair),
        blips: z.array(Pair),
        openAtEnd: z.boolean().default(false),
      }),
    }),
  )
  .parse(fixture.cases);

test.each(cases)("$id: $why", ({ input, expect: wanted }) => {
  const policy = { everySeconds: input.I, failures: input.N, successes: input.K };
  const intervals: OutcomeInterval[] = [];
  const blips: [number, number][] = [];
  let confirmation: Confirmation = noConfirmation;
  for (const [at, good] of input.results) {
    const next = advance(confirmation, { at: at * 1000, outcome: good ? "up" : "down" }, policy);
    confirmation = next.confirmation;
    intervals.push(...next.settled);
    if (next.blip) blips.push([next.blip.from / 1000, next.blip.to / 1000]);
  }
  intervals.push(...settle(confirmation, input.to * 1000, input.I));
  const first = input.results[0]?.[0] ?? input.to;
  if (first > input.from) intervals.unshift({ from: input.from * 1000, to: first * 1000, outcome: "unknown" });
  const spans = (outcome: string) => joined(intervals.filter((interval) => interval.outcome === outcome));
  expect(spans("down")).toEqual(wanted.down);
  expect(spans("unknown")).toEqual(wanted.unknown);
  expect(blips).toEqual(wanted.blips);
  expect(confirmation.down.on).toBe(wanted.openAtEnd);
});

function joined(intervals: readonly OutcomeInterval[]): [number, number][] {
  const out: [number, number][] = [];
  for (const { from, to } of intervals) {
    const last = out.at(-1);
    if (last && last[1] === from / 1000) last[1] = to / 1000;
    else out.push([from / 1000, to / 1000]);
  }
  return out;
}

const policy = { everySeconds: 60, failures: 3, successes: 2 };
/** `refused`: we are connected, and it is the service that does not let itself be measured. */
const feed = (results: readonly [number, Outcome | "refused", number?][]) => {
  let confirmation = noConfirmation;
  const steps = results.map(([seconds, seen, sinceLastSeconds]) => {
    const refused = { outcome: "unknown", connected: true } as const;
    const result = { at: seconds * 1000, sinceLastSeconds, ...(seen === "refused" ? refused : { outcome: seen }) };
    const next = advance(confirmation, result, policy);
    confirmation = next.confirmation;
    return next;
  });
  return {
    confirmation,
    changes: steps.flatMap((step) => step.change ?? []),
    settled: steps.flatMap((step) => step.settled),
  };
};

test("degraded that turns into down changes twice, each dated to its own first result", () => {
  const { changes } = feed([
    [0, "up"],
    [60, "degraded"],
    [80, "degraded"],
    [100, "degraded"],
    [160, "down"],
    [180, "down"],
    [200, "down"],
  ]);
  expect(changes).toEqual([
    { from: "up", to: "degraded", since: 60_000, confirmedAt: 100_000 },
    { from: "degraded", to: "down", since: 160_000, confirmedAt: 200_000 },
  ]);
});

test("an unknown result is neither outage nor uptime and breaks an unconfirmed run", () => {
  const { changes, settled } = feed([
    [0, "up"],
    [60, "down"],
    [80, "down"],
    [100, "unknown"],
    [160, "down"],
    [180, "up"],
  ]);
  expect(changes).toEqual([]);
  expect(settled.filter((interval) => interval.outcome === "unknown")).toEqual([
    { from: 100_000, to: 160_000, outcome: "unknown" },
  ]);
  expect(settled.some((interval) => interval.outcome === "down")).toBe(false);
});

test("a refusal neither confirms nor breaks a run of failures, and the outage began at its first failure", () => {
  const confirmed = feed([
    [0, "up"],
    [60, "down"],
    [80, "down"],
    [100, "refused"],
    [120, "refused"],
  ]);
  expect(confirmed.changes).toEqual([]);
  const then = feed([
    [0, "up"],
    [60, "down"],
    [80, "down"],
    [100, "refused"],
    [120, "down"],
    [180, "refused"],
  ]);
  expect(then.changes).toEqual([{ from: "up", to: "down", since: 60_000, confirmedAt: 120_000 }]);
  expect(currentOutcome(then.confirmation)).toBe("down");
});

test("refusals alone are unknown, and end no outage; what was refused for longer is unknown from the interval on", () => {
  const { confirmation, settled } = feed([
    [0, "up"],
    [60, "down"],
    [80, "down"],
    [100, "down"],
    ...[160, 220, 280, 340].map((at): [number, "refused"] => [at, "refused"]),
    [400, "up"],
    [430, "up"],
  ]);
  expect(settled).toContainEqual({ from: 160_000, to: 400_000, outcome: "unknown" });
  expect(currentOutcome(confirmation)).toBe("up");
  expect(
    currentOutcome(
      feed([
        [0, "up"],
        [60, "refused"],
      ]).confirmation,
    ),
  ).toBe("unknown");
});

test("a failure that is not confirmed says nothing where no good result came before it", () => {
  const first = feed([
    [0, "down"],
    [20, "refused"],
  ]).confirmation;
  expect(currentOutcome(first)).toBe("unknown");
  expect(settle(first, 30_000, 60)).toEqual([{ from: 0, to: 30_000, outcome: "unknown" }]);
  const afterRefusal = feed([
    [0, "up"],
    [60, "refused"],
    [120, "down"],
  ]).confirmation;
  expect(currentOutcome(afterRefusal)).toBe("unknown");
});

test("a jump of the wall clock by an hour, forward or back, confirms nothing and loses no run", () => {
  const forward = feed([
    [0, "up"],
    [60, "down", 60],
    [3680, "down", 20],
    [3700, "down", 20],
  ]);
  expect(forward.changes).toMatchObject([{ from: "up", to: "down", confirmedAt: 3_700_000 }]);
  expect(forward.settled).toContainEqual({ from: 120_000, to: 3_680_000, outcome: "unknown" });
  const back = feed([
    [7200, "up"],
    [7260, "up", 60],
    [3720, "up", 60],
    [3780, "up", 60],
  ]);
  expect(back.changes).toEqual([]);
  expect(back.settled.filter((interval) => interval.to <= interval.from)).toEqual([]);
});
