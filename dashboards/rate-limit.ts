/** Rate limits (token buckets): how often a stranger may ask for something that costs us or bothers somebody. */
import type { Clock } from "../core/clock.ts";

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** One bucket for each key. Memory is bounded: when there are too many, those that are full again are forgotten. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #refillSeconds: number;
  readonly #mostKeys: number;
  readonly #buckets = new Map<string, Bucket>();

  /**
   * @param burst how many are allowed at once
   * @param refillSeconds time after which one more is allowed
   */
  constructor(clock: Clock, burst: number, refillSeconds: number, mostKeys = 10_000) {
    this.#clock = clock;
    this.#burst = burst;
    this.#refillSeconds = refillSeconds;
    this.#mostKeys = mostKeys;
  }

  /** Whether one more is allowed now; if so, it is counted. */
  allows(key: string): boolean {
    const now = this.#clock.monotonicSeconds();
    const tokens = this.#tokensOf(key, now);
    if (tokens < 1) return false;
    if (!this.#buckets.has(key) && this.#buckets.size >= this.#mostKeys && !this.#forget(now)) return false;
    this.#buckets.set(key, { tokens: tokens - 1, at: now });
    return true;
  }

  #tokensOf(key: string, now: number): number {
    const bucket = this.#buckets.get(key);
    return bucket ? Math.min(this.#burst, bucket.tokens + (now - bucket.at) / this.#refillSeconds) : this.#burst;
  }

  #forget(now: number): boolean {
    for (const key of this.#buckets.keys()) if (this.#tokensOf(key, now) >= this.#burst) this.#buckets.delete(key);
    return this.#buckets.size < this.#mostKeys;
  }
}
