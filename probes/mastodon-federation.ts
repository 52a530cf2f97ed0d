/**
 * The mastodon-federation probe: looks at Mastodon as another server does that has a post to deliver: actor,
 * WebFinger, inbox.
 */
import { z } from "zod";
import { webAddress } from "../core/config/settings.ts";
import { type Localised, sameInAll } from "../core/language.ts";
import { plainText } from "../core/plain-text.ts";
import { defineProbe, type HttpAnswer, type ProbeContext } from "../core/probe.ts";
import { compatibleWithout } from "./fediverse/mastodon-compatible.ts";
import type { Software } from "./fediverse/nodeinfo.ts";
import { handle, lookUp, parseHandle } from "./fediverse/webfinger.ts";
import { certificateAuthority, trusting } from "./lib/certificate.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";
import { withTimeLimit } from "./lib/time-limit.ts";
import { challengeInPlaceOfDocument, isHtml, mediaType } from "./web/bot-wall.ts";
import { cacheBusted } from "./web/cache-buster.ts";
import { evidenceOf, isMaintenance, redirectTarget, refusalOf } from "./web/http-answer.ts";

const mastodon = sameInAll("Mastodon");
const cutOff: Localised = {
  en: "Posts to and from other servers may not arrive.",
  fr: "Les messages échangés avec d’autres serveurs risquent de ne pas arriver.",
};

export default defineProbe({
  summary: "Asks a Mastodon what other servers ask before and while they deliver posts.",
  internal: true,
  options: z.strictObject({
    url: webAddress().describe("Address of the server as members see it, without a path."),
    account: handle()
      .optional()
      .describe("Handle of an account to look up and fetch too, as other servers do before they deliver to it."),
    ca: certificateAuthority(),
  }),
  example: { url: "https://social.example", account: "admin@social.example" },
  defaults: { everySeconds: 300, timeoutSeconds: 25 },

  async run({ url, account, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    const answer = await context.http.get(cacheBusted(new URL("/actor", origin)), { headers: asActivity });
    const { phases } = answer;
    const relative = await compatibleWithout(answer, origin, mastodon, context);
    const stranger = relative ? undefined : actorFault(answer, new URL("/actor", origin), "the server's own actor");
    // A server that turns us away for asking too often is not asked again; a closed server has no inbox.
    if (stranger && (answer.status === 429 || answer.status === 410)) return findingOf([stranger], { phases });
    const inbox = await inboxFault(origin, context, relative);
    const person = account === undefined ? [] : await accountFaults(account, origin, context);
    return findingOf(
      [stranger, inbox, ...person].filter((problem) => problem !== undefined),
      { phases, note: relative && `is ${relative.name}, which has no actor of its own where Mastodon has it` },
    );
  },
});

const asActivity = { accept: "application/activity+json" };
const activityTypes = ["application/activity+json", "application/ld+json"];

const Actor = z.object({
  id: z.string().max(2000),
  type: z.string().max(100),
  inbox: z.string().max(2000),
  publicKey: z.object({ publicKeyPem: z.string().max(20_000) }).nullish(),
});

/** @param id what it must be known by. */
function actorFault(answer: HttpAnswer, id: URL, who: string): Problem | undefined {
  const { status } = answer;
  const problem = (reason: string) => degradation(reason, cutOff, evidenceOf(answer));
  const wall = botWallFault(answer, who);
  if (wall) return wall;
  if (status === 404) return problem(`${who} answers 404: the proxy does not pass it on to Mastodon`);
  if (status === 410) return problem(`${who} answers 410: closed for good`);
  if (status >= 300 && status < 400) return problem(`${who} redirects to ${redirectTarget(answer)}`);
  if (status !== 200) return problem(`${who} answers ${status}`);
  if (isHtml(answer)) return problem(`${who} is a web page: a cache or proxy ignores what other servers ask for`);
  if (!activityTypes.includes(mediaType(answer))) {
    return problem(
      `${who} is ${plainText(mediaType(answer), 60) || "of no named type"}, not application/activity+json`,
    );
  }
  const actor = answer.json(Actor);
  if (!actor) return problem(`${who} is not an actor document`);
  if (URL.parse(actor.id)?.href !== id.href)
    return problem(`${who} says it is ${plainText(actor.id, 100)}, not ${id.href}`);
  if (URL.parse(actor.inbox)?.host !== id.host)
    return problem(`${who} has its inbox at ${plainText(actor.inbox, 100)}`);
  if (!/^\s*-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(actor.publicKey?.publicKeyPem ?? "")) {
    return problem(`${who} shows no public key, so nobody can check its signatures`);
  }
  return undefined;
}

/** A challenge that only browsers pass also stops other servers; a refusal of our monitor may say nothing about others. */
function botWallFault(answer: HttpAnswer, what: string): Problem | undefined {
  const challenge = challengeInPlaceOfDocument(answer);
  if (challenge) {
    return degradation(`blocked: ${challenge} of ${what}, and other servers have none`, cutOff, evidenceOf(answer));
  }
  const refusal = refusalOf(answer, what, mastodon);
  if (refusal?.outcome === "unknown") return refusal;
  return isMaintenance(answer) && refusal ? { ...refusal, outcome: "degraded" } : undefined;
}

/** An activity nobody signed must be turned down with 401: that takes the whole way to the code that takes deliveries. */
async function inboxFault(
  origin: URL,
  context: ProbeContext,
  relative: Software | undefined,
): Promise<Problem | undefined> {
  const request = {
    method: "POST" as const,
    headers: { "content-type": "application/activity+json", accept: "application/activity+json" },
    body: "{}",
  };
  const heard = await withTimeLimit(context.http.get(new URL("/inbox", origin), request), context);
  if (!("answer" in heard)) return degradation(`the inbox: ${heard.reason}`, cutOff, heard.evidence);
  const { answer } = heard;
  const { status } = answer;
  const problem = (reason: string) => degradation(reason, cutOff, evidenceOf(answer));
  if (status === 429) return undefined; // Our own rate limit is used up.
  const challenge = challengeInPlaceOfDocument(answer);
  if (challenge) return problem(`blocked: ${challenge} before the inbox, and other servers have none`);
  const maintenance = isMaintenance(answer) ? refusalOf(answer, "the inbox", mastodon) : undefined;
  if (maintenance) return { ...maintenance, outcome: "degraded" };
  // Some have an inbox for each account, and none for all.
  if (relative && (status === 404 || status === 405)) return undefined;
  if (status === 403) return problem("a firewall before the inbox refuses deliveries (403 instead of 401)");
  if (status === 404) return problem("the inbox answers 404: the proxy does not pass deliveries on to Mastodon");
  if (status === 405) return problem("the inbox answers 405: the proxy takes no POST, so no deliveries");
  if (status === 410) return problem("the inbox answers 410: closed for good");
  if (status >= 500) return problem(`the inbox answers ${status} to deliveries`);
  if (status >= 300 && status < 400)
    return problem(`the inbox redirects to ${redirectTarget(answer)}: deliveries get lost`);
  if (status === 401 && isHtml(answer)) return problem("something before the inbox asks deliveries for a password");
  if (isHtml(answer)) return problem(`a web page stands in place of the inbox (${status})`);
  if (status < 300) return problem(`the inbox takes what nobody signed (${status}): something else answers there`);
  return undefined;
}

async function accountFaults(account: string, origin: URL, context: ProbeContext): Promise<readonly Problem[]> {
  const known = parseHandle(account);
  if (!known) return [];
  const found = await lookUp(known, origin, mastodon, context, { fresh: true });
  if (!found.self) return found.problems;
  const self = found.self;
  const heard = await withTimeLimit(context.http.get(cacheBusted(self), { headers: asActivity }), context);
  const who = `the actor of ${known.user}`;
  if (!("answer" in heard)) return [...found.problems, degradation(`${who}: ${heard.reason}`, cutOff, heard.evidence)];
  // With authorized fetch and in limited federation only those who sign may see accounts: no fault.
  if (heard.answer.status === 401 && !isHtml(heard.answer)) return found.problems;
  const fault = actorFault(heard.answer, self, who);
  return [...found.problems, ...(fault ? [fault] : [])];
}
