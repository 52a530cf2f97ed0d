/**
 * Series ids: small numbers in place of names, for each series of samples and each series of readings (a metric with labels).
 * They are kept in memory beside the tables.
 */
import { z } from "zod";
import type { Reading } from "../../core/sample.ts";
import { type CheckRef, type Series, seriesName } from "../../core/store/series.ts";
import type { Connection } from "./connection.ts";
import { json, numeric, type Row, readable, text } from "./rows.ts";
import { seriesBits } from "./slot-keys.ts";
import { get, type Statement, statement, type Transaction } from "./statements.ts";

export interface StoredReadingSeries {
  readonly id: number;
  readonly series: number;
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
}

const Labels = z.record(z.string(), z.string());
const mostIds = 2 ** seriesBits;

const allSeries = statement("select id, target, check_id, vantage_point from series");
const allReadings = statement("select id, series, metric, labels from reading_series");
const insertSeries = statement(
  "insert into series (target, check_id, vantage_point) values (?, ?, ?) on conflict do nothing returning id",
);
const seriesByName = statement("select id from series where target = ? and check_id = ? and vantage_point = ?");
const insertReading = statement(
  "insert into reading_series (series, metric, labels) values (?, ?, ?) on conflict do nothing returning id",
);
const readingByName = statement("select id from reading_series where series = ? and metric = ? and labels = ?");

export class SeriesIds {
  readonly #connection: Connection;
  #series = new Map<number, Series>();
  #seriesIdByName = new Map<string, number>();
  #readings = new Map<number, StoredReadingSeries>();
  #readingIdByName = new Map<string, number>();

  constructor(connection: Connection) {
    this.#connection = connection;
    this.reload();
  }

  /** After a rollback: the ids that the transaction gave out do not exist. */
  reload(): void {
    this.#series = new Map();
    this.#seriesIdByName = new Map();
    this.#readings = new Map();
    this.#readingIdByName = new Map();
    for (const row of this.#connection.each(allSeries)) {
      this.#rememberSeries(numeric(row, "id"), {
        target: text(row, "target"),
        check: text(row, "check_id"),
        vantagePoint: text(row, "vantage_point"),
      });
    }
    for (const row of this.#connection.each(allReadings)) {
      const reading = readable(row, readingFrom);
      if (reading) this.#rememberReading(reading);
    }
  }

  seriesId(series: Series): number | undefined {
    return this.#seriesIdByName.get(seriesName(series));
  }

  /** Where there is no id yet. */
  *addSeries({ target, check, vantagePoint }: Series): Transaction<number> {
    const id = yield* made(insertSeries, seriesByName, [target, check, vantagePoint]);
    this.#rememberSeries(id, { target, check, vantagePoint });
    return id;
  }

  readingId(series: number, { metric, labels }: Pick<Reading, "metric" | "labels">): number | undefined {
    return this.#readingIdByName.get(readingName(series, metric, canonicalJson(labels ?? {})));
  }

  /** Where there is no id yet. */
  *addReading(series: number, { metric, labels = {} }: Pick<Reading, "metric" | "labels">): Transaction<number> {
    const id = yield* made(insertReading, readingByName, [series, metric, canonicalJson(labels)]);
    this.#rememberReading({ id, series, metric, labels });
    return id;
  }

  seriesOf(id: number): Series {
    const series = this.#series.get(id);
    if (!series) throw new Error(`the store has samples of series ${id}, which it does not name`);
    return series;
  }

  readingOf(id: number): StoredReadingSeries | undefined {
    return this.#readings.get(id);
  }

  /** One check from all places it was seen from. */
  seriesOfCheck(of: CheckRef): readonly number[] {
    return [...this.#series].filter(([, { target, check }]) => target === of.target && check === of.check).map(first);
  }

  allSeries(): readonly number[] {
    return [...this.#series.keys()];
  }

  seriesOfTargets(ids: readonly string[]): readonly number[] {
    const wanted = new Set(ids);
    return [...this.#series].filter(([, { target }]) => wanted.has(target)).map(first);
  }

  readingsOf(of: {
    readonly metric: string;
    readonly target?: string;
    readonly check?: string;
  }): StoredReadingSeries[] {
    return [...this.#readings.values()].filter(({ metric, series }) => {
      const { target, check } = this.seriesOf(series);
      return metric === of.metric && (of.target ?? target) === target && (of.check ?? check) === check;
    });
  }

  #rememberSeries(id: number, series: Series): void {
    this.#series.set(id, series);
    this.#seriesIdByName.set(seriesName(series), id);
  }

  #rememberReading(reading: StoredReadingSeries): void {
    this.#readings.set(reading.id, reading);
    this.#readingIdByName.set(readingName(reading.series, reading.metric, canonicalJson(reading.labels)), reading.id);
  }
}

export const readingFrom = (row: Row): StoredReadingSeries => ({
  id: numeric(row, "id"),
  series: numeric(row, "series"),
  metric: text(row, "metric"),
  labels: json(row, "labels", Labels),
});

/** A new id for this name, or the one that another process gave it first. */
function* made(insert: Statement, byName: Statement, name: readonly (string | number)[]): Transaction<number> {
  const row = (yield* get(insert, ...name)) ?? (yield* get(byName, ...name));
  if (!row) throw new Error("an id that was just made is not there");
  const id = numeric(row, "id");
  if (id >= mostIds) throw new RangeError(`the store cannot tell more than ${mostIds} series or readings apart`);
  return id;
}

/** The same labels in another order are the same labels. */
export const canonicalJson = (labels: Readonly<Record<string, string>>) =>
  JSON.stringify(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));

const readingName = (series: number, metric: string, labels: string) => `${series} ${metric} ${labels}`;
const first = <T>([value]: readonly [T, ...unknown[]]) => value;
