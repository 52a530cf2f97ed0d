/** Workers that take jobs from queues, and since when a queue is idle, because none takes its jobs: a restart takes a moment and is no trouble. */
import { remembered } from "../lib/check-memory.ts";

/** Of Sidekiq a process, of Horizon a supervisor. */
interface Worker {
  /** Takes no further job. */
  readonly quiet: boolean;
  readonly queues: readonly string[];
}

export interface QueuesAndWorkers {
  readonly queues: readonly { readonly name: string }[];
  readonly processes: readonly Worker[];
}

/** Nobody takes jobs from a queue, or from any. */
export interface IdleTime {
  /** For how long at least, as far as we watched; 0 when it was found so just now. */
  readonly seconds: number;
  /** For how long at most: since somebody was last seen there; undefined when nobody ever was. */
  readonly atMostSeconds: number | undefined;
}

export interface IdleQueues {
  /** When no process takes any job. */
  readonly everywhere: IdleTime | undefined;
  /** By queue, while somebody works somewhere. */
  readonly queues: ReadonlyMap<string, IdleTime>;
}

/** Mastodon is back within a minute after a restart, on a small server within two; Horizon is quicker. */
const restartSeconds = 120;

/**
 * Longer than a restart takes, by what we watched or by the age of what waits. Sidekiq puts unfinished jobs back with
 * their first date when it stops: an old job alone says nothing while somebody was there a moment ago.
 */
export const outlastsRestart = ({ seconds, atMostSeconds = Infinity }: IdleTime, oldestSeconds: number): boolean =>
  Math.max(seconds, Math.min(oldestSeconds, atMostSeconds)) >= restartSeconds;

const all = "*";

export class WorkerHistory {
  /** Monotonic seconds at which somebody was last seen, by queue. */
  readonly #lastServed = new Map<string, number>();
  /** Since when nobody has been. */
  readonly #idleSince = new Map<string, number>();

  /** The one in the memory of a check, or a new one. */
  static of(memory: Map<string, unknown>): WorkerHistory {
    return remembered(memory, "workers", WorkerHistory);
  }

  /** @param at monotonic seconds. */
  note({ queues, processes }: QueuesAndWorkers, at: number): IdleQueues {
    const working = processes.filter(({ quiet }) => !quiet);
    const served = new Set(working.flatMap((process) => process.queues));
    this.#forgetAllBut(new Set([all, ...queues.map(({ name }) => name)]));
    const everywhere = this.#noteOne(all, working.length > 0, at);
    // An older or newer release may not say what it serves: that is no reason to accuse it.
    const idle = queues.flatMap(({ name }): [string, IdleTime][] => {
      const idleTime = this.#noteOne(name, working.length > 0 && (served.size === 0 || served.has(name)), at);
      return idleTime && !everywhere ? [[name, idleTime]] : [];
    });
    return { everywhere, queues: new Map(idle) };
  }

  #forgetAllBut(known: ReadonlySet<string>): void {
    for (const name of [...this.#lastServed.keys(), ...this.#idleSince.keys()]) {
      if (known.has(name)) continue;
      this.#lastServed.delete(name);
      this.#idleSince.delete(name);
    }
  }

  #noteOne(name: string, isServed: boolean, at: number): IdleTime | undefined {
    if (isServed) {
      this.#lastServed.set(name, at);
      this.#idleSince.delete(name);
      return undefined;
    }
    const since = this.#idleSince.get(name) ?? at;
    this.#idleSince.set(name, since);
    const last = this.#lastServed.get(name);
    return { seconds: at - since, atMostSeconds: last === undefined ? undefined : at - last };
  }
}
