/** A past for practice and benchmarks: transitions, hours, days and readings written at once, without the samples. */
import { add, emptyHistogram, type Histogram, merge } from "../../core/histogram.ts";
import type { Outcome, Reading } from "../../core/sample.ts";
import type { Series, Store } from "../../core/store.ts";
import type { Codes } from "./codes.ts";
import type { Connection } from "./connection.ts";
import { mean, median } from "./derive.ts";
import { outcomeCode } from "./figures.ts";
import { dayOf, hourOf, slotKey, startOfHour } from "./keys.ts";
import { derivedUntil, writeProgress } from "./progress.ts";
import { added, isEmpty, type Sums, spentBetween, type Turn, writeSums } from "./sums.ts";

type Instant = Temporal.Instant;

export interface PracticeHistory {
  readonly checks: readonly PracticeCheck[];
  /** Where the invented past ends; rounded down to a full hour. */
  readonly until: Instant;
}

interface PracticeCheck extends Series {
  readonly everySeconds: number;
  /** How long its runs typically took. */
  readonly latencySeconds: number;
  /** Oldest first. */
  readonly transitions: readonly { readonly at: Instant; readonly outcome: Outcome }[];
  /** One value a day, or an hour, or more. */
  readonly readings: readonly (Omit<Reading, "value"> & {
    readonly points: readonly { readonly at: Instant; readonly value: number }[];
  })[];
}

/** A store that takes an invented past. Only for a new one: what it really knows of those hours is overwritten. */
export interface PracticeStore extends Store {
  seedPractice(history: PracticeHistory): Promise<void>;
}

/** Inside a transaction. */
export function writePracticeHistory(connection: Connection, codes: Codes, history: PracticeHistory): void {
  const until = hourOf(history.until.epochMilliseconds);
  for (const check of history.checks) {
    const series = codes.seriesCode(check);
    const turns = check.transitions.map(({ at, outcome }) => ({
      at: at.epochMilliseconds,
      outcome: outcomeCode(outcome),
    }));
    for (const { at, outcome } of turns) {
      connection.run("insert or replace into transition (series, at, outcome) values (?, ?, ?)", series, at, outcome);
    }
    writeHours(connection, series, turns, until, check);
    for (const reading of check.readings) writeReadings(connection, codes.readingCode(series, reading), reading, until);
  }
  writeProgress(connection, "derived_until", Math.max(until, derivedUntil(connection) ?? until));
}

function writeHours(
  connection: Connection,
  series: number,
  turns: readonly Turn[],
  until: number,
  { everySeconds, latencySeconds }: PracticeCheck,
): void {
  const first = hourOf(turns[0]?.at ?? startOfHour(until));
  const days = new Map<number, Sums[]>();
  const latencies = inventedLatencies(latencySeconds);
  let next = 0;
  for (let hour = first; hour < until; hour++) {
    const [from, to] = [startOfHour(hour), startOfHour(hour + 1)];
    while ((turns[next + 1]?.at ?? Number.POSITIVE_INFINITY) <= from) next++;
    const within = turns.slice(next, turns.findLastIndex(({ at }) => at < to) + 1);
    const sums = inventedSums(spentBetween(within, from, to), everySeconds, latencies[hour % latencies.length]);
    if (isEmpty(sums)) continue;
    writeSums(connection, "hour", hour, series, sums);
    const day = dayOf(hour);
    days.set(day, [...(days.get(day) ?? []), sums]);
  }
  for (const [day, hours] of days) {
    if (day < dayOf(until)) writeSums(connection, "day", day, series, added(hours));
  }
}

function inventedSums(spent: readonly number[], everySeconds: number, latency = emptyHistogram): Sums {
  const runsIn = (outcome: Outcome) => Math.round((spent[outcomeCode(outcome)] ?? 0) / 1000 / everySeconds);
  const answered = runsIn("up") + runsIn("degraded");
  return {
    spent,
    runs: answered + runsIn("down") + runsIn("unknown"),
    failures: runsIn("down"),
    latency: answered > 0 ? latency : emptyHistogram,
  };
}

/** A day of hours: slower in the evening, always a few stragglers. */
function inventedLatencies(seconds: number): readonly Histogram[] {
  return Array.from({ length: 24 }, (_, hour) => {
    const load = 1 + 0.4 * Math.sin(((hour - 14) / 24) * 2 * Math.PI) ** 2;
    const usual = [0.8, 0.9, 0.95, 1, 1, 1.05, 1.1, 1.3].map((factor) => seconds * load * factor);
    const most = merge(Array.from({ length: 7 }, () => add(emptyHistogram, ...usual)));
    return add(most, seconds * load * 2, seconds * load * 3.5);
  });
}

function writeReadings(
  connection: Connection,
  code: number,
  { points }: PracticeCheck["readings"][number],
  until: number,
): void {
  const past = points.filter(({ at }) => hourOf(at.epochMilliseconds) < until);
  const hourly = Map.groupBy(past, ({ at }) => hourOf(at.epochMilliseconds));
  for (const [hour, values] of hourly) {
    const value = mean(values.map((point) => point.value));
    connection.run("insert or replace into reading_hour (id, value) values (?, ?)", slotKey(hour, code), value);
  }
  const daily = Map.groupBy(past, ({ at }) => dayOf(hourOf(at.epochMilliseconds)));
  for (const [day, values] of daily) {
    if (day >= dayOf(until)) continue;
    const value = median(values.map((point) => point.value));
    connection.run("insert or replace into reading_day (id, value) values (?, ?)", slotKey(day, code), value);
  }
}
