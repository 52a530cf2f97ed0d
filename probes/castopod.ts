/** The castopod probe: looks at a Castopod as listeners, their podcast apps and other servers do. */
import { z } from "zod";
import { duration } from "../core/config/settings.ts";
import { sameInAll } from "../core/language.ts";
import { gauge } from "../core/metric-families.ts";
import { plainText } from "../core/plain-text.ts";
import { defineProbe, type HttpAnswer, type ProbeContext, type StandardCheck } from "../core/probe.ts";
import { askPodcastAccount } from "./castopod/federation.ts";
import { askFeeds } from "./castopod/podcasts.ts";
import { otherSoftware, type Software } from "./fediverse/nodeinfo.ts";
import { lookUp } from "./fediverse/webfinger.ts";
import { cached } from "./lib/cached.ts";
import { trusting } from "./lib/certificate.ts";
import { answersWithError, isHardToFind, showsWrongPage, worksWithProblems } from "./lib/explanation.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";
import { withTimeLimit } from "./lib/time-limit.ts";
import { isHtml } from "./web/bot-wall.ts";
import { cacheBusted } from "./web/cache-buster.ts";
import { evidenceOf, isMaintenance, refusalOf } from "./web/http-answer.ts";
import { infoReading, serverSettings, slowness } from "./web/server-health.ts";
import { sameOriginUrl, untrustedUrl } from "./web/untrusted-url.ts";

const castopod = sameInAll("Castopod");

const Health = z.object({ code: z.number() });
const IllHealth = z.object({ errors: z.array(z.string()).max(100) });
/** The older NodeInfo2, the only one that Castopod has: its /.well-known/nodeinfo is 404, and rightly so. */
const NodeInfo2 = z.object({ server: z.object({ software: z.string().max(100), version: z.string().max(200) }) });

const podcast = z.string().regex(/^@?\w{1,64}$/, { error: "this is not the handle of a podcast, like cooking" });
const accountEverySeconds = 600;

export default defineProbe({
  summary: "Asks a Castopod server whether it is alive and whether podcast apps and other servers find its podcasts.",
  readings: [gauge("castopod_info", "Version the Castopod server says it runs.", ["version"])],
  options: z.strictObject({
    ...serverSettings,
    podcasts: z
      .array(podcast)
      .max(100)
      .optional()
      .describe("Handles of the podcasts whose feeds are checked; without them, those that the home page links to."),
    soundEvery: duration({ atLeast: 3600, atMost: 7 * 86_400 })
      .prefault("24h")
      .describe(
        "How often the first two bytes of each podcast's newest episode are asked for, beside whenever there is a new one; Castopod does not count that as a download.",
      ),
    newestWithin: duration({ atLeast: 3600 })
      .optional()
      .describe("How old the newest episode of each podcast may become, for podcasts that appear regularly."),
    federation: z
      .boolean()
      .prefault(true)
      .describe("Whether people on other servers are meant to find and follow the podcasts."),
  }),
  example: { url: "https://podcasts.example", podcasts: ["cooking"], newestWithin: "15d" },
  defaults: { timeoutSeconds: 20 },

  kind: {
    name: { en: "Podcasts", fr: "Balados" },
    checks: ({ url, database }) => [
      { id: "web", probe: "http", url, every: "60s", followRedirects: 3, expect: { maxSeconds: 5 } },
      { id: "service", probe: "castopod", url, every: "60s" },
      ...(database === undefined ? [] : behind(database)),
    ],
  },

  async run({ url, maxSeconds, podcasts, soundEvery, newestWithin, federation, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    const health = await context.http.get(cacheBusted(new URL("/health", origin)));
    const ill = healthProblem(health);
    // A server that turns us away, or says that it is broken, is not asked four more questions.
    if (ill && ill.outcome !== "degraded") return findingOf([ill], { phases: health.phases });
    const home = await askHome(origin, context);
    if (home.problem) return findingOf([home.problem, ...(ill ? [ill] : [])], { phases: health.phases });

    const handles = podcasts?.map((handle) => handle.replace("@", "")) ?? home.handles;
    const one = federation ? handles[0] : undefined;
    const [known, feeds, found, account] = await Promise.all([
      askNodeInfo2(origin, context),
      askFeeds(
        { handles, origin, enclosureEverySeconds: soundEvery, newestWithinSeconds: newestWithin, maxSeconds },
        context,
      ),
      one && lookUp({ user: one, domain: origin.host }, origin, castopod, context),
      one &&
        cached("account", { everySeconds: accountEverySeconds, about: one }, context, async () => ({
          problems: await askPodcastAccount(one, origin, context),
        })),
    ]);
    // Neither of the two is Castopod's: whatever answers there, listeners do not find their podcasts.
    const replaced = ill !== undefined && known.problems.length > 0;
    const problems: readonly Problem[] = [
      ...(ill ? [replaced ? { ...ill, outcome: "down" as const, explanation: showsWrongPage(castopod) } : ill] : []),
      ...feeds.problems,
      ...known.problems,
      ...otherSoftware(known.software, "castopod"),
      ...(found ? found.problems : []),
      ...(account ? account.problems : []),
      ...slowness(health, "the health page", maxSeconds, castopod),
      ...slowness(home.answer, "the home page", maxSeconds, castopod),
    ];
    return findingOf(problems, {
      phases: health.phases,
      readings: infoReading("castopod_info", known.software?.version),
      note: handles.length === 0 ? "no podcast is linked from the home page: name some under `podcasts`" : feeds.note,
    });
  },
});

/** Castopod runs on MySQL or MariaDB only, and keeps its background work there. */
const behind = (database: unknown): readonly StandardCheck[] => [
  { id: "database", probe: "mysql", url: database },
  { id: "tasks", probe: "castopod-tasks", url: database, dependsOn: ["database"] },
];

function healthProblem(answer: HttpAnswer): Problem | undefined {
  if (answer.status === 200 && answer.json(Health)?.code === 200) return undefined;
  const errors = answer.status === 503 && !isMaintenance(answer) ? answer.json(IllHealth)?.errors : undefined;
  if (errors) {
    const reason = `says it is ill: ${plainText(errors.join(" "), 160) || "no reason given"}`;
    return { outcome: "down", reason, explanation: answersWithError(castopod), evidence: evidenceOf(answer) };
  }
  const refusal = refusalOf(answer, "the health page", castopod);
  if (refusal) return refusal;
  const said = answer.status === 200 ? "is not one" : `answered ${answer.status}`;
  return degradation(`the health page ${said}`, worksWithProblems(castopod), evidenceOf(answer));
}

interface Home {
  readonly answer: HttpAnswer;
  readonly handles: readonly string[];
  readonly problem?: Problem;
}

/** The home page, which sends on to the podcast where there is only one; both name the podcasts by their links. */
async function askHome(origin: URL, context: ProbeContext): Promise<Home> {
  const first = await context.http.get(new URL("/", origin));
  const next =
    first.status >= 300 && first.status < 400 ? sameOriginUrl(first.headers.get("location"), origin) : undefined;
  const answer = next ? await context.http.get(next) : first;
  const refusal = refusalOf(answer, "the home page", castopod);
  if (refusal) return { answer, handles: [], problem: refusal };
  if (answer.status !== 200 || !isHtml(answer)) {
    const reason = answer.status === 200 ? "the home page is no web page" : `the home page answered ${answer.status}`;
    const problem: Problem = {
      outcome: "down",
      reason,
      explanation: showsWrongPage(castopod),
      evidence: evidenceOf(answer),
    };
    return { answer, handles: [], problem };
  }
  return { answer, handles: [...new Set([...podcastOf(answer.url), ...linkedPodcasts(answer.text(), origin)])] };
}

/** Handles in links such as `/@cooking` and `/@cooking/episodes`. */
function linkedPodcasts(html: string, origin: URL): readonly string[] {
  const links = html.matchAll(/\bhref=(?:"([^"]{1,500})"|'([^']{1,500})')/gi).take(2000);
  const pages = [...links].flatMap(([, double, single]) => untrustedUrl(double ?? single, origin) ?? []);
  const handles = pages.filter(({ host }) => host === origin.host).flatMap(podcastOf);
  return [...new Set(handles)].slice(0, 100);
}

const podcastOf = ({ pathname }: URL): readonly string[] => {
  const [, handle] = /^\/@(\w{1,64})(?:\/|$)/.exec(pathname) ?? [];
  return handle === undefined ? [] : [handle];
};

async function askNodeInfo2(
  origin: URL,
  context: ProbeContext,
): Promise<{ readonly problems: readonly Problem[]; readonly software?: Software }> {
  const asked = "NodeInfo2";
  const heard = await withTimeLimit(context.http.get(new URL("/.well-known/x-nodeinfo2", origin)), context);
  if (!("answer" in heard))
    return { problems: [degradation(`${asked}: ${heard.reason}`, isHardToFind, heard.evidence)] };
  const { answer } = heard;
  if (answer.status === 429) return { problems: [] };
  const told = answer.status === 200 ? answer.json(NodeInfo2)?.server : undefined;
  if (told)
    return { problems: [], software: { name: plainText(told.software, 40), version: plainText(told.version, 60) } };
  const said = answer.status === 200 ? "is not what it should be" : `answered ${answer.status}`;
  return { problems: [degradation(`${asked} ${said}`, isHardToFind, evidenceOf(answer))] };
}
