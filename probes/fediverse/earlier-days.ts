/**
 * How long a timeline paused at this time of the day on earlier days: what is quiet at four in the morning is not
 * broken.
 */
import type { HttpAnswer } from "../../core/probe.ts";
import { countSince, idAt, isDated, rhythm } from "./freshness.ts";
import { type PublicPost, PublicPosts } from "./posts.ts";

const daySeconds = 86_400;
/** Two days in a row and the same weekday. */
const daysBack = [0, 1, 6];

export interface EarlierDay {
  readonly daysAgo: number;
  /** Seconds of the longest stretch with at most two posts in it, shortly before this time of that day. */
  readonly longestPause: number;
}

/**
 * Asks for the posts before the same time of earlier days, the latest of them before it became quiet. Of a server that
 * does not list what was before a moment, or keeps too little, nothing is learned.
 * @param seen the newest posts, which have been quiet for `quiet` seconds.
 */
export async function earlierDays(
  { seen, quiet, now }: { readonly seen: readonly PublicPost[]; readonly quiet: number; readonly now: number },
  ask: (before: string) => Promise<HttpAnswer | undefined>,
): Promise<readonly EarlierDay[]> {
  if (!isDated(seen)) return [];
  const first = Math.floor(quiet / daySeconds) + 1;
  const days = await Promise.all(
    daysBack.map(async (more) => {
      const daysAgo = first + more;
      const then = now - daysAgo * daySeconds * 1000;
      const answer = await ask(idAt(then));
      const posts = answer?.status === 200 ? (answer.json(PublicPosts) ?? []) : [];
      const { quiet: before, longestPause } = rhythm(posts, then);
      if (longestPause === undefined || countSince(posts, then) > posts.length / 2) return [];
      return [{ daysAgo, longestPause: Math.max(before, longestPause) }];
    }),
  );
  return days.flat();
}
