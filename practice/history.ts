/** 120 days that never were: an honest-looking past for the practice co-op, the same at every start. */
import type { Config } from "../core/config.ts";
import type { Outcome, Sample } from "../core/sample.ts";
import type { Store, StoredVerdict, Transition } from "../core/store.ts";
import type { Target } from "../core/target.ts";
import { noVerdict } from "../core/verdict.ts";

const historyDays = 120;

/** One stretch of trouble of the invented past. `day` counts back from today. */
interface Trouble {
  readonly target: string;
  readonly day: number;
  readonly hour: number;
  readonly minutes: number;
  readonly outcome: Outcome;
}

const troubles: readonly Trouble[] = [
  { target: "mastodon", day: 103, hour: 3.2, minutes: 47, outcome: "down" },
  { target: "mastodon", day: 71, hour: 17.5, minutes: 95, outcome: "degraded" },
  { target: "mastodon", day: 44, hour: 9.1, minutes: 12, outcome: "down" },
  { target: "mastodon", day: 18, hour: 21.4, minutes: 31, outcome: "degraded" },
  { target: "podcasts", day: 88, hour: 12, minutes: 210, outcome: "down" },
  { target: "podcasts", day: 37, hour: 6.5, minutes: 25, outcome: "down" },
  { target: "photos", day: 59, hour: 14.7, minutes: 380, outcome: "down" },
  { target: "photos", day: 9, hour: 2.3, minutes: 18, outcome: "down" },
  // The monitor itself was off for four hours: neither up nor down.
  ...["mastodon", "podcasts", "photos", "database"].map((target) => ({
    target,
    day: 29,
    hour: 10,
    minutes: 240,
    outcome: "unknown" as const,
  })),
];

/** Writes the past into a new store. Everything in it is marked as practice by the store it is in: it ends with it. */
export async function seedHistory(parts: {
  readonly store: Pick<Store, "commit" | "maintain">;
  readonly config: Pick<Config, "targets" | "vantagePoint">;
  readonly now: Temporal.Instant;
  /** What the practice cluster holds at this moment: the invented growth ends there. */
  readonly usedBytes: number;
}): Promise<void> {
  const { store, now } = parts;
  const { targets, vantagePoint } = parts.config;
  await store.commit({
    transitions: inventedTransitions(targets, vantagePoint, now),
    verdicts: settledVerdicts(targets, vantagePoint, now),
    samples: growthSamples(targets, vantagePoint, now, parts.usedBytes),
  });
  await store.maintain(now);
}

/** As if the monitor had looked a moment ago: the past goes over into the present without a gap. */
function settledVerdicts(
  targets: readonly Target[],
  vantagePoint: string,
  now: Temporal.Instant,
): readonly StoredVerdict[] {
  const at = now.epochMilliseconds;
  return targets.flatMap((target) =>
    target.checks.map(({ id: check }) => ({
      target: target.id,
      check,
      vantagePoint,
      verdict: { ...noVerdict, lastAt: at, lastKnown: true, settledUntil: at },
    })),
  );
}

/** One look a day at what fills. */
function growthSamples(
  targets: readonly Target[],
  vantagePoint: string,
  now: Temporal.Instant,
  bytesToday: number,
): readonly Sample[] {
  const plans = targets.flatMap((target) => target.capacity.map((plan) => ({ target, plan })));
  return plans.flatMap(({ target, plan }) =>
    inventedGrowth(bytesToday).map((bytes, index): Sample => {
      const labels = { store: "postgres" };
      return {
        target: target.id,
        check: plan.check,
        vantagePoint,
        at: daysBefore(now, historyDays - index).add({ hours: 12 }),
        outcome: "up",
        durationSeconds: 0.01,
        readings: [
          { metric: "storage_used_bytes", value: bytes, labels },
          { metric: "postgres_database_size_bytes", value: Math.round(bytes * 0.8), labels: { database: "mastodon" } },
        ],
      };
    }),
  );
}

/** Transitions of every check, oldest first, ending "up". */
function inventedTransitions(
  targets: readonly Target[],
  vantagePoint: string,
  now: Temporal.Instant,
): readonly Transition[] {
  const start = daysBefore(now, historyDays);
  return targets
    .filter(({ planned }) => !planned)
    .flatMap((target) =>
      target.checks.flatMap(({ id: check }) => {
        const at = (instant: Temporal.Instant, outcome: Outcome) => ({
          target: target.id,
          check,
          vantagePoint,
          at: instant,
          outcome,
        });
        const own = troubles.filter((trouble) => trouble.target === target.id).toSorted((a, b) => b.day - a.day);
        return [
          at(start, "up"),
          ...own.flatMap(({ day, hour, minutes, outcome }) => {
            const began = daysBefore(now, day).add({ minutes: Math.round(hour * 60) });
            return [at(began, outcome), at(began.add({ minutes }), "up")];
          }),
        ];
      }),
    )
    .toSorted((a, b) => Temporal.Instant.compare(a.at, b.at));
}

/**
 * How the database grew: a weekly wave, a clean-up on the way, ending at what it really holds today.
 * @returns one value in bytes for each day, oldest first; the last one is yesterday's.
 */
function inventedGrowth(bytesToday: number): readonly number[] {
  const perDay = bytesToday * 0.0045;
  const cleanUp = { day: 52, bytes: bytesToday * 0.09 };
  const random = repeatable(20261123);
  return Array.from({ length: historyDays }, (_, index) => {
    const daysAgo = historyDays - index;
    const wave = Math.sin((daysAgo / 7) * 2 * Math.PI) * perDay * 0.8;
    const before = daysAgo > cleanUp.day ? cleanUp.bytes : 0;
    return Math.round(bytesToday - daysAgo * perDay + before + wave + (random() - 0.5) * perDay);
  });
}

/** Midnight UTC, `days` before today's. */
function daysBefore(now: Temporal.Instant, days: number): Temporal.Instant {
  return now.toZonedDateTimeISO("UTC").startOfDay().subtract({ days }).toInstant();
}

/** Numbers 0..1 that are the same at every start (mulberry32, public domain). */
function repeatable(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
