/**
 * When a notice may be tried again, counted on the monotonic clock: setting the wall clock neither hastens nor delays a
 * retry, and keeps no notice back that was just written. The outbox keeps wall times.
 */
import type { Clock } from "../../core/clock.ts";
import type { Notice } from "../../core/notice.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";

interface Due {
  readonly channel: string;
  readonly atSeconds: number;
  /** What the outbox says: to be claimed with this moment at least. */
  readonly outbox: Temporal.Instant;
}

export class DueTimes {
  readonly #clock: Clock;
  readonly #due = new Map<string, Due>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of the notices that were just committed: each is due when it is written, whatever the clock says. */
  learn(notices: readonly NoticeStatus[]): void {
    for (const { key, state } of notices) if (state !== "pending" && state !== "sending") this.#due.delete(key);
    for (const notice of notices) {
      if (notice.state === "pending" && !this.#due.has(notice.key)) this.#set(notice, 0, notice.notBefore);
    }
  }

  /** Not again before so many seconds from now, as when it is on its way; `outbox` is what was written down for it. */
  hold(notice: Pick<Notice, "key" | "channel">, seconds: number, outbox: Temporal.Instant): void {
    this.#set(notice, seconds, outbox);
  }

  secondsLeft(key: string): number {
    const due = this.#due.get(key);
    return due ? Math.max(0, due.atSeconds - this.#clock.monotonicSeconds()) : 0;
  }

  /**
   * The moment to claim with: what is due by our count must be due by the outbox's, too.
   * @returns also which notices are due, to be forgotten once they have been asked for.
   */
  claim(channel: string): { readonly moment: Temporal.Instant; readonly keys: readonly string[] } {
    const due = this.#ofChannel(channel).filter(([key]) => this.secondsLeft(key) === 0);
    const moments = [this.#clock.now(), ...due.map(([, { outbox }]) => outbox)];
    return {
      moment: moments.reduce((a, b) => (Temporal.Instant.compare(a, b) >= 0 ? a : b)),
      keys: due.map(([key]) => key),
    };
  }

  forget(keys: readonly string[]): void {
    for (const key of keys) this.#due.delete(key);
  }

  /** Seconds until something of this channel is due; undefined when nothing waits. */
  nextIn(channel: string): number | undefined {
    const waits = this.#ofChannel(channel).map(([key]) => this.secondsLeft(key));
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }

  #set({ key, channel }: Pick<Notice, "key" | "channel">, seconds: number, outbox: Temporal.Instant): void {
    this.#due.set(key, { channel, atSeconds: this.#clock.monotonicSeconds() + seconds, outbox });
  }

  #ofChannel(channel: string): readonly (readonly [string, Due])[] {
    return [...this.#due].filter(([, due]) => due.channel === channel);
  }
}
