/** The discourse probe: looks at a Discourse forum as its readers and writers do. */
import { z } from "zod";
import { duration } from "../core/config/settings.ts";
import type { Localised } from "../core/language.ts";
import { gauge } from "../core/metric-families.ts";
import { defineProbe, type HttpAnswer, type ProbeContext } from "../core/probe.ts";
import type { Reading } from "../core/sample.ts";
import { formatDuration } from "../core/units.ts";
import { trusting } from "./lib/certificate.ts";
import { showsWrongPage, worksWithProblems } from "./lib/explanation.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";
import { withTimeLimit } from "./lib/time-limit.ts";
import { cacheBusted } from "./web/cache-buster.ts";
import { evidenceOf, refusalOf } from "./web/http-answer.ts";
import { infoReading, serverSettings, slowness } from "./web/server-health.ts";

const forum: Localised = { en: "The forum", fr: "Le forum" };

const About = z.object({ about: z.object({ title: z.string().nullish(), version: z.string().max(100).nullish() }) });
const Latest = z.object({
  topic_list: z.object({ topics: z.array(z.object({ bumped_at: z.string().max(60).nullish() })).max(1000) }),
});
/** What a forum for members only says to strangers. */
const MembersOnly = z.object({ error_type: z.literal("not_logged_in") });

export default defineProbe({
  summary: "Asks a Discourse forum whether it is alive, can be written to, and still has new posts.",
  readings: [
    gauge("discourse_info", "Version the Discourse forum says it runs.", ["version"]),
    gauge("discourse_post_age_seconds", "Age of the newest post in the public topics of a Discourse forum."),
  ],
  options: z.strictObject({
    ...serverSettings,
    newestWithin: duration({ atLeast: 3600 })
      .optional()
      .describe("How long the public topics may be without a new post, for a forum that is never quiet for long."),
  }),
  example: { url: "https://forum.example", newestWithin: "7d" },
  defaults: { timeoutSeconds: 20 },

  kind: {
    name: { en: "Forum", fr: "Forum" },
    checks: ({ url, queues, database }) => [
      { id: "web", probe: "http", url, every: "60s", followRedirects: 3, expect: { maxSeconds: 5 } },
      { id: "service", probe: "discourse", url, every: "60s" },
      ...(queues === undefined ? [] : [{ id: "queues", probe: "sidekiq", url: queues, queues: tolerable }]),
      ...(database === undefined ? [] : [{ id: "database", probe: "postgres", url: database }]),
    ],
  },

  async run({ url, maxSeconds, newestWithin, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    const status = await context.http.get(cacheBusted(new URL("/srv/status", origin)));
    const ill = statusProblem(status);
    // A server that turns us away, or says that it is down, is not asked two more questions.
    if (ill && ill.outcome !== "degraded") return findingOf([ill], { phases: status.phases });
    const [about, latest] = await Promise.all([
      askDocument("/about.json", "the description of the forum", About, origin, context),
      askDocument("/latest.json", "the list of topics", Latest, origin, context),
    ]);
    const newestAt = latest.document && newest(latest.document);
    const ageSeconds = newestAt === undefined ? undefined : (context.clock.now().epochMilliseconds - newestAt) / 1000;
    // Nobody visits a forum for its description alone.
    const aside = about.problems.map((problem) =>
      degradation(problem.reason, worksWithProblems(forum), problem.evidence),
    );
    const own = [...(ill ? [ill] : []), ...latest.problems, ...aside];
    // None of the three is Discourse's: whatever answers there, members do not find their forum.
    const replaced = ill !== undefined && !about.isOurs && !latest.isOurs;
    const problems = [
      ...(replaced
        ? own.map((problem) => ({ ...problem, outcome: "down" as const, explanation: showsWrongPage(forum) }))
        : own),
      ...readOnly([status, about.answer, latest.answer]),
      ...staleness(ageSeconds, newestWithin, latest.answer),
      ...slowness(status, "the status page", maxSeconds, forum),
    ];
    return findingOf(problems, {
      phases: status.phases,
      readings: [...infoReading("discourse_info", about.document?.about.version ?? undefined), ...age(ageSeconds)],
      note: about.closed || latest.closed ? "shows its topics to members only" : undefined,
    });
  },
});

/** Discourse's own priorities; what the two lower ones do is not waited for by anybody. */
const tolerable = {
  critical: { ticket: "30s", page: "5m" },
  default: { ticket: "2m", page: "15m" },
  low: { ticket: "30m" },
};

function statusProblem(answer: HttpAnswer): Problem | undefined {
  const text = answer.text().trim();
  if (answer.status === 200 && text === "ok") return undefined;
  const evidence = evidenceOf(answer);
  if (answer.status === 500 && text === "shutting down") {
    return { outcome: "down", reason: "is shutting down", explanation: isRestarting, evidence };
  }
  const refusal = refusalOf(answer, "the status page", forum);
  if (refusal) return refusal;
  const said = answer.status === 200 ? "does not say ok" : `answered ${answer.status}`;
  return degradation(`the status page ${said}`, worksWithProblems(forum), evidence);
}

const isRestarting: Localised = { en: "The forum is restarting.", fr: "Le forum redémarre." };

interface Asked<T> {
  readonly answer?: HttpAnswer;
  readonly document?: T;
  readonly closed?: boolean;
  /** It is Discourse that answered. */
  readonly isOurs: boolean;
  readonly problems: readonly Problem[];
}

async function askDocument<T>(
  path: string,
  asked: string,
  shape: z.ZodType<T>,
  origin: URL,
  context: ProbeContext,
): Promise<Asked<T>> {
  const heard = await withTimeLimit(context.http.get(new URL(path, origin)), context);
  if (!("answer" in heard)) {
    return {
      isOurs: false,
      problems: [degradation(`${asked}: ${heard.reason}`, worksWithProblems(forum), heard.evidence)],
    };
  }
  const { answer } = heard;
  const document = answer.status === 200 ? answer.json(shape) : undefined;
  if (document !== undefined) return { answer, document, isOurs: true, problems: [] };
  if (answer.status === 403 && answer.json(MembersOnly)) return { answer, closed: true, isOurs: true, problems: [] };
  // 429: our own rate limit is used up (200 requests a minute), so nothing is known.
  if (answer.status === 429) return { answer, isOurs: true, problems: [] };
  const refusal = refusalOf(answer, asked, forum);
  const said = answer.status === 200 ? "is not one" : `answered ${answer.status}`;
  const problem = refusal ?? degradation(`${asked} ${said}`, worksWithProblems(forum), evidenceOf(answer));
  return { answer, isOurs: false, problems: [problem] };
}

/** Said in a header of every answer: by an administrator, while a backup is restored, or because the database is. */
function readOnly(answers: readonly (HttpAnswer | undefined)[]): readonly Problem[] {
  const told = answers.find((answer) => answer?.headers.get("discourse-readonly") === "true");
  if (!told) return [];
  const explanation = {
    en: "The forum can be read, but nothing can be posted.",
    fr: "Le forum peut être lu, mais rien ne peut y être publié.",
  };
  return [degradation("is in read-only mode", explanation, `${evidenceOf(told)}\ndiscourse-readonly: true`)];
}

function newest({ topic_list: { topics } }: z.output<typeof Latest>): number | undefined {
  const times = topics.map((topic) => Date.parse(topic.bumped_at ?? "")).filter((time) => !Number.isNaN(time));
  return times.length === 0 ? undefined : Math.max(...times);
}

function staleness(
  ageSeconds: number | undefined,
  newestWithin: number | undefined,
  answer: HttpAnswer | undefined,
): readonly Problem[] {
  if (ageSeconds === undefined || newestWithin === undefined || ageSeconds <= newestWithin || !answer) return [];
  const explanation = {
    en: "New posts may not appear on the forum.",
    fr: "Les nouveaux messages risquent de ne pas apparaître sur le forum.",
  };
  const reason = `the newest post is ${formatDuration(Math.floor(ageSeconds / 3600) * 3600)} old`;
  return [degradation(reason, explanation, evidenceOf(answer))];
}

const age = (seconds: number | undefined): readonly Reading[] =>
  seconds === undefined ? [] : [{ metric: "discourse_post_age_seconds", value: Math.max(0, seconds) }];
