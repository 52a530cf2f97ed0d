/**
 * The podcasts of a Castopod one by one: RSS feed, newest enclosure, its page, and whether the feed keeps up with the
 * pages.
 */
import { z } from "zod";
import { sameInAll } from "../../core/language.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { formatDuration } from "../../core/units.ts";
import { cached } from "../lib/cached.ts";
import { degradation, type PartialFinding, type Problem } from "../lib/problem.ts";
import { type NoAnswer, untilDeadline } from "../lib/time-limit.ts";
import { challengeOf, isHtml } from "../web/bot-wall.ts";
import { evidenceOf, redirectTarget } from "../web/http-answer.ts";
import { slowness } from "../web/server-health.ts";
import { askEnclosure } from "./enclosure.ts";
import { askEpisodePage, askMissing, lateEpisode } from "./episodes.ts";
import { type Episode, feedBytes, newestEpisode, type PodcastFeed, readFeed } from "./feed.ts";

export interface FeedSettings {
  readonly handles: readonly string[];
  readonly origin: URL;
  /** How often the newest enclosure is asked for. */
  readonly enclosureEverySeconds: number;
  /** How old the newest episode may become. */
  readonly newestWithinSeconds: number | undefined;
  /** How long a feed or an enclosure may take. */
  readonly maxSeconds: number;
}

const feedsPerRun = 3;
const pagesEverySeconds = 600;
/** More than two thousand episodes with long notes. Read only where the newest one may stand at the end, and no more often than the pages. */
const mostFeedBytes = 8 * 1024 * 1024;

/** A few feeds in each run, in turn; those that were wrong last time every time, so that a fault can be confirmed. */
export async function askFeeds(settings: FeedSettings, context: ProbeContext): Promise<PartialFinding> {
  const { handles } = settings;
  const remembered = Turn.safeParse(context.memory.get("feeds")).data ?? { next: 0, wrong: [] };
  forgetOthers(handles, context);
  const again = remembered.wrong.filter((handle) => handles.includes(handle)).slice(0, feedsPerRun);
  const others = handles.filter((handle) => !again.includes(handle));
  const count = Math.min(others.length, Math.max(1, feedsPerRun - again.length));
  const inTurn = Array.from({ length: count }, (_, step) => others[(remembered.next + step) % others.length] ?? "");
  const looks = await Promise.all(
    [...again, ...inTurn].map(async (handle) => ({ handle, ...(await askPodcast(handle, settings, context)) })),
  );
  const wrong = looks.filter(({ problems }) => problems.length > 0).map(({ handle }) => handle);
  context.memory.set("feeds", { next: others.length > 0 ? (remembered.next + count) % others.length : 0, wrong });
  return together(looks);
}
const Turn = z.object({ next: z.int(), wrong: z.array(z.string()) });

/** A home page that names other podcasts in each run must not fill our memory. */
function forgetOthers(handles: readonly string[], { memory }: ProbeContext): void {
  for (const key of memory.keys()) {
    const [, handle] = /^@(\w+) /.exec(key) ?? [];
    if (handle !== undefined && !handles.includes(handle)) memory.delete(key);
  }
}

function together(looks: readonly PartialFinding[]): PartialFinding {
  const note = looks.flatMap((look) => look.note ?? []).join("; ");
  return { problems: looks.flatMap(({ problems }) => problems), ...(note && { note }) };
}

const addressOf = (handle: string, origin: URL): URL => new URL(`/@${handle}/feed.xml`, origin);

async function askPodcast(handle: string, settings: FeedSettings, context: ProbeContext): Promise<PartialFinding> {
  const { origin, maxSeconds } = settings;
  const url = addressOf(handle, origin);
  const asked = `the feed of @${handle}`;
  const heard = await untilDeadline(context.http.get(url, { maxBodyBytes: feedBytes }), context);
  if (!("answer" in heard)) return { problems: [feedWithoutAnswer(heard, asked)] };
  const { answer } = heard;
  const refused = feedRefusal(answer, asked);
  if (refused) return { problems: refused };
  const now = context.clock.now();
  const feed = readFeed(answer.text(), url, answer.truncated, now);
  const slow: PartialFinding = { problems: slowness(answer, asked, maxSeconds, sameInAll("Castopod")) };
  if (answer.truncated && !feed.newestFirst) {
    const whole = await askWhole(handle, settings, context);
    const newest = Newest.of(handle, context);
    return together([slow, whole, newest ? await askNewest(handle, newest, answer, settings, context) : calm]);
  }
  // Episodes after the cut are not known, so none can be called missing.
  const missing = answer.truncated
    ? calm
    : await cached(`@${handle} list`, { everySeconds: pagesEverySeconds }, context, async () => ({
        problems: await askMissing(handle, feed.pages, origin, context),
      }));
  const newest = newestEpisode(feed.episodes, now);
  return together([
    slow,
    { problems: faultsOf(feed, asked, answer) },
    missing,
    newest ? await askNewest(handle, newest, answer, settings, context) : withoutEpisode(handle, feed),
  ]);
}

const calm: PartialFinding = { problems: [] };

/** A podcast that is being prepared is none the less a healthy one. */
const withoutEpisode = (handle: string, { episodes, faults }: PodcastFeed): PartialFinding =>
  episodes.length > 0 || faults.some(({ harm }) => harm === "loading")
    ? calm
    : { problems: [], note: `@${handle} has no episode yet` };

/** Which episode of a large feed is the newest, remembered from when the whole of it was read. */
class Newest {
  readonly episode: Episode | undefined;

  constructor(episode: Episode | undefined) {
    this.episode = episode;
  }

  static of(handle: string, { memory }: ProbeContext): Episode | undefined {
    const known = memory.get(`@${handle} newest`);
    return known instanceof Newest ? known.episode : undefined;
  }
}

/** Serial podcasts begin with the first episode: where their feed is large, the newest one stands behind what was read. */
function askWhole(handle: string, { origin }: FeedSettings, context: ProbeContext): Promise<PartialFinding> {
  return cached(`@${handle} whole`, { everySeconds: pagesEverySeconds }, context, async () => {
    context.memory.delete(`@${handle} newest`);
    const url = addressOf(handle, origin);
    const heard = await untilDeadline(context.http.get(url, { maxBodyBytes: mostFeedBytes }), context);
    // Its beginning was given a moment ago: what is wrong now is seen there, too, if it lasts.
    if (!("answer" in heard) || heard.answer.status !== 200) return calm;
    const { answer } = heard;
    const now = context.clock.now();
    const feed = readFeed(answer.text(), url, answer.truncated, now);
    const faults = faultsOf(feed, `the feed of @${handle}`, answer);
    if (answer.truncated) {
      return { problems: faults, note: `the feed of @${handle} is too large to find its newest episode (over 8 MB)` };
    }
    context.memory.set(`@${handle} newest`, new Newest(newestEpisode(feed.episodes, now)));
    return { problems: [...faults, ...(await askMissing(handle, feed.pages, origin, context))] };
  });
}

function faultsOf({ faults }: PodcastFeed, asked: string, answer: HttpAnswer): readonly Problem[] {
  const evidence = evidenceOf(answer);
  return faults.map(({ said, harm }) =>
    degradation(`${asked} ${said}`, harm === "loading" ? missingEpisodes : shownBadly, evidence),
  );
}

/** Problems of an answer that is no feed; none where that is right; undefined when it may be one. */
function feedRefusal(answer: HttpAnswer, asked: string): readonly Problem[] | undefined {
  const evidence = evidenceOf(answer);
  // The podcast moved to another address, on purpose: apps follow by themselves.
  if (answer.status === 301 && redirectTarget(answer) !== "nowhere") return [];
  // This page needs the database before any cache; the health page does not.
  if (answer.status >= 500) return [down(`${asked} answered ${answer.status}`, evidence)];
  if (answer.status === 429) return [];
  if (answer.status !== 200) return [cannotSubscribe(`${asked} answered ${answer.status}`, evidence)];
  const wall = challengeOf(answer);
  if (wall) return [cannotSubscribe(`${asked} is behind a wall that no podcast app passes: ${wall}`, evidence)];
  if (isHtml(answer)) return [cannotSubscribe(`${asked} is no podcast feed but a web page`, evidence)];
  return undefined;
}

/** Its enclosure, its page and its age. */
async function askNewest(
  handle: string,
  newest: Episode,
  feed: HttpAnswer,
  { origin, enclosureEverySeconds, newestWithinSeconds, maxSeconds }: FeedSettings,
  context: ProbeContext,
): Promise<PartialFinding> {
  const about = newest.enclosure?.url ?? "";
  const looks = await Promise.all([
    cached(`@${handle} enclosure`, { everySeconds: enclosureEverySeconds, about }, context, async () => ({
      problems: (await askEnclosure(newest, { origin, namedBy: feed, maxSeconds }, context)).map((problem) => ({
        ...problem,
        reason: `@${handle}: ${problem.reason}`,
      })),
    })),
    cached(`@${handle} page`, { everySeconds: pagesEverySeconds, about: newest.page ?? "" }, context, async () => ({
      problems: await askEpisodePage(handle, newest, origin, context),
    })),
  ]);
  const ageSeconds = (context.clock.now().epochMilliseconds - (newest.publishedAt ?? 0)) / 1000;
  if (newestWithinSeconds === undefined || ageSeconds <= newestWithinSeconds) return together(looks);
  const age = formatDuration(Math.floor(ageSeconds / 3600) * 3600);
  const stale = degradation(`the newest episode of @${handle} is ${age} old`, lateEpisode, evidenceOf(feed));
  return together([...looks, { problems: [stale] }]);
}

const missingEpisodes = {
  en: "Podcast apps may not be able to load episodes.",
  fr: "Les applications de balados risquent de ne pas charger les épisodes.",
};
const shownBadly = {
  en: "Some podcast apps may not show a podcast as they should.",
  fr: "Certaines applications de balados risquent de mal afficher un balado.",
};
const comesSlowly = {
  en: "New episodes may take long to reach podcast apps.",
  fr: "Les nouveaux épisodes peuvent mettre du temps à parvenir aux applications de balados.",
};
const cannotSubscribe = (reason: string, evidence: string) => degradation(reason, missingEpisodes, evidence);
const down = (reason: string, evidence: string): Problem => ({
  outcome: "down",
  reason,
  explanation: missingEpisodes,
  evidence,
});
const feedWithoutAnswer = (heard: NoAnswer, asked: string): Problem =>
  heard.failure
    ? down(`${asked}: ${heard.reason}`, heard.evidence)
    : degradation(`${asked}: ${heard.reason}`, comesSlowly, heard.evidence);
