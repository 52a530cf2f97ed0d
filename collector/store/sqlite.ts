/** The store on SQLite: one connection writes, a thread reads what may take long. See docs/decisions/002-storage.md. */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { HeartbeatState } from "../../core/heartbeat.ts";
import type { Sample } from "../../core/sample.ts";
import type { AnnotationStore } from "../../core/store/annotations.ts";
import type { AuditStore } from "../../core/store/audit.ts";
import type { Changes } from "../../core/store/changes.ts";
import type { HeartbeatStore } from "../../core/store/heartbeats.ts";
import type { IncidentStore } from "../../core/store/incidents.ts";
import type { JudgementStore } from "../../core/store/judgements.ts";
import type { KeyStore } from "../../core/store/keys.ts";
import type { Outbox } from "../../core/store/outbox.ts";
import type { ReadingSeries, SampleStore } from "../../core/store/samples.ts";
import type { CheckRef, Series } from "../../core/store/series.ts";
import type { Store } from "../../core/store/store.ts";
import type { Verdict } from "../../core/verdict.ts";
import { readAnnotations } from "./annotations.ts";
import { Codes, canonicalJson } from "./codes.ts";
import { blob, type Connection, text } from "./connection.ts";
import { Derivation } from "./derivation.ts";
import { storeFailure } from "./failure.ts";
import { outcomeOf, type StoredSample } from "./figures.ts";
import * as incidents from "./incidents.ts";
import { type OpenedFile, openFile, openFileToRead } from "./open.ts";
import * as outbox from "./outbox.ts";
import { FileReader, memoryReader, type Reader } from "./reader.ts";
import type { Rollup } from "./rollup-reads.ts";
import { toSample } from "./stored-sample.ts";
import { Tail } from "./tail.ts";
import { writeChanges } from "./write.ts";

type Instant = Temporal.Instant;
type Span = Readonly<{ from: Instant; to: Instant }>;

const Level = z.object({ on: z.boolean(), run: z.number(), runStart: z.number() });
const StoredVerdict: z.ZodType<Verdict> = z.object({
  lastAt: z.number().nullable(),
  lastKnown: z.boolean(),
  settledUntil: z.number().nullable(),
  degraded: Level,
  down: Level,
});
const ThresholdState = z.object({ raised: z.boolean(), crossedAt: z.number().nullable() });

export interface StoreOptions {
  /** The file does not grow beyond; a commit that would need more is refused. */
  readonly maxBytes?: number;
}

/**
 * @param file made with its folder when it is not there; ":memory:" for tests.
 * @throws Refused when it is in use, damaged, no store of ours, of a newer version, or cannot be written.
 */
export async function openSqliteStore(file: string, options: StoreOptions = {}): Promise<SqliteStore> {
  return new SqliteStore(openFile(file, options));
}

/** What can be read beside the Tidewatch that writes. */
type StoreToRead = {
  readonly samples: Pick<SampleStore, "readings">;
  readonly keys: Pick<KeyStore, "signing">;
} & AsyncDisposable;

/**
 * Only what is asked is read, and nothing is written: works while another process runs with this store.
 * @throws Refused when there is none, or one that this version cannot read.
 */
export async function readSqliteStore(file: string): Promise<StoreToRead> {
  return new SqliteStore(openFileToRead(file));
}

export class SqliteStore implements Store {
  readonly #opened: OpenedFile;
  readonly #connection: Connection;
  readonly #reader: Reader;
  readonly #codes: Codes;
  readonly #derivation: Derivation;
  readonly #tail: Tail;
  #maintaining: Promise<void> | undefined;

  readonly samples: SampleStore = {
    since: async (at) => {
      const from = at.epochMilliseconds + 1;
      return this.#named(await this.#reader.ask("samplesFrom", { series: this.#codes.allSeries(), from }));
    },
    latest: async () => this.#named(await this.#reader.ask("latestSamples", { newest: this.#tail.allNewest() })),
    list: async (of, { limit, ...span }) => {
      const series = this.#codes.seriesOfCheck(of);
      return this.#named(await this.#reader.ask("samples", { series, limit, ...milliseconds(span) }));
    },
    readings: (of, per, span) => this.#readings(of, per, span),
  };

  readonly judgements: JudgementStore = {
    verdicts: async () => {
      const rows = this.#connection.all(
        "select target, check_id, vantage_point, verdict from verdict join series on series.id = verdict.series order by series.id",
      );
      return rows.map((row) => ({
        ...seriesFrom(row),
        verdict: StoredVerdict.parse(JSON.parse(text(row, "verdict"))),
      }));
    },
    thresholds: async () => {
      const rows = this.#connection.all(
        `select target, check_id, vantage_point, threshold, labels, state
         from threshold join series on series.id = threshold.series order by series.id, threshold, labels`,
      );
      return rows.map((row) => ({
        ...seriesFrom(row),
        threshold: text(row, "threshold"),
        labels: text(row, "labels"),
        state: ThresholdState.parse(JSON.parse(text(row, "state"))),
      }));
    },
    transitions: async (span) => {
      const asked = { series: this.#codes.allSeries(), ...milliseconds(span) };
      const found = await this.#reader.ask("transitions", asked);
      return found.map(({ series, at, outcome }) => ({
        ...this.#codes.seriesOf(series),
        at: incidents.instant(at),
        outcome: outcomeOf(outcome),
      }));
    },
  };

  readonly incidents: IncidentStore = {
    list: async (filter) => incidents.readIncidents(this.#connection, filter),
    get: async (id) => incidents.readIncident(this.#connection, id),
    updates: async (id) => incidents.readUpdates(this.#connection, id),
    acknowledge: async (id, by, at, update) =>
      this.#write(() => incidents.acknowledge(this.#connection, id, by, at, update)),
  };

  readonly outbox: Outbox = {
    of: async (incident) => outbox.noticesOf(this.#connection, incident),
    recent: async (limit) => outbox.recentNotices(this.#connection, limit),
    pending: async () => outbox.pendingCount(this.#connection),
    claim: async (channel, now, limit, leaseSeconds) =>
      this.#write(() => outbox.claim(this.#connection, channel, now, limit, leaseSeconds)),
    settle: async (key, result) => this.#write(() => outbox.settle(this.#connection, key, result)),
  };

  readonly annotations: AnnotationStore = {
    list: async (span) => readAnnotations(this.#connection, span),
  };

  readonly heartbeats: HeartbeatStore = {
    list: async () => {
      const rows = this.#connection.all("select target, check_id, state from heartbeat order by target, check_id");
      return rows.map((row) => ({
        target: text(row, "target"),
        check: text(row, "check_id"),
        state: HeartbeatState.parse(JSON.parse(text(row, "state"))),
      }));
    },
    keep: async ({ target, check }, state) => {
      const sql = "insert or replace into heartbeat (target, check_id, state) values (?, ?, ?)";
      this.#write(() => this.#connection.run(sql, target, check, JSON.stringify(state)));
    },
    forget: async ({ target, check }) => {
      this.#write(() => this.#connection.run("delete from heartbeat where target = ? and check_id = ?", target, check));
    },
  };

  readonly keys: KeyStore = {
    signing: async (name) => {
      const kept = this.#keptKey(name);
      if (kept) return kept;
      return this.#write(() => {
        const made = "insert into signing_key (name, key) values (?, ?) on conflict do nothing";
        this.#connection.run(made, name, randomBytes(32));
        const key = this.#keptKey(name);
        if (!key) throw new Error("a key that was just made is not there");
        return key;
      });
    },
    useOnce: async (token, expires) => {
      const sql = "insert into used_token (token, expires) values (?, ?) on conflict do nothing";
      return this.#write(() => this.#connection.run(sql, token, expires.epochMilliseconds) === 1);
    },
  };

  readonly audit: AuditStore = {
    write: async ({ at, who, did, detail }) => {
      const sql = "insert into audit (at, who, did, detail) values (?, ?, ?, ?)";
      this.#write(() => this.#connection.run(sql, at.epochMilliseconds, who, did, detail ?? null));
    },
  };

  constructor(opened: OpenedFile) {
    this.#opened = opened;
    this.#connection = opened.connection;
    this.#reader = opened.file === ":memory:" ? memoryReader(opened.connection) : new FileReader(opened.file);
    this.#codes = new Codes(opened.connection);
    this.#tail = new Tail(opened.connection);
    this.#derivation = new Derivation(opened.connection, this.#reader, this.#tail);
  }

  async commit(changes: Changes) {
    const written = this.#write(() => {
      const result = writeChanges(this.#connection, this.#codes, changes);
      this.#derivation.note(result.samples, result.transitions);
      return result;
    });
    for (const sample of written.samples) this.#tail.add(sample);
    return { opened: written.opened };
  }

  /** Hours and days as they were derived; no part reads them yet. */
  async rollups(of: CheckRef, per: "hour" | "day", span: Span): Promise<readonly Rollup[]> {
    const slots = await this.#slots(this.#codes.seriesOfCheck(of), per, milliseconds(span));
    return slots.map(({ at, sums: { spent, runs, failures, latency } }) => ({
      target: of.target,
      check: of.check,
      from: incidents.instant(at),
      seconds: {
        up: (spent[0] ?? 0) / 1000,
        degraded: (spent[1] ?? 0) / 1000,
        down: (spent[2] ?? 0) / 1000,
        unknown: (spent[3] ?? 0) / 1000,
      },
      runs,
      failures,
      latency,
    }));
  }

  /** Calls that overlap are one. */
  maintain(now: Instant): Promise<void> {
    this.#maintaining ??= this.#maintain(now.epochMilliseconds).finally(() => {
      this.#maintaining = undefined;
    });
    return this.#maintaining;
  }

  async [Symbol.asyncDispose]() {
    await this.#reader[Symbol.asyncDispose]();
    await this.#maintaining?.catch(() => {});
    this.#opened[Symbol.dispose]();
  }

  async #maintain(now: number): Promise<void> {
    try {
      await this.#derivation.maintain(now);
    } catch (error) {
      if (this.#connection.database.isOpen) this.#derivation.reload();
      throw storeFailure(error);
    }
  }

  #write<Result>(work: () => Result): Result {
    try {
      return this.#connection.transaction(work);
    } catch (error) {
      this.#codes.reload();
      this.#derivation.reload();
      throw storeFailure(error);
    }
  }

  async #slots(series: readonly number[], per: "hour" | "day", span: { from: number; to: number }) {
    for (;;) {
      const running = series.map((one) => ({
        series: one,
        newest: this.#tail.newest(one),
        sums: this.#tail.sums(one),
      }));
      const { until, steps } = this.#derivation;
      const slots = await this.#reader.ask("rollups", { running, per, derivedUntil: until, steps, ...span });
      if (slots) return slots;
    }
  }

  async #readings(...[of, per, span]: Parameters<SampleStore["readings"]>): Promise<readonly ReadingSeries[]> {
    const codes = this.#codes.readingsOf(of).map(({ code, series }) => ({ code, series }));
    const derivedUntil = this.#derivation.until;
    const found = await this.#reader.ask("readings", { codes, per, derivedUntil, ...milliseconds(span) });
    const named = found.flatMap(({ code, points }) => {
      const reading = this.#codes.readingOf(code);
      return reading && points.length > 0 ? [{ reading, points }] : [];
    });
    const byName = Map.groupBy(named, ({ reading }) => {
      const { target, check } = this.#codes.seriesOf(reading.series);
      return JSON.stringify([target, check, canonicalJson(reading.labels)]);
    });
    return [...byName.values()].flatMap((places) => {
      const [first] = places;
      if (!first) return [];
      const { target, check } = this.#codes.seriesOf(first.reading.series);
      const points = onePerMoment(places.flatMap((place) => place.points));
      return [{ target, check, metric: of.metric, labels: first.reading.labels, points }];
    });
  }

  #keptKey(name: string): Uint8Array | undefined {
    const row = this.#connection.get("select key from signing_key where name = ?", name);
    return row && new Uint8Array(blob(row, "key"));
  }

  #named(samples: readonly StoredSample[]): readonly Sample[] {
    return samples.map((sample) =>
      toSample(sample, this.#codes.seriesOf(sample.series), (code) => {
        const reading = this.#codes.readingOf(code);
        if (!reading) return undefined;
        const { metric, labels } = reading;
        return { metric, ...(Object.keys(labels).length > 0 && { labels }) };
      }),
    );
  }
}

const milliseconds = (span: Span) => ({ from: span.from.epochMilliseconds, to: span.to.epochMilliseconds });

const seriesFrom = (row: Parameters<typeof text>[0]): Series => ({
  target: text(row, "target"),
  check: text(row, "check_id"),
  vantagePoint: text(row, "vantage_point"),
});

/** What several places read at the same moment, or in the same hour, is averaged. */
function onePerMoment(points: readonly (readonly [at: number, value: number])[]): ReadingSeries["points"] {
  const byTime = Map.groupBy(points, ([at]) => at);
  return [...byTime]
    .sort(([a], [b]) => a - b)
    .map(([at, same]) => ({
      at: incidents.instant(at),
      value: same.reduce((sum, [, value]) => sum + value / same.length, 0),
    }));
}
