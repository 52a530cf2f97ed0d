/**
 * Keeps hourly and daily rollups up to date while samples are written: which hour or day comes next, and which must be
 * derived again. Each step is planned by the reader, in another thread (rollup-plan.ts), and written in one short transaction.
 */

import type { Connection } from "./connection.ts";
import type { HeadBlock } from "./head-block.ts";
import type { Reader } from "./reader.ts";
import { deleteOldRows } from "./retention.ts";
import type { SeriesDay, SeriesHour } from "./rollup-plan.ts";
import { derivedUntil, stepsOf, writeProgress } from "./rollup-progress.ts";
import { writeSums } from "./rollup-sums.ts";
import { numeric } from "./rows.ts";
import type { StoredSample } from "./sample-bytes.ts";
import { dayOf, hourOf, slotKey, startOfHour } from "./slot-keys.ts";
import { all, run, statement, type Transaction } from "./statements.ts";
import { deleteUnpacked, oldestUnpackedHour } from "./unpacked-batch.ts";

/** An hour is derived this long after its end: by then its last runs are confirmed or not. */
const graceMilliseconds = 15 * 60_000;
const mostStepsAtOnce = 24;
const mostDaysInStep = 50;

interface Step {
  /** In one transaction. */
  write(): Transaction<void>;
  /** After it. */
  written?(): void;
}

const markHours = statement(
  `insert into stale_hours (series, from_hour) values (?, ?)
   on conflict (series) do update set from_hour = case
     when excluded.from_hour < stale_hours.from_hour then excluded.from_hour else stale_hours.from_hour end`,
);
const anyStaleHours = statement("select series, from_hour from stale_hours limit 1");
const removeStaleHours = statement("delete from stale_hours where series = ?");
const moveStaleHours = statement("update stale_hours set from_hour = ? where series = ?");
const markDay = statement("insert into stale_day (id) values (?) on conflict do nothing");
const staleDays = statement("select id from stale_day order by id limit ?");
const removeStaleDay = statement("delete from stale_day where id = ?");
const upsertBlock = statement(
  `insert into block (id, body, details) values (?, ?, ?)
   on conflict (id) do update set body = excluded.body, details = excluded.details`,
);
const packedUntil = statement("update series set last_at = ? where id = ? and (last_at is null or last_at < ?)");
const upsertReading = {
  hour: statement(
    "insert into reading_hour (id, value) values (?, ?) on conflict (id) do update set value = excluded.value",
  ),
  day: statement(
    "insert into reading_day (id, value) values (?, ?) on conflict (id) do update set value = excluded.value",
  ),
};
const seriesOfHours = statement("select distinct id % ? as series from hour where id >= ? and id < ?");

export class Derivation {
  readonly #connection: Connection;
  readonly #reader: Reader;
  readonly #head: HeadBlock;
  /** Hours before this one have rows; undefined before the first sample. */
  #until: number | undefined;
  #steps = 0;
  /** The step that is being planned reads hours before this one. */
  #planned = 0;
  /** A sample or transition was committed into those hours meanwhile: the plan is out of date and is not written. */
  #outdated = false;

  constructor(connection: Connection, reader: Reader, head: HeadBlock) {
    this.#connection = connection;
    this.#reader = reader;
    this.#head = head;
    this.reload();
  }

  get until(): number {
    return this.#until ?? 0;
  }

  get steps(): number {
    return this.#steps;
  }

  /** After a rollback: reads again how far the file is. */
  reload(): void {
    this.#until = derivedUntil(this.#connection);
    this.#steps = stepsOf(this.#connection);
  }

  /** Inside the transaction that commits them: marks hours that are derived already and are now stale. */
  *note(
    samples: readonly StoredSample[],
    transitions: readonly { readonly series: number; readonly at: number }[],
  ): Transaction<void> {
    for (const { series, at } of samples) {
      if (this.#until === undefined) yield* this.#advance(hourOf(at));
      // The series may not have been measured since long before: those hours were derived as if it had ended.
      const since = this.#head.newest(series) ?? at;
      if (this.#isDerived(since)) yield* this.#markStale(series, since);
      if (hourOf(at) < this.#planned) this.#outdated = true;
    }
    for (const { series, at } of transitions) if (this.#isDerived(at)) yield* this.#markStale(series, at);
  }

  /** A few steps; the next call goes on. */
  async maintain(now: number): Promise<void> {
    this.#forgetFuture(now);
    for (let steps = 0; steps < mostStepsAtOnce; steps++) {
      this.#planned = this.until;
      this.#outdated = false;
      const step = await this.#plan(now);
      // Nothing is deleted before everything is derived from it.
      if (!step) return deleteOldRows(this.#connection, now);
      if (this.#outdated) return;
      const steps = this.#steps + 1;
      this.#connection.transaction(function* () {
        yield* step.write();
        yield* writeProgress("steps", steps);
      });
      this.#steps++;
      step.written?.();
    }
  }

  /** Is the hour of this moment derived already, or being planned? */
  #isDerived(at: number): boolean {
    return hourOf(at) < Math.max(this.#planned, this.until);
  }

  *#markStale(series: number, at: number): Transaction<void> {
    if (hourOf(at) < this.#planned) this.#outdated = true;
    if (hourOf(at) < this.until) yield* run(markHours, series, hourOf(at));
  }

  /** After the clock was wrong and far ahead: hours in the future do not count as derived. */
  #forgetFuture(now: number): void {
    if (this.until > hourOf(now)) this.#connection.transaction(() => this.#advance(hourOf(now)));
  }

  /** @returns what is to be written next; undefined when all is done. */
  async #plan(now: number): Promise<Step | undefined> {
    return (
      (await this.#planLateHour(now)) ??
      (await this.#planNextHours(now)) ??
      (await this.#planStaleHours()) ??
      (await this.#planDays())
    );
  }

  /** Samples that came late, into an hour that is derived already. */
  async #planLateHour(now: number): Promise<Step | undefined> {
    const hour = oldestUnpackedHour(this.#connection, 0);
    if (hour === undefined || hour >= this.until || startOfHour(hour + 1) + graceMilliseconds > now) return undefined;
    const { hours } = await this.#reader.ask("planLateHour", { hour, newest: this.#head.allNewest() });
    return { write: () => this.#writeHours(hours, hour, hour + 1), written: () => this.#head.forget(hour, hour + 1) };
  }

  async #planNextHours(now: number): Promise<Step | undefined> {
    const from = this.#until;
    const end = hourOf(now - graceMilliseconds);
    if (from === undefined || from >= end) return undefined;
    this.#planned = end;
    const { hours, next } = await this.#reader.ask("planHours", { from, end, newest: this.#head.allNewest() });
    const write = () => this.#finishHours(hours, from, next);
    return { write, written: () => this.#head.forget(from, next) };
  }

  async #planStaleHours(): Promise<Step | undefined> {
    const row = this.#connection.get(anyStaleHours);
    if (!row) return undefined;
    const [series, from] = [numeric(row, "series"), numeric(row, "from_hour")];
    const stale = { series, from, until: this.until, newest: this.#head.newest(series) };
    const { hours, next } = await this.#reader.ask("planStaleHours", stale);
    return { write: () => this.#writeStaleHours(series, hours, next) };
  }

  async #planDays(): Promise<Step | undefined> {
    const rows = this.#connection.all(staleDays, mostDaysInStep);
    if (rows.length === 0) return undefined;
    const keys = rows.map((row) => numeric(row, "id"));
    const { days } = await this.#reader.ask("planDays", { keys });
    return { write: () => writeDays(days) };
  }

  *#finishHours(hours: readonly SeriesHour[], from: number, next: number): Transaction<void> {
    yield* this.#writeHours(hours, from, next);
    yield* this.#advance(next);
  }

  /** @param next the first hour that is still stale; undefined when there is none. */
  *#writeStaleHours(series: number, hours: readonly SeriesHour[], next: number | undefined): Transaction<void> {
    for (const { hour, sums } of hours) yield* writeSums("hour", hour, series, sums);
    yield* this.#markDays(hours);
    if (next === undefined) yield* run(removeStaleHours, series);
    else yield* run(moveStaleHours, next, series);
  }

  *#writeHours(hours: readonly SeriesHour[], from: number, next: number): Transaction<void> {
    for (const { series, hour, sums, packed } of hours) {
      yield* writeSums("hour", hour, series, sums);
      if (!packed) continue;
      const { block, lastAt, readings } = packed;
      yield* run(upsertBlock, slotKey(hour, series), block.body, block.details);
      yield* run(packedUntil, lastAt, series, lastAt);
      for (const [id, value] of readings) yield* run(upsertReading.hour, slotKey(hour, id), value);
    }
    yield* deleteUnpacked(from, next);
    yield* this.#markDays(hours);
  }

  /** Finished days have to follow their hours; the running one is finished by `#advance`. */
  *#markDays(hours: readonly SeriesHour[]): Transaction<void> {
    for (const { hour, series } of hours) {
      if (dayOf(hour) < dayOf(this.until)) yield* run(markDay, slotKey(dayOf(hour), series));
    }
  }

  *#advance(hour: number): Transaction<void> {
    for (let day = dayOf(this.#until ?? hour); day < dayOf(hour); day++) {
      const [from, to] = [slotKey(day * 24, 0), slotKey((day + 1) * 24, 0)];
      const rows = yield* all(seriesOfHours, slotKey(1, 0), from, to);
      for (const row of rows) yield* run(markDay, slotKey(day, numeric(row, "series")));
    }
    this.#until = hour;
    yield* writeProgress("derived_until", hour);
  }
}

function* writeDays(days: readonly SeriesDay[]): Transaction<void> {
  for (const { key, sums, readings } of days) {
    const [day, series] = [Math.floor(key / slotKey(1, 0)), key % slotKey(1, 0)];
    if (sums) yield* writeSums("day", day, series, sums);
    for (const [id, value] of readings) yield* run(upsertReading.day, slotKey(day, id), value);
    yield* run(removeStaleDay, key);
  }
}
