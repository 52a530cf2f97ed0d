/**
 * From PostgreSQL's answers to readings and notes (sizes, write-ahead log, vacuum, replication slots), and what could
 * not be measured.
 */
import { z } from "zod";
import { counter, gauge, type MetricFamily } from "../../core/metric-families.ts";
import { plainText } from "../../core/plain-text.ts";
import type { Finding, Reading } from "../../core/sample.ts";
import { findingOfQuestions, type Refusal } from "./database-refusals.ts";
import { type Ask, statementSeconds } from "./postgres-client.ts";
import type * as questions from "./postgres-questions.ts";

export type RowOf<Question extends { readonly row: z.ZodType }> = z.output<Question["row"]>;

export const postgresMetrics: readonly MetricFamily[] = [
  gauge("postgres_database_size_bytes", "Size of a database on disk.", ["database"]),
  gauge("postgres_wal_bytes", "Size of the write-ahead log on disk."),
  gauge("postgres_connections_ratio", "Client connections in use, of those that may be used."),
  counter("postgres_wal_written_bytes_total", "Write-ahead log written since the cluster was made."),
  gauge("postgres_temp_bytes", "Temporary files of running queries on disk."),
  gauge("postgres_relation_size_bytes", "Estimated size of a table with its indexes and TOAST.", ["relation"]),
  gauge("postgres_relation_file_bytes", "Exact size of one table, index or TOAST table.", ["relation"]),
  gauge("postgres_slot_retained_bytes", "Write-ahead log kept for a replication slot.", ["slot"]),
  gauge("postgres_wraparound_ratio", "Oldest transaction number, of those that can exist before writes stop."),
];

/** Gathers what one run found, and what it could not. */
export class Findings {
  readonly readings: Reading[] = [];
  readonly refused = new Map<string, Refusal>();
  readonly #notes: string[] = [];
  #answered = 0;

  /** Rows, or undefined when the question was refused: not measured, never zero. */
  async ask<T extends z.ZodType>(
    ask: Ask,
    what: string,
    question: { readonly sql: string; readonly row: T },
  ): Promise<readonly z.output<T>[] | undefined> {
    const answer = await ask(question.sql);
    if (typeof answer === "string") {
      this.refused.set(what, answer);
      return undefined;
    }
    const rows = z.array(question.row).safeParse(answer);
    if (!rows.success) {
      this.refused.set(what, "failed");
      return undefined;
    }
    this.#answered++;
    return rows.data;
  }

  size(metric: string, value: number | undefined): number | undefined {
    if (value !== undefined) this.readings.push({ metric, value });
    return value;
  }

  databases(rows: readonly RowOf<typeof questions.databases>[]): void {
    const [biggest, others] = [rows.slice(0, mostDatabases), rows.slice(mostDatabases)];
    const size = (database: string, value: number) =>
      this.readings.push({ metric: "postgres_database_size_bytes", value, labels: { database } });
    for (const { name, bytes } of biggest) if (bytes !== null) size(name, bytes);
    if (others.length > 0) size("(others)", sum(others.map(({ bytes }) => bytes ?? 0)));
    const closed = rows.filter(({ bytes }) => bytes === null);
    if (closed.length > 0) {
      const names = closed.map(({ name }) => plainText(name, 63)).slice(0, 5);
      this.#notes.push(`not counted, because our role may not CONNECT: ${names.join(", ")}`);
    }
    if (rows.length === 0) return;
    const oldest = Math.max(...rows.flatMap(({ xid_age, mxid_age }) => [xid_age, mxid_age]));
    this.readings.push({ metric: "postgres_wraparound_ratio", value: oldest / wraparoundAt });
  }

  instance(row: RowOf<typeof questions.instance> | undefined): void {
    if (!row) return;
    const { used_connections: used, usable_connections: usable, wal_position: position } = row;
    if (used === null) this.refused.set("connections", "not allowed");
    else if (usable > 0) this.readings.push({ metric: "postgres_connections_ratio", value: used / usable });
    if (position !== null) this.readings.push({ metric: "postgres_wal_written_bytes_total", value: position });
  }

  slots(rows: readonly RowOf<typeof questions.slots>[]): void {
    for (const { name, active, wal_status: status, retained_bytes: retained } of rows) {
      if (retained !== null) {
        this.readings.push({
          metric: "postgres_slot_retained_bytes",
          value: Math.max(0, retained),
          labels: { slot: name },
        });
      }
      if (!active || (status !== null && status !== "reserved")) {
        const size = retained === null ? "" : `, keeps ${Math.round(retained / 1_000_000)} MB of write-ahead log`;
        this.#notes.push(`slot ${plainText(name, 63)}: ${active ? "active" : "not active"}, ${status ?? "new"}${size}`);
      }
    }
  }

  relations(
    rows: readonly RowOf<typeof questions.relations>[],
    databases: readonly RowOf<typeof questions.databases>[],
  ): void {
    const reading = (relation: string, value: number) =>
      this.readings.push({ metric: "postgres_relation_size_bytes", value, labels: { relation } });
    for (const { name, bytes } of rows) reading(name, bytes);
    const all = databases.find(({ here }) => here)?.bytes;
    // Estimates may lag behind a table that was just emptied.
    if (all) reading("(others)", Math.max(0, all - sum(rows.map(({ bytes }) => bytes))));
  }

  files(rows: readonly RowOf<typeof questions.files>[]): void {
    for (const { name, bytes } of rows) {
      if (bytes !== null)
        this.readings.push({ metric: "postgres_relation_file_bytes", value: bytes, labels: { relation: name } });
    }
  }

  activity(
    progress: readonly RowOf<typeof questions.progress>[],
    holders: readonly RowOf<typeof questions.holders>[],
  ): void {
    for (const { what, phase } of progress) this.#notes.push(`running: ${what ?? "?"}, ${phase ?? "?"}`);
    for (const { what, seconds } of holders) {
      if (seconds !== null && seconds >= longTransactionSeconds) {
        this.#notes.push(
          `a transaction (${what ?? "hidden"}) is open for ${seconds} s: vacuum cannot clean up behind it`,
        );
      }
    }
  }

  finding(): Finding {
    return findingOfQuestions(
      { readings: this.readings, answered: this.#answered > 0, refused: this.refused, notes: this.#notes },
      { grant: "GRANT pg_monitor to our role", seconds: statementSeconds },
    );
  }
}

const mostDatabases = 50;
/** Transaction numbers that can be handed out before the server stops taking writes. */
const wraparoundAt = 2_000_000_000;
const longTransactionSeconds = 3600;
export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
