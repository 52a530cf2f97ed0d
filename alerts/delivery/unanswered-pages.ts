/**
 * Pages that nobody accepts, on their way or failing: after a while the next step of their escalation is told as well, and
 * soon the one after it, until somebody accepts one. What is on its way goes on, and may still arrive.
 */
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { isWaking } from "../../core/notice.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";
import type { Store } from "../../core/store/store.ts";

interface Parts {
  readonly store: Pick<Store, "outbox">;
  readonly clock: Clock;
  readonly log: Log;
  /** Tells the step after that of this notice at once, if it was not told yet. */
  hurry(unanswered: NoticeStatus): Promise<void>;
}

/** For the first step that nobody of it accepts. */
const patienceSeconds = 20;
/** For each one after it: by now it is known that pages get stuck. */
const nextPatienceSeconds = 3;
const storeRetrySeconds = 5;

export class UnansweredPages {
  readonly #parts: Parts;
  readonly #end = new AbortController();
  /** Keys of the notices that were seen to wait, so that each begins one wait. */
  #seen: ReadonlySet<string> = new Set();
  /** Incidents of which nobody has accepted a page yet, and what ends the wait. */
  readonly #waits = new Map<number, AbortController>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @param notices the newest, as they stand. */
  watch(notices: readonly NoticeStatus[]): void {
    const waiting = notices.filter((notice) => isWaking(notice) && isUnanswered(notice));
    for (const { key, incident } of waiting) {
      if (incident === undefined || this.#seen.has(key) || this.#waits.has(incident)) continue;
      this.#follow(incident);
    }
    this.#seen = new Set(waiting.map(({ key }) => key));
  }

  accepted(notice: NoticeStatus): void {
    if (notice.incident !== undefined && isWaking(notice)) this.#waits.get(notice.incident)?.abort();
  }

  stop(): void {
    this.#end.abort();
  }

  /** Never throws. */
  async #follow(incident: number): Promise<void> {
    const { clock, log } = this.#parts;
    const accepted = new AbortController();
    this.#waits.set(incident, accepted);
    const over = AbortSignal.any([accepted.signal, this.#end.signal]);
    let seconds: number | undefined = patienceSeconds;
    while (seconds !== undefined && (await slept(clock.sleep(seconds, over)))) {
      try {
        seconds = await this.#tellNext(incident);
      } catch (error) {
        log.error("the outbox cannot be read", { incident, error });
        seconds = storeRetrySeconds;
      }
    }
    this.#waits.delete(incident);
  }

  /** @returns seconds until it is to be looked at again; undefined when it is over. */
  async #tellNext(incident: number): Promise<number | undefined> {
    const { store, hurry } = this.#parts;
    const before = await store.outbox.of(incident);
    const step = newestStep(before);
    const [unanswered] = step.filter(isUnanswered);
    if (!unanswered || step.some(({ state }) => state === "sent")) return undefined;
    await hurry(unanswered);
    const isTold = (await store.outbox.of(incident)).length > before.length;
    // A reload may bring somebody else.
    return isTold ? nextPatienceSeconds : patienceSeconds;
  }
}

const isUnanswered = ({ state }: NoticeStatus): boolean => state === "pending" || state === "sending";

/** The last step that was told, to each reader by each channel. */
function newestStep(notices: readonly NoticeStatus[]): readonly NoticeStatus[] {
  const waking = notices.filter(isWaking);
  const most = Math.max(...waking.map(place));
  return waking.filter((one) => place(one) === most);
}

/** Steps of a later revision come after all of an earlier one. */
const place = ({ step }: NoticeStatus): number => (step ? step.revision * 1000 + step.number : -1);

const slept = (sleep: Promise<void>): Promise<boolean> =>
  sleep.then(
    () => true,
    () => false,
  );
