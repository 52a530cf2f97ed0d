/** Looks at a Mastodon server as members, their apps and other servers do. */
import { z } from "zod";
import { sameInAll } from "../core/language.ts";
import { defineProbe, type ProbeContext } from "../core/probe.ts";
import { evidenceOf } from "./lib/answer.ts";
import { trusting } from "./lib/certificate.ts";
import { isHardToFind, showsOldCopies, showsWrongPage } from "./lib/explanation.ts";
import { blemish, type Flaw, findingOf } from "./lib/flaw.ts";
import { askInstance, type Instance, type InstanceLook } from "./lib/instance.ts";
import { askNodeInfo, otherSoftware } from "./lib/nodeinfo.ts";
import { uncached } from "./lib/nonce.ts";
import { disagreement, healthFlaw, infoReading, serverSettings, slowness } from "./lib/pages.ts";
import { patiently } from "./lib/patience.ts";
import { type Handle, handle, lookUp, parseHandle, type WebFinger } from "./lib/webfinger.ts";

const mastodon = sameInAll("Mastodon");

export default defineProbe({
  summary: "Asks a Mastodon server whether it is alive and whether apps and other servers find what they need.",
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
      .describe("Name that NodeInfo must give; some forks have their own, such as `hometown`."),
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
    const health = await context.http.get(uncached(new URL("/health", origin)));
    const ill = healthFlaw(health, mastodon);
    // Whoever turns us away is not asked four more times.
    if (ill?.outcome === "unknown") return findingOf([ill], { phases: health.phases });
    const look = await askInstance(origin, mastodon, context);
    const main = mainFlaws(ill, look);
    if (main.some(({ outcome }) => outcome !== "degraded")) return findingOf(main, { phases: health.phases });

    const [nodeInfo, found] = await Promise.all([
      askNodeInfo(origin, mastodon, context),
      findAccount(account, look.instance, origin, context),
    ]);
    const doubted = look.covered !== undefined || found.backendFails;
    const flaws = [
      ...main,
      ...nodeInfo.flaws,
      ...(nodeInfo.off ? [blemish("NodeInfo discovery answered 404", isHardToFind)] : []),
      ...otherSoftware(nodeInfo.software, software),
      ...found.flaws,
      ...(doubted ? await secondOpinion(origin, context) : []),
      ...slowness(health, "the health page", maxSeconds, mastodon),
      ...slowness(look.answer, "the instance document", maxSeconds, mastodon),
      ...disagreement({ instance: look.instance?.version, nodeInfo: nodeInfo.software }, mastodon, context),
    ];
    return findingOf(flaws, {
      phases: health.phases,
      readings: infoReading("mastodon_info", look.instance?.version ?? nodeInfo.software?.version),
      note: look.instance ? undefined : "describes itself to members only (limited federation)",
    });
  },
});

/** What the health page and the instance document say together: Mastodon may be dead behind a cache that is not. */
function mainFlaws(ill: Flaw | undefined, { flaw, covered, answer }: InstanceLook): readonly Flaw[] {
  if (covered !== undefined) {
    const reason = `the backend fails and the cache covers it (${covered}${ill ? `; ${ill.reason}` : ""})`;
    const evidence = [ill?.evidence, evidenceOf(answer)].filter((part) => part !== undefined).join("\n\n");
    return [{ outcome: ill?.outcome ?? "degraded", reason, explanation: showsOldCopies, evidence }];
  }
  // Neither of the two is Mastodon's: whatever answers there, members do not find their service.
  if (ill && flaw?.outcome === "degraded")
    return [{ ...flaw, outcome: "down", explanation: showsWrongPage(mastodon) }, ill];
  return [ill, flaw].filter((each) => each !== undefined);
}

/** Looks up the configured account, or the one that the server names. */
async function findAccount(
  account: string | undefined,
  instance: Instance | undefined,
  origin: URL,
  context: ProbeContext,
): Promise<WebFinger> {
  const configured = account === undefined ? undefined : parseHandle(account);
  const named = configured ?? (instance && namedHandle(instance));
  if (!named) return { flaws: [], backendFails: false };
  // A domain that only the server itself claims is asked when it is the server's own or the one above it: a stranger's
  // document must not send us anywhere else.
  const asked = configured || isOwnDomain(named.domain, origin) ? named.domain : origin.host;
  return lookUp(named, origin, mastodon, context, { at: asked, fresh: true });
}

/** The contact account, or the account of the server itself, which every Mastodon has. */
function namedHandle({ domain, contact }: Instance): Handle | undefined {
  const host = parseHandle(`server@${domain}`)?.domain;
  return host === undefined ? undefined : { user: contact ?? host, domain: host };
}

const isOwnDomain = (domain: string, origin: URL) =>
  domain === origin.host || (domain.includes(".") && origin.host.endsWith(`.${domain}`));

/**
 * Something behind the caches seems to fail: does the one page that needs the database? A policy may close it to
 * strangers (401, 422), which is an answer as good as any.
 */
async function secondOpinion(origin: URL, context: ProbeContext): Promise<readonly Flaw[]> {
  const timeline = uncached(new URL("/api/v1/timelines/public?local=true&limit=1", origin));
  const heard = await patiently(context.http.get(timeline), context);
  if ("answer" in heard && heard.answer.status < 500) return [];
  const [what, evidence] =
    "answer" in heard
      ? [`answered ${heard.answer.status}`, evidenceOf(heard.answer)]
      : [`gives ${heard.silence}`, heard.evidence];
  return [{ outcome: "down", reason: `behind the cache the timeline ${what}`, explanation: showsOldCopies, evidence }];
}
