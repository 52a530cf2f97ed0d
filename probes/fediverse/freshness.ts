/** Freshness of a timeline: since when it is quiet, and how long its pauses usually are, by the dates of its posts. */
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import type { PublicPost } from "./posts.ts";

export interface Rhythm {
  /** Seconds since the newest post. */
  readonly sinceNewest: number;
  /** Seconds in which at most two posts came: a member who opens an old discussion now and then fetches one alone. */
  readonly quiet: number;
  /** Seconds of the longest stretch before, with at most two posts in it; absent where there are too few to say. */
  readonly longestPause?: number;
}

/** A timeline with so few new posts still counts as quiet. */
const few = 2;
const enoughForAPause = 10;

/**
 * @param posts at least one, in any order.
 * @param now epoch milliseconds, by the clock of the server that lists them.
 */
export function rhythm(posts: readonly PublicPost[], now: number): Rhythm {
  const when = isDated(posts) ? cameAt : writtenAt;
  const times = posts.map((post) => Math.min(when(post), now)).toSorted((a, b) => b - a);
  const seconds = (from: number | undefined, to: number) => (to - (from ?? now)) / 1000;
  const found = { sinceNewest: seconds(times[0], now), quiet: seconds(times[Math.min(few, times.length - 1)], now) };
  if (times.length < enoughForAPause) return found;
  // Pauses before the present one; the present one does not count among them.
  const before = times.slice(few);
  const pauses = before.slice(few + 1).map((earlier, index) => seconds(earlier, before[index] ?? earlier));
  return { ...found, longestPause: Math.max(...pauses) };
}

/** How many came after this moment (epoch milliseconds). */
export function countSince(posts: readonly PublicPost[], moment: number): number {
  const when = isDated(posts) ? cameAt : writtenAt;
  return posts.filter((post) => when(post) > moment).length;
}

/** By its author's clock, which may be wrong. */
const writtenAt = ({ created_at }: PublicPost): number => created_at;

/** Mastodon's ids begin with the moment it was written, or came in, where its author's clock is ahead of that. */
const cameAt = ({ id }: PublicPost): number => (/^\d{1,20}$/.test(id) ? Number(BigInt(id) >> 16n) : 0);

/** The id of a post that would come at this moment (epoch milliseconds). */
export const idAt = (moment: number): string => (BigInt(Math.round(moment)) << 16n).toString();

/** False for servers whose ids hold no date, as those that are only compatible with Mastodon. */
export function isDated(posts: readonly PublicPost[]): boolean {
  const agree = posts.filter((post) => Math.abs(cameAt(post) - writtenAt(post)) < 60_000);
  return agree.length > posts.length / 2;
}

/** The server's own clock: were ours wrong, posts would seem older or newer than they are. */
export function clockOf(answer: HttpAnswer, { clock }: Pick<ProbeContext, "clock">): number {
  const said = Date.parse(answer.headers.get("date") ?? "");
  return Number.isFinite(said) ? said : clock.now().epochMilliseconds;
}
