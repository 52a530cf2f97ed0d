/**
 * The mastodon-timeline probe: how fresh the public timeline is, which is the first thing to stop when no posts come
 * in.
 */
import { z } from "zod";
import { duration, secret, webAddress } from "../core/config/settings.ts";
import { type Localised, sameInAll } from "../core/language.ts";
import { gauge } from "../core/metric-families.ts";
import { defineProbe, type HttpAnswer, type ProbeContext } from "../core/probe.ts";
import type { Finding } from "../core/sample.ts";
import type { Secret } from "../core/secret.ts";
import { clockOf, rhythm } from "./fediverse/freshness.ts";
import { askInstance, type FeedAccess } from "./fediverse/instance.ts";
import { PublicPosts } from "./fediverse/posts.ts";
import { type Judgement, judgeQuiet } from "./fediverse/quiet-timeline.ts";
import { certificateAuthority, trusting } from "./lib/certificate.ts";
import { couldNotCheck, showsOldCopies } from "./lib/explanation.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";
import { bearer, withoutToken } from "./lib/redaction.ts";
import { mainLimitSeconds, withTimeLimit } from "./lib/time-limit.ts";
import { isHtml } from "./web/bot-wall.ts";
import { cacheBusted } from "./web/cache-buster.ts";
import { cacheCovering, isMaintenance, refusalOf } from "./web/http-answer.ts";
import { redactedEvidence } from "./web/redacted-evidence.ts";

const mastodon = sameInAll("Mastodon");
type Feed = keyof FeedAccess;

const noTimelines: Localised = {
  en: "Timelines do not load.",
  fr: "Les fils d’actualité ne s’affichent pas.",
};
const slowTimelines: Localised = {
  en: "Timelines load slowly.",
  fr: "Les fils d’actualité s’affichent lentement.",
};
const slowIfAtAll: Localised = {
  en: "Timelines load slowly or not at all.",
  fr: "Les fils d’actualité s’affichent lentement, ou pas du tout.",
};
const emptyTimeline: Localised = {
  en: "The timeline of posts from other servers is empty.",
  fr: "Le fil des publications d’autres serveurs est vide.",
};

export default defineProbe({
  summary: "Looks at how long Mastodon's public timeline has been quiet, compared with other days, where it is public.",
  internal: true,
  readings: [
    gauge(
      "mastodon_timeline_age_seconds",
      "Time in which at most two posts came on a public timeline, by the server's clock.",
      ["feed"],
    ),
  ],
  options: z.strictObject({
    url: webAddress().describe("Address of the server as members see it, without a path."),
    feed: z
      .enum(["remote", "local"])
      .prefault("remote")
      .describe("Posts of other servers, which seldom pause for long, or those of members, who sleep at night."),
    maxAge: duration({ atLeast: 60 })
      .prefault("30m")
      .describe("A shorter silence is never remarked on; a longer one is where it is unusual too: see `pauses`."),
    pauses: z
      .number()
      .min(1)
      .max(1000)
      .prefault(3)
      .describe(
        "A silence is unusual when it lasts this many times the longest pause before it, and before this time of three other days.",
      ),
    maxSeconds: z
      .number()
      .positive()
      .max(300)
      .prefault(5)
      .describe("A timeline that takes longer than this many seconds is degraded."),
    token: secret()
      .optional()
      .describe("Access token of a member that may only `read:statuses`, where strangers may not read the timeline."),
    ca: certificateAuthority(),
  }),
  example: { url: "https://social.example", feed: "remote", maxAge: "30m" },
  defaults: { everySeconds: 300, timeoutSeconds: 20 },

  async run({ url, feed, maxAge, pauses, maxSeconds, token, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    const { instance } = await askInstance(origin, mastodon, context);
    const policy = instance?.access?.[feed];
    if (policy === "disabled") return unread(`the ${feed} timeline is switched off (a policy of the server)`);
    if (policy === "authenticated" && !token) return unread(`the ${feed} timeline is for members only (a policy)`);
    const heard = await withTimeLimit(askPosts({ feed, token, origin }, context), context, mainLimitSeconds);
    if (!("answer" in heard)) {
      const told = heard.failure ? noTimelines : slowIfAtAll;
      return findingOf([degradation(`the timeline: ${heard.reason}`, told, heard.evidence)]);
    }
    const { answer } = heard;
    const { phases } = answer;
    if (isPolicy(answer) && !token) {
      return { ...unread(`the ${feed} timeline is for members only (answered ${answer.status}, a policy)`), phases };
    }
    const fault = timelineFault(answer, token);
    if (fault) return findingOf([withoutToken(fault, token)], { phases });
    const slow = slowProblems(answer, maxSeconds, token);
    const posts = answer.json(PublicPosts) ?? [];
    if (posts.length === 0) {
      const found = await emptyProblems(feed, token, origin, context);
      return findingOf([...found.problems, ...slow], { phases, note: found.note });
    }
    const now = clockOf(answer, context);
    const found = rhythm(posts, now);
    const readings = [{ metric: "mastodon_timeline_age_seconds", value: Math.round(found.quiet), labels: { feed } }];
    const before = (id: string) => withTimeLimit(askPosts({ feed, token, origin }, context, id), context);
    const quiet = await judgeQuiet({ feed, maxAge, pauses, posts, now, ...found }, before);
    return findingOf([...quiet.problems, ...slow], { phases, readings, note: quiet.note });
  },
});

interface Where {
  readonly feed: Feed;
  readonly token: Secret | undefined;
  readonly origin: URL;
}

/** Nothing is known of how fresh it is, and nothing is wrong. */
const unread = (reason: string): Finding => ({ outcome: "up", reason: `${reason}: not read` });

/** The newest, or those that came before a post with this id. */
function askPosts({ feed, token, origin }: Where, context: ProbeContext, before?: string): Promise<HttpAnswer> {
  const timeline = new URL(`/api/v1/timelines/public?${feed}=true&limit=40`, origin);
  if (before !== undefined) timeline.searchParams.set("max_id", before);
  // Forty posts with everything that is said in them and about their authors.
  return context.http.get(cacheBusted(timeline), { headers: bearer(token), maxBodyBytes: 4_000_000 });
}

const Refusal = z.object({ error: z.string() });

/** 422: no previews for strangers, or not of this feed; 401: strangers are told nothing, or limited federation. */
const isPolicy = (answer: HttpAnswer): boolean =>
  (answer.status === 422 || answer.status === 401) && answer.json(Refusal) !== undefined;

function timelineFault(answer: HttpAnswer, token: Secret | undefined): Problem | undefined {
  const { status } = answer;
  const evidence = redactedEvidence(answer, token, PublicPosts);
  if (token && !isHtml(answer) && [401, 403, 422].includes(status)) {
    const reason = `the token is refused (${status}): make a new one that may read:statuses`;
    return { outcome: "unknown", reason, explanation: couldNotCheck, evidence };
  }
  const refusal = refusalOf(answer, "the timeline", mastodon, "document");
  // Only timelines fail, unless the whole server is in maintenance.
  const told = refusal?.outcome === "down" && !isMaintenance(answer) ? { explanation: noTimelines } : {};
  if (refusal) return { ...refusal, evidence, ...told };
  const problem = (reason: string) => degradation(reason, noTimelines, evidence);
  const covered = cacheCovering(answer);
  if (covered) return degradation(`the timeline fails and a cache covers it (${covered})`, showsOldCopies, evidence);
  if (isHtml(answer)) return problem(`a web page stands in place of the timeline (${status})`);
  if (status !== 200) return problem(`the timeline answered ${status}`);
  return answer.json(PublicPosts) ? undefined : problem("the timeline is not a list of posts");
}

function slowProblems(answer: HttpAnswer, maxSeconds: number, token: Secret | undefined): readonly Problem[] {
  const took = answer.phases.total ?? 0;
  if (took <= maxSeconds) return [];
  const reason = `the timeline took ${took.toFixed(1)} s, more than ${maxSeconds} s`;
  return [degradation(reason, slowTimelines, redactedEvidence(answer, token, PublicPosts))];
}

const Stats = z.object({ stats: z.object({ domain_count: z.number() }) });
/** With this many servers known, new posts come every hour. */
const manyServers = 50;

/** A new server has no posts yet, and some members may not see feeds; one that knows thousands of servers has lost them. */
async function emptyProblems(
  feed: Feed,
  token: Secret | undefined,
  origin: URL,
  context: ProbeContext,
): Promise<Judgement> {
  if (feed === "local" || token) return { problems: [], note: `the ${feed} timeline is empty: not read` };
  const heard = await withTimeLimit(context.http.get(new URL("/api/v1/instance", origin)), context);
  const known = "answer" in heard ? heard.answer.json(Stats)?.stats.domain_count : undefined;
  if (known === undefined || known < manyServers) {
    return { problems: [], note: "the remote timeline is empty, as on a new server: not read" };
  }
  const reason = `the remote timeline is empty, although ${known} other servers are known`;
  return { problems: [degradation(reason, emptyTimeline, `/api/v1/instance: stats.domain_count = ${known}`)] };
}
