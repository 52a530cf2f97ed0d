/** Judges a quiet timeline: is it broken, or as quiet as it is every night? */
import { spokenAge, spokenDuration } from "../../core/member-texts.ts";
import type { HttpAnswer } from "../../core/probe.ts";
import { degradation, type Problem } from "../lib/problem.ts";
import type { NoAnswer } from "../lib/time-limit.ts";
import { type EarlierDay, earlierDays } from "./earlier-days.ts";
import type { Rhythm } from "./freshness.ts";
import type { PublicPost } from "./posts.ts";

/** What is wrong, and what is said when nothing is. */
export interface Judgement {
  readonly problems: readonly Problem[];
  readonly note?: string;
}

export interface Quiet extends Rhythm {
  readonly feed: "remote" | "local";
  /** Seconds for which it may be quiet without a problem. */
  readonly maxAge: number;
  /** How many times longer than the longest pause before it must be quiet to be a problem. */
  readonly pauses: number;
  readonly posts: readonly PublicPost[];
  /** Epoch milliseconds, by the clock of the server. */
  readonly now: number;
}

/** Without posts of other days to compare with, only a timeline that is quiet for longer than a day is a problem. */
const withoutOtherDaysSeconds = 86_400;

/** @param ask for the posts before the one with this id. */
export async function judgeQuiet(
  found: Quiet,
  ask: (before: string) => Promise<{ readonly answer: HttpAnswer } | NoAnswer>,
): Promise<Judgement> {
  const { quiet, longestPause, maxAge, pauses } = found;
  if (quiet <= maxAge) return { problems: [] };
  const note = `quiet for ${spokenAge(quiet).en}, which is not known to be unusual here`;
  // Where too few come to know how often they do, nobody can say that they are late.
  if (longestPause === undefined || quiet <= pauses * longestPause) return { problems: [], note };
  const days = await earlierDays({ seen: found.posts, quiet, now: found.now }, async (before) => {
    const heard = await ask(before);
    return "answer" in heard ? heard.answer : undefined;
  });
  const usual = Math.max(longestPause, ...days.map((day) => day.longestPause));
  const known = days.length >= 2 || quiet > withoutOtherDaysSeconds;
  return known && quiet > pauses * usual ? { problems: [problemOf(found, usual, days)] } : { problems: [], note };
}

function problemOf(
  { feed, sinceNewest, quiet, longestPause = 0 }: Quiet,
  usual: number,
  days: readonly EarlierDay[],
): Problem {
  // A post or two, found by a member who followed a link, make no difference; but then it is not none.
  const [en, fr, seconds] =
    sinceNewest > quiet / 2
      ? (["No new posts", "Aucune nouvelle publication", sinceNewest] as const)
      : (["Hardly any new posts", "Presque aucune nouvelle publication", quiet] as const);
  const lasts = spokenAge(seconds);
  const before = days.length > 0 ? "before this time on other days" : "before";
  const reason = `${en.toLowerCase()} on the ${feed} timeline for ${lasts.en}; the longest pause ${before} was ${spokenDuration(usual).en}`;
  const [from, de] = feed === "remote" ? ["from other servers", "d’autres serveurs"] : ["from members", "des membres"];
  const figures = [
    `since the newest post: ${Math.round(sinceNewest)} s`,
    `at most two posts in: ${Math.round(quiet)} s`,
    `longest such stretch before: ${Math.round(longestPause)} s`,
    ...days.map(
      ({ daysAgo, longestPause }) => `and ${daysAgo} days ago, before this time: ${Math.round(longestPause)} s`,
    ),
  ];
  const explanation = { en: `${en} ${from} for ${lasts.en}.`, fr: `${fr} ${de} depuis ${lasts.fr}.` };
  return degradation(reason, explanation, figures.join("\n"));
}
