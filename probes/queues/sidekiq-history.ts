/**
 * What a check remembers of Sidekiq from look to look: jobs a second, growth of the retry set, and since when nothing
 * moves.
 */

import { remembered } from "../lib/check-memory.ts";
import type { SidekiqState } from "./sidekiq-state.ts";
import { type IdleQueues, WorkerHistory } from "./workers.ts";

/** Undefined where there is nothing yet to compare with, or the counters began anew. */
export interface Trend {
  readonly processedPerSecond: number | undefined;
  readonly failedPerSecond: number | undefined;
  /** Jobs more in the retry set than up to an hour ago; negative when it shrinks. */
  readonly retryGrowth: number | undefined;
  /** Jobs that died since this process first looked. */
  readonly deaths: number;
  /** Since when jobs have waited, every thread has been busy and no job was finished; 0 when all is well. */
  readonly stuckSeconds: number;
  /** Redis lost or set back Sidekiq's totals, as a restart without its data does. */
  readonly countersFellBack: boolean;
  readonly idle: IdleQueues;
}

interface Look {
  readonly at: number;
  readonly processed: number;
  readonly failed: number;
  readonly retries: number;
}

/** Growth is compared with looks this far apart, for an hour. */
const keptEverySeconds = 300;
const keptLooks = 13;
/** Below this a rate says more about when Sidekiq adds up than about its work. */
const shortestSeconds = 5;

export class SidekiqHistory {
  #last: Look | undefined;
  #kept: readonly Look[] = [];
  #deaths = 0;
  #newestDeath: string | undefined;
  #stuckSince: number | undefined;
  #queues: readonly string[] | undefined;
  readonly #idle = new WorkerHistory();

  /** The one in the memory of a check, or a new one. */
  static of(memory: Map<string, unknown>): SidekiqHistory {
    return remembered(memory, "history", SidekiqHistory);
  }

  /** For the next question: who died after this? */
  get newestDeath(): string | undefined {
    return this.#newestDeath;
  }

  /** The queues that there were; undefined before the first look. */
  get queues(): readonly string[] | undefined {
    return this.#queues;
  }

  /** @param at monotonic seconds. */
  note(state: SidekiqState, at: number): Trend {
    const { processed, failed, retry, dead } = state;
    const look: Look = { at, processed, failed, retries: retry.jobs };
    const last = this.#last;
    const countersFellBack = last !== undefined && (processed < last.processed || failed < last.failed);
    if (countersFellBack) this.#kept = [];
    const seconds = last && !countersFellBack ? at - last.at : 0;
    const perSecond = (now: number, before = 0) => (seconds < shortestSeconds ? undefined : (now - before) / seconds);

    this.#deaths += dead.sinceLastLook ?? 0;
    this.#newestDeath = later(this.#newestDeath, dead.newest ?? "-inf");
    const [first] = this.#kept;
    const trend = {
      processedPerSecond: perSecond(processed, last?.processed),
      failedPerSecond: perSecond(failed, last?.failed),
      retryGrowth: first && at - first.at >= keptEverySeconds ? look.retries - first.retries : undefined,
      deaths: this.#deaths,
      stuckSeconds: this.#stuckSeconds(state, at),
      countersFellBack,
      idle: this.#idle.note(state, at),
    };
    this.#queues = state.queues.map(({ name }) => name);
    this.#keep(look);
    return trend;
  }

  #stuckSeconds({ queues, processes, processed }: SidekiqState, at: number): number {
    const waiting = queues.some(({ jobs }) => jobs > 0);
    const working = processes.filter(({ quiet }) => !quiet);
    const full = working.length > 0 && working.every(({ busy, concurrency }) => busy >= (concurrency ?? Infinity));
    if (!waiting || !full || processed !== this.#last?.processed) {
      this.#stuckSince = undefined;
      return 0;
    }
    // The counter has stood since the last look at least.
    this.#stuckSince ??= this.#last.at;
    return at - this.#stuckSince;
  }

  #keep(look: Look): void {
    this.#last = look;
    const newest = this.#kept.at(-1);
    if (newest && look.at - newest.at < keptEverySeconds) return;
    this.#kept = [...this.#kept, look].slice(-keptLooks);
  }
}

/** Of two scores in Redis' own words. Somebody may have cleared away the newest: then the known one stays. */
const later = (known: string | undefined, seen: string): string =>
  known !== undefined && scoreOf(known) >= scoreOf(seen) ? known : seen;

const scoreOf = (text: string): number => (text === "-inf" ? Number.NEGATIVE_INFINITY : Number(text));
