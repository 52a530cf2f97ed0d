/**
 * What is due in the outbox and accepted by nobody yet: how much, and for how long. Counted on the monotonic clock, so that
 * setting the wall clock makes nothing older; of what an earlier process left, only the wall clock tells.
 */
import { type Clock, secondsBetween } from "../../core/clock.ts";
import type { WaitingNotice } from "../../core/reports.ts";
import { mayLeave, type NoticeStatus } from "../../core/store/outbox.ts";
import type { Store } from "../../core/store/store.ts";

/** More than all incidents that can be open at once tell. */
const mostRows = 10_000;

export class DueNotices {
  readonly #store: Pick<Store, "outbox">;
  readonly #clock: Clock;
  /** By key; monotonic. */
  #since: ReadonlyMap<string, number> = new Map();
  /** Monotonic; undefined before the first look. */
  #lookedAt: number | undefined;

  constructor(store: Pick<Store, "outbox">, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @param channels those that are there. @returns all that is unsent, the oldest first. */
  async look(channels: ReadonlySet<string>): Promise<readonly WaitingNotice[]> {
    const notices = await this.#store.outbox.unsent(mostRows);
    const now = this.#clock.monotonicSeconds();
    const due = notices.filter((notice) => mayLeave(notice) && channels.has(notice.channel));
    this.#since = new Map(due.map((notice) => [notice.key, this.#since.get(notice.key) ?? now - this.#age(notice)]));
    this.#lookedAt = now;
    return notices.map((notice) => {
      const since = this.#since.get(notice.key);
      return { notice, dueSeconds: since === undefined ? undefined : now - since };
    });
  }

  get pending(): number {
    return this.#since.size;
  }

  /** 0 when nothing is due. It goes on while the store cannot be read: then nothing says that anything was accepted. */
  get oldestSeconds(): number {
    if (this.#since.size === 0) return 0;
    return this.#clock.monotonicSeconds() - Math.min(...this.#since.values());
  }

  /** One that was not there at the last look is no older than that, whatever the wall clock says. */
  #age({ notBefore }: NoticeStatus): number {
    const seconds = secondsBetween(notBefore, this.#clock.now());
    return this.#lookedAt === undefined ? seconds : Math.min(seconds, this.#clock.monotonicSeconds() - this.#lookedAt);
  }
}
