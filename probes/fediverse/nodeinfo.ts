/** NodeInfo: the two documents by which other servers learn what software this is. https://nodeinfo.diaspora.software */
import { z } from "zod";
import type { Localised } from "../../core/language.ts";
import { plainText } from "../../core/plain-text.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { isHardToFind } from "../lib/explanation.ts";
import { degradation, type Problem } from "../lib/problem.ts";
import { withTimeLimit } from "../lib/time-limit.ts";
import { evidenceOf, refusalOf } from "../web/http-answer.ts";
import { sameOriginUrl } from "../web/untrusted-url.ts";

export interface Software {
  readonly name: string;
  readonly version: string;
}

/** What NodeInfo told; `off` when there is none (404), which some software allows. */
export interface NodeInfo {
  readonly software?: Software;
  readonly problems: readonly Problem[];
  readonly off?: true;
}

const Discovery = z.object({ links: z.array(z.object({ rel: z.string(), href: z.string() })).max(20) });
const Document = z.object({ software: z.object({ name: z.string().max(100), version: z.string().max(200) }) });
const schemaRel = /^https?:\/\/nodeinfo\.diaspora\.software\/ns\/schema\/(2\.[01])$/;

export async function askNodeInfo(origin: URL, subject: Localised, context: ProbeContext): Promise<NodeInfo> {
  const discovery = await look(
    new URL("/.well-known/nodeinfo", origin),
    "NodeInfo discovery",
    Discovery,
    subject,
    context,
  );
  if (!("document" in discovery)) return discovery;
  const link = discovery.document.links
    .filter(({ rel }) => schemaRel.test(rel))
    .toSorted((a, b) => a.rel.localeCompare(b.rel))
    .at(-1);
  const { evidence } = discovery;
  if (!link) return { problems: [problem("NodeInfo discovery names no document of version 2", evidence)] };
  const href = sameOriginUrl(link.href, origin);
  // Asking a host that a stranger's document names could reach inside our own network.
  if (!href) {
    return {
      problems: [problem(`NodeInfo points to ${plainText(link.href, 100)} instead of ${origin.origin}`, evidence)],
    };
  }
  const answer = await look(href, "the NodeInfo document", Document, subject, context);
  if (!("document" in answer))
    return { problems: answer.off ? [problem("the NodeInfo document answered 404")] : answer.problems };
  const { name, version } = answer.document.software;
  return { problems: [], software: { name: plainText(name, 40), version: plainText(version, 60) } };
}

/** Another domain than that of the pages need not have NodeInfo; what it has must speak of the same server. */
export async function nodeInfoLeadsElsewhere(
  domain: string,
  web: URL,
  namedBy: Pick<HttpAnswer, "address">,
  context: ProbeContext,
): Promise<Problem | undefined> {
  const url = new URL("/.well-known/nodeinfo", `${web.protocol}//${domain}`);
  const heard = await withTimeLimit(context.http.get(url, { namedBy }), context);
  if (!("answer" in heard) || heard.answer.status !== 200) return undefined;
  const hrefs = heard.answer
    .json(Discovery)
    ?.links.filter(({ rel }) => schemaRel.test(rel))
    .map(({ href }) => href);
  const [first] = hrefs ?? [];
  if (first === undefined || hrefs?.some((href) => URL.parse(href, url)?.host === web.host)) return undefined;
  return problem(
    `NodeInfo on ${domain} points to ${plainText(first, 100)} instead of ${web.origin}`,
    evidenceOf(heard.answer),
  );
}

async function look<T>(
  url: URL,
  asked: string,
  shape: z.ZodType<T>,
  subject: Localised,
  context: ProbeContext,
): Promise<{ readonly document: T; readonly evidence: string } | NodeInfo> {
  const heard = await withTimeLimit(context.http.get(url), context);
  if (!("answer" in heard)) return { problems: [problem(`${asked}: ${heard.reason}`, heard.evidence)] };
  const { answer } = heard;
  if (answer.status === 404) return { problems: [], off: true };
  const refusal = refusalOf(answer, asked, subject, "document");
  if (answer.status === 429) return { problems: [] }; // Our own rate limit is used up, so nothing is known.
  // Members do not notice, so it is no outage; that our monitor is turned away here turns other servers away too.
  if (refusal) return { problems: [problem(refusal.reason, refusal.evidence)] };
  if (answer.status !== 200) return { problems: [problem(`${asked} answered ${answer.status}`, evidenceOf(answer))] };
  const document = answer.json(shape);
  if (document === undefined) return { problems: [problem(`${asked} is not what it should be`, evidenceOf(answer))] };
  return { document, evidence: evidenceOf(answer) };
}

const problem = (reason: string, evidence?: string) => degradation(reason, isHardToFind, evidence);

/** A server that says it is something else; a fork may have a name of its own. */
export function otherSoftware(software: Software | undefined, expected: string): readonly Problem[] {
  if (!software || software.name.toLowerCase() === expected.toLowerCase()) return [];
  const seen = `NodeInfo: software.name is ${software.name}, software.version is ${software.version}`;
  return [problem(`NodeInfo says this is ${software.name}, not ${expected}`, seen)];
}
