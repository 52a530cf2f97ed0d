/** Heartbeats as they are kept: the newest state of each job that calls us. */
import type { HeartbeatState } from "../heartbeat.ts";
import type { CheckRef } from "./series.ts";

interface StoredHeartbeat extends CheckRef {
  readonly state: HeartbeatState;
}

export interface HeartbeatStore {
  list(): Promise<readonly StoredHeartbeat[]>;
  /** In place of what was known of that job; durable when it resolves. */
  keep(of: CheckRef, state: HeartbeatState): Promise<void>;
  /** Nothing happens where nothing was known. */
  forget(of: CheckRef): Promise<void>;
}
