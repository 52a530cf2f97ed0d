/** The cloudron probe: whether a Cloudron runs, and what it says about the apps on it. */
import { z } from "zod";
import { secret } from "../core/config/settings.ts";
import { sameInAll } from "../core/language.ts";
import { gauge } from "../core/metric-families.ts";
import { plainText } from "../core/plain-text.ts";
import { defineProbe, type HttpAnswer, type ProbeContext } from "../core/probe.ts";
import type { Reading } from "../core/sample.ts";
import type { Secret } from "../core/secret.ts";
import { trusting } from "./lib/certificate.ts";
import { couldNotCheck, showsWrongPage, worksWithProblems } from "./lib/explanation.ts";
import { degradation, findingOf, type PartialFinding, type Problem } from "./lib/problem.ts";
import { bearer, withoutToken } from "./lib/redaction.ts";
import { withTimeLimit } from "./lib/time-limit.ts";
import { cacheBusted } from "./web/cache-buster.ts";
import { evidenceOf, refusalOf } from "./web/http-answer.ts";
import { infoReading, serverSettings, slowness } from "./web/server-health.ts";

const cloudron = sameInAll("Cloudron");

const Status = z.object({ version: z.string().max(100) });
const word = z.string().max(300).nullish();
const App = z.object({
  fqdn: word,
  subdomain: word,
  location: word,
  domain: word,
  installationState: z.string().max(100),
  runState: z.string().max(100),
  health: z.string().max(100).nullish(),
  manifest: z.object({ title: word }).nullish(),
});
type App = z.output<typeof App>;
const Apps = z.object({ apps: z.array(App).max(2000) });

export default defineProbe({
  summary: "Asks a Cloudron whether it runs and which of its apps it finds ill.",
  readings: [
    gauge("cloudron_info", "Version the Cloudron says it runs.", ["version"]),
    gauge("cloudron_apps", "Apps on a Cloudron, by state.", ["state"]),
  ],
  options: z.strictObject({
    ...serverSettings,
    token: secret()
      .optional()
      .describe(
        "API token that may only read (Profile → API tokens); without it, only Cloudron itself is looked at, not its apps.",
      ),
    ignore: z
      .array(z.string().min(1).max(300))
      .max(200)
      .prefault([])
      .describe("Addresses of apps that nobody needs to hear about, like `test.coop.example`."),
  }),
  example: { url: "https://my.coop.example", token: { env: "CLOUDRON_TOKEN" } },
  defaults: { timeoutSeconds: 20 },

  kind: {
    name: cloudron,
    seesMore: {
      check: "{ id: service, token: { env: CLOUDRON_TOKEN } }",
      why: "its apps as well, by a read-only API token",
    },
    checks: ({ url }) => [
      { id: "web", probe: "http", url, every: "60s", followRedirects: 3, expect: { maxSeconds: 5 } },
      { id: "service", probe: "cloudron", url, every: "60s" },
    ],
  },

  async run({ url, maxSeconds, token, ignore, ca }, given) {
    const context = trusting(given, ca);
    const origin = new URL(url);
    const status = await context.http.get(cacheBusted(new URL("/api/v1/cloudron/status", origin)));
    const wrong = statusProblem(status);
    if (wrong) return findingOf([wrong], { phases: status.phases });
    const apps: AppFindings = token ? await askApps(token, ignore, origin, context) : { problems: [], readings: [] };
    return findingOf([...apps.problems, ...slowness(status, "the status document", maxSeconds, cloudron)], {
      phases: status.phases,
      readings: [...infoReading("cloudron_info", status.json(Status)?.version), ...apps.readings],
      note: token ? undefined : "its apps are not looked at: give a `token` for that",
    });
  },
});

function statusProblem(answer: HttpAnswer): Problem | undefined {
  const refusal = refusalOf(answer, "the status document", cloudron);
  if (refusal) return refusal;
  if (answer.status === 200 && answer.json(Status)) return undefined;
  const said = answer.status === 200 ? "is not one" : `answered ${answer.status}`;
  const reason = `the status document ${said}`;
  return { outcome: "down", reason, explanation: showsWrongPage(cloudron), evidence: evidenceOf(answer) };
}

interface AppFindings extends PartialFinding {
  readonly readings: readonly Reading[];
}

async function askApps(
  token: Secret,
  ignore: readonly string[],
  origin: URL,
  context: ProbeContext,
): Promise<AppFindings> {
  const asked = "the list of apps";
  const request = { headers: bearer(token), maxBodyBytes: 8_000_000 };
  const heard = await withTimeLimit(context.http.get(new URL("/api/v1/apps", origin), request), context);
  const wrong = (problem: Problem): AppFindings => ({ problems: [withoutToken(problem, token)], readings: [] });
  if (!("answer" in heard))
    return wrong(degradation(`${asked}: ${heard.reason}`, worksWithProblems(cloudron), heard.evidence));
  const { answer } = heard;
  if (answer.status === 401 || answer.status === 403) {
    const reason = `the API token is not accepted (${answer.status}): make a new one under Profile, API tokens`;
    return wrong({ outcome: "unknown", reason, explanation: couldNotCheck, evidence: statusLine(answer) });
  }
  const refusal = refusalOf(answer, asked, cloudron);
  if (refusal) return wrong(refusal);
  const apps = answer.status === 200 ? answer.json(Apps)?.apps : undefined;
  if (apps) return judged(apps.filter((app) => !ignore.includes(nameOf(app))));
  const said = answer.status === 200 ? "is not one" : `answered ${answer.status}`;
  return wrong(degradation(`${asked} ${said}`, worksWithProblems(cloudron), statusLine(answer)));
}

/** What is in this answer may be private: apps, their settings, people. */
const statusLine = (answer: HttpAnswer): string =>
  `${answer.url.href} answered ${answer.status} (from ${answer.address})`;

const states = ["healthy", "ill", "failed", "busy", "stopped", "unknown"] as const;
type State = (typeof states)[number];

/** Health means something only of an app that is installed and meant to run; while it changes, it rightly restarts. */
function stateOf({ installationState, runState, health }: App): State {
  if (installationState === "error") return "failed";
  if (installationState !== "installed") return "busy";
  if (runState !== "running") return "stopped";
  if (health === "healthy") return "healthy";
  return health === "unhealthy" || health === "error" || health === "dead" ? "ill" : "unknown";
}

function judged(apps: readonly App[]): AppFindings {
  const seen = apps.map((app) => ({ app, state: stateOf(app) }));
  const inState = (wanted: State) => seen.filter(({ state }) => state === wanted).map(({ app }) => app);
  const ill = inState("ill");
  const failed = inState("failed");
  const evidence = [...ill, ...failed].map(line).join("\n");
  const all = ill.length > 1 && inState("healthy").length === 0;
  return {
    problems: [
      ...(ill.length === 0 ? [] : [illness(ill, all, evidence)]),
      ...(failed.length === 0
        ? []
        : [degradation(`${names(failed)}: installing or updating failed`, someServices, evidence)]),
    ],
    readings: states.map((state) => ({
      metric: "cloudron_apps",
      value: inState(state).length,
      labels: { state },
    })),
  };
}

/** Cloudron itself waits ten minutes before it says so. */
function illness(ill: readonly App[], all: boolean, evidence: string): Problem {
  const count = all ? `all ${ill.length} apps are` : ill.length === 1 ? "one app is" : `${ill.length} apps are`;
  const reason = `${count} ill, for ten minutes or more: ${names(ill)}`;
  return { outcome: all ? "down" : "degraded", reason, explanation: someServices, evidence };
}

const someServices = {
  en: "Some of our services may not work.",
  fr: "Certains de nos services risquent de ne pas fonctionner.",
};

function nameOf({ fqdn, subdomain, location, domain, manifest }: App): string {
  const place = [subdomain ?? location, domain].filter(Boolean).join(".");
  return fqdn || place || manifest?.title || "an app without a name";
}

function names(apps: readonly App[]): string {
  const shown = apps.slice(0, 3).map((app) => plainText(nameOf(app), 60));
  return [...shown, ...(apps.length > 3 ? [`${apps.length - 3} more`] : [])].join(", ");
}

function line(app: App): string {
  const { installationState, runState, health } = app;
  return plainText(`${nameOf(app)}: ${installationState}, ${runState}, ${health ?? "no health yet"}`, 200);
}
