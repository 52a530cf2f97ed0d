/** The Cloudron probe against a stand-in, with apps in every state. */
import { describe, expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";
import { type CloudronApp, cloudronToken, startCloudron } from "../../practice/stand-ins/cloudron.ts";
import type { Condition } from "../../practice/stand-ins/stand-in.ts";
import probe from "../../probes/cloudron.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { asJson, smallServer } from "../helpers/small-server.ts";

const token = new Secret(cloudronToken);

async function withApps(apps: readonly CloudronApp[], options = {}) {
  await using cloudron = await startCloudron({ apps });
  return await runProbe(probe, { url: cloudron.url, token, ...options });
}
const app = (fqdn: string, more: Partial<CloudronApp> = {}): CloudronApp => ({ fqdn, ...more });

describe("apps", () => {
  test("that are well are up, and counted", async () => {
    const sample = await withApps([app("a.example"), app("b.example")]);
    expect(sample).toMatchObject({ outcome: "up" });
    expect(sample.reason).toBeUndefined();
    expect(sample.readings).toContainEqual({ metric: "cloudron_info", value: 1, labels: { version: "8.3.1" } });
    expect(sample.readings).toContainEqual({ metric: "cloudron_apps", value: 2, labels: { state: "healthy" } });
  });

  test.each(["unhealthy", "error", "dead"])("that are %s are named", async (health) => {
    expect(await withApps([app("a.example"), app("b.example", { health })])).toMatchObject({
      outcome: "degraded",
      reason: "one app is ill, for ten minutes or more: b.example",
      explanation: { en: "Some of our services may not work." },
      evidence: `b.example: installed, running, ${health}`,
    });
  });

  test("that are all ill are an outage", async () => {
    const ill = ["a", "b", "c", "d", "e"].map((name) => app(`${name}.example`, { health: "dead" }));
    expect(await withApps(ill)).toMatchObject({
      outcome: "down",
      reason: "all 5 apps are ill, for ten minutes or more: a.example, b.example, c.example, 2 more",
    });
  });

  test.each<[string, Partial<CloudronApp>]>([
    ["is stopped on purpose", { runState: "stopped", health: "dead" }],
    ["is being updated", { installationState: "pending_update", health: "unhealthy" }],
    ["has only been started", { health: null }],
  ])("no word about one that %s, whatever its health says", async (_what, more) => {
    expect(await withApps([app("a.example"), app("b.example", more)])).toMatchObject({ outcome: "up" });
  });

  test("one whose update failed is named", async () => {
    expect(await withApps([app("a.example", { installationState: "error" })])).toMatchObject({
      outcome: "degraded",
      reason: "a.example: installing or updating failed",
    });
  });

  test("one that nobody needs to hear about is left out", async () => {
    const apps = [app("a.example"), app("test.example", { health: "dead" })];
    expect(await withApps(apps, { ignore: ["test.example"] })).toMatchObject({ outcome: "up" });
  });
});

describe("the token", () => {
  test("is not needed to see whether Cloudron runs", async () => {
    await using cloudron = await startCloudron();
    expect(await runProbe(probe, { url: cloudron.url })).toMatchObject({
      outcome: "up",
      reason: "its apps are not looked at: give a `token` for that",
    });
    expect(cloudron.requests.join()).not.toContain("/api/v1/apps");
  });

  test("that is not accepted is our own failure, and never shown", async () => {
    await using cloudron = await startCloudron();
    const sample = await runProbe(probe, { url: cloudron.url, token: new Secret("wrong-token-1") });
    expect(sample).toMatchObject({
      outcome: "unknown",
      reason: "the API token is not accepted (401): make a new one under Profile, API tokens",
    });
    expect(JSON.stringify(sample)).not.toContain("wrong-token-1");
  });

  test("is not shown where a server repeats it, nor sent on by a redirect", async () => {
    await using other = await smallServer({});
    await using server = await smallServer({
      "/api/v1/cloudron/status": asJson({ version: "8.3.1" }),
      "/api/v1/apps": { status: 500, body: `no apps for ${cloudronToken}`, headers: { location: other.url } },
    });
    const sample = await runProbe(probe, { url: server.url, token });
    expect(sample).toMatchObject({ outcome: "down", reason: "the list of apps answered 500" });
    expect(JSON.stringify(sample)).not.toContain(cloudronToken);
    expect(other.requests).toEqual([]);
  });
});

test.each<[Condition, string, RegExp]>([
  ["stopped", "down", /refused/],
  ["errors", "down", /the status document answered 502/],
  ["no-database", "down", /the list of apps answered 500/],
  ["html", "down", /the status document is not one/],
  ["blocked", "unknown", /blocked: Cloudflare asks for a browser/],
  ["throttled", "unknown", /blocked: the monitor is asked to come less often/],
])("%s is %s", async (condition, outcome, reason) => {
  await using cloudron = await startCloudron();
  await cloudron.become(condition);
  const sample = await runProbe(probe, { url: cloudron.url, token });
  expect(sample).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
});

test.each([[{}], [{ apps: "all" }], [{ apps: [{}] }], [{ apps: [null] }], [[]]])(
  "a list of apps that is none (%j) is told",
  async (document) => {
    await using server = await smallServer({
      "/api/v1/cloudron/status": asJson({ version: "8.3.1" }),
      "/api/v1/apps": asJson(document),
    });
    expect(await runProbe(probe, { url: server.url, token })).toMatchObject({
      outcome: "degraded",
      reason: "the list of apps is not one",
    });
  },
);
