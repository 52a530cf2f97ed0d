/**
 * The instance document of Mastodon's API, v1 and v2 (version, domain, contact, streaming address), which Pixelfed has
 * as well.
 */
import { z } from "zod";
import type { Localised } from "../../core/language.ts";
import type { HttpAnswer, ProbeContext } from "../../core/probe.ts";
import type { Problem } from "../lib/problem.ts";
import { isHtml } from "../web/bot-wall.ts";
import { evidenceOf, oldCopy, refusalOf } from "../web/http-answer.ts";

export interface Instance {
  /** The domain of its handles, as it says. */
  readonly domain: string;
  readonly version: string;
  /** User name of the account that answers for the server. */
  readonly contact: string | undefined;
  /** Where its streaming server is: "wss://streaming.social.example". */
  readonly streaming: string | undefined;
  /** Pictures it shows of itself, the likeliest one to be an uploaded file first. */
  readonly pictures: readonly string[];
  /** Who may read the two public feeds (Mastodon 4.5 and later). */
  readonly access: FeedAccess | undefined;
}

export interface FeedAccess {
  readonly local: string;
  readonly remote: string;
}

export interface InstanceLook {
  readonly answer: HttpAnswer;
  readonly instance?: Instance;
  readonly problem?: Problem;
  /** A cache answered in place of the server, which failed to, or is being asked just now. */
  readonly covered?: string;
}

const text = z.string().max(300);
// A field that only some of our checks use is ignored where it has another form: the document stays valid.
const address = z.string().max(2000).nullish().catch(undefined);
const Account = z.object({ username: z.string().max(100), avatar: address, header: address });
const Version1 = z
  .object({
    uri: text,
    version: text,
    urls: z.object({ streaming_api: address }).nullish().catch(undefined),
    thumbnail: address,
    contact_account: Account.nullish(),
  })
  .transform(
    ({ uri, version, urls, thumbnail, contact_account: contact }): Instance => ({
      domain: bareHost(uri),
      version,
      contact: contact?.username,
      streaming: urls?.streaming_api ?? undefined,
      pictures: pictures(contact, thumbnail),
      access: undefined,
    }),
  );
const Configuration = z.object({
  urls: z.object({ streaming: address }).nullish().catch(undefined),
  timelines_access: z
    .object({ live_feeds: z.object({ local: z.string().max(40), remote: z.string().max(40) }) })
    .nullish()
    .catch(undefined),
});
const Version2 = z
  .object({
    domain: text,
    version: text,
    configuration: Configuration.nullish().catch(undefined),
    thumbnail: z.object({ url: address }).nullish().catch(undefined),
    contact: z.object({ account: Account.nullish() }).nullish(),
  })
  .transform(
    ({ domain, version, configuration, thumbnail, contact }): Instance => ({
      domain,
      version,
      contact: contact?.account?.username,
      streaming: configuration?.urls?.streaming ?? undefined,
      pictures: pictures(contact?.account, thumbnail?.url),
      access: configuration?.timelines_access?.live_feeds,
    }),
  );

const pictures = (account: z.output<typeof Account> | null | undefined, thumbnail: string | null | undefined) =>
  [account?.avatar, account?.header, thumbnail].filter((picture) => typeof picture === "string");

/** What a server in limited federation says to strangers (Mastodon 4.2 and 4.3): alive, and nothing more. */
const MembersOnly = z.object({ error: z.string() });

/** Version 2; version 1 where there is no other (before Mastodon 4.0, and in some that speak its API). */
export async function askInstance(origin: URL, subject: Localised, { http }: ProbeContext): Promise<InstanceLook> {
  const answer = await http.get(new URL("/api/v2/instance", origin));
  if (answer.status === 404) return askInstanceVersion1(origin, subject, { http });
  const look = judge(answer, Version2, subject);
  if (!look.problem || look.problem.outcome === "unknown" || !mayLackVersion2(answer)) return look;
  const older = await askInstanceVersion1(origin, subject, { http });
  return older.instance && !hasVersion2.test(older.instance.version) ? older : look;
}

/** What servers say to an address they do not know; some show their app there. */
const mayLackVersion2 = (answer: HttpAnswer) =>
  [400, 405, 406, 501].includes(answer.status) || (answer.status === 200 && isHtml(answer));

/** Mastodon's own since 4.0: there a version 2 that is missing is a fault. */
const hasVersion2 = /^v?[4-9]\.[^(]*$/;

export async function askInstanceVersion1(
  origin: URL,
  subject: Localised,
  { http }: Pick<ProbeContext, "http">,
): Promise<InstanceLook> {
  return judge(await http.get(new URL("/api/v1/instance", origin)), Version1, subject);
}

function judge(answer: HttpAnswer, shape: z.ZodType<Instance>, subject: Localised): InstanceLook {
  const refusal = refusalOf(answer, "the instance document", subject, "document");
  if (refusal) return { answer, problem: refusal };
  if (answer.status === 401 && answer.json(MembersOnly)) return { answer };
  const covered = oldCopy(answer);
  const instance = answer.status === 200 ? answer.json(shape) : undefined;
  if (instance) return { answer, instance, ...(covered && { covered }) };
  return { answer, problem: { ...blocksApps(reasonFor(answer), subject), evidence: evidenceOf(answer) } };
}

function reasonFor(answer: HttpAnswer): string {
  if (answer.status !== 200) return `the instance document answered ${answer.status}`;
  return isHtml(answer) ? "a web page stands in place of the instance document" : "the instance document is not one";
}

const blocksApps = (reason: string, subject: Localised): Problem => ({
  outcome: "degraded",
  reason,
  explanation: {
    en: `${subject.en} works in part: apps may not be able to connect.`,
    fr: `${subject.fr} fonctionne en partie : les applications risquent de ne pas se connecter.`,
  },
});

/** Some forks write `uri` as an address. */
const bareHost = (uri: string): string => uri.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
