/** Hours and days of a series: time spent in each outcome, runs, failures and latency, added up and read back. */
import { emptyHistogram, merge } from "../../core/histogram.ts";
import { type Outcome, outcomes } from "../../core/sample.ts";
import type { Connection } from "./connection.ts";
import type { HourSum } from "./head.ts";
import { hourOf, type Per, slotKey, startOfHour } from "./keys.ts";
import { blob, numeric, type Row } from "./rows.ts";
import { outcomeIndex } from "./sample-bytes.ts";
import { run, statement, type Transaction } from "./statements.ts";

/** What one row of `hour` or `day` holds. */
export interface Sums extends HourSum {
  /** Milliseconds by index of `outcomes`; together less than the slot where nothing was measured. */
  readonly spent: readonly number[];
}

/** From `at` on; plain data. */
export interface StoredTransition {
  readonly at: number;
  readonly outcome: number;
}

const nothingSpent: readonly number[] = outcomes.map(() => 0);
export const noSums: Sums = { spent: nothingSpent, runs: 0, failures: 0, latency: emptyHistogram };

export function added(sums: readonly Sums[]): Sums {
  return {
    spent: nothingSpent.map((_, index) => sums.reduce((total, { spent }) => total + (spent[index] ?? 0), 0)),
    runs: sums.reduce((total, { runs }) => total + runs, 0),
    failures: sums.reduce((total, { failures }) => total + failures, 0),
    latency: sums.length === 1 ? (sums[0]?.latency ?? emptyHistogram) : merge(sums.map(({ latency }) => latency)),
  };
}

/** Was anything measured? An hour of which nothing is known has no row. */
export const isEmpty = ({ spent, runs }: Pick<Sums, "spent" | "runs">) =>
  runs === 0 && spent.every((time, index) => time === 0 || index === unknown);
const unknown = outcomeIndex("unknown" satisfies Outcome);

const transitionBefore = statement(
  "select at, outcome from transition where series = ? and at <= ? order by at desc limit 1",
);
const transitionsWithin = statement(
  "select at, outcome from transition where series = ? and at > ? and at < ? order by at",
);
const select = (per: Per) =>
  statement(`select up, degraded, down, unknown, runs, failures, latency from ${per} where id = ?`);
const upsert = (per: Per) =>
  statement(
    `insert into ${per} (id, up, degraded, down, unknown, runs, failures, latency) values (?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (id) do update set up = excluded.up, degraded = excluded.degraded, down = excluded.down,
       unknown = excluded.unknown, runs = excluded.runs, failures = excluded.failures, latency = excluded.latency`,
  );
const selectSums = { hour: select("hour"), day: select("day") };
const upsertSums = { hour: upsert("hour"), day: upsert("day") };

/** The transition in force at the beginning of the span and those within it, oldest first. */
export function transitionsOf(
  connection: Connection,
  series: number,
  span: { from: number; to: number },
): readonly StoredTransition[] {
  const before = connection.get(transitionBefore, series, span.from);
  const within = connection.all(transitionsWithin, series, span.from, span.to);
  return [...(before ? [before] : []), ...within].map((row) => ({
    at: numeric(row, "at"),
    outcome: numeric(row, "outcome"),
  }));
}

/** Milliseconds spent in each outcome between `from` and `to`; before the first transition nothing is known. */
function spentBetween(of: readonly StoredTransition[], from: number, to: number): readonly number[] {
  const spent = [...nothingSpent];
  of.forEach(({ at, outcome }, index) => {
    const time = Math.min(to, of[index + 1]?.at ?? to) - Math.max(from, at);
    if (time > 0) spent[outcome] = (spent[outcome] ?? 0) + time;
  });
  return spent;
}

/** The time spent in one hour, as far as it has been measured: up to the newest sample. */
export function spentInHour(
  of: readonly StoredTransition[],
  hour: number,
  newest: number | undefined,
): readonly number[] {
  return spentBetween(of, startOfHour(hour), Math.min(startOfHour(hour + 1), newest ?? 0));
}

export function readSums(connection: Connection, per: Per, slot: number, series: number): Sums | undefined {
  const row = connection.get(selectSums[per], slotKey(slot, series));
  return row ? sumsFrom(row) : undefined;
}

export function* writeSums(per: Per, slot: number, series: number, sums: Sums): Transaction<void> {
  const { spent, runs, failures, latency } = sums;
  yield* run(upsertSums[per], slotKey(slot, series), ...spent, runs, failures, latency);
}

const sumsFrom = (row: Row): Sums => ({
  spent: outcomes.map((outcome) => numeric(row, outcome)),
  runs: numeric(row, "runs"),
  failures: numeric(row, "failures"),
  latency: blob(row, "latency"),
});

export const lastHourOf = (newest: number | undefined) => (newest === undefined ? -1 : hourOf(newest));
