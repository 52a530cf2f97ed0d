/** While the store cannot be used: why, since when, and when the recorder tries it again. */
import type { Clock } from "../../core/clock.ts";
import type { StoreUnavailable } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";

const longestPatienceSeconds = 30;

/** What waits for the store, and how many samples were given up since the start. */
interface Waiting {
  readonly length: number;
  readonly dropped: number;
}

export class StoreFailure {
  readonly #clock: Clock;
  readonly #log: Log;
  #current: { readonly error: StoreUnavailable; readonly since: Temporal.Instant } | undefined;
  #patienceSeconds = 1;
  #retryAt = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** undefined while all is well. */
  get error(): StoreUnavailable | undefined {
    return this.#current?.error;
  }

  /** It failed, and it is too early to try again. */
  get tooEarly(): boolean {
    return this.#current !== undefined && this.#clock.monotonicSeconds() < this.#retryAt;
  }

  began(error: StoreUnavailable): void {
    this.#retryAt = this.#clock.monotonicSeconds() + this.#patienceSeconds;
    this.#patienceSeconds = Math.min(longestPatienceSeconds, this.#patienceSeconds * 1.5);
    const known = this.#current;
    if (!known) this.#log.error("the store cannot be used; samples wait in memory", { error });
    else if (known.error.message !== error.message) this.#log.error("the store still cannot be used", { error });
    this.#current = { error, since: known?.since ?? this.#clock.now() };
  }

  ended({ length, dropped }: Waiting): void {
    if (!this.#current) return;
    const since = this.#current.since.toString();
    this.#log.info("the store can be used again", { since, waiting: length, givenUp: dropped });
    this.#current = undefined;
    this.#patienceSeconds = 1;
  }

  /** For /healthz. */
  text({ length, dropped }: Waiting): string | undefined {
    if (!this.#current) return undefined;
    const { error, since } = this.#current;
    const lost = dropped > 0 ? `, ${dropped} were given up` : "";
    return `${error.message} (since ${since.toString({ smallestUnit: "second" })}; ${length} samples wait${lost})`;
  }
}
