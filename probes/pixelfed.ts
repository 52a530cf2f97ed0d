/** Looks at a Pixelfed server as members, their apps and other servers do. */
import { z } from "zod";
import { sameInAll } from "../core/language.ts";
import { defineProbe } from "../core/probe.ts";
import { trusting } from "./lib/certificate.ts";
import { showsWrongPage } from "./lib/explanation.ts";
import { type Flaw, findingOf } from "./lib/flaw.ts";
import { askInstanceVersion1, type InstanceLook } from "./lib/instance.ts";
import { askNodeInfo, otherSoftware } from "./lib/nodeinfo.ts";
import { uncached } from "./lib/nonce.ts";
import { disagreement, healthFlaw, infoReading, serverSettings, slowness } from "./lib/pages.ts";
import { handle, lookUp, parseHandle } from "./lib/webfinger.ts";

const pixelfed = sameInAll("Pixelfed");

export default defineProbe({
  summary: "Asks a Pixelfed server whether it is alive and whether apps and other servers find what they need.",
  options: z.strictObject({
    ...serverSettings,
    account: handle()
      .optional()
      .describe("Handle that other servers must be able to find; without it, the contact account of the server."),
  }),
  example: { url: "https://pixels.example", account: "admin@pixels.example" },
  defaults: { timeoutSeconds: 20 },

  kind: {
    name: pixelfed,
    checks: ({ url, queues, database }) => {
      if (queues !== undefined) {
        throw new Error("Pixelfed's queues are Laravel Horizon's, which are not watched yet: take `queues` out.");
      }
      return [
        { id: "web", probe: "http", url, every: "60s", followRedirects: 3, expect: { maxSeconds: 5 } },
        { id: "service", probe: "pixelfed", url, every: "60s" },
        ...(database === undefined ? [] : [{ id: "database", probe: "postgres", url: database }]),
      ];
    },
  },

  async run({ url, maxSeconds, account, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    const health = await context.http.get(uncached(new URL("/api/service/health-check", origin)));
    const ill = healthFlaw(health, pixelfed);
    // Whoever turns us away, or says it is closed, is not asked four more times.
    if (ill && ill.outcome !== "degraded") return findingOf([ill], { phases: health.phases });
    const look = await askInstanceVersion1(origin, pixelfed, context);
    const main = mainFlaws(ill, look);
    if (main.some(({ outcome }) => outcome !== "degraded")) return findingOf(main, { phases: health.phases });

    const version = look.instance && ownVersion(look.instance.version);
    const known = account === undefined ? look.instance?.contact : account;
    const named =
      known === undefined ? undefined : parseHandle(known.includes("@") ? known : `${known}@${origin.host}`);
    const [nodeInfo, found] = await Promise.all([
      askNodeInfo(origin, pixelfed, context),
      // Pixelfed says 400 to whatever it does not know.
      named && lookUp(named, origin, pixelfed, context, { unknownStatus: 400 }),
    ]);
    const flaws = [
      ...main,
      // It may be switched off (NODEINFO=false), which is no fault.
      ...nodeInfo.flaws,
      ...otherSoftware(nodeInfo.software, "pixelfed"),
      ...(found?.flaws ?? []),
      ...slowness(health, "the health page", maxSeconds, pixelfed),
      ...slowness(look.answer, "the instance document", maxSeconds, pixelfed),
      ...disagreement({ instance: version, nodeInfo: nodeInfo.software }, pixelfed, context),
    ];
    return findingOf(flaws, {
      phases: health.phases,
      readings: infoReading("pixelfed_info", version ?? nodeInfo.software?.version),
    });
  },
});

/** Without the health page and without the instance document there is no Pixelfed, whatever answers. */
function mainFlaws(ill: Flaw | undefined, { flaw }: InstanceLook): readonly Flaw[] {
  if (ill && flaw?.outcome === "degraded") return [{ ...flaw, outcome: "down", explanation: showsWrongPage(pixelfed) }];
  return [ill, flaw].filter((each) => each !== undefined);
}

/** "3.5.3 (compatible; Pixelfed 0.11.13)": the first is the Mastodon whose API it speaks. */
const ownVersion = (version: string): string => /Pixelfed ([^\s)]+)/i.exec(version)?.[1] ?? version;
