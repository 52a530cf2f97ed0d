/** An invented history of 120 days for the practice co-op, the same at every start. */
import type { Config } from "../core/config/config.ts";
import { noConfirmation } from "../core/confirmation.ts";
import { confirmedText, outageExplanation, outageTitle, recoveredText } from "../core/member-texts.ts";
import type { Outcome, Reading, Sample } from "../core/sample.ts";
import type { IncidentChange } from "../core/store/incidents.ts";
import type { StoredConfirmation, Transition } from "../core/store/judgements.ts";
import type { Store } from "../core/store/store.ts";
import type { Target } from "../core/target.ts";
import { changeText } from "../core/upgrade.ts";

const historyDays = 120;

/** `day` counts back from today. */
interface When {
  readonly day: number;
  readonly hour: number;
}

/** One stretch of trouble of the invented past. */
interface Trouble extends When {
  readonly target: string;
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

/** Each ends at the version that its stand-in says today. The first one was done while the trouble of that day went on. */
const upgrades: readonly (When & { readonly target: string; readonly from: string; readonly to: string })[] = [
  { target: "mastodon", day: 18, hour: 21.7, from: "4.4.22", to: "4.5.15" },
  { target: "podcasts", day: 6, hour: 16.2, from: "1.15.4", to: "1.15.5" },
];

/** Writes the past into a new store. Everything in it is marked as practice by the store it is in: it ends with it. */
export async function seedHistory(parts: {
  readonly store: Pick<Store, "commit" | "maintain">;
  readonly config: Pick<Config, "targets" | "vantagePoint">;
  readonly now: Temporal.Instant;
  /** What fills, as its own probe sees it at this moment: the invented growth ends there. */
  readonly today: readonly Sample[];
}): Promise<void> {
  const { store, now, today } = parts;
  const { targets, vantagePoint } = parts.config;
  await store.commit({
    transitions: inventedTransitions(targets, vantagePoint, now),
    confirmations: settledConfirmations(targets, vantagePoint, now),
    samples: today.flatMap((sample) => growthUntil(sample, now)),
    annotations: upgrades.map((upgrade) => ({
      target: upgrade.target,
      at: momentOf(upgrade, now),
      text: changeText(upgrade.from, upgrade.to),
    })),
  });
  for (const trouble of troubles.toSorted((a, b) => b.day - a.day)) await inventIncident(store, targets, trouble, now);
  await store.maintain(now);
}

/** The incident that a stretch of trouble was: opened, told, and over. */
async function inventIncident(
  store: Pick<Store, "commit">,
  targets: readonly Target[],
  trouble: Trouble,
  now: Temporal.Instant,
): Promise<void> {
  const { outcome, minutes } = trouble;
  const target = targets.find(({ id }) => id === trouble.target);
  if (!target || (outcome !== "down" && outcome !== "degraded")) return;
  const startedAt = momentOf(trouble, now);
  const resolvedAt = startedAt.add({ minutes });
  const explanation = outageExplanation(target.name, outcome);
  const { opened } = await store.commit({
    incidents: [
      {
        change: "open",
        facts: {
          key: target.id,
          kind: "outage",
          target: target.id,
          checks: target.checks.filter(({ required }) => required).map(({ id }) => id),
          impact: outcome,
          urgency: outcome === "down" ? "page" : "ticket",
          title: outageTitle(target.name, outcome),
          explanation,
          reason: "invented for practice",
          runbook: outcome === "down" ? "service-down" : "service-degraded",
          startedAt,
          confirmedAt: startedAt.add({ seconds: 40 }),
        },
        update: {
          at: startedAt.add({ seconds: 40 }),
          kind: "confirmed",
          text: confirmedText(explanation),
          public: true,
        },
        escalate: () => ({}),
      },
    ],
  });
  const resolved = opened.map(({ id }): IncidentChange => {
    const text = recoveredText(target.name, outcome, minutes * 60);
    const update = { at: resolvedAt, kind: "resolved", text, public: true } as const;
    return { change: "resolve", id, at: resolvedAt, update, escalate: () => ({}) };
  });
  await store.commit({ incidents: resolved });
}

/** As if the monitor had looked a moment ago: the past goes over into the present without a gap. */
function settledConfirmations(
  targets: readonly Target[],
  vantagePoint: string,
  now: Temporal.Instant,
): readonly StoredConfirmation[] {
  const at = now.epochMilliseconds;
  return targets.flatMap((target) =>
    target.checks.map(({ id: check }) => ({
      target: target.id,
      check,
      vantagePoint,
      confirmation: { ...noConfirmation, lastAt: at, lastKnown: true, settledUntil: at },
    })),
  );
}

/** The server's own databases never grow. */
const growing = ({ metric, labels }: Reading): boolean =>
  metric === "storage_used_bytes" ||
  metric === "postgres_relation_size_bytes" ||
  (metric === "postgres_database_size_bytes" && labels?.["database"] === "practice");

/** One look a day at what fills, leading up to what was really seen just now. */
function growthUntil(today: Sample, now: Temporal.Instant): readonly Sample[] {
  const readings = (today.readings ?? []).filter(growing);
  return inventedGrowth().map((share, index) => ({
    ...today,
    at: daysBefore(now, historyDays - index).add({ hours: 12 }),
    readings: readings.map((reading) => ({ ...reading, value: Math.round(reading.value * share) })),
  }));
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
          ...own.flatMap((trouble) => {
            const began = momentOf(trouble, now);
            return [at(began, trouble.outcome), at(began.add({ minutes: trouble.minutes }), "up")];
          }),
        ];
      }),
    )
    .toSorted((a, b) => Temporal.Instant.compare(a.at, b.at));
}

/**
 * How everything grew: a weekly wave, a clean-up on the way.
 * @returns the share of today's size on each day, oldest first; the last one is yesterday's.
 */
function inventedGrowth(): readonly number[] {
  const perDay = 0.0045;
  const cleanUp = { day: 52, share: 0.09 };
  const random = repeatable(20261123);
  return Array.from({ length: historyDays }, (_, index) => {
    const daysAgo = historyDays - index;
    const wave = Math.sin((daysAgo / 7) * 2 * Math.PI) * perDay * 0.8;
    const before = daysAgo > cleanUp.day ? cleanUp.share : 0;
    return 1 - daysAgo * perDay + before + wave + (random() - 0.5) * perDay;
  });
}

const momentOf = ({ day, hour }: When, now: Temporal.Instant): Temporal.Instant =>
  daysBefore(now, day).add({ minutes: Math.round(hour * 60) });

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
