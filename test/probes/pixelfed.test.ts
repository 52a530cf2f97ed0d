/** The Pixelfed probe against a stand-in in every condition, and documents that do not agree. */
import { readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { Secret } from "../../core/secret.ts";
import { type PixelfedSettings, startPixelfed } from "../../practice/stand-ins/pixelfed.ts";
import type { Condition } from "../../practice/stand-ins/stand-in.ts";
import probe from "../../probes/pixelfed.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { type Answer, type Answers, asHtml, asJson, smallServer } from "../helpers/small-server.ts";

const run = (url: string, options: Readonly<Record<string, unknown>> = {}) => runProbe(probe, { url, ...options });
const fixture = (name: string) => readFileSync(new URL(`../fixtures/pixelfed/${name}`, import.meta.url), "utf8");
/** How a PNG begins. */
const png = { headers: { "content-type": "image/png" }, body: Buffer.from("\x89PNG\r\n", "latin1") };

async function inCondition(condition: Condition, settings: PixelfedSettings = {}, options = {}) {
  await using pixelfed = await startPixelfed(settings);
  await pixelfed.become(condition);
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
    expect(pixelfed.requests).toHaveLength(8);
  });

  test("is up over TLS for whoever trusts its authority", async () => {
    await using pixelfed = await startPixelfed({ tls: true });
    expect(await run(pixelfed.url, { ca: new Secret(pixelfed.ca ?? "") })).toMatchObject({ outcome: "up" });
    expect(await run(pixelfed.url)).toMatchObject({ outcome: "down" });
  });
});

describe("conditions", () => {
  test.each<[Condition, string, RegExp]>([
    ["stopped", "down", /refused/],
    ["errors", "down", /the health page answered 502/],
    ["no-database", "down", /the instance document answered 500/],
    ["html", "down", /a web page stands in place of the instance document/],
    ["blocked", "unknown", /blocked: Cloudflare asks for a browser/],
    ["throttled", "unknown", /blocked: the monitor is asked to come less often/],
    ["maintenance", "down", /says it is under maintenance \(503, asks to come back in 1800 s\)/],
    ["elsewhere", "down", /redirects to http:\/\/localhost:\d+\/parked/],
  ])("%s is %s", async (condition, outcome, reason) => {
    expect(await inCondition(condition)).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
  });

  test("slow is degraded", async () => {
    expect(await inCondition("slow", { slowSeconds: 0.06 }, { maxSeconds: 0.05 })).toMatchObject({
      outcome: "degraded",
    });
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
    "/f/inbox": {},
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
    expect(await inCondition("healthy", { appUrl: "http://localhost" })).toMatchObject({
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

describe("inboxes", () => {
  test.each<[string, Answers]>([
    ["a shared inbox", {}],
    ["only the accounts' own", { "/f/inbox": { status: 404 }, "/users/admin/inbox": {} }],
    ["a version that looks at the signature first", { "/f/inbox": { status: 401 } }],
    ["our own share used up", { "/f/inbox": { status: 429 } }],
  ])("%s is fine", async (_what, changes) => {
    expect(await withChange(changes)).toMatchObject({ outcome: "up" });
  });

  test("that are all missing mean that ActivityPub is off, which is no fault where it is meant to be", async () => {
    const off: Answers = { "/f/inbox": { status: 404 }, "/.well-known/webfinger": { status: 404 } };
    await using server = await smallServer(documents(off));
    expect(await run(server.url)).toMatchObject({
      outcome: "degraded",
      reason: expect.stringContaining("every inbox answered 404: ActivityPub is off"),
    });
    expect(await run(server.url, { federation: false })).toMatchObject({ outcome: "up" });
  });

  test("that fail are told with their status", async () => {
    expect(await withChange({ "/f/inbox": { status: 502 } })).toMatchObject({
      outcome: "degraded",
      reason: "the shared inbox answered 502",
      explanation: { en: "Posts do not travel between our server and others." },
    });
  });
});

describe("pictures and posts", () => {
  const post = (updated: string, picture: string) =>
    `<entry><updated>${updated}</updated><content type="html"><![CDATA[<img id="rss_item_1" src="${picture}" alt="">]]></content><media:content url="${picture}" medium="image"></entry>`;
  const atom = (entries: string): Answer => ({
    body: `<?xml version="1.0"?>\n<feed xmlns="http://www.w3.org/2005/Atom">${entries}</feed>`,
  });
  const clock = new FakeClock();

  async function withPosts(entries: (url: string) => string, changes: Answers = {}, options = {}) {
    await using server = await smallServer(documents({ "/users/admin.atom": (url) => atom(entries(url)), ...changes }));
    const settings = { url: server.url, newestWithin: "2d", ...options };
    return { sample: await runProbe(probe, settings, { clock }), requests: server.requests };
  }

  test("the newest post is found wherever it stands, and its picture is asked for", async () => {
    const { sample, requests } = await withPosts(
      (url) =>
        post("2026-11-01T12:00:00Z", `${url}/old.png`) +
        post("2026-11-23T11:00:00.000000Z", `${url}/new.png?a=1&amp;b=2`),
      { "/new.png": png },
    );
    expect(sample).toMatchObject({ outcome: "up" });
    expect(requests).toContain("GET /new.png?a=1&b=2");
  });

  test.each<[string, (url: string) => string, Answers, string]>([
    ["an old post", () => post("2026-11-20T12:00:00Z", ""), {}, "the newest post of @admin is 3d old"],
    ["no post", () => "", {}, "the Atom feed of @admin has no post"],
    ["no feed", () => "", { "/users/admin.atom": { status: 404 } }, "the Atom feed of @admin answered 404"],
    [
      "a picture that is empty",
      (url) => post("2026-11-23T11:00:00Z", `${url}/new.png`),
      { "/new.png": { headers: { "content-type": "image/png" } } },
      "the newest picture of @admin is empty",
    ],
    [
      "a picture that is none",
      (url) => post("2026-11-23T11:00:00Z", `${url}/new.png`),
      { "/new.png": asJson({}) },
      "the newest picture of @admin is application/json",
    ],
    [
      "an error under the name of a picture",
      (url) => post("2026-11-23T11:00:00Z", `${url}/new.png`),
      { "/new.png": { headers: { "content-type": "image/png" }, body: "upstream connect error" } },
      "the newest picture of @admin is text",
    ],
  ])("%s is told", async (_what, entries, changes, reason) => {
    expect((await withPosts(entries, changes)).sample).toMatchObject({ outcome: "degraded", reason });
  });

  const gone = { status: 404, body: "<Error><Code>NoSuchBucket</Code></Error>" };

  test("a picture on another host is asked for there", async () => {
    await using files = await smallServer({ "*": gone });
    const entries = () => post("2026-11-23T11:00:00Z", `${files.url}/new.png`);
    expect((await withPosts(entries)).sample).toMatchObject({
      outcome: "down",
      reason: `the newest picture of @admin on ${files.host} is gone with its whole storage bucket`,
    });
    expect(files.requests).toEqual(["GET /new.png"]);
  });

  test("is asked for, too, where nobody promised how often there is a post", async () => {
    await using files = await smallServer({ "*": gone });
    const entries = () => post("2026-01-01T11:00:00Z", `${files.url}/new.png`);
    const { sample } = await withPosts(entries, {}, { newestWithin: undefined });
    expect(sample).toMatchObject({ outcome: "down", reason: expect.stringContaining("the newest picture of @admin") });
  });

  test.each<[string, (url: string) => string, Answers]>([
    ["no feed", () => "", { "/users/admin.atom": { status: 404 } }],
    ["no post", () => "", {}],
    ["an old post", () => post("2026-01-01T11:00:00Z", ""), {}],
  ])("%s is no fault where nobody promised one", async (_what, entries, changes) => {
    const { sample } = await withPosts(entries, changes, { newestWithin: undefined });
    expect(sample).toMatchObject({ outcome: "up", reason: "no picture was found to ask for" });
  });

  const instanceWith = (avatar: string): Answers => ({
    "/api/v1/instance": (url) =>
      asJson({
        uri: new URL(url).host,
        version: "3.5.3 (compatible; Pixelfed 0.11.13)",
        contact_account: { username: "admin", avatar, header: `${url}/storage/headers/missing.png` },
      }),
  });

  test.each<[string, Answer, string]>([
    ["with its bucket", gone, "is gone with its whole storage bucket"],
    [
      "by a policy that lets nobody read",
      { status: 403, body: "<Error><Code>AccessDenied</Code></Error>" },
      "is refused by its storage: AccessDenied (403)",
    ],
  ])("an avatar on another host that is gone %s is told", async (_what, answer, said) => {
    await using files = await smallServer({ "*": answer });
    const { sample } = await withPosts((url) => post("2026-11-23T11:00:00Z", `${url}/new.png`), {
      "/new.png": png,
      ...instanceWith(`${files.url}/a.png`),
    });
    expect(sample.reason).toBe(`a picture of the server on ${files.host} ${said}`);
  });

  test("an address that is none on the web is not asked for", async () => {
    const { sample } = await withPosts(() => "", instanceWith("ftp://127.0.0.1/a.png"), { newestWithin: undefined });
    expect(sample).toMatchObject({ outcome: "up", reason: "no picture was found to ask for" });
  });

  test.each([
    [6, "up", undefined],
    [20, "degraded", "the newest picture of @admin: no answer within 20 s"],
  ])("a picture that takes %i s is %s", async (seconds, outcome, reason) => {
    const { promise: after, resolve: release } = Promise.withResolvers<void>();
    const slow = { ...png, after };
    await using server = await smallServer(
      documents({
        "/users/admin.atom": (url) => atom(post("2026-11-23T11:00:00Z", `${url}/new.png`)),
        "/new.png": slow,
      }),
    );
    const turning = new FakeClock();
    const running = runProbe(
      probe,
      { url: server.url, newestWithin: "2d", federation: false },
      { clock: turning, timeoutSeconds: 20 },
    );
    await vi.waitFor(() => expect(server.requests).toContain("GET /new.png"), { timeout: 60_000 });
    await turning.turn(seconds);
    release();
    const sample = await running;
    expect(sample.outcome).toBe(outcome);
    expect(sample.reason).toBe(reason);
  });

  test("a picture that takes longer than the setting allows is told", async () => {
    const { sample } = await withPosts(
      (url) => post("2026-11-23T11:00:00Z", `${url}/new.png`),
      { "/new.png": png },
      { maxSeconds: 1e-9 },
    );
    expect(sample.reason).toMatch(/the newest picture of @admin took \d+\.\d s, more than 1e-9 s/);
  });

  test("an entry may say in which language it is", async () => {
    const { sample } = await withPosts(
      (url) => post("2026-11-23T11:00:00Z", `${url}/new.png`).replace("<entry>", '<entry xml:lang="en">'),
      { "/new.png": png },
    );
    expect(sample).toMatchObject({ outcome: "up" });
  });

  test("posts and pictures are looked at every ten minutes, not in every run", async () => {
    const turning = new FakeClock();
    await using pixelfed = await startPixelfed({ now: () => turning.now() });
    const memory = new Map();
    const again = () => runProbe(probe, { url: pixelfed.url, newestWithin: "2d" }, { clock: turning, memory });
    const looks = () => pixelfed.requests.filter((request) => /storage|inbox/.test(request)).length;
    await again();
    await again();
    expect(looks()).toBe(2);
    await turning.turn(600);
    await again();
    expect(looks()).toBe(4);
  });

  test.each([
    "",
    "<feed>",
    "<html>",
    "\u0000",
    `<feed>${"<entry><updated>".repeat(10_000)}`,
    `<feed><entry><updated>${" ".repeat(500_000)}`,
    `<feed><entry><updated>2026-11-23T11:00:00Z</updated>${"<img ".repeat(20_000)}`,
  ])("whatever a feed says, it ends in a finding (%#)", async (body) => {
    const { sample } = await withPosts(() => "", { "/users/admin.atom": { body } });
    expect(["up", "degraded"]).toContain(sample.outcome);
    expect(sample.reason ?? "").not.toContain("the check itself failed");
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
    expect(checks({ database: { env: "D" } }).at(-1)).toEqual({ id: "database", probe: "mysql", url: { env: "D" } });
    const postgres = new Secret("postgresql://tidewatch@db.example/pixelfed");
    expect(checks({ database: postgres }).at(-1)).toEqual({ id: "database", probe: "postgres", url: postgres });
  });

  test("brings Horizon where there are queues", () => {
    expect(checks({ queues: { env: "Q" } }).at(-1)).toEqual({ id: "queues", probe: "horizon", url: { env: "Q" } });
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
