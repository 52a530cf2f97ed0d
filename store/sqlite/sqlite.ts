/** The store on SQLite: one connection writes, a thread reads what may take long. See docs/decisions/002-storage.md. */
import type { AnnotationStore } from "../../core/store/annotations.ts";
import type { AuditStore } from "../../core/store/audit.ts";
import type { Changes } from "../../core/store/changes.ts";
import type { EscalationStore } from "../../core/store/escalations.ts";
import type { HeartbeatStore } from "../../core/store/heartbeats.ts";
import type { IncidentStore } from "../../core/store/incidents.ts";
import type { JudgementStore } from "../../core/store/judgements.ts";
import type { Outbox } from "../../core/store/outbox.ts";
import type { RequestStore } from "../../core/store/requests.ts";
import type { SampleStore } from "../../core/store/samples.ts";
import { type CheckRef, seriesName } from "../../core/store/series.ts";
import type { KeyStore } from "../../core/store/signing-keys.ts";
import type { Store } from "../../core/store/store.ts";
import { annotationStore } from "./annotations.ts";
import { auditStore } from "./audit.ts";
import { type Written, writeChanges } from "./commit.ts";
import { dueStore } from "./escalation-changes.ts";
import { escalationStore } from "./escalations.ts";
import { FileSessions } from "./file-sessions.ts";
import { heartbeatStore } from "./heartbeats.ts";
import { incidentStore } from "./incidents.ts";
import { readConfirmations, readThresholds } from "./judgements.ts";
import { type OpenedFile, openFile, openFileToRead } from "./open.ts";
import { refusalOf } from "./open-refusals.ts";
import { outbox } from "./outbox.ts";
import { requestStore } from "./requests.ts";
import type { Rollup } from "./rollup-reads.ts";
import { instant } from "./rows.ts";
import { outcomeOf } from "./sample-bytes.ts";
import { milliseconds, sampleStore } from "./sample-store.ts";
import type { Session } from "./session.ts";
import { keyStore } from "./signing-keys.ts";
import type { Driver, Transaction } from "./statements.ts";
import { strangeRows } from "./strange-rows.ts";

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
  return storeOn(openFile(file, options));
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
  return storeOn(openFileToRead(file));
}

function storeOn(opened: OpenedFile): SqliteStore {
  try {
    return new SqliteStore(opened);
  } catch (error) {
    opened[Symbol.dispose]();
    throw refusalOf(error, opened.path);
  }
}

export class SqliteStore implements Store {
  readonly #sessions: FileSessions;
  #maintaining: Promise<void> | undefined;
  #testing: Promise<void> | undefined;

  readonly #driver: Driver = {
    read: async (work) => this.#sessions.read(work),
    write: async (work) => this.#sessions.write(work),
  };

  readonly judgements: JudgementStore = {
    confirmations: () => this.#driver.read(readConfirmations),
    thresholds: () => this.#driver.read(readThresholds),
    transitions: async (span, filter) => {
      const { ids } = this.#sessions.current();
      const series = filter ? ids.seriesOfTargets(filter.targets) : ids.allSeries();
      const after = Float64Array.from(series, (id) => filter?.after.get(seriesName(ids.seriesOf(id))) ?? Number.NaN);
      const found = await this.#sessions.ask("transitions", { series, after, ...milliseconds(span) });
      return found.map(({ series, at, outcome }) => ({
        ...ids.seriesOf(series),
        at: instant(at),
        outcome: outcomeOf(outcome),
      }));
    },
  };

  readonly samples: SampleStore;
  readonly incidents: IncidentStore = incidentStore(this.#driver);
  readonly escalations: EscalationStore = escalationStore(this.#driver);
  readonly due = dueStore(this.#driver);
  readonly outbox: Outbox = outbox(this.#driver);
  readonly annotations: AnnotationStore = annotationStore(this.#driver);
  readonly heartbeats: HeartbeatStore = heartbeatStore(this.#driver);
  readonly keys: KeyStore = keyStore(this.#driver);
  readonly audit: AuditStore = auditStore(this.#driver);
  readonly requests: RequestStore = requestStore(this.#driver);

  constructor(opened: OpenedFile) {
    this.#sessions = new FileSessions(opened);
    this.samples = sampleStore(this.#sessions);
  }

  async commit(changes: Changes) {
    try {
      const { opened, samples, head } = this.#sessions.write((session) => writeAll(session, changes));
      for (const sample of samples) head.add(sample);
      return { opened };
    } catch (error) {
      if (changes.escalations) this.due.lookAgain();
      throw error;
    }
  }

  /** Hours and days as they were derived; no part reads them yet. */
  async rollups(of: CheckRef, per: "hour" | "day", span: Span): Promise<readonly Rollup[]> {
    const slots = await this.#slots(of, per, milliseconds(span));
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

  /** Calls that overlap are one. */
  selfTest(): Promise<void> {
    this.#testing ??= this.#sessions.test().finally(() => {
      this.#testing = undefined;
    });
    return this.#testing;
  }

  strangeRows(channels: readonly string[]) {
    return strangeRows(this.#driver, channels);
  }

  async [Symbol.asyncDispose]() {
    await this.#sessions[Symbol.asyncDispose]();
    await this.#maintaining?.catch(() => {});
  }

  async #maintain(now: number): Promise<void> {
    const session = this.#sessions.current();
    try {
      await session.derivation.maintain(now);
    } catch (error) {
      throw this.#sessions.undone(error, session);
    }
  }

  async #slots(of: CheckRef, per: "hour" | "day", span: { from: number; to: number }) {
    for (;;) {
      const { ids, head, derivation } = this.#sessions.current();
      const running = ids.seriesOfCheck(of).map((series) => ({
        series,
        newest: head.newest(series),
        sums: head.sums(series),
      }));
      const { until, steps } = derivation;
      const slots = await this.#sessions.ask("rollups", { running, per, derivedUntil: until, steps, ...span });
      if (slots) return slots;
    }
  }
}

function* writeAll({ ids, head, derivation }: Session, changes: Changes): Transaction<Written & Pick<Session, "head">> {
  const written = yield* writeChanges(ids, changes);
  yield* derivation.note(written.samples, written.transitions);
  return { ...written, head };
}
