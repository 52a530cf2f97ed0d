/** The audit log: who of the team did what, and when. */

export interface AuditEntry {
  readonly at: Temporal.Instant;
  readonly who: string;
  readonly did: string;
  readonly detail?: string;
}

export interface AuditStore {
  write(entry: AuditEntry): Promise<void>;
}
