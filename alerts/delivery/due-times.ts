/**
 * When notices may go out, counted on the monotonic clock: setting the wall clock neither hastens nor delays an
 * escalation. The outbox keeps wall times; they are translated here once, when a notice is first seen.
 */
import type { Notice } from "../../core/channel.ts";
import type { Clock } from "../../core/clock.ts";
import type { OnCall } from "../../core/organisation.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";
import { longestDoubtSeconds } from "../judging/inhibition.ts";

type Instant = Temporal.Instant;

interface Due {
  readonly channel: string;
  readonly atSeconds: number;
  /** What the outbox says: to be claimed with this moment at least. */
  readonly outbox: Instant;
}

/** Beyond this the wall clock was set. */
const jumpMilliseconds = 2000;

export class DueTimes {
  readonly #clock: Clock;
  readonly #due = new Map<string, Due>();
  /** Wall time minus monotonic time at the last look, milliseconds. */
  #frame: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#frame = this.#frameNow();
  }

  /** Takes note of the notices that were just committed, or that an earlier process left. */
  learn(notices: readonly NoticeStatus[], onCall: OnCall): void {
    for (const { key, state } of notices) if (state !== "pending") this.#due.delete(key);
    const unseen = notices.filter(({ key, state }) => state === "pending" && !this.#due.has(key));
    const jumped = Math.abs(this.#frameNow() - this.#frame) > jumpMilliseconds;
    this.#frame = this.#frameNow();
    for (const batch of Map.groupBy(unseen, ({ incident, key }) => incident ?? key).values()) {
      // The clock was set around the time they were written: only the distances between them can be believed.
      const first = Math.min(...batch.map(({ notBefore }) => notBefore.epochMilliseconds));
      const from = jumped ? first - firstStep(onCall) * 1000 : this.#clock.now().epochMilliseconds;
      for (const notice of batch) {
        const wait = (notice.notBefore.epochMilliseconds - from) / 1000;
        const seconds = Math.min(wait, longestWait(notice.kind, onCall));
        if (seconds > 0) this.#set(notice, seconds, notice.notBefore);
        else if (wait > 0 || jumped) this.#set(notice, 0, notice.notBefore);
      }
    }
  }

  /** Not again before so many seconds from now; `outbox` is what was written down for it. */
  hold(notice: Pick<Notice, "key" | "channel">, seconds: number, outbox: Instant): void {
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
  claim(channel: string): { readonly moment: Instant; readonly keys: readonly string[] } {
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

  #set({ key, channel }: Pick<Notice, "key" | "channel">, seconds: number, outbox: Instant): void {
    this.#due.set(key, { channel, atSeconds: this.#clock.monotonicSeconds() + seconds, outbox });
  }

  #ofChannel(channel: string): readonly (readonly [string, Due])[] {
    return [...this.#due].filter(([, due]) => due.channel === channel);
  }

  #frameNow(): number {
    return this.#clock.now().epochMilliseconds - this.#clock.monotonicSeconds() * 1000;
  }
}

function firstStep({ escalation }: OnCall): number {
  return escalation.length > 0 ? Math.min(...escalation.map(({ afterSeconds }) => afterSeconds)) : 0;
}

/** Whatever the clocks say, nothing was ever planned further ahead than this: its step, and the wait for a cause. */
function longestWait(kind: Notice["kind"], onCall: OnCall): number {
  if (kind === "page") return firstStep(onCall) + longestDoubtSeconds;
  if (kind === "ticket") return longestDoubtSeconds;
  if (kind !== "escalation") return 0;
  return Math.max(0, ...onCall.escalation.map(({ afterSeconds }) => afterSeconds)) + longestDoubtSeconds;
}
