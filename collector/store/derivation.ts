/**
 * Keeps hours and days derived while samples go on being written: what is to be derived, step by step, and how far it is.
 * Each step is planned by the reader (another thread) and written in one short transaction.
 */
import { dropLoose, looseHour } from "./batch.ts";
import { type Connection, numeric } from "./connection.ts";
import type { SeriesDay, SeriesHour } from "./derive.ts";
import type { StoredSample } from "./figures.ts";
import { dayOf, hourOf, slotKey, startOfHour } from "./keys.ts";
import { derivedUntil, stepsOf, writeProgress } from "./progress.ts";
import type { Reader } from "./reader.ts";
import { writeSums } from "./sums.ts";
import type { Tail } from "./tail.ts";
import { trim } from "./trim.ts";

/** An hour is derived this long after its end: by then its last runs are confirmed or not. */
const graceMilliseconds = 15 * 60_000;
const mostStepsAtOnce = 24;
const mostDaysInStep = 50;

interface Step {
  /** In one transaction. */
  write(): void;
  /** After it. */
  written?(): void;
}

export class Derivation {
  readonly #connection: Connection;
  readonly #reader: Reader;
  readonly #tail: Tail;
  /** Hours before this one have rows; undefined before the first sample. */
  #until: number | undefined;
  #steps = 0;
  /** What is being planned rests on the hours before this one… */
  #planned = 0;
  /** …and something came in there that the plan cannot know. */
  #overtaken = false;

  constructor(connection: Connection, reader: Reader, tail: Tail) {
    this.#connection = connection;
    this.#reader = reader;
    this.#tail = tail;
    this.reload();
  }

  get until(): number {
    return this.#until ?? 0;
  }

  get steps(): number {
    return this.#steps;
  }

  /** After a transaction that was undone. */
  reload(): void {
    this.#until = derivedUntil(this.#connection);
    this.#steps = stepsOf(this.#connection);
  }

  /** Inside the transaction that writes them: marks hours that are derived but are no longer right. */
  note(samples: readonly StoredSample[], transitions: readonly { readonly series: number; readonly at: number }[]) {
    for (const { series, at } of samples) {
      if (this.#until === undefined) this.#advance(hourOf(at));
      // The series may not have been measured since long before: those hours were derived as if it had ended.
      this.#touch(series, this.#tail.newest(series) ?? at);
      if (hourOf(at) < this.#planned) this.#overtaken = true;
    }
    for (const { series, at } of transitions) this.#touch(series, at);
  }

  /** Some steps, then the rest next time. */
  async maintain(now: number): Promise<void> {
    this.#mendClock(now);
    for (let steps = 0; steps < mostStepsAtOnce; steps++) {
      this.#planned = this.until;
      this.#overtaken = false;
      const step = await this.#plan(now);
      // Nothing goes before all that is to be had from it is derived.
      if (!step) return trim(this.#connection, now);
      if (this.#overtaken) return;
      this.#connection.transaction(() => {
        step.write();
        writeProgress(this.#connection, "steps", this.#steps + 1);
      });
      this.#steps++;
      step.written?.();
    }
  }

  #touch(series: number, at: number): void {
    if (hourOf(at) < this.#planned) this.#overtaken = true;
    if (this.#until === undefined || hourOf(at) >= this.#until) return;
    this.#connection.run(
      `insert into stale_hours (series, from_hour) values (?, ?)
       on conflict (series) do update set from_hour = min(from_hour, excluded.from_hour)`,
      series,
      hourOf(at),
    );
  }

  /** The clock was wrong and far ahead: hours that are still to come are not derived. */
  #mendClock(now: number): void {
    if (this.until > hourOf(now)) this.#connection.transaction(() => this.#advance(hourOf(now)));
  }

  /** @returns what is to be written next; undefined when all is done. */
  async #plan(now: number): Promise<Step | undefined> {
    return (
      (await this.#planLooseHour(now)) ??
      (await this.#planNextHours(now)) ??
      (await this.#planStaleHours()) ??
      (await this.#planDays())
    );
  }

  /** Samples that came late, into an hour that is derived already. */
  async #planLooseHour(now: number): Promise<Step | undefined> {
    const hour = looseHour(this.#connection, 0);
    if (hour === undefined || hour >= this.until || startOfHour(hour + 1) + graceMilliseconds > now) return undefined;
    const { hours } = await this.#reader.ask("planLateHour", { hour, newest: this.#tail.allNewest() });
    return { write: () => this.#writeHours(hours, hour, hour + 1), written: () => this.#tail.forget(hour, hour + 1) };
  }

  async #planNextHours(now: number): Promise<Step | undefined> {
    const from = this.#until;
    const end = hourOf(now - graceMilliseconds);
    if (from === undefined || from >= end) return undefined;
    this.#planned = end;
    const { hours, next } = await this.#reader.ask("planHours", { from, end, newest: this.#tail.allNewest() });
    const write = () => {
      this.#writeHours(hours, from, next);
      this.#advance(next);
    };
    return { write, written: () => this.#tail.forget(from, next) };
  }

  async #planStaleHours(): Promise<Step | undefined> {
    const row = this.#connection.get("select series, from_hour from stale_hours limit 1");
    if (!row) return undefined;
    const [series, from] = [numeric(row, "series"), numeric(row, "from_hour")];
    const stale = { series, from, until: this.until, newest: this.#tail.newest(series) };
    const { hours, next } = await this.#reader.ask("planStaleHours", stale);
    const write = () => {
      for (const { hour, sums } of hours) writeSums(this.#connection, "hour", hour, series, sums);
      this.#markDays(hours);
      if (next === undefined) this.#connection.run("delete from stale_hours where series = ?", series);
      else this.#connection.run("update stale_hours set from_hour = ? where series = ?", next, series);
    };
    return { write };
  }

  async #planDays(): Promise<Step | undefined> {
    const rows = this.#connection.all("select id from stale_day order by id limit ?", mostDaysInStep);
    if (rows.length === 0) return undefined;
    const keys = rows.map((row) => numeric(row, "id"));
    const { days } = await this.#reader.ask("planDays", { keys });
    const write = () => {
      for (const day of days) this.#writeDay(day);
    };
    return { write };
  }

  #writeHours(hours: readonly SeriesHour[], from: number, next: number): void {
    for (const { series, hour, sums, packed } of hours) {
      writeSums(this.#connection, "hour", hour, series, sums);
      if (!packed) continue;
      const { block, lastAt, readings } = packed;
      this.#connection.run(
        "insert or replace into block (id, body, details) values (?, ?, ?)",
        slotKey(hour, series),
        block.body,
        block.details,
      );
      this.#connection.run("update series set last_at = max(coalesce(last_at, ?1), ?1) where id = ?2", lastAt, series);
      for (const [code, value] of readings) this.#writeReading("hour", hour, code, value);
    }
    dropLoose(this.#connection, from, next);
    this.#markDays(hours);
  }

  #writeDay({ key, sums, readings }: SeriesDay): void {
    const [day, series] = [Math.floor(key / slotKey(1, 0)), key % slotKey(1, 0)];
    if (sums) writeSums(this.#connection, "day", day, series, sums);
    for (const [code, value] of readings) this.#writeReading("day", day, code, value);
    this.#connection.run("delete from stale_day where id = ?", key);
  }

  #writeReading(per: "hour" | "day", slot: number, code: number, value: number): void {
    this.#connection.run(`insert or replace into reading_${per} (id, value) values (?, ?)`, slotKey(slot, code), value);
  }

  /** Finished days have to follow their hours; the running one is finished by `#advance`. */
  #markDays(hours: readonly SeriesHour[]): void {
    for (const { hour, series } of hours) {
      if (dayOf(hour) < dayOf(this.until)) this.#markDay(slotKey(dayOf(hour), series));
    }
  }

  #markDay(key: number): void {
    this.#connection.run("insert into stale_day (id) values (?) on conflict do nothing", key);
  }

  #advance(hour: number): void {
    for (let day = dayOf(this.#until ?? hour); day < dayOf(hour); day++) {
      const [from, to] = [slotKey(day * 24, 0), slotKey((day + 1) * 24, 0)];
      const rows = this.#connection.all(
        "select distinct id % ? as series from hour where id >= ? and id < ?",
        slotKey(1, 0),
        from,
        to,
      );
      for (const row of rows) this.#markDay(slotKey(day, numeric(row, "series")));
    }
    this.#until = hour;
    writeProgress(this.#connection, "derived_until", hour);
  }
}
