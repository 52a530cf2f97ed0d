/** WebFinger: how another server finds an account by its handle. https://www.rfc-editor.org/rfc/rfc7033 */
import { z } from "zod";
import type { Localised } from "../../core/language.ts";
import { plainText } from "../../core/plain-text.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { isHardToFind } from "../lib/explanation.ts";
import { degradation, type Problem } from "../lib/problem.ts";
import { withTimeLimit } from "../lib/time-limit.ts";
import { cacheBusted } from "../web/cache-buster.ts";
import { evidenceOf, oldCopy, redirectTarget, refusalOf } from "../web/http-answer.ts";

export interface Handle {
  readonly user: string;
  /** Host, with its port where that is not the usual one. */
  readonly domain: string;
}

export interface WebFinger {
  readonly problems: readonly Problem[];
  /** The server behind it seems to fail, by an error or by an old copy: a sign of more than a wrong rule in a proxy. */
  readonly backendFails: boolean;
  /** There was no answer at all. */
  readonly noAnswer?: true;
  /** The ActivityPub address of the account, on the server of its web pages. */
  readonly self?: URL;
}

const Document = z.object({
  subject: z.string().max(500),
  links: z.array(z.object({ rel: z.string(), type: z.string().nullish(), href: z.string().nullish() })).max(100),
});

interface LookUp {
  readonly at?: string;
  readonly fresh?: boolean;
  readonly unknownStatus?: number;
  readonly namedBy?: Pick<HttpAnswer, "address">;
}

const activityTypes = ["application/activity+json", "application/ld+json"];
const mostHops = 3;

/**
 * Looks an account up as a stranger's server would: on the domain of the handle, which may send on to the server of
 * its web pages and to nobody else.
 * @param web where the pages and accounts are.
 * @param how `at`: a host to ask instead; `fresh`: so that no cache answers; `unknownStatus`: what this software
 *   answers where it knows no such account; `namedBy`: the answer that named the domain, where no operator did.
 */
export async function lookUp(
  handle: Handle,
  web: URL,
  subject: Localised,
  context: ProbeContext,
  { at = handle.domain, fresh = false, unknownStatus = 404, namedBy }: LookUp = {},
): Promise<WebFinger> {
  const acct = `acct:${handle.user}@${handle.domain}`;
  let url = new URL("/.well-known/webfinger", `${web.protocol}//${at}`);
  url.searchParams.set("resource", acct);
  if (fresh) url = cacheBusted(url);
  for (let hop = 0; hop <= mostHops; hop++) {
    const heard = await withTimeLimit(context.http.get(url, namedBy && { namedBy }), context);
    if (!("answer" in heard)) {
      return { ...wrong(`WebFinger on ${url.host}: ${heard.reason}`, heard.evidence), noAnswer: true };
    }
    const { answer } = heard;
    const next = isRedirect(answer) ? URL.parse(answer.headers.get("location") ?? "", url) : null;
    if (!next) return judge(answer, acct, web, subject, unknownStatus);
    const allowed = next.protocol === url.protocol && (next.host === web.host || next.host === handle.domain);
    if (!allowed) return wrong(`WebFinger on ${url.host} redirects to ${redirectTarget(answer)}`, evidenceOf(answer));
    url = next;
  }
  return wrong(`WebFinger on ${handle.domain} redirects in circles`);
}

const isRedirect = ({ status, headers }: HttpAnswer) => status >= 300 && status < 400 && headers.has("location");

function judge(answer: HttpAnswer, acct: string, web: URL, subject: Localised, unknownStatus: number): WebFinger {
  const evidence = evidenceOf(answer);
  if (answer.status === unknownStatus)
    return wrong(`WebFinger does not know ${plainText(acct, 100)} (${answer.status})`, evidence);
  if (answer.status === 429) return { problems: [], backendFails: false }; // Our own rate limit is used up.
  const refusal = refusalOf(answer, "WebFinger", subject, "document");
  if (refusal) return { ...wrong(refusal.reason, evidence), backendFails: answer.status >= 500 };
  if (answer.status !== 200) return wrong(`WebFinger answered ${answer.status}`, evidence);
  const document = answer.json(Document);
  if (!document) return wrong("WebFinger answers something else: another site may have taken its place", evidence);
  if (document.subject.toLowerCase() !== acct.toLowerCase()) {
    return wrong(`WebFinger for ${plainText(acct, 100)} speaks of ${plainText(document.subject, 100)}`, evidence);
  }
  const self = document.links.find(({ rel, type }) => rel === "self" && isActivity(type));
  if (!self?.href) return wrong("WebFinger names no ActivityPub address of the account", evidence);
  const href = URL.parse(self.href);
  if (href?.host !== web.host || !/^https?:$/.test(href.protocol)) {
    return wrong(`WebFinger sends other servers to ${plainText(self.href, 100)} instead of ${web.host}`, evidence);
  }
  return { problems: [], backendFails: oldCopy(answer) !== undefined, self: href };
}

const isActivity = (type: string | null | undefined) =>
  activityTypes.includes((type ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "");

function wrong(reason: string, evidence?: string): WebFinger {
  return { problems: [degradation(reason, isHardToFind, evidence)], backendFails: false };
}

/** `alice@social.example`, `@alice@social.example` or `acct:…`; undefined when it is no handle. */
export function parseHandle(text: string): Handle | undefined {
  const [, user, domain] =
    /^(?:acct:|@)?([\w.-]{1,100})@([\p{L}\p{N}.-]{1,253}(?::\d{1,5})?)$/u.exec(text.trim()) ?? [];
  const host = domain === undefined ? undefined : URL.parse(`https://${domain}`)?.host;
  return user && host ? { user, domain: host } : undefined;
}

/** A handle as a setting. */
export const handle = () =>
  z
    .string()
    .max(400)
    .refine((text) => parseHandle(text) !== undefined, {
      error: ({ input }) => `"${plainText(String(input), 60)}" is not a handle like alice@social.example`,
    });
