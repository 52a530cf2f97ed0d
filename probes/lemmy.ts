/** The lemmy probe: looks at a Lemmy server as members, their apps and other servers do. */
import { z } from "zod";
import { ratio } from "../core/config/settings.ts";
import { sameInAll } from "../core/language.ts";
import { gauge } from "../core/metric-families.ts";
import { plainText } from "../core/plain-text.ts";
import { defineProbe, type Http, type HttpAnswer, type ProbeContext } from "../core/probe.ts";
import type { Threshold } from "../core/threshold.ts";
import { arrivesLate, askPeers, peerMetrics } from "./fediverse/lemmy-peers.ts";
import { askNodeInfo, otherSoftware } from "./fediverse/nodeinfo.ts";
import { handle, lookUp, parseHandle } from "./fediverse/webfinger.ts";
import { cached } from "./lib/cached.ts";
import { trusting } from "./lib/certificate.ts";
import { isHardToFind, showsWrongPage } from "./lib/explanation.ts";
import { degradation, findingOf, type PartialFinding, type Problem } from "./lib/problem.ts";
import { isHtml } from "./web/bot-wall.ts";
import { cacheBusted } from "./web/cache-buster.ts";
import { evidenceOf, refusalOf } from "./web/http-answer.ts";
import { disagreement, infoReading, serverSettings, slowness } from "./web/server-health.ts";
import { sameOriginUrl } from "./web/untrusted-url.ts";

const lemmy = sameInAll("Lemmy");
const calm: PartialFinding = { problems: [] };

const Site = z.object({
  site_view: z.object({ site: z.object({ name: z.string() }) }),
  version: z.string().max(200),
});

export default defineProbe({
  summary: "Asks a Lemmy server whether it is alive and how well it reaches the other servers it knows.",
  readings: [gauge("lemmy_info", "Version the Lemmy server says it runs.", ["version"]), ...peerMetrics],
  options: z.strictObject({
    ...serverSettings,
    account: handle().optional().describe("Handle of a person or community that other servers must be able to find."),
    federation: z.boolean().prefault(true).describe("Whether posts are meant to reach other servers."),
    peersBehind: ratio()
      .prefault("50%")
      .describe(
        "Share of the servers seen within three days that are an hour behind, or refuse what is sent, at which it becomes a ticket; at 90% somebody is woken.",
      ),
  }),
  example: { url: "https://threads.example", account: "main@threads.example" },
  defaults: { timeoutSeconds: 20 },

  kind: {
    name: lemmy,
    checks: ({ url, database }) => [
      { id: "web", probe: "http", url, every: "60s", followRedirects: 3, expect: { maxSeconds: 5 } },
      { id: "service", probe: "lemmy", url, every: "60s" },
      ...(database === undefined ? [] : [{ id: "database", probe: "postgres", url: database }]),
    ],
  },

  thresholds: ({ federation, peersBehind }) =>
    federation
      ? [
          behind("peers", Math.max(0.01, peersBehind), "ticket"),
          behind("most-peers", Math.max(0.9, peersBehind), "page"),
        ]
      : [],

  async run({ url, maxSeconds, account, federation, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    const { answer, api } = await askSite(origin, context.http);
    const wrong = siteProblem(answer);
    if (wrong) return findingOf([wrong], { phases: answer.phases });
    const site = answer.json(Site);
    const named = account === undefined ? undefined : parseHandle(account);
    const [nodeInfo, found, peers] = await Promise.all([
      askNodeInfo(origin, lemmy, followingOwn(context)),
      named && lookUp(named, origin, lemmy, context),
      federation ? cached("peers", { everySeconds: 300 }, context, () => askPeers(origin, api, context)) : calm,
    ]);
    const problems = [
      ...nodeInfo.problems,
      ...(nodeInfo.off ? [degradation("NodeInfo discovery answered 404", isHardToFind)] : []),
      ...otherSoftware(nodeInfo.software, "lemmy"),
      ...(found?.problems ?? []),
      ...peers.problems,
      ...slowness(answer, "the site document", maxSeconds, lemmy),
      ...disagreement({ instance: site?.version, nodeInfo: nodeInfo.software }, lemmy, context),
    ];
    return findingOf(problems, {
      phases: answer.phases,
      readings: [...infoReading("lemmy_info", site?.version), ...(peers.readings ?? [])],
      note: peers.note,
    });
  },
});

/** Version 4 of the API came with Lemmy 1.0. */
async function askSite(origin: URL, http: Http): Promise<{ readonly answer: HttpAnswer; readonly api: "v3" | "v4" }> {
  const answer = await http.get(cacheBusted(new URL("/api/v3/site", origin)));
  if (answer.status !== 404) return { answer, api: "v3" };
  return { answer: await http.get(cacheBusted(new URL("/api/v4/site", origin))), api: "v4" };
}

/** The pages members see are made from this document: without it there is no Lemmy. */
function siteProblem(answer: HttpAnswer): Problem | undefined {
  const refusal = refusalOf(answer, "the site document", lemmy);
  if (refusal) return refusal;
  if (answer.status === 200 && answer.json(Site)) return undefined;
  const reason =
    answer.status !== 200
      ? `the site document answered ${answer.status}${said(answer)}`
      : isHtml(answer)
        ? "a web page stands in place of the site document"
        : "the site document is not one";
  return { outcome: "down", reason, explanation: showsWrongPage(lemmy), evidence: evidenceOf(answer) };
}

/** `{"error":"rate_limit_error"}` */
function said(answer: HttpAnswer): string {
  const error = answer.json(z.object({ error: z.string().max(1000) }))?.error;
  return error === undefined ? "" : ` (${plainText(error, 60)})`;
}

/** NodeInfo has moved within the server with the years, and the old addresses send on. */
function followingOwn(context: ProbeContext): ProbeContext {
  const { http } = context;
  const get: Http["get"] = async (url, request) => {
    const answer = await http.get(url, request);
    const moved = answer.status >= 300 && answer.status < 400;
    const next = moved ? sameOriginUrl(answer.headers.get("location"), answer.url) : undefined;
    return next ? http.get(next, request) : answer;
  };
  return { ...context, http: { get } };
}

const behind = (id: string, raiseAt: number, urgency: Threshold["urgency"]): Threshold => ({
  id,
  metric: "federation_behind_ratio",
  raiseAt,
  clearAt: raiseAt * 0.8,
  raiseAfterSeconds: 1800,
  clearAfterSeconds: 900,
  urgency,
  affects: "degraded",
  unit: "ratio",
  title: arrivesLate,
  runbook: "service-degraded",
});
