/** The mastodon probe: looks at a Mastodon server as members, their apps and other servers do. */
import { z } from "zod";
import { sameInAll } from "../core/language.ts";
import { gauge } from "../core/metric-families.ts";
import { defineProbe, type HttpAnswer, type ProbeContext } from "../core/probe.ts";
import { askPastCache, type PastCache } from "./fediverse/cache-bypass.ts";
import { askInstance, type Instance, type InstanceLook } from "./fediverse/instance.ts";
import { askLocalDomain } from "./fediverse/local-domain.ts";
import { isMastodonCompatible } from "./fediverse/mastodon-compatible.ts";
import { askNodeInfo, otherSoftware } from "./fediverse/nodeinfo.ts";
import { type Handle, handle, lookUp, parseHandle, type WebFinger } from "./fediverse/webfinger.ts";
import { trusting } from "./lib/certificate.ts";
import { isHardToFind, showsOldCopies, showsWrongPage } from "./lib/explanation.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";
import { cacheBusted } from "./web/cache-buster.ts";
import { evidenceOf } from "./web/http-answer.ts";
import { disagreement, healthProblem, infoReading, serverSettings, slowness } from "./web/server-health.ts";

const mastodon = sameInAll("Mastodon");

export default defineProbe({
  summary: "Asks a Mastodon server whether it is alive and whether apps and other servers find what they need.",
  readings: [gauge("mastodon_info", "Version the Mastodon server says it runs.", ["version"])],
  options: z.strictObject({
    ...serverSettings,
    account: handle()
      .optional()
      .describe("Handle that other servers must be able to find; without it, the contact account of the server."),
    software: z
      .string()
      .min(1)
      .max(40)
      .prefault("mastodon")
      .describe(
        "Name that NodeInfo must give; some forks have their own (`hometown`), and servers that speak Mastodon's API (`akkoma`).",
      ),
  }),
  example: { url: "https://social.example", account: "admin@social.example" },
  // Five questions, most of them one after the other, from the other side of the continent.
  defaults: { timeoutSeconds: 20 },

  kind: {
    name: mastodon,
    seesMore: {
      check: "{ id: streaming, token: { env: MASTODON_STREAMING_TOKEN } }",
      why: "a real stream, with a member's token that may only read:statuses",
    },
    checks: ({ url, queues, database }) => [
      { id: "web", probe: "http", url, every: "60s", followRedirects: 3, expect: { maxSeconds: 5 } },
      { id: "service", probe: "mastodon", url, every: "60s" },
      { id: "streaming", probe: "mastodon-streaming", url, every: "60s" },
      { id: "federation", probe: "mastodon-federation", url, every: "5m" },
      { id: "timeline", probe: "mastodon-timeline", url, every: "5m" },
      { id: "media", probe: "mastodon-media", url, every: "15m" },
      { id: "sign-up", probe: "mastodon-sign-up", url, every: "15m" },
      ...(queues === undefined ? [] : [{ id: "queues", probe: "sidekiq", url: queues }]),
      ...(database === undefined ? [] : [{ id: "database", probe: "postgres", url: database }]),
    ],
  },

  async run({ url, maxSeconds, account, software, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    const health = await context.http.get(cacheBusted(new URL("/health", origin)));
    const { phases } = health;
    const told = healthProblem(health, mastodon);
    // A server that asks us to come less often is not asked four more questions.
    if (told && health.status === 429) return findingOf([told], { phases });
    const look = await askInstance(origin, mastodon, context);
    const kept = told !== undefined && look.problem === undefined && isKeptFromUs(health, told);
    const ill = kept ? undefined : told;
    const covered = coveredProblem(ill, look);
    const main = covered ? [covered] : mainProblems(ill, look.problem);
    if (main.some(({ outcome }) => outcome !== "degraded")) return findingOf(main, { phases });

    const configured = account === undefined ? undefined : parseHandle(account);
    const named = look.instance && namedHandle(look.instance);
    const [nodeInfo, found, local] = await Promise.all([
      askNodeInfo(origin, mastodon, context),
      findAccount(configured, named, origin, context),
      named &&
        askLocalDomain(
          { named, web: origin, namedBy: look.answer, lookedUp: configured?.domain === named.domain },
          mastodon,
          context,
        ),
    ]);
    // No answer so far came from the database, so one more is asked for that does.
    const doubted = told !== undefined || !look.instance || look.covered !== undefined || found.backendFails;
    const second = doubted ? await askPastCache(origin, look, mastodon, context) : undefined;
    // What speaks Mastodon's API need not have its health page.
    const relative = isMastodonCompatible(nodeInfo.software);
    const excused = (problem: Problem) =>
      problem === covered ? (ill === undefined || relative) && isCleared(found, second) : problem === ill && relative;
    const problems = [
      ...main.filter((problem) => !excused(problem)),
      ...nodeInfo.problems,
      ...(nodeInfo.off ? [degradation("NodeInfo discovery answered 404", isHardToFind)] : []),
      ...otherSoftware(nodeInfo.software, software),
      ...found.problems,
      ...(local?.problems ?? []),
      ...(second?.problems ?? []),
      ...slowness(health, "the health page", maxSeconds, mastodon),
      ...slowness(look.answer, "the instance document", maxSeconds, mastodon),
      ...disagreement({ instance: look.instance?.version, nodeInfo: nodeInfo.software }, mastodon, context),
    ];
    const notes = [
      ...(look.instance ? [] : ["describes itself to members only (limited federation)"]),
      ...(local?.note ? [local.note] : []),
      ...(kept ? [`${told.reason}, all else answers: let the monitor see /health, where no cache can answer`] : []),
    ];
    return findingOf(problems, {
      phases,
      readings: infoReading("mastodon_info", look.instance?.version ?? nodeInfo.software?.version),
      note: notes.length > 0 ? notes.join("; ") : undefined,
    });
  },
});

/** A proxy that gives /health to nobody outside is common, and says nothing about Mastodon where all else is well. */
const isKeptFromUs = ({ status }: HttpAnswer, { outcome }: Problem) =>
  outcome === "unknown" || status === 401 || (status >= 300 && status < 400);

/** Mastodon may be down while the cache before it still answers. */
function coveredProblem(ill: Problem | undefined, { covered, answer }: InstanceLook): Problem | undefined {
  if (covered === undefined) return undefined;
  const reason = `the backend fails and the cache covers it (${covered}${ill ? `; ${ill.reason}` : ""})`;
  const evidence = [ill?.evidence, evidenceOf(answer)].filter((part) => part !== undefined).join("\n\n");
  return { outcome: ill?.outcome ?? "degraded", reason, explanation: showsOldCopies, evidence };
}

/** Caches also give old copies while they refresh them: the server works when every page that no cache can give works. */
const isCleared = (found: WebFinger, second: PastCache | undefined): boolean =>
  second?.problems.length === 0 && !second.documentFails && !(found.backendFails && found.problems.length > 0);

/** What the health page and the instance document say together. */
function mainProblems(ill: Problem | undefined, problem: Problem | undefined): readonly Problem[] {
  // Neither of the two is Mastodon's: whatever answers there, members do not find their service.
  if (ill && ill.outcome !== "unknown" && problem?.outcome === "degraded")
    return [{ ...problem, outcome: "down", explanation: showsWrongPage(mastodon) }, ill];
  return [ill, problem].filter((each) => each !== undefined);
}

/** Looks up the configured account, or the one that the server names. */
async function findAccount(
  configured: Handle | undefined,
  named: Handle | undefined,
  origin: URL,
  context: ProbeContext,
): Promise<WebFinger> {
  if (configured) return lookUp(configured, origin, mastodon, context, { fresh: true });
  // Mastodon knows its accounts on the host of its pages too, whatever their domain.
  if (named) return lookUp(named, origin, mastodon, context, { at: origin.host, fresh: true });
  return { problems: [], backendFails: false };
}

/** The contact account, or the account of the server itself, which every Mastodon has and its relatives have not. */
function namedHandle({ domain, contact, version }: Instance): Handle | undefined {
  const host = parseHandle(`server@${domain}`)?.domain;
  const user = contact ?? (/^v?[1-9][^(]*$/.test(version) ? host : undefined);
  return host === undefined || user === undefined ? undefined : { user, domain: host };
}
