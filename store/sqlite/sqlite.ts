/** The store on SQLite: one connection writes, a thread reads what may take long. See docs/decisions/002-storage.md. */
import { StoreUnavailable } from "../../core/errors.ts";
import type { Sample } from "../../core/sample.ts";
import type { AnnotationStore } from "../../core/store/annotations.ts";
import type { AuditStore } from "../../core/store/audit.ts";
import type { Changes } from "../../core/store/changes.ts";
import type { DueStore } from "../../core/store/due.ts";
import type { EscalationStore } from "../../core/store/escalations.ts";
import type { HeartbeatStore } from "../../core/store/heartbeats.ts";
import type { IncidentStore } from "../../core/store/incidents.ts";
import type { JudgementStore } from "../../core/store/judgements.ts";
import type { Outbox } from "../../core/store/outbox.ts";
import type { RequestStore } from "../../core/store/requests.ts";
import type { ReadingSeries, SampleStore } from "../../core/store/samples.ts";
import type { CheckRef } from "../../core/store/series.ts";
import type { KeyStore } from "../../core/store/signing-keys.ts";
import type { Store } from "../../core/store/store.ts";
import { annotationStore } from "./annotations.ts";
import { auditStore } from "./audit.ts";
import { type Written, writeChanges } from "./commit.ts";
import type { Connection } from "./connection.ts";
import { dueStore } from "./due.ts";
import { escalationStore } from "./escalations.ts";
import { HeadBlock } from "./head-block.ts";
import { heartbeatStore } from "./heartbeats.ts";
import { incidentStore } from "./incidents.ts";
import { readConfirmations, readThresholds } from "./judgements.ts";
import { type OpenedFile, openFile, openFileToRead } from "./open.ts";
import { outbox } from "./outbox.ts";
import { FileReader, memoryReader, type Reader } from "./reader.ts";
import { requestStore } from "./requests.ts";
import { Derivation } from "./rollup-derivation.ts";
import type { Rollup } from "./rollup-reads.ts";
import { instant } from "./rows.ts";
import { outcomeOf, type StoredSample } from "./sample-bytes.ts";
import { canonicalJson, SeriesIds } from "./series-ids.ts";
import { keyStore } from "./signing-keys.ts";
import { storeFailure } from "./sqlite-errors.ts";
import type { Driver, Transaction } from "./statements.ts";
import { toSample } from "./stored-sample.ts";

type Span = Readonly<{ from: Temporal.Instant; to: Temporal.Instant }>;

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
export type StoreToRead = {
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
  readonly #ids: SeriesIds;
  readonly #derivation: Derivation;
  readonly #head: HeadBlock;
  #maintaining: Promise<void> | undefined;

  readonly samples: SampleStore = {
    since: async (at) => {
      const from = at.epochMilliseconds + 1;
      return this.#named(await this.#reader.ask("samplesFrom", { series: this.#ids.allSeries(), from }));
    },
    latest: async () => this.#named(await this.#reader.ask("latestSamples", { newest: this.#head.allNewest() })),
    list: async (of, { limit, ...span }) => {
      const series = this.#ids.seriesOfCheck(of);
      return this.#named(await this.#reader.ask("samples", { series, limit, ...milliseconds(span) }));
    },
    readings: (of, per, span) => this.#readings(of, per, span),
  };

  readonly judgements: JudgementStore = {
    confirmations: () => this.#driver.read(readConfirmations),
    thresholds: () => this.#driver.read(readThresholds),
    transitions: async (span) => {
      const asked = { series: this.#ids.allSeries(), ...milliseconds(span) };
      const found = await this.#reader.ask("transitions", asked);
      return found.map(({ series, at, outcome }) => ({
        ...this.#ids.seriesOf(series),
        at: instant(at),
        outcome: outcomeOf(outcome),
      }));
    },
  };

  readonly #driver: Driver = {
    read: async (work) => this.#connection.perform(work()),
    write: async (work) => this.#write(work),
  };

  readonly incidents: IncidentStore = incidentStore(this.#driver);
  readonly escalations: EscalationStore = escalationStore(this.#driver);
  readonly due: DueStore = dueStore(this.#driver);
  readonly outbox: Outbox = outbox(this.#driver);
  readonly annotations: AnnotationStore = annotationStore(this.#driver);
  readonly heartbeats: HeartbeatStore = heartbeatStore(this.#driver);
  readonly keys: KeyStore = keyStore(this.#driver);
  readonly audit: AuditStore = auditStore(this.#driver);
  readonly requests: RequestStore = requestStore(this.#driver);

  constructor(opened: OpenedFile) {
    this.#opened = opened;
    this.#connection = opened.connection;
    this.#reader = opened.file === ":memory:" ? memoryReader(opened.connection) : new FileReader(opened.file);
    this.#ids = new SeriesIds(opened.connection);
    this.#head = new HeadBlock(opened.connection);
    this.#derivation = new Derivation(opened.connection, this.#reader, this.#head);
  }

  async commit(changes: Changes) {
    const written = this.#write(() => this.#writeAll(changes));
    for (const sample of written.samples) this.#head.add(sample);
    return { opened: written.opened };
  }

  /** Hours and days as they were derived; no part reads them yet. */
  async rollups(of: CheckRef, per: "hour" | "day", span: Span): Promise<readonly Rollup[]> {
    const slots = await this.#slots(this.#ids.seriesOfCheck(of), per, milliseconds(span));
    return slots.map(({ at, sums: { spent, runs, failures, latency } }) => ({
      target: of.target,
      check: of.check,
      from: instant(at),
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
  maintain(now: Temporal.Instant): Promise<void> {
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

  *#writeAll(changes: Changes): Transaction<Written> {
    const written = yield* writeChanges(this.#ids, changes);
    yield* this.#derivation.note(written.samples, written.transitions);
    return written;
  }

  #write<Result>(work: () => Transaction<Result>): Result {
    try {
      return this.#connection.transaction(work);
    } catch (error) {
      const failure = storeFailure(error);
      try {
        this.#ids.reload();
        this.#derivation.reload();
      } catch (unreadable) {
        // Then the file is what failed, whatever was to be written.
        throw failure instanceof StoreUnavailable ? failure : storeFailure(unreadable);
      }
      throw failure;
    }
  }

  async #slots(series: readonly number[], per: "hour" | "day", span: { from: number; to: number }) {
    for (;;) {
      const running = series.map((one) => ({
        series: one,
        newest: this.#head.newest(one),
        sums: this.#head.sums(one),
      }));
      const { until, steps } = this.#derivation;
      const slots = await this.#reader.ask("rollups", { running, per, derivedUntil: until, steps, ...span });
      if (slots) return slots;
    }
  }

  async #readings(...[of, per, span]: Parameters<SampleStore["readings"]>): Promise<readonly ReadingSeries[]> {
    const ids = this.#ids.readingsOf(of).map(({ id, series }) => ({ id, series }));
    const derivedUntil = this.#derivation.until;
    const found = await this.#reader.ask("readings", { ids, per, derivedUntil, ...milliseconds(span) });
    const named = found.flatMap(({ id, points }) => {
      const reading = this.#ids.readingOf(id);
      return reading && points.length > 0 ? [{ reading, points }] : [];
    });
    const byName = Map.groupBy(named, ({ reading }) => {
      const { target, check } = this.#ids.seriesOf(reading.series);
      return JSON.stringify([target, check, canonicalJson(reading.labels)]);
    });
    return [...byName.values()].flatMap((places) => {
      const [first] = places;
      if (!first) return [];
      const { target, check } = this.#ids.seriesOf(first.reading.series);
      const points = onePerMoment(places.flatMap((place) => place.points));
      return [{ target, check, metric: of.metric, labels: first.reading.labels, points }];
    });
  }

  #named(samples: readonly StoredSample[]): readonly Sample[] {
    return samples.map((sample) =>
      toSample(sample, this.#ids.seriesOf(sample.series), (id) => {
        const reading = this.#ids.readingOf(id);
        if (!reading) return undefined;
        const { metric, labels } = reading;
        return { metric, ...(Object.keys(labels).length > 0 && { labels }) };
      }),
    );
  }
}

const milliseconds = (span: Span) => ({ from: span.from.epochMilliseconds, to: span.to.epochMilliseconds });

/** What several places read at the same moment, or in the same hour, is averaged. */
function onePerMoment(points: readonly (readonly [at: number, value: number])[]): ReadingSeries["points"] {
  const byTime = Map.groupBy(points, ([at]) => at);
  return [...byTime]
    .sort(([a], [b]) => a - b)
    .map(([at, same]) => ({
      at: instant(at),
      value: same.reduce((sum, [, value]) => sum + value / same.length, 0),
    }));
}
