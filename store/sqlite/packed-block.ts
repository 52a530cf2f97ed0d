/**
 * Packs an hour of samples of one series into a compressed block, and unpacks it: column after column, each as differences,
 * then zstd; about 10 to 20 bytes a sample. Evidence and explanations of bad samples go into a second blob, so that the rest
 * is read without them.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { ByteReader, ByteWriter } from "../../core/binary-encoding.ts";
import { isShort, type StoredReading, type StoredSample, type Timings, timingCount } from "./sample-bytes.ts";

export interface Block {
  readonly body: Uint8Array;
  readonly details: Uint8Array | null;
}

const version = 1;
/** An hour of one series, whatever it holds, is far below; a damaged file must not fill the memory. */
const largestBytes = 64 * 1024 * 1024;

/** @param samples of one series, in rising order of time. */
export function pack(samples: readonly StoredSample[], start: number): Block {
  const writer = new ByteWriter();
  writer.byte(version);
  writer.varint(samples.length);
  let last = start;
  for (const { at } of samples) {
    writer.signed(at - last);
    last = at;
  }
  for (const { outcome } of samples) writer.byte(outcome);
  for (let index = 0; index < timingCount; index++) {
    writeColumn(
      writer,
      samples.map((sample) => sample.timings[index]),
    );
  }
  writeReasons(writer, samples);
  writeReadings(writer, samples);
  const details = samples.flatMap(({ detail }, index) => (detail === undefined ? [] : [[index, detail]]));
  return {
    body: compress(writer.finish()),
    details: details.length > 0 ? compress(new TextEncoder().encode(JSON.stringify(details))) : null,
  };
}

/** @param details left out when nobody will look at them. */
export function unpack(
  block: { readonly body: Uint8Array; readonly details: Uint8Array | undefined },
  series: number,
  start: number,
): readonly StoredSample[] {
  const reader = new ByteReader(decompress(block.body));
  const found = reader.byte();
  if (found !== version) throw new RangeError(`a block of samples has the unknown form ${found}`);
  const count = reader.varint();
  const indexes = Array.from({ length: count }, (_, index) => index);
  let last = start;
  const times = indexes.map(() => {
    last += reader.signed();
    return last;
  });
  const outcomes = indexes.map(() => reader.byte());
  const timings = Array.from({ length: timingCount }, () => readColumn(reader, count));
  const reasons = readReasons(reader, count);
  const readings = readReadings(reader, count);
  const details = readDetails(block.details);
  return indexes.map((index) => ({
    series,
    at: times[index] ?? start,
    outcome: outcomes[index] ?? 0,
    timings: timings.map((column) => column[index]) satisfies Timings,
    reason: reasons[index],
    detail: details.get(index),
    readings: readings[index] ?? [],
  }));
}

/** 0: nothing there, 1: all there, 2: a bit each; then the differences. */
function writeColumn(writer: ByteWriter, values: readonly (number | undefined)[]): void {
  const present = writePresence(writer, values);
  let last = 0;
  for (const value of present) {
    writer.signed(value - last);
    last = value;
  }
}

function readColumn(reader: ByteReader, count: number): readonly (number | undefined)[] {
  let last = 0;
  return readPresence(reader, count).map((there) => {
    if (!there) return undefined;
    last += reader.signed();
    return last;
  });
}

function writePresence(writer: ByteWriter, values: readonly (number | undefined)[]): readonly number[] {
  const present = values.filter((value) => value !== undefined);
  writer.byte(present.length === 0 ? 0 : present.length === values.length ? 1 : 2);
  if (present.length === 0 || present.length === values.length) return present;
  for (let from = 0; from < values.length; from += 8) {
    const eight = values.slice(from, from + 8);
    writer.byte(eight.reduce<number>((mask, value, bit) => (value === undefined ? mask : mask | (1 << bit)), 0));
  }
  return present;
}

function readPresence(reader: ByteReader, count: number): readonly boolean[] {
  const kind = reader.byte();
  const mask = kind === 2 ? reader.bytes(Math.ceil(count / 8)) : undefined;
  return Array.from({ length: count }, (_, index) =>
    mask ? ((mask[index >> 3] ?? 0) & (1 << (index & 7))) !== 0 : kind === 1,
  );
}

/** The different sentences once each, then the number of each sample's sentence. */
function writeReasons(writer: ByteWriter, samples: readonly StoredSample[]): void {
  const sentences = [...new Set(samples.flatMap(({ reason }) => reason ?? []))];
  const numbers = new Map(sentences.map((sentence, number) => [sentence, number]));
  writer.varint(sentences.length);
  for (const sentence of sentences) writer.text(sentence);
  writeColumn(
    writer,
    samples.map(({ reason }) => (reason === undefined ? undefined : numbers.get(reason))),
  );
}

function readReasons(reader: ByteReader, count: number): readonly (string | undefined)[] {
  const sentences = Array.from({ length: reader.varint() }, () => reader.text());
  return readColumn(reader, count).map((number) => (number === undefined ? undefined : sentences[number]));
}

/** Series after series of readings: its id, whether all are short whole numbers, then the values. */
function writeReadings(writer: ByteWriter, samples: readonly StoredSample[]): void {
  const ids = new Set(samples.flatMap(({ readings }) => readings.map(({ id }) => id)));
  const byId = samples.map(({ readings }) => new Map(readings.map(({ id, value }) => [id, value])));
  writer.varint(ids.size);
  for (const id of ids) {
    const values = byId.map((readings) => readings.get(id));
    const short = values.every((value) => value === undefined || isShort(value));
    writer.varint(id * 2 + (short ? 0 : 1));
    if (short) writeColumn(writer, values);
    else for (const value of writePresence(writer, values)) writer.double(value);
  }
}

function readReadings(reader: ByteReader, count: number): readonly (readonly StoredReading[])[] {
  const readings = Array.from({ length: count }, (): StoredReading[] => []);
  for (let left = reader.varint(); left > 0; left--) {
    const head = reader.varint();
    const values =
      head % 2 === 0
        ? readColumn(reader, count)
        : readPresence(reader, count).map((there) => (there ? reader.double() : undefined));
    values.forEach((value, index) => {
      if (value !== undefined) readings[index]?.push({ id: Math.floor(head / 2), value });
    });
  }
  return readings;
}

function readDetails(details: Uint8Array | undefined): ReadonlyMap<number, string> {
  if (!details) return new Map();
  const pairs: [number, string][] = JSON.parse(new TextDecoder().decode(decompress(details)));
  return new Map(pairs);
}

const compress = (bytes: Uint8Array) =>
  new Uint8Array(zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 6 } }));
const decompress = (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes, { maxOutputLength: largestBytes }));
