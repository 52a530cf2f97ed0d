/** How old the newest posts of a timeline are, and how often posts come on it. */
import type { PublicPost } from "./posts.ts";

export interface Freshness {
  /** Seconds; of the middle one of the newest few, for a single author's clock may be wrong. */
  readonly age: number;
  /** Seconds from one post to the next; absent where there are too few to say. */
  readonly usualGap?: number;
}

const newest = 5;
const enoughForAGap = 10;

/**
 * @param posts at least one, newest first.
 * @param now epoch milliseconds, by the clock of the server that lists them.
 */
export function freshness(posts: readonly PublicPost[], now: number): Freshness {
  const times = posts.map(({ created_at }) => Math.min(created_at, now));
  const age = (now - middle(times.slice(0, newest))) / 1000;
  if (times.length < enoughForAGap) return { age };
  // From the middle of the newest few to that of the oldest few, so that no single wrong date stretches it.
  const span = middle(times.slice(0, newest)) - middle(times.slice(-newest));
  return { age, usualGap: Math.max(0, span) / 1000 / (times.length - newest) };
}

function middle(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
