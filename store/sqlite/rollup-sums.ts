/** Rows of hourly and daily rollups: time in each outcome, runs, failures and latency, added up, read and written. */
import { emptyHistogram, merge } from "../../core/histogram.ts";
import { type Outcome, outcomes } from "../../core/sample.ts";
import type { Connection } from "./connection.ts";
import type { HourSum } from "./head-block.ts";
import { blob, numeric, type Row } from "./rows.ts";
import { outcomeIndex } from "./sample-bytes.ts";
import { hourOf, type Per, slotKey } from "./slot-keys.ts";
import { run, statement, type Transaction } from "./statements.ts";
import { nothingSpent } from "./transitions.ts";

/** What one row of `hour` or `day` holds. */
export interface Sums extends HourSum {
  /** Milliseconds by index of `outcomes`; together less than the slot where nothing was measured. */
  readonly spent: readonly number[];
}

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
