/**
 * The store's contract: what is kept, and the only place where the parts meet. SQLite today; a PostgreSQL store must pass the
 * same contract (test/helpers/store-contract/). Truth is in samples, readings, transitions, incidents and notices; hours and
 * days are derived from them and can be derived again.
 */
import type { Incident } from "../incident.ts";
import type { AnnotationStore } from "./annotations.ts";
import type { AuditStore } from "./audit.ts";
import type { Changes } from "./changes.ts";
import type { DueStore } from "./due.ts";
import type { EscalationStore } from "./escalations.ts";
import type { HeartbeatStore } from "./heartbeats.ts";
import type { IncidentStore } from "./incidents.ts";
import type { JudgementStore } from "./judgements.ts";
import type { Outbox } from "./outbox.ts";
import type { RequestStore } from "./requests.ts";
import type { SampleStore } from "./samples.ts";
import type { KeyStore } from "./signing-keys.ts";
import type { StrangeRow } from "./strange-rows.ts";

export interface Store extends AsyncDisposable {
  /**
   * One transaction, and the only way to write what belongs together; resolves when it is durable, with the incidents
   * that were opened.
   */
  commit(changes: Changes): Promise<{ readonly opened: readonly Incident[] }>;

  readonly samples: SampleStore;
  readonly judgements: JudgementStore;
  readonly incidents: IncidentStore;
  readonly escalations: EscalationStore;
  readonly due: DueStore;
  readonly outbox: Outbox;
  readonly annotations: AnnotationStore;
  readonly heartbeats: HeartbeatStore;
  readonly keys: KeyStore;
  readonly audit: AuditStore;
  readonly requests: RequestStore;

  /**
   * Writes a row and reads it back as whoever opens the store next will; a row that is written again each time. Throws
   * StoreUnavailable with what is wrong and what to do.
   */
  selfTest(): Promise<void>;

  /**
   * Rows that this version cannot read, and passes over. Reads all that is not a measurement: call it now and then.
   * @param channels those that this version has: what waits for another one is strange as well.
   */
  strangeRows(channels: readonly string[]): Promise<readonly StrangeRow[]>;

  /** Derives hours and days, compresses and trims; cheap when there is nothing to do. Call it every few minutes. */
  maintain(now: Temporal.Instant): Promise<void>;
}
