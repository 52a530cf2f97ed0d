/** The Mastodon probe against a stand-in in every mood, two releases, and documents nobody should trust. */
import { readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { type MastodonSettings, startMastodon } from "../../practice/stand-ins/mastodon.ts";
import type { Mood } from "../../practice/stand-ins/stand-in.ts";
import probe from "../../probes/mastodon.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { silentServer } from "../helpers/silent-server.ts";
import { type Answers, asHtml, asJson, smallServer } from "../helpers/small-server.ts";

const run = (url: string, options: Readonly<Record<string, unknown>> = {}) => runProbe(probe, { url, ...options });
const fixture = (name: string) => readFileSync(new URL(`../fixtures/mastodon/${name}`, import.meta.url), "utf8");

async function inMood(mood: Mood, settings: MastodonSettings = {}, options = {}) {
  await using mastodon = await startMastodon(settings);
  await mastodon.become(mood);
  return await run(mastodon.url, options);
}

describe("a healthy Mastodon", () => {
  test.each([
    ["4.2", "4.2.0"],
    ["4.5", "4.5.15"],
  ] as const)("%s is up and says its version", async (version, release) => {
    await using mastodon = await startMastodon({ version });
    const sample = await run(mastodon.url);
    expect(sample).toMatchObject({
      outcome: "up",
      readings: [{ metric: "mastodon_info", value: 1, labels: { version: release } }],
    });
    expect(sample.reason).toBeUndefined();
  });

  test("is asked five questions, and the two that must not come from a cache carry a nonce", async () => {
    await using mastodon = await startMastodon();
    await run(mastodon.url);
    await run(mastodon.url);
    expect(mastodon.requests).toHaveLength(10);
    const fresh = mastodon.requests.filter((request) => request.includes("_="));
    expect(fresh.filter((request) => request.startsWith("GET /health?_="))).toHaveLength(2);
    expect(fresh.filter((request) => request.startsWith("GET /.well-known/webfinger"))).toHaveLength(2);
    expect(new Set(fresh).size).toBe(4);
  });

  test("that describes itself to members only is up all the same, with the version from NodeInfo", async () => {
    expect(await inMood("healthy", { version: "4.2", limitedFederation: true })).toMatchObject({
      outcome: "up",
      reason: "describes itself to members only (limited federation)",
      readings: [{ metric: "mastodon_info", labels: { version: "4.2.0" } }],
    });
  });

  test("of before version 4 gives the older document", async () => {
    await using server = await smallServer(documents({ "/api/v2/instance": asHtml("not here", 404) }));
    const sample = await run(server.url);
    expect(sample).toMatchObject({ outcome: "up", readings: [{ labels: { version: "4.5.15" } }] });
    expect(server.requests.some((request) => request === "GET /api/v1/instance")).toBe(true);
  });
});

describe("moods", () => {
  const members = { en: expect.any(String), fr: expect.any(String) };

  test.each<[Mood, string, RegExp]>([
    ["stopped", "down", /refused/],
    ["errors", "down", /the health page answered 502/],
    ["stale", "down", /the backend fails and the cache covers it \(x-cached: STALE; the health page answered 502\)/],
    ["no-database", "down", /behind the cache the timeline answered 500/],
    ["html", "down", /a web page stands in place of the instance document/],
    ["blocked", "unknown", /blocked: Cloudflare asks for a browser/],
    ["throttled", "unknown", /blocked: the monitor is asked to come less often/],
    ["maintenance", "down", /says it is under maintenance \(503, asks to come back in 1800 s\)/],
    ["elsewhere", "down", /redirects to http:\/\/localhost:\d+\/parked/],
  ])("%s is %s", async (mood, outcome, reason) => {
    const sample = await inMood(mood);
    expect(sample).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
    if (mood !== "stopped") expect(sample.explanation).toEqual(members);
  });

  test("slow is degraded", async () => {
    expect(await inMood("slow", { slowSeconds: 0.06 }, { maxSeconds: 0.05 })).toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/the health page took [\d.]+ s, more than 0\.05 s; the instance document took/),
      explanation: { en: "Mastodon works, but slowly." },
    });
  });

  test("an ended certificate is down", async () => {
    await using mastodon = await startMastodon({ tls: true });
    await mastodon.become("expired");
    expect(await run(mastodon.url)).toMatchObject({ outcome: "down", reason: expect.stringContaining("certificate") });
  });

  test("pass: the same address answers again after a stop", async () => {
    await using mastodon = await startMastodon();
    await mastodon.become("stopped");
    expect(await run(mastodon.url)).toMatchObject({ outcome: "down" });
    await mastodon.become("healthy");
    expect(await run(mastodon.url)).toMatchObject({ outcome: "up" });
  });

  test("whoever turns us away is asked once and then left alone", async () => {
    await using mastodon = await startMastodon();
    await mastodon.become("throttled");
    await run(mastodon.url);
    expect(mastodon.requests).toHaveLength(1);
  });
});

/** A Mastodon made of the composed documents, at its own address. */
function documents(changes: Answers = {}): Answers {
  const here = (name: string) => (url: string) =>
    asJson(fixture(name).replaceAll("https://social.example", url).replaceAll("social.example", new URL(url).host));
  return {
    "/health": { body: "OK" },
    "/api/v2/instance": here("4.5/instance-v2.json"),
    "/api/v1/instance": here("4.5/instance-v1.json"),
    "/.well-known/nodeinfo": here("4.5/well-known-nodeinfo.json"),
    "/nodeinfo/2.0": here("4.5/nodeinfo-2.0.json"),
    "/.well-known/webfinger": (url) =>
      asJson(
        fixture("4.5/webfinger.json")
          .replaceAll("https://social.example", url)
          .replace("alice@coop.example", `admin@${new URL(url).host}`),
      ),
    ...changes,
  };
}

const withChange = async (changes: Answers, options: Readonly<Record<string, unknown>> = {}) => {
  await using server = await smallServer(documents(changes));
  return await run(server.url, options);
};

describe("one part that is wrong", () => {
  test("none: the composed documents are a healthy Mastodon", async () => {
    expect(await withChange({})).toMatchObject({ outcome: "up" });
  });

  test.each<[string, Answers, string, string | RegExp]>([
    [
      "a cache that covers while health is good",
      {
        "/api/v2/instance": (url) => ({
          ...asJson(fixture("4.2/instance-v2.json").replaceAll("social.example", new URL(url).host)),
          headers: { "x-cached": "UPDATING" },
        }),
      },
      "degraded",
      /the backend fails and the cache covers it \(x-cached: UPDATING\)/,
    ],
    ["a closed server (410)", { "/health": { status: 410 } }, "down", /410: closed for good/],
    [
      "an instance document that fails",
      { "/api/v2/instance": { status: 500 } },
      "down",
      "the instance document answered 500",
    ],
    [
      "a web page in place of the instance document",
      { "/api/v2/instance": asHtml("<h1>Hi") },
      "degraded",
      "a web page stands in place of the instance document",
    ],
    [
      "a challenge in place of the instance document",
      { "/api/v2/instance": asHtml('<i id="anubis_challenge">') },
      "unknown",
      /blocked: Anubis/,
    ],
    [
      "a health page that the proxy does not pass on",
      { "/health": { status: 404 } },
      "degraded",
      "the health page answered 404",
    ],
    ["no NodeInfo", { "/.well-known/nodeinfo": { status: 404 } }, "degraded", "NodeInfo discovery answered 404"],
    ["NodeInfo that fails", { "/nodeinfo/2.0": { status: 500 } }, "degraded", "the NodeInfo document answered 500"],
    [
      "NodeInfo on another host",
      { "/.well-known/nodeinfo": asJson(fixture("4.5/well-known-nodeinfo.json")) },
      "degraded",
      /NodeInfo points to https:\/\/social\.example\/nodeinfo\/2\.0 instead of http:\/\/127/,
    ],
    [
      "NodeInfo without a document we know",
      { "/.well-known/nodeinfo": asJson({ links: [] }) },
      "degraded",
      "NodeInfo discovery names no document of version 2",
    ],
    [
      "NodeInfo of other software",
      { "/nodeinfo/2.0": asJson({ software: { name: "WordPress", version: "6" } }) },
      "degraded",
      "NodeInfo says this is WordPress, not mastodon",
    ],
    [
      "WebFinger that does not know the account",
      { "/.well-known/webfinger": { status: 404 } },
      "degraded",
      /^WebFinger does not know acct:admin@127\.0\.0\.1:\d+ \(404\)$/,
    ],
    [
      "WebFinger that a wall guards",
      { "/.well-known/webfinger": { status: 403 } },
      "degraded",
      /^blocked: the monitor is refused \(WebFinger answered 403\)$/,
    ],
    [
      "WebFinger taken over by another site",
      { "/.well-known/webfinger": asHtml("<h1>Our shop") },
      "degraded",
      "WebFinger answers something else: another site may have taken its place",
    ],
    [
      "WebFinger that speaks of somebody else",
      { "/.well-known/webfinger": asJson(fixture("4.5/webfinger.json")) },
      "degraded",
      /speaks of acct:alice@coop\.example$/,
    ],
    [
      "WebFinger that leads away",
      { "/.well-known/webfinger": { status: 301, headers: { location: "https://elsewhere.example/" } } },
      "degraded",
      /redirects to https:\/\/elsewhere\.example\/$/,
    ],
    [
      "WebFinger in circles",
      { "/.well-known/webfinger": { status: 301, headers: { location: "/.well-known/webfinger" } } },
      "degraded",
      /redirects in circles$/,
    ],
    [
      "WebFinger that fails while the timeline works",
      { "/.well-known/webfinger": { status: 500 }, "/api/v1/timelines/public": asJson([]) },
      "degraded",
      "WebFinger answered 500",
    ],
    [
      "WebFinger and timeline that fail",
      { "/.well-known/webfinger": { status: 500 }, "/api/v1/timelines/public": { status: 500 } },
      "down",
      /^behind the cache the timeline answered 500; WebFinger answered 500$/,
    ],
  ])("%s", async (_what, changes, outcome, reason) => {
    const sample = await withChange(changes);
    expect(sample).toMatchObject({ outcome, explanation: { en: expect.any(String), fr: expect.any(String) } });
    if (typeof reason === "string") expect(sample.reason).toBe(reason);
    else expect(sample.reason).toMatch(reason);
  });

  test("being throttled in WebFinger alone says nothing about Mastodon", async () => {
    expect(await withChange({ "/.well-known/webfinger": { status: 429 } })).toMatchObject({ outcome: "up" });
  });

  test("a fork may be told by its own name", async () => {
    const hometown = { "/nodeinfo/2.0": asJson({ software: { name: "hometown", version: "4.5.15" } }) };
    expect(await withChange(hometown, { software: "hometown" })).toMatchObject({ outcome: "up" });
  });

  test("every fault is told, the worst first", async () => {
    const { reason } = await withChange({
      "/.well-known/nodeinfo": { status: 500 },
      "/.well-known/webfinger": { status: 404 },
    });
    expect(reason).toMatch(/^NodeInfo discovery answered 500; WebFinger does not know/);
  });

  test("two versions are a fault only when they last longer than caches do", async () => {
    await using server = await smallServer(
      documents({ "/nodeinfo/2.0": asJson({ software: { name: "mastodon", version: "4.4.0" } }) }),
    );
    const clock = new FakeClock();
    const memory = new Map();
    const again = () => runProbe(probe, { url: server.url }, { clock, memory });
    expect(await again()).toMatchObject({ outcome: "up" });
    await clock.turn(3600);
    expect(await again()).toMatchObject({ outcome: "up" });
    await clock.turn(3601);
    expect(await again()).toMatchObject({
      outcome: "degraded",
      reason: "says it is version 4.5.15, NodeInfo says 4.4.0",
    });
  });
});

describe("handles on another domain than the pages", () => {
  test("are found through the redirect of the domain to the web server", async () => {
    let web = "";
    await using apex = await smallServer({
      "*": () => ({
        status: 301,
        headers: { location: `${web}/.well-known/webfinger?resource=acct:admin@${apex.host}` },
      }),
    });
    await using mastodon = await startMastodon({ domain: apex.host });
    web = mastodon.url;
    expect(await run(mastodon.url, { account: `@admin@${apex.host}` })).toMatchObject({ outcome: "up" });
    expect(apex.requests).toHaveLength(1);
  });

  test("are not looked for where a redirect leads to neither of the two", async () => {
    await using third = await smallServer({ "*": asJson(fixture("4.5/webfinger.json")) });
    await using apex = await smallServer({ "*": { status: 302, headers: { location: `${third.url}/inside` } } });
    await using mastodon = await startMastodon({ domain: apex.host });
    expect(await run(mastodon.url, { account: `admin@${apex.host}` })).toMatchObject({
      outcome: "degraded",
      reason: `WebFinger on ${apex.host} redirects to ${third.url}/inside`,
    });
    expect(third.requests).toEqual([]);
  });

  test("are lost when the site of that domain does not pass the question on", async () => {
    await using apex = await smallServer({ "*": asHtml("Welcome to our co-op") });
    await using mastodon = await startMastodon({ domain: apex.host });
    expect(await run(mastodon.url, { account: `admin@${apex.host}` })).toMatchObject({
      outcome: "degraded",
      reason: "WebFinger answers something else: another site may have taken its place",
      explanation: { en: "Other servers may not be able to find our accounts." },
    });
  });

  test("are lost, and Mastodon is not down, when that domain is gone", async () => {
    const gone = await smallServer({});
    await gone[Symbol.asyncDispose]();
    await using mastodon = await startMastodon({ domain: gone.host });
    expect(await run(mastodon.url, { account: `admin@${gone.host}` })).toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/^WebFinger on 127\.0\.0\.1:\d+: refused/),
    });
  });

  test("are asked for at the web server when only its own document names the domain", async () => {
    await using elsewhere = await smallServer({});
    await using mastodon = await startMastodon({ domain: elsewhere.host });
    expect(await run(mastodon.url)).toMatchObject({ outcome: "up" });
    expect(elsewhere.requests).toEqual([]);
  });

  test("a domain that hangs costs patience, not the whole check", async () => {
    const clock = new FakeClock();
    await using silent = await silentServer(() => clock.turn(6));
    await using mastodon = await startMastodon({ domain: silent.host });
    const account = `admin@${silent.host}`;
    const sample = await runProbe(probe, { url: mastodon.url, account }, { clock, timeoutSeconds: 20 });
    expect(sample).toMatchObject({
      outcome: "degraded",
      reason: expect.stringContaining(`WebFinger on ${silent.host}: no answer within 5 s`),
    });
    await silent.everybodyLeft;
  });

  test("at the deadline of the whole check it is down, as whoever is waited for in vain", async () => {
    const clock = new FakeClock();
    await using silent = await silentServer(() => clock.turn(4));
    await using mastodon = await startMastodon({ domain: silent.host });
    const account = `admin@${silent.host}`;
    const sample = await runProbe(probe, { url: mastodon.url, account }, { clock, timeoutSeconds: 3 });
    expect(sample).toMatchObject({ outcome: "down", reason: expect.stringContaining("then no answer within") });
    await silent.everybodyLeft;
  });
});

describe("hostile documents", () => {
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  test.each<[string, string | Uint8Array]>([
    ["too large", `{"domain":"a","version":"${"9".repeat(3_000_000)}"}`],
    ["broken UTF-8", Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ["nested deeper than any document", deep],
    ["of other types", '{"domain":["a"],"version":{"toString":1}}'],
    ["with __proto__ in place of fields", '{"__proto__":{"domain":"social.example","version":"4.5.15"}}'],
    ["null", "null"],
    ["nothing", ""],
  ])("an instance document that is %s is a clear fault", async (_what, body) => {
    const sample = await withChange({ "/api/v2/instance": { headers: { "content-type": "application/json" }, body } });
    expect(sample).toMatchObject({ outcome: "degraded", reason: "the instance document is not one" });
  });

  test.each<[string, unknown]>([
    ["a version of a kilobyte", { domain: "social.example", version: "4".repeat(290) }],
    ["a version with a line break", { domain: "social.example", version: "4.5.15\ntidewatch_fake 1" }],
    ["a domain that is none", { domain: "http://[", version: "4.5.15" }],
    ["a domain inside our network", { domain: "169.254.169.254", version: "4.5.15" }],
    [
      "a contact with a strange name",
      { domain: "social.example", version: "4.5.15", contact: { account: { username: "../../x?y#z" } } },
    ],
  ])("%s is never trusted", async (_what, document) => {
    const sample = await withChange({ "/api/v2/instance": asJson(document) });
    expect(["up", "degraded"]).toContain(sample.outcome);
    for (const { labels = {} } of sample.readings ?? []) expect(labels["version"]).toMatch(/^[\w.+~-]{1,64}$/);
  });

  test("everything at once ends in a finding with bounded, plain text", async () => {
    const nasty = `\u001b[31m${"\u202e"}${"x".repeat(100_000)}`;
    await using server = await smallServer({
      ...documents(),
      "/nodeinfo/2.0": asJson({ software: { name: nasty, version: nasty } }),
      "/.well-known/webfinger": asJson({ subject: nasty, links: [] }),
    });
    const { outcome, reason = "", evidence = "" } = await run(server.url);
    expect(outcome).toBe("degraded");
    expect(reason.length).toBeLessThanOrEqual(200);
    expect(evidence.length).toBeLessThanOrEqual(2000);
    expect(reason + evidence).not.toContain("\u001b");
  });
});

describe("the kind", () => {
  const checks = (target: { url: string; queues?: unknown; database?: unknown }) => probe.kind?.checks(target) ?? [];

  test("brings the home page, the service and its parts, and what queues and database add", () => {
    const url = "https://social.example";
    expect(checks({ url }).map(({ id, probe: name, every }) => [id, name, every])).toEqual([
      ["web", "http", "60s"],
      ["service", "mastodon", "60s"],
      ["streaming", "mastodon-streaming", "60s"],
      ["federation", "mastodon-federation", "5m"],
      ["timeline", "mastodon-timeline", "5m"],
      ["media", "mastodon-media", "15m"],
      ["sign-up", "mastodon-sign-up", "15m"],
    ]);
    const queues = { env: "REDIS" };
    const database = { env: "DATABASE" };
    expect(checks({ url, queues, database }).slice(7)).toEqual([
      { id: "queues", probe: "sidekiq", url: queues },
      { id: "database", probe: "postgres", url: database },
    ]);
  });
});

describe("the stand-in", () => {
  test("can be stopped while somebody waits for its slow answer", async () => {
    await using mastodon = await startMastodon({ slowSeconds: 3600 });
    await mastodon.become("slow");
    const waiting = run(mastodon.url);
    await vi.waitFor(() => expect(mastodon.requests).toHaveLength(1));
    await mastodon.become("stopped");
    expect(await waiting).toMatchObject({ outcome: "down", reason: expect.stringContaining("before an answer") });
  });

  test.each(["4.2", "4.5"] as const)("of %s answers in the shape of the composed documents", async (version) => {
    await using mastodon = await startMastodon({ version });
    const answer = await fetch(`${mastodon.url}/api/v2/instance`);
    expect(shapeOf(await answer.json())).toEqual(shapeOf(JSON.parse(fixture(`${version}/instance-v2.json`))));
  });

  test("answers NodeInfo and version 1 in the shape of the composed documents", async () => {
    await using mastodon = await startMastodon();
    for (const [path, name] of [
      ["/api/v1/instance", "4.5/instance-v1.json"],
      ["/.well-known/nodeinfo", "4.5/well-known-nodeinfo.json"],
      ["/nodeinfo/2.0", "4.5/nodeinfo-2.0.json"],
    ] as const) {
      const answer = await fetch(`${mastodon.url}${path}`);
      expect(shapeOf(await answer.json()), path).toEqual(shapeOf(JSON.parse(fixture(name))));
    }
  });

  test("has a cache like the measured one: STALE for what was asked before, 502 for a new query", async () => {
    await using mastodon = await startMastodon();
    await mastodon.become("stale");
    const seen = async (path: string) => {
      const answer = await fetch(`${mastodon.url}${path}`);
      await answer.bytes();
      return [answer.status, answer.headers.get("x-cached")];
    };
    expect(await seen("/api/v2/instance")).toEqual([200, "STALE"]);
    expect(await seen("/api/v2/instance?_=1")).toEqual([502, null]);
    expect(await seen("/health")).toEqual([502, null]);
    await mastodon.become("healthy");
    expect(await seen("/missing")).toEqual([404, null]);
  });
});

/** Keys and types, without values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== "object" || value === null)
    return value === null ? "text or null" : typeof value === "string" ? "text or null" : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted()
      .map(([key, item]) => [key, shapeOf(item)]),
  );
}
