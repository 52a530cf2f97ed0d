import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { daysToFull, forecast, type KnownForecast, quantile80 } from "../../../core/capacity/forecast.ts";
import type { DayValue } from "../../../core/capacity/growth.ts";
import cases from "../../fixtures/growth/cases.json" with { type: "json" };
import expectedFixture from "../../fixtures/growth/unit-expected.json" with { type: "json" };

const growthFile = (name: string) => new URL(`../../fixtures/growth/${name}`, import.meta.url);

/** The first two columns; a day without a reading has an empty value. */
function readSeries(name: string): readonly DayValue[] {
  const rows = readFileSync(growthFile(name), "utf8").trim().split("\n").slice(1);
  return rows.flatMap((row) => {
    const [day = "", value = ""] = row.split(",");
    return value === "" ? [] : [{ day: Number(day), value: Number(value) }];
  });
}

function known(readings: readonly DayValue[]): KnownForecast {
  const found = forecast(readings);
  if (found.state === "insufficient") throw new Error("expected a forecast");
  return found;
}

const days = (count: number, value: (day: number) => number): DayValue[] =>
  Array.from({ length: count }, (_, day) => ({ day, value: value(day) }));

const expected = z
  .record(
    z.string(),
    z.object({
      capacity_gb: z.number(),
      kind: z.enum(["drift", "recurrent"]),
      period: z.number().nullable(),
      level: z.number(),
      drift_gb_per_day: z.number(),
      steps: z.array(z.object({ day: z.number(), gb: z.number() })),
      sd_at_28_days: z.number(),
      path_at: z.record(z.string(), z.tuple([z.number(), z.number(), z.number()])),
      days_to_full: z.object({
        mid: z.number(),
        early80: z.number(),
        late80: z.number(),
        early95: z.number(),
        late95: z.number(),
      }),
    }),
  )
  .parse(expectedFixture);

describe.each(Object.entries(expected))("%s", (name, wanted) => {
  const found = known(readSeries(`${name}.csv`));

  test("its kind, level, growth and steps", () => {
    expect(found.state).toBe(wanted.kind);
    expect(found.periodDays ?? null).toBe(wanted.period);
    expect(found.level).toBeCloseTo(wanted.level, 6);
    expect(found.growth).toBeCloseTo(wanted.drift_gb_per_day, 6);
    expect(found.steps.map(({ day }) => day)).toEqual(wanted.steps.map(({ day }) => day));
    for (const [index, { gb }] of wanted.steps.entries()) expect(found.steps[index]?.size).toBeCloseTo(gb, 6);
  });

  test("its path and the spread around it", () => {
    expect(found.path[27]?.deviation).toBeCloseTo(wanted.sd_at_28_days, 6);
    for (const [day, [mid, fast, slow]] of Object.entries(wanted.path_at)) {
      const point = found.path[Number(day) - 1] ?? { mid: Number.NaN, deviation: Number.NaN };
      expect(point.mid).toBeCloseTo(mid, 6);
      expect(point.mid + quantile80 * point.deviation).toBeCloseTo(fast, 6);
      expect(point.mid - quantile80 * point.deviation).toBeCloseTo(slow, 6);
    }
  });

  test("its days to full", () => {
    const got = daysToFull(found, wanted.capacity_gb);
    expect(got.mid).toBeCloseTo(wanted.days_to_full.mid, 6);
    expect(got.early80).toBeCloseTo(wanted.days_to_full.early80, 6);
    expect(got.late80).toBeCloseTo(wanted.days_to_full.late80, 6);
    expect(got.early95).toBeCloseTo(wanted.days_to_full.early95, 6);
    expect(got.late95).toBeCloseTo(wanted.days_to_full.late95, 6);
  });
});

const quantile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;
const shareOf = <T>(values: readonly T[], holds: (value: T) => boolean) => values.filter(holds).length / values.length;

test("scores on simulated and real growth as its reference does", () => {
  const series = new Map([...new Set(cases.map(({ file }) => file))].map((file) => [file, readSeries(file)]));
  const results = cases.map(({ file, today, capacity_gb, capacity_toots, true_days_to_full: truth }) => {
    const until = (series.get(file) ?? []).filter(({ day }) => day <= today);
    // Days count from the newest reading; where today has none, the answer starts a little earlier.
    const since = today - (until.at(-1)?.day ?? today);
    const full = daysToFull(known(until), capacity_gb ?? capacity_toots ?? Number.NaN);
    return {
      truth,
      mid: full.mid - since,
      early80: full.early80 - since,
      late80: full.late80 - since,
      early95: full.early95 - since,
      late95: full.late95 - since,
    };
  });
  const errors = results.map(({ mid, truth }) => Math.abs(mid - truth) / truth);
  const score = {
    median: quantile(errors, 0.5),
    p90: quantile(errors, 0.9),
    holds80: shareOf(results, ({ early80, truth, late80 }) => early80 <= truth && truth <= late80),
    holds95: shareOf(results, ({ early95, truth, late95 }) => early95 <= truth && truth <= late95),
    earlyHolds: shareOf(results, ({ early80, truth }) => early80 <= truth),
  };
  expect(results).toHaveLength(190);
  expect(score.median).toBeLessThanOrEqual(0.14);
  expect(score.p90).toBeLessThanOrEqual(0.67);
  expect(score.holds80).toBeGreaterThanOrEqual(0.8);
  expect(score.holds80).toBeLessThanOrEqual(0.9);
  expect(score.holds95).toBeGreaterThanOrEqual(0.9);
  expect(score.earlyHolds).toBeGreaterThanOrEqual(0.87);
});

const simulated = readdirSync(growthFile("")).filter((name) => name.startsWith("sim-"));

/** The measured and the true level of a simulated disk. */
function readSimulation(name: string) {
  const rows = readFileSync(growthFile(name), "utf8").trim().split("\n").slice(1);
  return { measured: readSeries(name), truth: rows.map((row) => Number(row.split(",")[2])) };
}

/** Days between "order now" (early edge within 21 days, at two looks in a row) and the day the disk is full. */
function leadDays(measured: readonly DayValue[], capacity: number, full: number): number {
  let looks = 0;
  for (let today = full - 150; today < full; today += 2) {
    const until = measured.filter(({ day }) => day <= today);
    const found = forecast(until);
    const since = today - (until.at(-1)?.day ?? today);
    const due = found.state !== "insufficient" && daysToFull(found, capacity).early80 - since <= 21;
    looks = due ? looks + 1 : 0;
    if (looks === 2) return full - today;
  }
  return 0;
}

test("says in time that a bigger disk must be ordered", () => {
  const leads = simulated.flatMap((name) => {
    const { measured, truth } = readSimulation(name);
    return [200, 260, 320, 380].flatMap((day) => {
      const capacity = Math.max(...truth.slice(0, day + 1));
      const full = truth.findIndex((level) => level >= capacity);
      // Nobody can foresee an import of the last weeks; a capacity reached long before `day` was passed by one.
      const leaps = truth
        .slice(full - 35, full + 1)
        .some((level, index) => level - (truth[full - 36 + index] ?? level) > 1);
      return full < 160 || (leaps && !name.includes("sawtooth")) ? [] : [leadDays(measured, capacity, full)];
    });
  });
  expect(leads.length).toBeGreaterThan(80);
  expect(shareOf(leads, (lead) => lead < 14)).toBeLessThanOrEqual(0.03);
  expect(shareOf(leads, (lead) => lead > 75)).toBeLessThanOrEqual(0.1);
  expect(quantile(leads, 0.5)).toBeGreaterThanOrEqual(20);
});

test("says nothing from fewer than 8 days, or from less than 7 days of span", () => {
  expect(forecast(days(7, () => 50)).state).toBe("insufficient");
  expect(forecast([]).state).toBe("insufficient");
  expect(forecast(days(40, (day) => 50 + day).filter(({ day }) => day % 7 === 0)).state).toBe("insufficient");
  expect(forecast(days(8, () => 50)).state).toBe("drift");
});

test("ten readings of one day are one day", () => {
  const oneDay = Array.from({ length: 10 }, (_, hour) => ({ day: 3 + hour / 24, value: 50 + hour }));
  expect(forecast(oneDay).state).toBe("insufficient");
});

test("a disk that does not grow is never full, and one that is over its size is full now", () => {
  const still = known(days(60, () => 50));
  expect(daysToFull(still, 100)).toMatchObject({ mid: Number.POSITIVE_INFINITY, early80: Number.POSITIVE_INFINITY });
  expect(daysToFull(still, 50)).toEqual({ mid: 0, early80: 0, late80: 0, early95: 0, late95: 0 });
});

test("readings that cannot be are dropped", () => {
  const clean = days(30, (day) => 90 + 0.2 * day);
  const impossible = [Number.NaN, Number.POSITIVE_INFINITY, 0, -5].map((value, index) => ({
    day: 10 + index + 0.5,
    value,
  }));
  expect(forecast([...impossible, ...clean])).toEqual(forecast(clean));
});

test("neither a clean-up nor an import changes the growth", () => {
  const wave = (day: number) => 0.3 * day + 0.05 * Math.sin(day);
  const steady = known(days(90, (day) => 50 + wave(day)));
  const cleaned = known(days(90, (day) => (day < 60 ? 62 : 50) + wave(day)));
  const imported = known(days(90, (day) => (day < 80 ? 50 : 58) + wave(day)));
  expect(cleaned.growth).toBeCloseTo(steady.growth, 2);
  expect(imported.growth).toBeCloseTo(steady.growth, 2);
  expect(cleaned.steps).toMatchObject([{ day: 60, kind: "clean-up" }]);
  expect(imported.steps).toMatchObject([{ day: 80, kind: "import" }]);
});

const anyDisk = fc
  .array(fc.record({ gap: fc.integer({ min: 1, max: 6 }), change: fc.double({ min: -3, max: 6, noNaN: true }) }), {
    minLength: 10,
    maxLength: 200,
  })
  .map((parts) => {
    let day = 0;
    let value = 50;
    return parts.map(({ gap, change }) => {
      day += gap;
      value = Math.max(1, value + change);
      return { day, value };
    });
  });

test("whatever a disk does, the edges are in order and nothing is NaN", () => {
  fc.assert(
    fc.property(anyDisk, fc.double({ min: 1, max: 2000, noNaN: true }), (disk, capacity) => {
      const found = forecast(disk);
      if (found.state === "insufficient") return;
      const { early95, early80, mid, late80, late95 } = daysToFull(found, capacity);
      expect([early95, early80, mid, late80, late95].some(Number.isNaN)).toBe(false);
      expect([early95, early80, mid, late80, late95]).toEqual(
        [early95, early80, mid, late80, late95].toSorted((a, b) => a - b),
      );
      expect(found.path.every((point) => Number.isFinite(point.mid) && point.deviation >= 0)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("neither the unit nor the first day of counting matters", () => {
  fc.assert(
    fc.property(anyDisk, (disk) => {
      const found = forecast(disk);
      const other = forecast(disk.map(({ day, value }) => ({ day: day + 20_000, value: value * 2 ** 30 })));
      expect(other.state).toBe(found.state);
      if (found.state === "insufficient" || other.state === "insufficient") return;
      const full = daysToFull(found, found.level * 1.3);
      const same = daysToFull(other, found.level * 1.3 * 2 ** 30);
      expect(same.mid).toBeCloseTo(full.mid, 6);
      expect(same.early80).toBeCloseTo(full.early80, 6);
    }),
    { numRuns: 100 },
  );
});
