/** Looks at how fresh Mastodon's public timeline is: the first thing to stand still when posts are no longer taken in. */
import { z } from "zod";
import { type Localised, sameInAll } from "../core/language.ts";
import { spokenDuration } from "../core/member-texts.ts";
import { defineProbe, type HttpAnswer, type ProbeContext } from "../core/probe.ts";
import type { Finding } from "../core/sample.ts";
import type { Secret } from "../core/secret.ts";
import { duration, secret, webAddress } from "../core/settings.ts";
import { cacheCovering, evidenceOf, refusalOf } from "./lib/answer.ts";
import { certificateAuthority, trusting } from "./lib/certificate.ts";
import { couldNotCheck, showsOldCopies } from "./lib/explanation.ts";
import { blemish, type Flaw, findingOf } from "./lib/flaw.ts";
import { type Freshness, freshness } from "./lib/freshness.ts";
import { bearer, without } from "./lib/hidden.ts";
import { askInstance, type FeedAccess } from "./lib/instance.ts";
import { uncached } from "./lib/nonce.ts";
import { patiently } from "./lib/patience.ts";
import { PublicPosts } from "./lib/posts.ts";
import { isHtml } from "./lib/wall.ts";

const mastodon = sameInAll("Mastodon");
type Feed = keyof FeedAccess;

const noTimelines: Localised = {
  en: "Timelines do not load.",
  fr: "Les fils de messages ne s’affichent pas.",
};
const emptyTimeline: Localised = {
  en: "The timeline of posts from other servers is empty.",
  fr: "Le fil des messages d’autres serveurs est vide.",
};

export default defineProbe({
  summary: "Looks at how old the newest posts of Mastodon's public timeline are, where strangers may read it.",
  behind: true,
  options: z.strictObject({
    url: webAddress().describe("Address of the server as members see it, without a path."),
    feed: z
      .enum(["remote", "local"])
      .prefault("remote")
      .describe("Posts of other servers, which never pause for long, or those of members, who sleep at night."),
    maxAge: duration({ atLeast: 60 })
      .prefault("30m")
      .describe("Posts older than this are late, unless that few come anyway: see `pauses`."),
    pauses: z
      .number()
      .min(2)
      .max(1000)
      .prefault(15)
      .describe("They are late only when they pause for this many times the usual time from one to the next."),
    token: secret()
      .optional()
      .describe("Access token of a member that may only `read:statuses`, where strangers may not read the timeline."),
    ca: certificateAuthority(),
  }),
  example: { url: "https://social.example", feed: "remote", maxAge: "30m" },
  defaults: { everySeconds: 300, timeoutSeconds: 20 },

  async run({ url, feed, maxAge, pauses, token, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    const { instance } = await askInstance(origin, mastodon, context);
    const policy = instance?.access?.[feed];
    if (policy === "disabled") return unread(`the ${feed} timeline is switched off (a policy of the server)`);
    if (policy === "authenticated" && !token) return unread(`the ${feed} timeline is for members only (a policy)`);
    const heard = await askTimeline(feed, token, origin, context);
    if (!("answer" in heard))
      return findingOf([blemish(`the timeline: ${heard.silence}`, noTimelines, heard.evidence)]);
    const { answer } = heard;
    const { phases } = answer;
    if (isPolicy(answer) && !token) {
      return { ...unread(`the ${feed} timeline is for members only (answered ${answer.status}, a policy)`), phases };
    }
    const fault = timelineFault(answer, token);
    if (fault) return findingOf([without(token, fault)], { phases });
    const posts = answer.json(PublicPosts) ?? [];
    if (posts.length === 0) return { ...(await empty(feed, token, origin, context)), phases };
    const found = freshness(posts, clockOf(answer, context));
    const readings = [{ metric: "mastodon_timeline_age_seconds", value: Math.round(found.age), labels: { feed } }];
    // Where too few come to know how often they do, nobody can say that they are late.
    const late = found.age > maxAge && found.age > pauses * (found.usualGap ?? Number.POSITIVE_INFINITY);
    return findingOf(late ? [lateFlaw(feed, found)] : [], { phases, readings });
  },
});

/** Nothing is known of how fresh it is, and nothing is wrong. */
const unread = (reason: string): Finding => ({ outcome: "up", reason: `${reason}: not read` });

function askTimeline(feed: Feed, token: Secret | undefined, origin: URL, context: ProbeContext) {
  const timeline = new URL(`/api/v1/timelines/public?${feed}=true&limit=40`, origin);
  // Forty posts with everything that is said in them and about their authors.
  const request = { headers: bearer(token), maxBodyBytes: 4_000_000 };
  return patiently(context.http.get(uncached(timeline), request), context);
}

const Refusal = z.object({ error: z.string() });

/** 422: no previews for strangers, or not of this feed; 401: strangers are told nothing, or limited federation. */
const isPolicy = (answer: HttpAnswer): boolean =>
  (answer.status === 422 || answer.status === 401) && answer.json(Refusal) !== undefined;

function timelineFault(answer: HttpAnswer, token: Secret | undefined): Flaw | undefined {
  const { status } = answer;
  const evidence = evidenceOf(answer);
  if (token && !isHtml(answer) && [401, 403, 422].includes(status)) {
    const reason = `the token is refused (${status}): make a new one that may read:statuses`;
    return { outcome: "unknown", reason, explanation: couldNotCheck, evidence };
  }
  const refusal = refusalOf(answer, "the timeline", mastodon);
  if (refusal) return refusal.outcome === "down" ? { ...refusal, explanation: noTimelines } : refusal;
  const flaw = (reason: string) => blemish(reason, noTimelines, evidence);
  const covered = cacheCovering(answer);
  if (covered) return blemish(`the timeline fails and a cache covers it (${covered})`, showsOldCopies, evidence);
  if (isHtml(answer)) return flaw(`a web page stands in place of the timeline (${status})`);
  if (status !== 200) return flaw(`the timeline answered ${status}`);
  return answer.json(PublicPosts) ? undefined : flaw("the timeline is not a list of posts");
}

/** The server's own: ours may be wrong, or have just jumped, and then its posts are no older for it. */
function clockOf(answer: HttpAnswer, { clock }: ProbeContext): number {
  const said = Date.parse(answer.headers.get("date") ?? "");
  return Number.isFinite(said) ? said : clock.now().epochMilliseconds;
}

function lateFlaw(feed: Feed, { age, usualGap }: Freshness): Flaw {
  const old = spokenDuration(age);
  const usually = usualGap === undefined ? "" : `, usually one comes every ${spokenDuration(usualGap).en}`;
  const reason = `the newest posts of the ${feed} timeline are ${old.en} old${usually}`;
  const explanation: Localised =
    feed === "remote"
      ? {
          en: `Posts from other servers arrive late: the newest ones are ${old.en} old.`,
          fr: `Les messages d’autres serveurs arrivent en retard : les plus récents datent d’il y a ${old.fr}.`,
        }
      : {
          en: `No new posts have appeared for ${old.en}.`,
          fr: `Aucun nouveau message n’est apparu depuis ${old.fr}.`,
        };
  const figures = `age of the newest posts: ${Math.round(age)} s\nusual time between two: ${Math.round(usualGap ?? 0)} s`;
  return blemish(reason, explanation, figures);
}

const Stats = z.object({ stats: z.object({ domain_count: z.number() }) });
/** With this many servers known, some of them write every hour. */
const manyServers = 50;

/** A new server has no posts yet, and some members may not see feeds; one that knows thousands of servers has lost them. */
async function empty(feed: Feed, token: Secret | undefined, origin: URL, context: ProbeContext): Promise<Finding> {
  if (feed === "local" || token) return unread(`the ${feed} timeline is empty`);
  const heard = await patiently(context.http.get(new URL("/api/v1/instance", origin)), context);
  const known = "answer" in heard ? heard.answer.json(Stats)?.stats.domain_count : undefined;
  if (known === undefined || known < manyServers) return unread("the remote timeline is empty, as on a new server");
  const reason = `the remote timeline is empty, although ${known} other servers are known`;
  return findingOf([blemish(reason, emptyTimeline, `/api/v1/instance: stats.domain_count = ${known}`)]);
}
