/**
 * Bypasses a cache that may answer in place of Mastodon: asks for pages that need its database, which no cache can
 * give.
 */
import type { Localised } from "../../core/language.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import { answersWithError, showsOldCopies } from "../lib/explanation.ts";
import type { Problem } from "../lib/problem.ts";
import { withTimeLimit } from "../lib/time-limit.ts";
import { cacheBusted } from "../web/cache-buster.ts";
import { evidenceOf } from "../web/http-answer.ts";
import type { InstanceLook } from "./instance.ts";

export interface PastCache {
  readonly problems: readonly Problem[];
  /** The instance document, asked for anew, fails where its old copy did not. */
  readonly documentFails: boolean;
}

interface Failure {
  readonly what: string;
  readonly evidence: string;
}

export async function askPastCache(
  origin: URL,
  { answer, covered }: InstanceLook,
  subject: Localised,
  context: ProbeContext,
): Promise<PastCache> {
  const [failure, document] = await Promise.all([
    databaseFailure(origin, context),
    covered === undefined ? undefined : ask(answer.url, context),
  ]);
  const documentFails = document !== undefined && "what" in document;
  if (!failure) return { problems: [], documentFails };
  const [where, explanation] =
    covered === undefined ? ["", answersWithError(subject)] : ["behind the cache ", showsOldCopies];
  const reason = `${where}${failure.what}`;
  return { problems: [{ outcome: "down", reason, explanation, evidence: failure.evidence }], documentFails };
}

/** A policy may close the timeline to strangers, before the database is asked; the server's own actor it never closes. */
async function databaseFailure(origin: URL, context: ProbeContext): Promise<Failure | undefined> {
  const timeline = await ask(new URL("/api/v1/timelines/public?local=true&limit=1", origin), context);
  if ("what" in timeline) return { ...timeline, what: `the timeline ${timeline.what}` };
  if (timeline.status === 200 || timeline.status === 429) return undefined;
  const actor = await ask(new URL("/actor", origin), context, { accept: "application/activity+json" });
  return "what" in actor ? { ...actor, what: `the server's own actor ${actor.what}` } : undefined;
}

async function ask(
  url: URL,
  context: ProbeContext,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpAnswer | Failure> {
  const heard = await withTimeLimit(context.http.get(cacheBusted(url), { headers }), context);
  if (!("answer" in heard)) return { what: `gives ${heard.reason}`, evidence: heard.evidence };
  const { answer } = heard;
  return answer.status < 500 ? answer : { what: `answered ${answer.status}`, evidence: evidenceOf(answer) };
}
