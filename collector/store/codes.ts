/** Names as small numbers: series, and the metrics with labels that they measure. Kept in memory beside the tables. */
import { z } from "zod";
import type { Reading } from "../../core/sample.ts";
import type { CheckRef, Series } from "../../core/store/series.ts";
import { type Connection, numeric, text } from "./connection.ts";
import { seriesBits } from "./keys.ts";

export interface ReadingCode {
  readonly code: number;
  readonly series: number;
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
}

const Labels = z.record(z.string(), z.string());
const mostCodes = 2 ** seriesBits;

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
    for (const row of this.#connection.each("select id, target, check_id, vantage_point from series")) {
      this.#rememberSeries(numeric(row, "id"), {
        target: text(row, "target"),
        check: text(row, "check_id"),
        vantagePoint: text(row, "vantage_point"),
      });
    }
    for (const row of this.#connection.each("select id, series, metric, labels from reading_series")) {
      this.#rememberReading({
        code: numeric(row, "id"),
        series: numeric(row, "series"),
        metric: text(row, "metric"),
        labels: Labels.parse(JSON.parse(text(row, "labels"))),
      });
    }
  }

  /** Inside a transaction: makes the code when there is none. */
  seriesCode(series: Series): number {
    const known = this.#seriesCodes.get(nameOf(series));
    if (known !== undefined) return known;
    this.#connection.run(
      "insert into series (target, check_id, vantage_point) values (?, ?, ?)",
      series.target,
      series.check,
      series.vantagePoint,
    );
    const code = this.#newest("series");
    this.#rememberSeries(code, {
      target: series.target,
      check: series.check,
      vantagePoint: series.vantagePoint,
    });
    return code;
  }

  /** Inside a transaction: makes the code when there is none. */
  readingCode(series: number, { metric, labels }: Pick<Reading, "metric" | "labels">): number {
    const canonical = canonicalJson(labels ?? {});
    const known = this.#readingCodes.get(readingName(series, metric, canonical));
    if (known !== undefined) return known;
    this.#connection.run(
      "insert into reading_series (series, metric, labels) values (?, ?, ?)",
      series,
      metric,
      canonical,
    );
    const code = this.#newest("reading_series");
    this.#rememberReading({ code, series, metric, labels: labels ?? {} });
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

  #newest(table: "series" | "reading_series"): number {
    const row = this.#connection.get(`select max(id) as id from ${table}`);
    const code = row ? numeric(row, "id") : 0;
    if (code >= mostCodes) throw new RangeError(`the store cannot tell more than ${mostCodes} ${table} apart`);
    return code;
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

/** The same labels in another order are the same labels. */
export const canonicalJson = (labels: Readonly<Record<string, string>>) =>
  JSON.stringify(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));

const nameOf = ({ target, check, vantagePoint }: Series) => JSON.stringify([target, check, vantagePoint]);
const readingName = (series: number, metric: string, labels: string) => `${series} ${metric} ${labels}`;
const first = <T>([value]: readonly [T, ...unknown[]]) => value;
