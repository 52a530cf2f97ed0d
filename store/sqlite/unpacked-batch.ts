/**
 * Samples that are not packed yet: those of one commit that began in the same hour are one row of the table `batch`, about
 * 30 bytes each, with one insert for all. They stay there until their hour is over and is packed by series (packed-block.ts).
 */
import { ByteReader, ByteWriter } from "../../core/binary-encoding.ts";
import type { Connection } from "./connection.ts";
import { blob, maybeNumeric, numeric } from "./rows.ts";
import {
  readReadings,
  readTimings,
  type StoredSample,
  skipReadings,
  skipTimings,
  writeReadings,
  writeTimings,
} from "./sample-bytes.ts";
import { hourOf, startOfHour } from "./slot-keys.ts";
import { run, statement, type Transaction } from "./statements.ts";

/** Which samples are worth reading. */
export type Wanted = (series: number, at: number) => boolean;

/** Flags beside the outcome. */
const hasReason = 4;
const hasDetail = 8;

const insert = statement("insert into batch (hour, body) values (?, ?)");
const within = statement("select hour, body from batch where hour >= ? and hour <= ? order by id");
const oldestFrom = statement("select min(hour) as hour from batch where hour >= ?");
const newest = statement("select max(hour) as hour from batch");
const remove = statement("delete from batch where hour >= ? and hour < ?");

export function* writeBatches(samples: readonly StoredSample[]): Transaction<void> {
  for (const [hour, some] of Map.groupBy(samples, ({ at }) => hourOf(at))) {
    yield* run(insert, hour, batchBytes(some, hour));
  }
}

/** In order of arrival. */
export function* unpackedSamples(
  connection: Connection,
  hours: { readonly from: number; readonly to: number },
  wanted: Wanted,
): Generator<StoredSample> {
  const rows = connection.all(within, Math.max(hours.from, -lastHour), Math.min(hours.to, lastHour));
  for (const row of rows) yield* batchSamples(blob(row, "body"), numeric(row, "hour"), wanted);
}

/** The series that have unpacked samples in this hour. */
export function unpackedSeries(connection: Connection, hour: number): ReadonlySet<number> {
  const found = new Set<number>();
  const passOver: Wanted = (series) => {
    found.add(series);
    return false;
  };
  Array.from(unpackedSamples(connection, { from: hour, to: hour }, passOver));
  return found;
}

/** The oldest hour from this one on that is not packed. */
export function oldestUnpackedHour(connection: Connection, from: number): number | undefined {
  const row = connection.get(oldestFrom, from);
  return row && maybeNumeric(row, "hour");
}

export function newestUnpackedHour(connection: Connection): number | undefined {
  const row = connection.get(newest);
  return row && maybeNumeric(row, "hour");
}

/** Deletes those of the hours from `from` on, before `end`. */
export function* deleteUnpacked(from: number, end: number): Transaction<void> {
  yield* run(remove, from, end);
}

const lastHour = Number.MAX_SAFE_INTEGER;

export function batchBytes(samples: readonly StoredSample[], hour: number): Uint8Array {
  const writer = new ByteWriter();
  let last = startOfHour(hour);
  for (const { series, at, outcome, timings, reason, detail, readings } of samples) {
    writer.varint(series);
    writer.signed(at - last);
    last = at;
    writer.byte(outcome + (reason === undefined ? 0 : hasReason) + (detail === undefined ? 0 : hasDetail));
    writeTimings(writer, timings);
    writeReadings(writer, readings);
    if (reason !== undefined) writer.text(reason);
    if (detail !== undefined) writer.text(detail);
  }
  return writer.finish();
}

export function* batchSamples(bytes: Uint8Array, hour: number, wanted: Wanted): Generator<StoredSample> {
  const reader = new ByteReader(bytes);
  let at = startOfHour(hour);
  while (!reader.finished) {
    const series = reader.varint();
    at += reader.signed();
    const flags = reader.byte();
    if (!wanted(series, at)) {
      skipTimings(reader);
      skipReadings(reader);
      if (flags & hasReason) reader.bytes(reader.varint());
      if (flags & hasDetail) reader.bytes(reader.varint());
      continue;
    }
    yield {
      series,
      at,
      outcome: flags % hasReason,
      timings: readTimings(reader),
      readings: readReadings(reader),
      reason: flags & hasReason ? reader.text() : undefined,
      detail: flags & hasDetail ? reader.text() : undefined,
    };
  }
}
