/** Names as small numbers: series, and the metrics with labels that they measure. Kept in memory beside the tables. */
import { z } from "zod";
import type { Reading } from "../../core/sample.ts";
import type { CheckRef, Series } from "../../core/store/series.ts";
import type { Connection } from "./connection.ts";
import { seriesBits } from "./keys.ts";
import { numeric, text } from "./rows.ts";
import { get, type Statement, statement, type Transaction } from "./statements.ts";

export interface ReadingCode {
  readonly code: number;
  readonly series: number;
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
}

const Labels = z.record(z.string(), z.string());
const mostCodes = 2 ** seriesBits;

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

export class Codes {
  readonly #connection: Connection;
  #series = new Map<number, Series>();
  #seriesCodes = new Map<string, number>();
  #readings = new Map<number, ReadingCode>();
  #readingCodes = new Map<string, number>();

  constructor(connection: Connection) {
    this.#connection = connection;
    this.reload();
  }

  /** After a transaction that was undone: codes it gave out are void. */
  reload(): void {
    this.#series = new Map();
    this.#seriesCodes = new Map();
    this.#readings = new Map();
    this.#readingCodes = new Map();
    for (const row of this.#connection.each(allSeries)) {
      this.#rememberSeries(numeric(row, "id"), {
        target: text(row, "target"),
        check: text(row, "check_id"),
        vantagePoint: text(row, "vantage_point"),
      });
    }
    for (const row of this.#connection.each(allReadings)) {
      this.#rememberReading({
        code: numeric(row, "id"),
        series: numeric(row, "series"),
        metric: text(row, "metric"),
        labels: Labels.parse(JSON.parse(text(row, "labels"))),
      });
    }
  }

  seriesCode(series: Series): number | undefined {
    return this.#seriesCodes.get(nameOf(series));
  }

  /** Where there is no code yet. */
  *addSeries({ target, check, vantagePoint }: Series): Transaction<number> {
    const code = yield* made(insertSeries, seriesByName, [target, check, vantagePoint]);
    this.#rememberSeries(code, { target, check, vantagePoint });
    return code;
  }

  readingCode(series: number, { metric, labels }: Pick<Reading, "metric" | "labels">): number | undefined {
    return this.#readingCodes.get(readingName(series, metric, canonicalJson(labels ?? {})));
  }

  /** Where there is no code yet. */
  *addReading(series: number, { metric, labels = {} }: Pick<Reading, "metric" | "labels">): Transaction<number> {
    const code = yield* made(insertReading, readingByName, [series, metric, canonicalJson(labels)]);
    this.#rememberReading({ code, series, metric, labels });
    return code;
  }

  seriesOf(code: number): Series {
    const series = this.#series.get(code);
    if (!series) throw new Error(`the store has samples of series ${code}, which it does not name`);
    return series;
  }

  readingOf(code: number): ReadingCode | undefined {
    return this.#readings.get(code);
  }

  /** One check from all places it was seen from. */
  seriesOfCheck(of: CheckRef): readonly number[] {
    return [...this.#series].filter(([, { target, check }]) => target === of.target && check === of.check).map(first);
  }

  allSeries(): readonly number[] {
    return [...this.#series.keys()];
  }

  readingsOf(of: { readonly metric: string; readonly target?: string; readonly check?: string }): ReadingCode[] {
    return [...this.#readings.values()].filter(({ metric, series }) => {
      const { target, check } = this.seriesOf(series);
      return metric === of.metric && (of.target ?? target) === target && (of.check ?? check) === check;
    });
  }

  #rememberSeries(code: number, series: Series): void {
    this.#series.set(code, series);
    this.#seriesCodes.set(nameOf(series), code);
  }

  #rememberReading(reading: ReadingCode): void {
    this.#readings.set(reading.code, reading);
    this.#readingCodes.set(readingName(reading.series, reading.metric, canonicalJson(reading.labels)), reading.code);
  }
}

/** A new number for this name, or the one that somebody else gave it first. */
function* made(insert: Statement, byName: Statement, name: readonly (string | number)[]): Transaction<number> {
  const row = (yield* get(insert, ...name)) ?? (yield* get(byName, ...name));
  if (!row) throw new Error("a code that was just made is not there");
  const code = numeric(row, "id");
  if (code >= mostCodes) throw new RangeError(`the store cannot tell more than ${mostCodes} series or readings apart`);
  return code;
}

/** The same labels in another order are the same labels. */
export const canonicalJson = (labels: Readonly<Record<string, string>>) =>
  JSON.stringify(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));

const nameOf = ({ target, check, vantagePoint }: Series) => JSON.stringify([target, check, vantagePoint]);
const readingName = (series: number, metric: string, labels: string) => `${series} ${metric} ${labels}`;
const first = <T>([value]: readonly [T, ...unknown[]]) => value;
