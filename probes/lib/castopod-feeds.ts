/** The podcasts of a Castopod one by one: feed, newest sound, its page, and whether the feed keeps up with the pages. */
import { z } from "zod";
import { plainText } from "../../core/plain-text.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { formatDuration } from "../../core/units.ts";
import { evidenceOf, redirectTarget } from "./answer.ts";
import { type Episode, feedBytes, newestEpisode, readFeed } from "./feed.ts";
import { blemish, type Flaw } from "./flaw.ts";
import { patiently } from "./patience.ts";
import { lasting, seldom } from "./seldom.ts";
import { askSound } from "./sound.ts";
import { challengeOf, isHtml } from "./wall.ts";

export interface FeedSettings {
  readonly handles: readonly string[];
  readonly origin: URL;
  /** How often the newest sound is asked for. */
  readonly soundEverySeconds: number;
  /** How old the newest episode may become. */
  readonly newestWithinSeconds: number | undefined;
}

const feedsPerRun = 3;
const pagesEverySeconds = 600;
/** Feed and page are put together at different moments. */
const catchUpSeconds = 900;

/** A few feeds in each run, in turn; those that were wrong last time every time, so that a fault can be confirmed. */
export async function askFeeds(settings: FeedSettings, context: ProbeContext): Promise<readonly Flaw[]> {
  const { handles } = settings;
  const remembered = Turn.safeParse(context.memory.get("feeds")).data ?? { next: 0, wrong: [] };
  forgetOthers(handles, context);
  const again = remembered.wrong.filter((handle) => handles.includes(handle)).slice(0, feedsPerRun);
  const others = handles.filter((handle) => !again.includes(handle));
  const count = Math.min(others.length, Math.max(1, feedsPerRun - again.length));
  const inTurn = Array.from({ length: count }, (_, step) => others[(remembered.next + step) % others.length] ?? "");
  const looks = await Promise.all(
    [...again, ...inTurn].map(async (handle) => ({ handle, flaws: await askPodcast(handle, settings, context) })),
  );
  const wrong = looks.filter(({ flaws }) => flaws.length > 0).map(({ handle }) => handle);
  context.memory.set("feeds", { next: others.length > 0 ? (remembered.next + count) % others.length : 0, wrong });
  return looks.flatMap(({ flaws }) => flaws);
}
const Turn = z.object({ next: z.int(), wrong: z.array(z.string()) });

/** A home page that names other podcasts each time must not fill the memory. */
function forgetOthers(handles: readonly string[], { memory }: ProbeContext): void {
  for (const key of memory.keys()) {
    const [, handle] = /^@(\w+) /.exec(key) ?? [];
    if (handle !== undefined && !handles.includes(handle)) memory.delete(key);
  }
}

async function askPodcast(handle: string, settings: FeedSettings, context: ProbeContext): Promise<readonly Flaw[]> {
  const { origin } = settings;
  const url = new URL(`/@${handle}/feed.xml`, origin);
  const asked = `the feed of @${handle}`;
  const heard = await patiently(context.http.get(url, { maxBodyBytes: feedBytes }), context);
  if (!("answer" in heard)) return [down(`${asked}: ${heard.silence}`, heard.evidence)];
  const { answer } = heard;
  const refused = feedRefusal(answer, asked);
  if (refused) return refused;
  const now = context.clock.now();
  const { faults, episodes } = readFeed(answer.text(), url, answer.truncated, now);
  const evidence = evidenceOf(answer);
  if (episodes.length === 0) return faults.map((fault) => cannotSubscribe(`${asked} ${fault}`, evidence));
  const newest = newestEpisode(episodes, now);
  const more = await Promise.all([
    newest ? askNewest(handle, newest, settings, context) : [],
    // What was cut off cannot be missed.
    answer.truncated ? [] : askMissing(handle, episodes, origin, context),
  ]);
  return [
    ...faults.map((fault) => cannotSubscribe(`${asked} ${fault}`, evidence)),
    ...more.flat(),
    ...staleness(handle, newest, settings, { now, evidence }),
  ];
}

/** Flaws of an answer that is no feed; none where that is right; undefined when it may be one. */
function feedRefusal(answer: HttpAnswer, asked: string): readonly Flaw[] | undefined {
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

/** The sound and the page of the newest episode. */
async function askNewest(
  handle: string,
  newest: Episode,
  { origin, soundEverySeconds }: FeedSettings,
  context: ProbeContext,
): Promise<readonly Flaw[]> {
  const about = newest.sound?.url ?? "";
  const looks = await Promise.all([
    seldom(`@${handle} sound`, { everySeconds: soundEverySeconds, about }, context, async () => ({
      flaws: (await askSound(newest, origin, context)).map((flaw) => ({
        ...flaw,
        reason: `@${handle}: ${flaw.reason}`,
      })),
    })),
    seldom(`@${handle} page`, { everySeconds: pagesEverySeconds, about: newest.page ?? "" }, context, async () => ({
      flaws: await askEpisodePage(handle, newest, origin, context),
    })),
  ]);
  return looks.flatMap(({ flaws }) => flaws);
}

async function askEpisodePage(
  handle: string,
  { title, page }: Episode,
  origin: URL,
  context: ProbeContext,
): Promise<readonly Flaw[]> {
  const url = page === undefined ? null : URL.parse(page);
  if (url?.host !== origin.host) return [];
  const asked = `the page of "${title}" of @${handle}`;
  const heard = await patiently(context.http.get(url, { headers: { accept: "text/html" } }), context);
  if (!("answer" in heard)) return [blemish(`${asked}: ${heard.silence}`, missingPage, heard.evidence)];
  const { answer } = heard;
  if (answer.status === 429 || challengeOf(answer)) return [];
  if (answer.status === 200 && isHtml(answer)) return [];
  const said = answer.status === 200 ? "is no web page" : `answered ${answer.status}`;
  return [blemish(`${asked} ${said}`, missingPage, evidenceOf(answer))];
}

/**
 * Episodes that the podcast's page shows and the feed does not: Castopod keeps a feed for up to ten years, until it is
 * told of a change. An episode whose time came while nobody told it stays out of every podcast app.
 */
async function askMissing(
  handle: string,
  episodes: readonly Episode[],
  origin: URL,
  context: ProbeContext,
): Promise<readonly Flaw[]> {
  const key = `@${handle} missing`;
  const { flaws } = await seldom(`@${handle} list`, { everySeconds: pagesEverySeconds }, context, async () => {
    const heard = await patiently(context.http.get(new URL(`/@${handle}/episodes`, origin)), context);
    // The page is no promise of its own; what it says is only compared.
    if (!("answer" in heard) || heard.answer.status !== 200 || !isHtml(heard.answer)) return { flaws: [] };
    const inFeed = new Set(episodes.flatMap(({ page }) => slugOf(page ?? "", handle, origin)));
    const missing = linkedEpisodes(heard.answer.text(), handle, origin).filter((slug) => !inFeed.has(slug));
    // Feeds whose links lead elsewhere cannot be compared.
    const isSo = missing.length > 0 && inFeed.size > 0;
    if (lasting(key, isSo, context) < catchUpSeconds || !isSo) return { flaws: [] };
    const reason = `the feed of @${handle} lacks "${plainText(missing[0] ?? "", 60)}", which its page shows`;
    return { flaws: [blemish(reason, lateEpisode, evidenceOf(heard.answer))] };
  });
  return flaws;
}

function linkedEpisodes(html: string, handle: string, origin: URL): readonly string[] {
  const links = [...html.matchAll(/\bhref=(?:"([^"]{1,500})"|'([^']{1,500})')/gi).take(2000)];
  return [...new Set(links.flatMap(([, double, single]) => slugOf(double ?? single ?? "", handle, origin)))];
}

/** "episode-3" of `https://podcasts.example/@cooking/episodes/episode-3`. */
function slugOf(address: string, handle: string, origin: URL): readonly string[] {
  const url = URL.parse(address, origin);
  const [, owner, slug] =
    /^\/@(\w+)\/episodes\/([^/]{1,200})/.exec(url?.host === origin.host ? url.pathname : "") ?? [];
  return owner === handle && slug !== undefined ? [slug] : [];
}

function staleness(
  handle: string,
  newest: Episode | undefined,
  { newestWithinSeconds }: FeedSettings,
  { now, evidence }: { readonly now: Temporal.Instant; readonly evidence: string },
): readonly Flaw[] {
  if (newestWithinSeconds === undefined) return [];
  const ageSeconds = (now.epochMilliseconds - (newest?.publishedAt ?? Number.NEGATIVE_INFINITY)) / 1000;
  if (ageSeconds <= newestWithinSeconds) return [];
  const said = newest ? `is ${formatDuration(Math.floor(ageSeconds / 3600) * 3600)} old` : "is not there";
  return [blemish(`the newest episode of @${handle} ${said}`, lateEpisode, evidence)];
}

const missingEpisodes = {
  en: "Podcast apps may not be able to load episodes.",
  fr: "Les applications de balados risquent de ne pas charger les épisodes.",
};
const missingPage = {
  en: "The page of the newest episode of a podcast does not open.",
  fr: "La page du plus récent épisode d’un balado ne s’ouvre pas.",
};
const lateEpisode = {
  en: "A new episode has not reached podcast apps.",
  fr: "Un nouvel épisode n’est pas parvenu aux applications de balados.",
};
const cannotSubscribe = (reason: string, evidence: string) => blemish(reason, missingEpisodes, evidence);
const down = (reason: string, evidence: string): Flaw => ({
  outcome: "down",
  reason,
  explanation: missingEpisodes,
  evidence,
});
