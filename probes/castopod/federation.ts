/**
 * A podcast as an ActivityPub account: what other servers get when they fetch its actor, and whether its inbox takes
 * what they send.
 */
import { z } from "zod";
import { plainText } from "../../core/plain-text.ts";
import type { ProbeContext } from "../../core/probe.ts";
import { degradation, type Problem } from "../lib/problem.ts";
import { withTimeLimit } from "../lib/time-limit.ts";
import { challengeOf, isHtml, mediaType } from "../web/bot-wall.ts";
import { evidenceOf } from "../web/http-answer.ts";
import { sameOriginUrl } from "../web/untrusted-url.ts";

const Actor = z.object({ id: z.string().max(2000), type: z.string().max(100), inbox: z.string().max(2000) });
const activityType = "application/activity+json";
const activityTypes = [activityType, "application/ld+json"];

/** Fetches the account of a podcast as another server does, and posts an unsigned message to its inbox. */
export async function askPodcastAccount(
  handle: string,
  origin: URL,
  context: ProbeContext,
): Promise<readonly Problem[]> {
  const account = new URL(`/@${handle}`, origin);
  const asked = `the account @${handle}`;
  const headers = { accept: `${activityType}, application/ld+json; profile="https://www.w3.org/ns/activitystreams"` };
  const heard = await withTimeLimit(context.http.get(account, { headers }), context);
  if (!("answer" in heard)) return [unseen(`${asked}: ${heard.reason}`, heard.evidence)];
  const { answer } = heard;
  const evidence = evidenceOf(answer);
  if (answer.status === 429) return [];
  const wall = challengeOf(answer);
  if (wall) return [unseen(`${asked} is behind a wall that no server passes: ${wall}`, evidence)];
  if (answer.status !== 200) return [unseen(`${asked} answered ${answer.status} to other servers`, evidence)];
  if (isHtml(answer))
    return [unseen(`${asked} gives other servers a web page: a cache or proxy mixes them up`, evidence)];
  const actor = answer.json(Actor);
  if (!actor) return [unseen(`${asked} is no account that other servers understand`, evidence)];
  if (!isOwn(actor.id, origin)) return [unseen(`${asked} says it is ${plainText(actor.id, 80)}`, evidence)];
  const type = mediaType(answer);
  const mistyped = activityTypes.includes(type)
    ? []
    : [unseen(`${asked} is sent as ${plainText(type, 40) || "nothing"}`, evidence)];
  return [...mistyped, ...(await askInbox(handle, actor.inbox, origin, context))];
}

async function askInbox(
  handle: string,
  inbox: string,
  origin: URL,
  context: ProbeContext,
): Promise<readonly Problem[]> {
  const url = isOwn(inbox, origin) ? sameOriginUrl(inbox, origin) : undefined;
  const asked = `the inbox of @${handle}`;
  // Only what is surely this server's own is written to.
  if (!url) return [unheard(`${asked} is said to be at ${plainText(inbox, 80)}`, "")];
  const knock = {
    method: "POST",
    headers: { accept: activityType, "content-type": activityType },
    body: "{}",
  } as const;
  const heard = await withTimeLimit(context.http.get(url, knock), context);
  if (!("answer" in heard)) return [unheard(`${asked}: ${heard.reason}`, heard.evidence)];
  const { status } = heard.answer;
  // It is unsigned, so 401 is the right answer; 400 shows that it was read.
  if (status === 401 || status === 400 || status === 429) return [];
  const said =
    status < 300 ? `took an unsigned message (${status}): something else may stand there` : `answered ${status}`;
  return [unheard(`${asked} ${said}`, evidenceOf(heard.answer))];
}

/** Another server takes it as it stands: it has nothing that it could be relative to. */
const isOwn = (written: string, origin: URL): boolean =>
  URL.canParse(written) && sameOriginUrl(written, origin) !== undefined;

const unseen = (reason: string, evidence: string): Problem =>
  degradation(
    reason,
    {
      en: "People on other servers may not be able to follow our podcasts.",
      fr: "Les gens d’autres serveurs risquent de ne pas pouvoir suivre nos balados.",
    },
    evidence,
  );

const unheard = (reason: string, evidence: string): Problem =>
  degradation(
    reason,
    {
      en: "Comments and reactions from other servers may not reach our podcasts.",
      fr: "Les commentaires et réactions d’autres serveurs risquent de ne pas atteindre nos balados.",
    },
    evidence,
  );
