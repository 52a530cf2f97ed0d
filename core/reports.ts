/** The reports that team pages ask for (capacity, outbox): made from the store and the running parts when somebody looks. */
import type { CapacityModel } from "./capacity/capacity.ts";
import type { PastStore } from "./past-store.ts";
import type { NoticeStatus } from "./store/outbox.ts";
import type { StrangeRow } from "./store/strange-rows.ts";
import type { Annotation } from "./upgrade.ts";

export interface Reports {
  capacity(): Promise<CapacityReport>;
  outbox(): Promise<OutboxReport>;
}

/** How full everything is that fills, and how long it lasts. */
interface CapacityReport {
  readonly models: readonly CapacityModel[];
  /** What happened to any target as far back as the charts go, with the target's name in it, oldest first. */
  readonly annotations: readonly Annotation[];
}

/** Who was sent what, what waits, and whether the channels work. */
export interface OutboxReport extends Telling {
  readonly now: Temporal.Instant;
  /** Of the contacts, by id; who is not in the configuration any more has none. */
  readonly names: ReadonlyMap<string, string>;
  /** Undefined while the store cannot be read. */
  readonly stored: StoredNotices | undefined;
}

interface StoredNotices {
  /** The oldest first, and never all of very many. */
  readonly waiting: readonly WaitingNotice[];
  /** How many there are that are due; those that are not listed included. */
  readonly due: number;
  /** Whatever became of them, the newest first. */
  readonly newest: readonly NoticeStatus[];
}

/** One that is to be sent or is on its way. */
export interface WaitingNotice {
  readonly notice: NoticeStatus;
  /** For how long it has been due; undefined of what waits for a channel that is not there, or may not leave any more. */
  readonly dueSeconds: number | undefined;
}

/** How telling goes, as the running parts know it. */
export interface Telling {
  /** All that are configured. */
  readonly channels: readonly string[];
  readonly sick: readonly SickChannel[];
  /** Of the outbox, that this version cannot read. */
  readonly strange: readonly StrangeRow[];
  readonly fallback: FallbackState;
}

export interface SickChannel {
  readonly channel: string;
  /** For how long it has accepted nothing, or nothing for these readers. */
  readonly seconds: number;
  /** What it said last: a stranger's words. */
  readonly why: string;
  /** Ids of those whom it does not reach, where it reaches others; absent: it reaches nobody. */
  readonly readers?: readonly string[];
}

/** How it stands with pages that leave past a store that cannot be written. */
interface FallbackState {
  /** Its file can be used: a kill forgets nothing. */
  readonly hasFile: boolean;
  /** Why the store cannot be written; undefined while it can. */
  readonly storeFault: string | undefined;
  readonly tellings: readonly PastStore[];
}
