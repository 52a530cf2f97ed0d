/** What is told past the store while that cannot be written: who was told, by which channel, and what became of it. */
import type { Localised } from "./language.ts";
import type { NoticeStatus } from "./store/outbox.ts";

/** One message that is told past the store. */
export interface PastStore {
  /** Of its incident. */
  readonly title: Localised;
  readonly kind: NoticeStatus["kind"];
  /** Id of the contact. */
  readonly to: string;
  readonly channel: string;
  readonly state: "waiting" | "sending" | "told" | "unanswered" | "withdrawn";
  readonly copies: number;
  readonly toldAt?: Temporal.Instant;
}
