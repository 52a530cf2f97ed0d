/** The Castopod probe against a stand-in in every mood, and feeds of every kind. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type CastopodSettings, startCastopod } from "../../practice/stand-ins/castopod.ts";
import type { Mood } from "../../practice/stand-ins/stand-in.ts";
import probe from "../../probes/castopod.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { type Answers, asHtml, asJson, smallServer } from "../helpers/small-server.ts";

const run = (url: string, options: Readonly<Record<string, unknown>> = {}) => runProbe(probe, { url, ...options });
const fixture = (name: string) => readFileSync(new URL(`../fixtures/castopod/${name}`, import.meta.url), "utf8");
const now = () => new FakeClock().now();

async function inMood(mood: Mood, settings: CastopodSettings = {}, options = {}) {
  await using castopod = await startCastopod({ now, ...settings });
  await castopod.become(mood);
  return await run(castopod.url, options);
}

describe("a healthy Castopod", () => {
  test("is up, says its version, and its podcasts are found on the home page", async () => {
    await using castopod = await startCastopod({ now });
    const sample = await run(castopod.url);
    expect(sample).toMatchObject({
      outcome: "up",
      readings: [{ metric: "castopod_info", value: 1, labels: { version: "1.15.5" } }],
    });
    expect(sample.reason).toBeUndefined();
    expect(castopod.requests.map((request) => request.replace(/_=.*/, "_="))).toEqual(
      expect.arrayContaining([
        "GET /health?_=",
        "GET /",
        "GET /.well-known/x-nodeinfo2",
        "GET /@show/feed.xml",
        "GET /@news/feed.xml",
      ]),
    );
    // It has none, and asking for it would only fill its log.
    expect(castopod.requests).not.toContain("GET /.well-known/nodeinfo");
  });

  test("with one podcast sends on to it from the home page", async () => {
    await using castopod = await startCastopod({ now, podcasts: ["only"] });
    expect(await run(castopod.url)).toMatchObject({ outcome: "up" });
    expect(castopod.requests).toContain("GET /@only/feed.xml");
  });

  test("with many podcasts is asked for three feeds at a time, in turn", async () => {
    const podcasts = ["a1", "b2", "c3", "d4", "e5"];
    await using castopod = await startCastopod({ now, podcasts });
    const memory = new Map();
    const feeds = () => castopod.requests.filter((request) => request.endsWith("feed.xml")).length;
    await runProbe(probe, { url: castopod.url, podcasts }, { memory });
    expect(feeds()).toBe(3);
    await runProbe(probe, { url: castopod.url, podcasts }, { memory });
    for (const handle of podcasts) expect(castopod.requests).toContain(`GET /@${handle}/feed.xml`);
  });

  test("without podcasts is up and says that none could be checked", async () => {
    expect(await inMood("healthy", { podcasts: [] })).toMatchObject({
      outcome: "up",
      reason: "no podcast is linked from the home page: name some under `podcasts`",
    });
  });
});

describe("moods", () => {
  test.each<[Mood, string, RegExp]>([
    ["stopped", "down", /refused/],
    ["errors", "down", /the health page answered 502/],
    ["no-database", "down", /the home page answered 500/],
    ["html", "down", /the health page is not one/],
    ["blocked", "unknown", /blocked: Cloudflare asks for a browser/],
    ["throttled", "unknown", /blocked: the monitor is asked to come less often/],
    ["maintenance", "down", /says it is under maintenance/],
    ["elsewhere", "down", /redirects to http:\/\/localhost:\d+\/parked/],
  ])("%s is %s", async (mood, outcome, reason) => {
    expect(await inMood(mood)).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
  });

  test("html in place of everything is told of the podcasts that were named, too", async () => {
    expect((await inMood("html", {}, { podcasts: ["show"] })).reason).toContain("the feed of @show is no podcast feed");
  });

  test("slow is degraded", async () => {
    expect(await inMood("slow", { slowSeconds: 0.06 }, { maxSeconds: 0.05 })).toMatchObject({
      outcome: "degraded",
      explanation: { fr: "Castopod fonctionne, mais lentement." },
    });
  });
});

const item = (change: Readonly<Record<string, string>> = {}) => {
  const {
    title = "One",
    enclosure = '<enclosure url="https://a.example/1.mp3" length="1000" type="audio/mpeg"/>',
    date = "Fri, 20 Nov 2026 12:00:00 +0000",
  } = change;
  return `<item><title>${title}</title>${enclosure}<pubDate>${date}</pubDate></item>`;
};
const feedAt = (url: string, items: string, itself = `${url}/@show/feed.xml`) =>
  `<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><atom:link href="https://hub.example/" rel="hub"/><atom:link href="${itself}" rel="self"/><title>Show</title>${items}</channel></rss>`;
const xml = (body: string | Uint8Array) => ({ headers: { "content-type": "application/xml; charset=UTF-8" }, body });

/** A Castopod with one podcast, @show, made of the composed documents. */
function documents(changes: Answers = {}): Answers {
  return {
    "/health": asJson(fixture("health-ok.json")),
    "/": asHtml('<a href="/@show">Show</a> <a href="https://elsewhere.example/@friend">Friend</a>'),
    "/.well-known/x-nodeinfo2": asJson(fixture("x-nodeinfo2.json")),
    "/@show/feed.xml": (url) => xml(fixture("feed.xml").replaceAll("https://podcasts.example", url)),
    "/.well-known/webfinger": (url) =>
      asJson({
        subject: `acct:show@${new URL(url).host}`,
        links: [{ rel: "self", type: "application/activity+json", href: `${url}/@show` }],
      }),
    ...changes,
  };
}

async function withChange(changes: Answers, memory = new Map()) {
  await using server = await smallServer(documents(changes));
  return await runProbe(probe, { url: server.url }, { memory });
}

describe("one part that is wrong", () => {
  test("none: the composed documents are a healthy Castopod", async () => {
    expect(await withChange({})).toMatchObject({ outcome: "up" });
  });

  test.each<[string, Answers, string, string | RegExp]>([
    [
      "its own list of errors",
      { "/health": { status: 503, ...asJson(fixture("health-503.json")) } },
      "down",
      "says it is ill: Unable to connect to the database. Problem with file manager.",
    ],
    ["a version without a health page", { "/health": asHtml("no", 404) }, "degraded", "the health page answered 404"],
    ["a home page that fails", { "/": { status: 500 } }, "down", "the home page answered 500"],
    ["a home page that is none", { "/": asJson({}) }, "down", "the home page is no web page"],
    [
      "NodeInfo2 that is missing",
      { "/.well-known/x-nodeinfo2": { status: 404 } },
      "degraded",
      "NodeInfo2 answered 404",
    ],
    [
      "NodeInfo2 of other software",
      { "/.well-known/x-nodeinfo2": asJson({ server: { software: "Funkwhale", version: "1" } }) },
      "degraded",
      "NodeInfo says this is Funkwhale, not castopod",
    ],
    ["a feed whose database is gone", { "/@show/feed.xml": { status: 500 } }, "down", "the feed of @show answered 500"],
    ["a feed that is missing", { "/@show/feed.xml": { status: 404 } }, "degraded", "the feed of @show answered 404"],
    [
      "a podcast that WebFinger does not know",
      { "/.well-known/webfinger": { status: 404 } },
      "degraded",
      /^WebFinger does not know acct:show@/,
    ],
  ])("%s", async (_what, changes, outcome, reason) => {
    const sample = await withChange(changes);
    expect(sample).toMatchObject({ outcome, explanation: { en: expect.any(String), fr: expect.any(String) } });
    if (typeof reason === "string") expect(sample.reason).toBe(reason);
    else expect(sample.reason).toMatch(reason);
  });

  test("a podcast that moved on purpose is no fault", async () => {
    const moved = { status: 301, headers: { location: "https://new.example/feed.xml" } };
    expect(await withChange({ "/@show/feed.xml": moved })).toMatchObject({ outcome: "up" });
  });

  test("a feed that was wrong is looked at again in every run, so that the fault can be confirmed", async () => {
    const podcasts = ["a1", "b2", "c3", "d4", "e5"];
    await using castopod = await startCastopod({ now, podcasts: podcasts.slice(1) });
    const memory = new Map();
    const again = () => runProbe(probe, { url: castopod.url, podcasts }, { memory });
    for (const _run of [1, 2, 3]) {
      expect((await again()).reason).toContain("the feed of @a1 answered 404");
    }
    for (const handle of podcasts) expect(castopod.requests).toContain(`GET /@${handle}/feed.xml`);
  });
});

describe("feeds", () => {
  const withFeed = (feed: (url: string) => string | Uint8Array) =>
    withChange({ "/@show/feed.xml": (url) => xml(feed(url)) });

  test.each<[string, string, string]>([
    ["no episode", "", "has no episode"],
    ["an episode without sound", item({ enclosure: "" }), 'episode "One" has no sound'],
    ["an empty enclosure", item({ enclosure: "<enclosure/>" }), 'episode "One" has no sound'],
    [
      "a file of no length",
      item({ enclosure: '<enclosure url="https://a.example/1" length="0" type="audio/mpeg"/>' }),
      'episode "One" does not say how long its file is',
    ],
    [
      "a picture for sound",
      item({ enclosure: '<enclosure url="https://a.example/1" length="9" type="image/png"/>' }),
      'episode "One" is no sound',
    ],
    [
      "an episode of tomorrow",
      item({ date: "Tue, 24 Nov 2026 12:00:00 +0000" }),
      'episode "One" is dated in the future',
    ],
    ["an episode without a date", item({ date: "soon" }), 'episode "One" has no date'],
    ["one bad episode among good ones", item() + item({ title: "Two", enclosure: "" }), 'episode "Two" has no sound'],
  ])("with %s are degraded", async (_what, items, reason) => {
    expect(await withFeed((url) => feedAt(url, items))).toMatchObject({
      outcome: "degraded",
      reason: `the feed of @show ${reason}`,
      explanation: { en: "Podcast apps may not be able to load episodes." },
    });
  });

  test("that give another address than their own are degraded", async () => {
    expect(await withFeed((url) => feedAt(url, item(), "https://old.example/@show/feed.xml"))).toMatchObject({
      outcome: "degraded",
      reason: "the feed of @show says its address is https://old.example/@show/feed.xml",
    });
  });

  test("of ten years are judged by their newest episodes", async () => {
    const many = Array.from({ length: 5000 }, (_, number) => item({ title: `Episode ${number}` })).join("");
    expect(many.length).toBeGreaterThan(500_000);
    expect(await withFeed((url) => feedAt(url, many))).toMatchObject({ outcome: "up" });
  });

  test("may say in an episode's text what they like", async () => {
    const text = item({ title: "<![CDATA[ <rss> & </item> ]]>" });
    expect(await withFeed((url) => feedAt(url, text))).toMatchObject({ outcome: "up" });
  });

  test.each<[string, string | Uint8Array]>([
    ["empty", ""],
    ["JSON", '{"rss":{"channel":{}}}'],
    ["cut off in the middle", "<rss><channel><item><title>One"],
    ["not closed rightly", "<rss><channel></rss></channel>"],
    ["broken UTF-8", Buffer.from([0x3c, 0xff, 0xfe, 0x3e])],
    ["nested deeper than any feed", `<rss><channel>${"<a>".repeat(1000)}${"</a>".repeat(1000)}</channel></rss>`],
    [
      "a billion laughs",
      '<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><rss><channel><title>&b;</title></channel></rss>',
    ],
    [
      "an XXE",
      '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><title>&x;</title></channel></rss>',
    ],
    ["__proto__ for elements", "<rss><__proto__><channel>x</channel></__proto__></rss>"],
    ["constructor for elements", "<rss><constructor>x</constructor></rss>"],
    ["of another kind", '<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom</title></feed>'],
  ])("that are %s are a clear fault", async (_what, body) => {
    expect(await withFeed(() => body)).toMatchObject({
      outcome: "degraded",
      reason: "the feed of @show is no podcast feed",
    });
  });
});

describe("the kind", () => {
  test("brings the home page and the service", () => {
    const checks = probe.kind?.checks({ url: "https://podcasts.example" }) ?? [];
    expect(checks.map(({ id, probe: name }) => [id, name])).toEqual([
      ["web", "http"],
      ["service", "castopod"],
    ]);
  });

  test("says that there is nothing to watch the database with", () => {
    const target = { url: "https://podcasts.example", database: { env: "DATABASE" } };
    expect(() => probe.kind?.checks(target)).toThrow("MariaDB");
  });

  test.each(["show/../x", "two words", ""])("refuses %j as the handle of a podcast", (handle) => {
    expect(probe.options.safeParse({ url: "https://a.example", podcasts: [handle] }).success).toBe(false);
  });
});

describe("the stand-in", () => {
  test("sends on from the enclosure to the file, and gives parts of it", async () => {
    await using castopod = await startCastopod({ now });
    const feed = await (await fetch(`${castopod.url}/@show/feed.xml`)).text();
    const [, enclosure = "", length = ""] = /<enclosure url="([^"]+)" length="(\d+)"/.exec(feed) ?? [];
    const part = await fetch(enclosure, { headers: { range: "bytes=0-1" } });
    expect([part.status, part.headers.get("content-range"), part.redirected]).toEqual([
      206,
      `bytes 0-1/${length}`,
      true,
    ]);
    expect((await part.bytes()).length).toBe(2);
    const beyond = await fetch(enclosure, { headers: { range: `bytes=${length}-` } });
    expect(beyond.status).toBe(416);
    expect((await (await fetch(enclosure)).bytes()).length).toBe(Number(length));
  });

  test("has the older NodeInfo2 and no other", async () => {
    await using castopod = await startCastopod({ now });
    const status = async (path: string) => (await fetch(`${castopod.url}${path}`)).status;
    expect([await status("/.well-known/x-nodeinfo2"), await status("/.well-known/nodeinfo")]).toEqual([200, 404]);
  });
});
