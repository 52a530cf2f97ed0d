/**
 * The web pages of a podcast's episodes: whether the newest one's page loads, and whether the feed lacks an episode
 * that the list of episodes shows.
 */
import { plainText } from "../../core/plain-text.ts";
import type { ProbeContext } from "../../core/probe.ts";
import { degradation, type Problem } from "../lib/problem.ts";
import { secondsSince } from "../lib/since.ts";
import { untilDeadline } from "../lib/time-limit.ts";
import { challengeOf, isHtml } from "../web/bot-wall.ts";
import { evidenceOf } from "../web/http-answer.ts";
import { sameOriginUrl, untrustedUrl } from "../web/untrusted-url.ts";
import type { Episode } from "./feed.ts";

const missingPage = {
  en: "The page of the newest episode of a podcast does not open.",
  fr: "La page du plus récent épisode d’un balado ne s’ouvre pas.",
};
const slowPage = {
  en: "The page of the newest episode of a podcast may take long to open.",
  fr: "La page du plus récent épisode d’un balado peut mettre du temps à s’ouvrir.",
};
export const lateEpisode = {
  en: "A new episode has not reached podcast apps.",
  fr: "Un nouvel épisode n’est pas parvenu aux applications de balados.",
};
const emptyFeed = {
  en: "Podcast apps find no episode of a podcast.",
  fr: "Les applications de balados ne trouvent aucun épisode d’un balado.",
};

export async function askEpisodePage(
  handle: string,
  { title, page }: Episode,
  origin: URL,
  context: ProbeContext,
): Promise<readonly Problem[]> {
  const url = sameOriginUrl(page, origin);
  if (!url) return [];
  const asked = `the page of "${title}" of @${handle}`;
  const heard = await untilDeadline(context.http.get(url, { headers: { accept: "text/html" } }), context);
  if (!("answer" in heard)) {
    return [degradation(`${asked}: ${heard.reason}`, heard.failure ? missingPage : slowPage, heard.evidence)];
  }
  const { answer } = heard;
  if (answer.status === 429 || challengeOf(answer)) return [];
  if (answer.status === 200 && isHtml(answer)) return [];
  const said = answer.status === 200 ? "is no web page" : `answered ${answer.status}`;
  return [degradation(`${asked} ${said}`, missingPage, evidenceOf(answer))];
}

/** Feed and page are put together at different moments. */
const catchUpSeconds = 900;

/**
 * Episodes that the podcast's page shows and the feed does not: Castopod keeps a feed for up to ten years, until it is
 * told of a change. An episode whose date came without such a change stays out of every podcast app.
 * @param pages of the episodes in the whole feed.
 */
export async function askMissing(
  handle: string,
  pages: readonly string[],
  origin: URL,
  context: ProbeContext,
): Promise<readonly Problem[]> {
  const heard = await untilDeadline(context.http.get(new URL(`/@${handle}/episodes`, origin)), context);
  // A page that does not load is no problem here; what it says is only compared.
  if (!("answer" in heard) || heard.answer.status !== 200 || !isHtml(heard.answer)) return [];
  const html = heard.answer.text();
  const inFeed = new Set(pages.flatMap((page) => slugOf(page, handle, origin)));
  const missing = linkedEpisodes(html, handle, origin).filter((slug) => !inFeed.has(slug));
  // Feeds whose links lead elsewhere cannot be compared, nor those of which only a part is free.
  const comparable = (inFeed.size > 0 || pages.length === 0) && !html.includes(`/@${handle}/unlock`);
  const isSo = comparable && missing.length > 0;
  if (secondsSince(`@${handle} missing`, isSo, context) < catchUpSeconds || !isSo) return [];
  const example = `"${plainText(missing[0] ?? "", 60)}"`;
  const evidence = evidenceOf(heard.answer);
  if (pages.length === 0)
    return [degradation(`the feed of @${handle} has no episode, its page shows ${example}`, emptyFeed, evidence)];
  return [degradation(`the feed of @${handle} lacks ${example}, which its page shows`, lateEpisode, evidence)];
}

function linkedEpisodes(html: string, handle: string, origin: URL): readonly string[] {
  const links = [...html.matchAll(/\bhref=(?:"([^"]{1,500})"|'([^']{1,500})')/gi).take(2000)];
  return [...new Set(links.flatMap(([, double, single]) => slugOf(double ?? single ?? "", handle, origin)))];
}

/** "episode-3" of `https://podcasts.example/@cooking/episodes/episode-3`. */
function slugOf(address: string, handle: string, origin: URL): readonly string[] {
  const url = untrustedUrl(address, origin);
  const [, owner, slug] =
    /^\/@(\w+)\/episodes\/([^/]{1,200})/.exec(url?.host === origin.host ? url.pathname : "") ?? [];
  return owner === handle && slug !== undefined ? [slug] : [];
}
