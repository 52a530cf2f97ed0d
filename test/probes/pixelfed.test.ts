/** The Pixelfed probe against a stand-in in every mood, and documents that do not agree. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";
import { type PixelfedSettings, startPixelfed } from "../../practice/stand-ins/pixelfed.ts";
import type { Mood } from "../../practice/stand-ins/stand-in.ts";
import probe from "../../probes/pixelfed.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { type Answers, asHtml, asJson, smallServer } from "../helpers/small-server.ts";

const run = (url: string, options: Readonly<Record<string, unknown>> = {}) => runProbe(probe, { url, ...options });
const fixture = (name: string) => readFileSync(new URL(`../fixtures/pixelfed/${name}`, import.meta.url), "utf8");

async function inMood(mood: Mood, settings: PixelfedSettings = {}, options = {}) {
  await using pixelfed = await startPixelfed(settings);
  await pixelfed.become(mood);
  return await run(pixelfed.url, options);
}

describe("a healthy Pixelfed", () => {
  test("is up, and its version is its own, not the one of the API it speaks", async () => {
    await using pixelfed = await startPixelfed();
    const sample = await run(pixelfed.url);
    expect(sample).toMatchObject({
      outcome: "up",
      readings: [{ metric: "pixelfed_info", value: 1, labels: { version: "0.11.13" } }],
    });
    expect(sample.reason).toBeUndefined();
    expect(pixelfed.requests).toHaveLength(5);
  });

  test("is up over TLS for whoever trusts its authority", async () => {
    await using pixelfed = await startPixelfed({ tls: true });
    expect(await run(pixelfed.url, { ca: new Secret(pixelfed.ca ?? "") })).toMatchObject({ outcome: "up" });
    expect(await run(pixelfed.url)).toMatchObject({ outcome: "down" });
  });
});

describe("moods", () => {
  test.each<[Mood, string, RegExp]>([
    ["stopped", "down", /refused/],
    ["errors", "down", /the health page answered 502/],
    ["no-database", "down", /the instance document answered 500/],
    ["html", "down", /a web page stands in place of the instance document/],
    ["blocked", "unknown", /blocked: Cloudflare asks for a browser/],
    ["throttled", "unknown", /blocked: the monitor is asked to come less often/],
    ["maintenance", "down", /says it is under maintenance \(503, asks to come back in 1800 s\)/],
    ["elsewhere", "down", /redirects to http:\/\/localhost:\d+\/parked/],
  ])("%s is %s", async (mood, outcome, reason) => {
    expect(await inMood(mood)).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
  });

  test("slow is degraded", async () => {
    expect(await inMood("slow", { slowSeconds: 0.06 }, { maxSeconds: 0.05 })).toMatchObject({ outcome: "degraded" });
  });

  test("an ended certificate is down, and one in time again is up", async () => {
    await using pixelfed = await startPixelfed({ tls: true });
    const ca = new Secret(pixelfed.ca ?? "");
    await pixelfed.become("expired");
    expect(await run(pixelfed.url, { ca })).toMatchObject({
      outcome: "down",
      reason: expect.stringContaining("expired"),
    });
    await pixelfed.become("healthy");
    expect(await run(pixelfed.url, { ca })).toMatchObject({ outcome: "up" });
  });
});

function documents(changes: Answers = {}): Answers {
  return {
    "/api/service/health-check": { body: "OK" },
    "/api/v1/instance": (url) =>
      asJson({
        uri: new URL(url).host,
        version: "3.5.3 (compatible; Pixelfed 0.11.13)",
        contact_account: { username: "admin" },
      }),
    "/.well-known/nodeinfo": (url) =>
      asJson({
        links: [{ rel: "http://nodeinfo.diaspora.software/ns/schema/2.0", href: `${url}/api/nodeinfo/2.0.json` }],
      }),
    "/api/nodeinfo/2.0.json": asJson(fixture("nodeinfo-2.0.json")),
    "/.well-known/webfinger": (url) =>
      asJson({
        subject: `acct:admin@${new URL(url).host}`,
        links: [{ rel: "self", type: "application/activity+json", href: `${url}/users/admin` }],
      }),
    ...changes,
  };
}

async function withChange(changes: Answers) {
  await using server = await smallServer(documents(changes));
  return await run(server.url);
}

describe("one part that is wrong", () => {
  test("none: the composed documents are a healthy Pixelfed", async () => {
    expect(await withChange({})).toMatchObject({ outcome: "up" });
  });

  test.each<[string, Answers, string, string | RegExp]>([
    [
      "Laravel's own page for maintenance, which gives no time",
      { "/api/service/health-check": asHtml("<title>Service Unavailable</title>", 503) },
      "down",
      "says it is under maintenance (503)",
    ],
    [
      "a 503 of nginx, which is no maintenance",
      { "/api/service/health-check": asHtml("<title>503 Service Temporarily Unavailable</title>nginx", 503) },
      "down",
      "the health page answered 503",
    ],
    [
      "an account that WebFinger does not know",
      { "/.well-known/webfinger": { status: 400 } },
      "degraded",
      /^WebFinger does not know acct:admin@127\.0\.0\.1:\d+ \(400\)$/,
    ],
    [
      "WebFinger that is switched off",
      { "/.well-known/webfinger": { status: 404 } },
      "degraded",
      "WebFinger answered 404",
    ],
    [
      "a Mastodon in its place",
      { "/api/nodeinfo/2.0.json": asJson({ software: { name: "mastodon", version: "0.11.13" } }) },
      "degraded",
      "NodeInfo says this is mastodon, not pixelfed",
    ],
    [
      "an instance document of another shape",
      { "/api/v1/instance": asJson({ version: 3 }) },
      "degraded",
      "the instance document is not one",
    ],
  ])("%s", async (_what, changes, outcome, reason) => {
    const sample = await withChange(changes);
    expect(sample).toMatchObject({ outcome });
    if (typeof reason === "string") expect(sample.reason).toBe(reason);
    else expect(sample.reason).toMatch(reason);
  });

  test("a wrong APP_URL shows in NodeInfo", async () => {
    expect(await inMood("healthy", { appUrl: "http://localhost" })).toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/^NodeInfo points to http:\/\/localhost\/api\/nodeinfo\/2\.0\.json instead of/),
    });
  });

  test("NodeInfo that is switched off is no fault", async () => {
    expect(await withChange({ "/.well-known/nodeinfo": { status: 404 } })).toMatchObject({
      outcome: "up",
      readings: [{ labels: { version: "0.11.13" } }],
    });
  });
});

describe("the kind", () => {
  const checks = (more: { queues?: unknown; database?: unknown }) =>
    probe.kind?.checks({ url: "https://pixels.example", ...more }) ?? [];

  test("brings the home page and the service, and growth where there is a database", () => {
    expect(checks({}).map(({ id, probe: name }) => [id, name])).toEqual([
      ["web", "http"],
      ["service", "pixelfed"],
    ]);
    expect(checks({ database: { env: "D" } }).at(-1)).toEqual({ id: "database", probe: "postgres", url: { env: "D" } });
  });

  test("says that its queues are not watched yet instead of pretending", () => {
    expect(() => checks({ queues: { env: "REDIS" } })).toThrow(
      "Pixelfed's queues are Laravel Horizon's, which are not watched yet: take `queues` out.",
    );
  });
});

describe("the stand-in", () => {
  test("answers NodeInfo in the shape of the composed document", async () => {
    await using pixelfed = await startPixelfed();
    const answer = await fetch(`${pixelfed.url}/api/nodeinfo/2.0.json`);
    const keys = (document: object): unknown =>
      Object.entries(document)
        .map(([key, value]) => (typeof value === "object" && value ? [key, keys(value)] : [key, typeof value]))
        .toSorted();
    expect(keys(Object(await answer.json()))).toEqual(keys(JSON.parse(fixture("nodeinfo-2.0.json"))));
  });
});
