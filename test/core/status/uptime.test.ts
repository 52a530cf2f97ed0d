import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import type { Interval, OutcomeInterval } from "../../../core/confirmation.ts";
import { outcomes } from "../../../core/sample.ts";
import {
  account as accountOf,
  combine,
  formatRatio,
  spentIn,
  timeline,
  type UnsettledSeries,
} from "../../../core/status/uptime.ts";
import type { Transition } from "../../../core/store/judgements.ts";
import fixture from "../../fixtures/sla/sla-cases.json" with { type: "json" };

const Intervals = z.array(z.tuple([z.number(), z.number()])).default([]);
const cases = z
  .array(
    z.object({
      name: z.string(),
      why: z.string(),
      input: z.object({
        from: z.number(),
        to: z.number(),
        down: Intervals,
        unknown: Intervals,
        maint: Intervals,
        target: z.number(),
      }),
      expect: z.record(z.string(), z.number().nullable()),
    }),
  )
  .parse(fixture.cases);

const seconds = ([from, to]: readonly [number, number]): Interval => ({ from: from * 1000, to: to * 1000 });
const of = (outcome: OutcomeInterval["outcome"], from: number, to: number): OutcomeInterval => ({
  ...seconds([from, to]),
  outcome,
});

const account = (
  intervals: readonly OutcomeInterval[],
  { span, maintenance = [], goal }: { span: Interval; maintenance?: readonly Interval[]; goal?: number },
) => accountOf(spentIn(span, intervals, maintenance), goal);

test("the fixture has its 13 cases", () => expect(cases).toHaveLength(13));

test.each(cases)("$name: $why", ({ input, expect: wanted }) => {
  const { from, to, down, unknown, maint, target } = input;
  const intervals = [
    of("up", from, to),
    ...unknown.map(([a, b]) => of("unknown", a, b)),
    ...down.map(([a, b]) => of("down", a, b)),
  ];
  const span = seconds([from, to]);
  const got = account(intervals, { span, maintenance: maint.map(seconds), goal: target });
  const { T, M, U, D, ...rest } = wanted;
  const named = { total: T, maintenance: M, unknown: U, down: D, ...rest };
  for (const [name, value] of Object.entries(named)) {
    const figure = z.record(z.string(), z.number().nullable()).parse(got)[name];
    if (value === null || value === undefined) expect(figure, name).toBe(value);
    else expect(figure, name).toBeCloseTo(value, 6);
  }
});

test("what was down whenever it was measured has an uptime of exactly nothing", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const cuts = Array.from({ length: 40 }, (_, index) => index * 1000 * seed + ((index * 337 * seed) % 997));
    const intervals = cuts.slice(1).map((to, index) => ({
      from: cuts[index] ?? 0,
      to,
      outcome: index % 2 === 0 ? ("down" as const) : ("unknown" as const),
    }));
    const { uptime } = account(intervals, { span: { from: 0, to: cuts.at(-1) ?? 0 } });
    expect(uptime).toBe(0);
    expect(formatRatio(uptime, "en")).toBe("0.000\u00a0%");
  }
});

test("moments that nobody observed are unknown, not up", () => {
  const got = account([of("up", 0, 60)], { span: seconds([0, 100]), goal: 0.99 });
  expect(got).toMatchObject({ known: 60, unknown: 40, uptime: 1, coverage: 0.6, worst: 0.6, best: 1 });
});

test("nothing observed gives no uptime, and a span that is all maintenance no coverage either", () => {
  expect(account([], { span: seconds([0, 100]), goal: 0.99 })).toMatchObject({ uptime: null, coverage: 0, burn: null });
  const all = account([], { span: seconds([0, 100]), maintenance: [seconds([0, 100])], goal: 0.99 });
  expect(all).toMatchObject({ uptime: null, coverage: null, worst: null, best: null, budget: 0, burn: null });
  expect(account([], { span: seconds([5, 5]) })).toMatchObject({ total: 0, uptime: null, budget: null });
});

test("degraded counts as up and is listed apart", () => {
  const got = account([of("up", 0, 70), of("degraded", 70, 90), of("down", 90, 100)], { span: seconds([0, 100]) });
  expect(got).toMatchObject({ uptime: 0.9, degraded: 20, down: 10, budget: null, remaining: null, burn: null });
});

test("a goal of 100 % has no budget and burns without limit at the first failure", () => {
  const span = seconds([0, 100]);
  expect(account([of("up", 0, 99), of("down", 99, 100)], { span, goal: 1 })).toMatchObject({
    budget: 0,
    remaining: -1,
    burn: Number.POSITIVE_INFINITY,
  });
  expect(account([of("up", 0, 100)], { span, goal: 1 }).burn).toBe(0);
});

const change = (check: string, at: number, outcome: Transition["outcome"], vantagePoint = "here"): Transition => ({
  target: "mastodon",
  check,
  vantagePoint,
  at: Temporal.Instant.fromEpochMilliseconds(at * 1000),
  outcome,
});
const shown = (intervals: readonly OutcomeInterval[]) =>
  intervals.map(({ from, to, outcome }) => `${from / 1000}-${to / 1000} ${outcome}`);

test("a target is down while any of its checks is down, and outages that overlap are one", () => {
  const line = timeline(
    [change("web", 0, "up"), change("feed", 0, "up"), change("web", 10, "down"), change("feed", 20, "down")].concat(
      change("web", 30, "up"),
      change("feed", 40, "up"),
    ),
    [],
    seconds([0, 100]),
  );
  expect(shown(line)).toEqual(["0-10 up", "10-40 down", "40-100 up"]);
});

test("one check that is known decides; the target is unknown only while none is", () => {
  const line = timeline(
    [
      change("web", 0, "up"),
      change("feed", 0, "up"),
      change("feed", 10, "unknown"),
      change("web", 20, "unknown"),
    ].concat(change("feed", 30, "degraded")),
    [],
    seconds([0, 50]),
  );
  expect(shown(line)).toEqual(["0-20 up", "20-30 unknown", "30-50 degraded"]);
});

test("a check that was added later does not make the time before it unknown, and nothing before the first is known", () => {
  const line = timeline([change("web", 10, "up"), change("feed", 50, "down")], [], seconds([0, 100]));
  expect(shown(line)).toEqual(["0-10 unknown", "10-50 up", "50-100 down"]);
});

test("the outcome in force at the beginning counts from the beginning, whenever it began", () => {
  expect(shown(timeline([change("web", -500, "down")], [], seconds([0, 60])))).toEqual(["0-60 down"]);
});

test("what is not settled yet is laid over the end of its series only", () => {
  const unsettled: UnsettledSeries[] = [
    { target: "mastodon", check: "web", vantagePoint: "here", intervals: [of("up", 60, 80), of("unknown", 80, 100)] },
    { target: "mastodon", check: "feed", vantagePoint: "here", intervals: [] },
  ];
  const web = [change("web", 0, "up")];
  expect(shown(timeline(web, unsettled, seconds([0, 100])))).toEqual(["0-80 up", "80-100 unknown"]);
  const both = [...web, change("feed", 0, "up")];
  expect(shown(timeline(both, unsettled, seconds([0, 100])))).toEqual(["0-100 up"]);
});

test("two vantage points of one check are two series", () => {
  const line = timeline(
    [change("web", 0, "up", "toronto"), change("web", 0, "down", "montreal"), change("web", 30, "up", "montreal")],
    [],
    seconds([0, 60]),
  );
  expect(shown(line)).toEqual(["0-30 down", "30-60 up"]);
});

test("a timeline covers its span once, in order, and says at each moment what the checks say together", () => {
  const anyTransition = fc.record({
    check: fc.constantFrom("web", "feed", "api"),
    at: fc.integer({ min: -20, max: 120 }),
    outcome: fc.constantFrom(...outcomes),
  });
  fc.assert(
    fc.property(fc.uniqueArray(anyTransition, { selector: ({ check, at }) => `${check} ${at}` }), (changes) => {
      const line = timeline(
        changes.map(({ check, at, outcome }) => change(check, at, outcome)),
        [],
        seconds([0, 100]),
      );
      expect(line[0]?.from).toBe(0);
      expect(line.at(-1)?.to).toBe(100_000);
      for (const [index, interval] of line.entries()) {
        expect(interval.to).toBeGreaterThan(interval.from);
        const next = line[index + 1];
        if (next) expect([next.from, next.outcome]).toEqual([interval.to, expect.not.stringMatching(interval.outcome)]);
      }
      for (let at = 0; at < 100; at++) {
        const standing = ["web", "feed", "api"].flatMap(
          (check) =>
            changes
              .filter((one) => one.check === check && one.at <= at)
              .toSorted((a, b) => a.at - b.at)
              .at(-1)?.outcome ?? [],
        );
        const got = line.find(({ from, to }) => from <= at * 1000 && at * 1000 < to)?.outcome;
        expect(got).toBe(combine(standing));
      }
    }),
  );
});

test("an account always adds up, and its bounds hold the uptime", () => {
  const anyInterval = fc
    .record({
      a: fc.integer({ min: -50, max: 150 }),
      b: fc.integer({ min: -50, max: 150 }),
      outcome: fc.constantFrom(...outcomes),
    })
    .map(({ a, b, outcome }) => of(outcome, Math.min(a, b), Math.max(a, b)));
  fc.assert(
    fc.property(fc.array(anyInterval), fc.array(anyInterval, { maxLength: 3 }), (intervals, maintenance) => {
      const got = account(intervals, { span: seconds([0, 100]), maintenance, goal: 0.9 });
      expect(got.maintenance + got.unknown + got.known).toBeCloseTo(100, 9);
      expect(got.down + got.degraded).toBeLessThanOrEqual(got.known + 1e-9);
      if (got.uptime !== null && got.worst !== null && got.best !== null) {
        expect(got.worst).toBeLessThanOrEqual(got.uptime + 1e-12);
        expect(got.uptime).toBeLessThanOrEqual(got.best + 1e-12);
      }
    }),
  );
});

test.each([
  [1, "100.000 %"],
  [0.999996, "99.999 %"],
  [1 - 1e-15, "99.999 %"],
  [0.99999999999999, "99.999 %"],
  [0.999, "99.900 %"],
  [0.57, "57.000 %"],
  [0.29, "29.000 %"],
  [0, "0.000 %"],
  [null, "no data"],
  [Number.NaN, "no data"],
])("%s is printed as %s", (ratio, text) => {
  expect(formatRatio(ratio, "en").replaceAll("\u00a0", " ")).toBe(text);
});

test("French percentages have a comma, and neither language breaks before the sign", () => {
  expect(formatRatio(0.99996, "fr", 2)).toBe("99,99\u00a0%");
  expect(formatRatio(0.99996, "en", 2)).toBe("99.99\u00a0%");
  expect(formatRatio(null, "fr")).toBe("aucune donnée");
});

test("no printed ratio is larger than the true one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 31_536_000 }), fc.integer({ min: 0, max: 4 }), (down, digits) => {
      const ratio = 1 - down / 31_536_000;
      const printed = Number.parseFloat(formatRatio(ratio, "en", digits)) / 100;
      expect(printed).toBeLessThanOrEqual(ratio + 1e-14);
      expect(printed).toBeGreaterThan(ratio - 10 ** -(digits + 2) - 1e-12);
    }),
  );
});
