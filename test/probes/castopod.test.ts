/** The Castopod probe against a stand-in in every condition, and feeds of every kind. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type CastopodSettings, startCastopod } from "../../practice/stand-ins/castopod.ts";
import type { Condition } from "../../practice/stand-ins/stand-in.ts";
import { readFeed } from "../../probes/castopod/feed.ts";
import probe from "../../probes/castopod.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { type Answer, type Answers, asHtml, asJson, smallServer } from "../helpers/small-server.ts";

const run = (url: string, options: Readonly<Record<string, unknown>> = {}) => runProbe(probe, { url, ...options });
const fixture = (name: string) => readFileSync(new URL(`../fixtures/castopod/${name}`, import.meta.url), "utf8");
const now = () => new FakeClock().now();

async function inCondition(condition: Condition, settings: CastopodSettings = {}, options = {}) {
  await using castopod = await startCastopod({ now, ...settings });
  await castopod.become(condition);
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
    expect(await inCondition("healthy", { podcasts: [] })).toMatchObject({
      outcome: "up",
      reason: "no podcast is linked from the home page: name some under `podcasts`",
    });
  });
});

describe("conditions", () => {
  test.each<[Condition, string, RegExp]>([
    ["stopped", "down", /refused/],
    ["errors", "down", /the health page answered 502/],
    ["no-database", "down", /the home page answered 500/],
    ["html", "down", /the health page is not one/],
    ["blocked", "unknown", /blocked: Cloudflare asks for a browser/],
    ["throttled", "unknown", /blocked: the monitor is asked to come less often/],
    ["maintenance", "down", /says it is under maintenance/],
    ["elsewhere", "down", /redirects to http:\/\/localhost:\d+\/parked/],
  ])("%s is %s", async (condition, outcome, reason) => {
    expect(await inCondition(condition)).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
  });

  test("html in place of everything is told of the podcasts that were named, too", async () => {
    expect((await inCondition("html", {}, { podcasts: ["show"] })).reason).toContain(
      "the feed of @show is no podcast feed",
    );
  });

  test("slow is degraded", async () => {
    expect(await inCondition("slow", { slowSeconds: 0.06 }, { maxSeconds: 0.05 })).toMatchObject({
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
  `<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:podcast="https://podcastindex.org/namespace/1.0"><channel><podcast:guid>1</podcast:guid><atom:link href="https://hub.example/" rel="hub"/><atom:link href="${itself}" rel="self"/><title>Show</title>${items.replaceAll("https://a.example", url)}</channel></rss>`;
const xml = (body: string | Uint8Array) => ({ headers: { "content-type": "application/xml; charset=UTF-8" }, body });

const part = (of: number, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status: 206,
  headers: { "content-type": "audio/mpeg", "content-range": `bytes 0-1/${of}`, ...headers },
  body: "ID",
});
const account = (id: string, more: object = {}): Answer =>
  asJson({ id, type: "Person", inbox: `${id}/inbox`, ...more }, { "content-type": "application/activity+json" });

/** A Castopod with one podcast, @show, made of the composed documents. */
function documents(changes: Answers = {}): Answers {
  return {
    "/health": asJson(fixture("health-ok.json")),
    "/": asHtml('<a href="/@show">Show</a> <a href="https://elsewhere.example/@friend">Friend</a>'),
    "/.well-known/x-nodeinfo2": asJson(fixture("x-nodeinfo2.json")),
    "/@show/feed.xml": (url) => xml(fixture("feed.xml").replaceAll("https://podcasts.example", url)),
    "/audio/@show/episode-1.mp3": part(12_345_678),
    "/1.mp3": part(1000),
    "/1": part(9),
    "/1.png": part(9, { "content-type": "image/png" }),
    "/@show/episodes/episode-1": asHtml("Episode 1"),
    "/@show/inbox": { status: 401 },
    "/@show": (url) => account(`${url}/@show`),
    "/.well-known/webfinger": (url) =>
      asJson({
        subject: `acct:show@${new URL(url).host}`,
        links: [{ rel: "self", type: "application/activity+json", href: `${url}/@show` }],
      }),
    ...changes,
  };
}

async function withChange(changes: Answers, memory = new Map(), options = {}) {
  await using server = await smallServer(documents(changes));
  return await runProbe(probe, { url: server.url, ...options }, { memory });
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
    ["an episode without enclosure", item({ enclosure: "" }), 'episode "One" has no sound'],
    ["an empty enclosure", item({ enclosure: "<enclosure/>" }), 'episode "One" has no sound'],
    [
      "a file of no length",
      item({ enclosure: '<enclosure url="https://a.example/1" length="0" type="audio/mpeg"/>' }),
      'episode "One" does not say how long its file is',
    ],
    [
      "a picture for an enclosure",
      item({ enclosure: '<enclosure url="https://a.example/1.png" length="9" type="image/png"/>' }),
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
      explanation: { en: "Some podcast apps may not show a podcast as they should." },
    });
  });

  test.each<[string, (url: string) => string]>([
    ["without the server", () => "/@show/feed.xml"],
    ["with its @ as a number", (url) => `${url}/%40show/feed.xml`],
    ["without .xml", (url) => `${url}/@show/feed`],
  ])("may give their own address %s", async (_what, itself) => {
    expect(await withFeed((url) => feedAt(url, item(), itself(url)))).toMatchObject({ outcome: "up" });
  });

  test("of a podcast that is being prepared are good, and said to have no episode yet", async () => {
    expect(await withFeed((url) => feedAt(url, ""))).toMatchObject({
      outcome: "up",
      reason: "@show has no episode yet",
    });
  });

  test("may put a document beside the enclosure, and before it", async () => {
    const both =
      '<enclosure url="https://a.example/notes.pdf" length="1" type="application/pdf"/><enclosure url="https://a.example/1.mp3" length="1000" type="audio/mpeg"/>';
    expect(await withFeed((url) => feedAt(url, item({ enclosure: both })))).toMatchObject({ outcome: "up" });
  });

  test("of ten years are judged by their newest episodes", async () => {
    const many = Array.from({ length: 5000 }, (_, number) => item({ title: `Episode ${number}` })).join("");
    expect(many.length).toBeGreaterThan(500_000);
    expect(await withFeed((url) => feedAt(url, many))).toMatchObject({ outcome: "up" });
  });

  test("may say in an episode's text what they like", async () => {
    const text = item({ title: "<![CDATA[ <rss> & </item> <!DOCTYPE html> ]]>" });
    expect(await withFeed((url) => feedAt(url, text))).toMatchObject({ outcome: "up" });
  });

  test.each<[string, string | Uint8Array]>([
    ["empty", ""],
    ["JSON", '{"rss":{"channel":{}}}'],
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

test.each<[string, string, string]>([
  ["one episode that never ends", `<rss><channel><item><title>${"x".repeat(3_000_000)}`, "ends in the middle"],
  ["nothing but tags that open", `<rss><channel>${"<a>".repeat(1_000_000)}`, "ends in the middle"],
  ["nothing but comments that open", `<rss><channel>${"<!--".repeat(500_000)}`, "ends in the middle"],
  ["attributes without end", `<rss><channel a="${"b=' ".repeat(500_000)}`, "ends in the middle"],
  [
    "a hundred thousand empty episodes",
    `<rss><channel>${"<item/>".repeat(100_000)}</channel></rss>`,
    'episode "untitled" has no sound',
  ],
])("a huge feed of %s is read as far as feeds matter", async (_what, body, reason) => {
  expect(await withChange({ "/@show/feed.xml": xml(body) })).toMatchObject({
    outcome: "degraded",
    reason: `the feed of @show ${reason}`,
  });
});

describe("a serial podcast, which begins with its first episode", () => {
  const notes = `<description><![CDATA[</item> ${"n".repeat(4000)}]]></description>`;
  const weekly = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const published = now().subtract({ hours: 24 * (7 * (count - 1 - index) + 1) });
      const date = new Date(published.epochMilliseconds).toUTCString();
      const enclosure = `<enclosure url="https://a.example/${index + 1}.mp3" length="1000" type="audio/mpeg"/>`;
      return item({ title: `E ${index + 1}`, enclosure: enclosure + notes, date });
    }).join("");
  const serial = (count: number): Answers => ({
    "/@show/feed.xml": (url) =>
      xml(
        feedAt(url, `<itunes:type>serial</itunes:type>${weekly(count)}`, undefined).replace(
          "<rss ",
          '<rss xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" ',
        ),
      ),
  });

  test("is as old as its newest episode, of which the enclosure is asked for, wherever it stands", async () => {
    await using server = await smallServer(documents({ ...serial(100), "/100.mp3": part(1000) }));
    const [clock, memory] = [new FakeClock(), new Map()];
    const again = () => runProbe(probe, { url: server.url, newestWithin: "15d" }, { memory, clock });
    const sample = await again();
    expect(sample).toMatchObject({ outcome: "up" });
    expect(sample.reason).toBeUndefined();
    expect(await again()).toMatchObject({ outcome: "up" });
    expect(server.requests.filter((request) => request.includes(".mp3"))).toEqual(["GET /100.mp3"]);
    // The whole feed is not read in every run.
    expect(server.requests.filter((request) => request.includes("feed.xml"))).toHaveLength(3);
    await clock.turn(20 * 24 * 3600);
    expect((await again()).reason).toMatch(/^the newest episode of @show is 21d old/);
  });

  test("of which the newest enclosure is gone is told of that one", async () => {
    expect(await withChange({ ...serial(100), "/100.mp3": { status: 404 } })).toMatchObject({
      outcome: "degraded",
      reason: '@show: the sound of "E 100" answered 404',
    });
  });

  test("that is larger than what we read is not said to be stale", async () => {
    const sample = await withChange(serial(2200), new Map(), { newestWithin: "15d" });
    expect(sample).toMatchObject({
      outcome: "up",
      reason: "the feed of @show is too large to find its newest episode (over 8 MB)",
    });
  });
});

describe("what is slow", () => {
  /** Runs until `path` was asked for, lets the time pass, and only then lets it be answered. */
  async function afterSeconds(path: string, seconds: number, timeoutSeconds = 20) {
    const { promise: after, resolve: release } = Promise.withResolvers<void>();
    const whole = documents();
    const slow = (url: string, asked: string): Answer => {
      const answer = whole[path] ?? {};
      return { ...(typeof answer === "function" ? answer(url, asked) : answer), after };
    };
    await using server = await smallServer(documents({ [path]: slow }));
    const clock = new FakeClock();
    const running = runProbe(probe, { url: server.url, federation: false }, { clock, timeoutSeconds });
    const isAsked = () => expect(server.requests.some((request) => request.startsWith(`GET ${path}`))).toBe(true);
    await vi.waitFor(isAsked, { timeout: 60_000 });
    await clock.turn(seconds);
    release();
    return await running;
  }

  test.each(["/@show/feed.xml", "/audio/@show/episode-1.mp3", "/@show/episodes/episode-1"])(
    "%s may take longer than a side question",
    async (path) => {
      expect(await afterSeconds(path, 6)).toMatchObject({ outcome: "up" });
    },
  );

  test.each([
    [
      "/@show/feed.xml",
      "the feed of @show: no answer within 20 s",
      "New episodes may take long to reach podcast apps.",
    ],
    [
      "/audio/@show/episode-1.mp3",
      '@show: the sound of "Episode 1": no answer within 20 s',
      "The newest episode of a podcast may take long to start.",
    ],
    [
      "/@show/episodes/episode-1",
      'the page of "Episode 1" of @show: no answer within 20 s',
      "The page of the newest episode of a podcast may take long to open.",
    ],
  ])("%s is degraded at the end of the run, and not down", async (path, reason, en) => {
    expect(await afterSeconds(path, 20)).toMatchObject({ outcome: "degraded", reason, explanation: { en } });
  });

  test.each(["the health page", "the home page", "the feed of @show", 'the sound of "Episode 1"'])(
    "%s is told by the setting for it",
    async (what) => {
      const sample = await withChange({}, new Map(), { maxSeconds: 1e-9 });
      expect(sample.outcome).toBe("degraded");
      expect(sample.reason).toMatch(new RegExp(`${what} took \\d+\\.\\d s, more than 1e-9 s`));
    },
  );
});

test("a feed that ends in the middle is told from one that is none", async () => {
  const half = xml('<?xml version="1.0"?>\n<rss><channel><item><title>One');
  expect(await withChange({ "/@show/feed.xml": half })).toMatchObject({
    outcome: "degraded",
    reason: "the feed of @show ends in the middle",
  });
});

describe("namespaces of a feed", () => {
  const withRoot = (attributes: string, channel: string) =>
    withChange({
      "/@show/feed.xml": (url) =>
        xml(
          `<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" ${attributes}><channel><atom:link href="${url}/@show/feed.xml" rel="self"/>${channel}${item().replace("https://a.example", url)}</channel></rss>`,
        ),
    });
  const podcastNamespace = 'xmlns:podcast="https://podcastindex.org/namespace/1.0"';
  const guid = "<podcast:guid>1</podcast:guid>";

  test.each<[string, string, string, string]>([
    [
      "a prefix that is not declared",
      podcastNamespace,
      `${guid}<itunes:author>A</itunes:author>`,
      "uses itunes: without declaring it",
    ],
    [
      "a prefix that means something else",
      `${podcastNamespace} xmlns:itunes="http://example.org/"`,
      `${guid}<itunes:author>A</itunes:author>`,
      "declares itunes: as something other than podcast apps know",
    ],
    ["no podcast:guid", "", "", "has no podcast:guid, by which apps know it"],
  ])("with %s are degraded, and said to be shown badly", async (_what, attributes, channel, reason) => {
    expect(await withRoot(attributes, channel)).toMatchObject({
      outcome: "degraded",
      reason: `the feed of @show ${reason}`,
      explanation: { en: "Some podcast apps may not show a podcast as they should." },
    });
  });

  test.each<[string, string, string]>([
    ["another prefix", 'xmlns:p20="https://podcastindex.org/namespace/1.0"', "<p20:guid>1</p20:guid>"],
    [
      "a prefix that the element itself declares",
      "",
      '<p:guid xmlns:p="https://podcastindex.org/namespace/1.0">1</p:guid>',
    ],
    ["no prefix at all", "", '<guid xmlns="https://podcastindex.org/namespace/1.0">1</guid>'],
    [
      "a namespace in letters of another case",
      `${podcastNamespace} xmlns:itunes="http://www.itunes.com/DTDs/Podcast-1.0.dtd"`,
      `${guid}<itunes:author>A</itunes:author>`,
    ],
  ])("with %s are good", async (_what, attributes, channel) => {
    expect(await withRoot(attributes, channel)).toMatchObject({ outcome: "up" });
  });

  test("with the older address of the podcast namespace are good", async () => {
    const older = "https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md";
    expect(await withRoot(`xmlns:podcast="${older}"`, guid)).toMatchObject({ outcome: "up" });
  });
});

describe("the newest episode", () => {
  const asked = "/audio/@show/episode-1.mp3";
  const moved = (status: number) => ({ status, headers: { location: "/media/1.mp3" } });
  const isInTrouble = { en: expect.any(String), fr: expect.any(String) };

  test.each<[string, Answers, string, string]>([
    ["is gone", { [asked]: { status: 404 } }, "degraded", "answered 404"],
    ["is behind a redirect to nothing", { [asked]: moved(302) }, "degraded", "answered 404"],
    [
      "is behind a storage that fails",
      { [asked]: moved(302), "/media/1.mp3": { status: 503 } },
      "down",
      "answered 503",
    ],
    [
      "is gone with its bucket",
      { [asked]: { status: 404, body: "<Error><Code>NoSuchBucket</Code></Error>" } },
      "down",
      "is gone with its whole storage bucket",
    ],
    ["is a web page", { [asked]: asHtml("Welcome") }, "degraded", "is a web page"],
    ["is shorter", { [asked]: part(1000) }, "degraded", "has 1000 bytes, the feed promises 12345678"],
    [
      "is of another type",
      { [asked]: part(12_345_678, { "content-type": "audio/ogg" }) },
      "degraded",
      "is audio/ogg, the feed promises audio/mpeg",
    ],
    [
      "comes whole only",
      { [asked]: { headers: { "content-type": "audio/mpeg" }, body: "x".repeat(10_000) } },
      "degraded",
      "is not given in parts, as apps ask for it",
    ],
    [
      "redirects in circles",
      { [asked]: { status: 302, headers: { location: asked } } },
      "degraded",
      ": gave up after 5 redirects",
    ],
  ])("that %s is told", async (_what, changes, outcome, reason) => {
    const sample = await withChange(changes);
    expect(sample).toMatchObject({ outcome, explanation: isInTrouble });
    expect(sample.reason).toBe(`@show: the sound of "Episode 1"${reason.startsWith(":") ? "" : " "}${reason}`);
  });

  test.each<[string, Answer]>([
    ["a premium episode, which is for those who paid", { status: 401 }],
    ["a name of the type that means the same", part(12_345_678, { "content-type": "audio/mp3" })],
    ["a storage that knows no types", part(12_345_678, { "content-type": "binary/octet-stream" })],
    ["our own share used up", { status: 429 }],
    ["yet another name of it", part(12_345_678, { "content-type": "audio/mpeg3" })],
  ])("is left in peace: %s", async (_what, answer) => {
    expect(await withChange({ [asked]: answer })).toMatchObject({ outcome: "up" });
  });

  test("is asked for by two bytes, which are not counted, and once a day unless there is a newer one", async () => {
    await using castopod = await startCastopod({ now, podcasts: ["show"] });
    const [clock, memory] = [new FakeClock(), new Map()];
    const again = () => runProbe(probe, { url: castopod.url }, { clock, memory });
    const enclosures = () => castopod.requests.filter((request) => request.includes("/audio/"));
    await again();
    await again();
    await clock.turn(23 * 3600);
    await again();
    expect(enclosures()).toEqual(["GET /audio/@show/episode-3.mp3"]);
    await clock.turn(3600);
    await again();
    expect(enclosures()).toHaveLength(2);
  });

  test("is asked for again in every run while it is wrong", async () => {
    const memory = new Map();
    await using server = await smallServer(documents({ [asked]: { status: 404 } }));
    for (const _run of [1, 2, 3]) {
      expect(await runProbe(probe, { url: server.url }, { memory })).toMatchObject({ outcome: "degraded" });
    }
    expect(server.requests.filter((request) => request.includes("/audio/"))).toHaveLength(3);
  });

  const elsewhere = (base: (url: string) => string): Answers => ({
    "/@show/feed.xml": (url) => {
      const enclosure = `<enclosure url="${base(url)}${asked}?_from=a&amp;b" length="12345678" type="audio/mpeg"/>`;
      return xml(feedAt(url, item({ enclosure })));
    },
  });
  const enclosures = (requests: readonly string[]) => requests.filter((request) => request.includes("/audio/"));

  test("is asked for on its own server where a counter stands before it", async () => {
    await using server = await smallServer(documents(elsewhere((url) => `https://op3.example/e/${new URL(url).host}`)));
    expect(await run(server.url)).toMatchObject({ outcome: "up" });
    expect(enclosures(server.requests)).toHaveLength(1);
  });

  test("does not lead us elsewhere by a trick", async () => {
    await using counter = await smallServer({ "*": part(12_345_678) });
    const trick = (url: string) => `${counter.url}/${new URL(url).host}//127.0.0.1:1`;
    expect(await withChange(elsewhere(trick))).toMatchObject({ outcome: "up" });
    expect(counter.requests).toHaveLength(1);
  });

  test.each<[string, Answer, string, string | undefined]>([
    ["and is good", part(12_345_678), "up", undefined],
    ["and is gone", { status: 404 }, "degraded", "answered 404"],
    [
      "and is refused",
      { status: 403, body: "<Error><Code>AccessDenied</Code></Error>" },
      "degraded",
      "is refused by its storage: AccessDenied (403)",
    ],
    [
      "and is gone with its bucket",
      { status: 404, body: "<Error><Code>NoSuchBucket</Code></Error>" },
      "down",
      "is gone with its whole storage bucket",
    ],
  ])("is asked for on another host %s", async (_what, answer, outcome, said) => {
    await using files = await smallServer({ [asked]: answer });
    const sample = await withChange(elsewhere(() => files.url));
    expect(sample.outcome).toBe(outcome);
    expect(sample.reason).toBe(said && `@show: the sound of "One" on ${files.host} ${said}`);
    expect(enclosures(files.requests)).toHaveLength(1);
  });

  test("on a host that does not answer is down", async () => {
    expect(await withChange(elsewhere(() => "http://127.0.0.1:1"))).toMatchObject({
      outcome: "down",
      explanation: { en: "The newest episode of a podcast cannot be played." },
    });
  });

  test.each(["ftp://127.0.0.1/1.mp3", "javascript:alert(1)", "1.mp3"])("at %s is told", async (address) => {
    const enclosure = `<enclosure url="${address}" length="1" type="audio/mpeg"/>`;
    expect(await withChange({ "/@show/feed.xml": (url) => xml(feedAt(url, item({ enclosure }))) })).toMatchObject({
      outcome: "degraded",
      reason: `@show: the sound of "One" has no address on the web: ${address}`,
    });
  });

  test.each([
    ["video/mp4", "audio/mp4"],
    ["video/mp4", "audio/x-m4a"],
    ["audio/ogg", "application/ogg"],
    ["application/ogg", "audio/ogg"],
    ["audio/wav", "audio/x-wav"],
  ])("of the type %s may be given as %s", async (promised, given) => {
    const enclosure = `<enclosure url="https://a.example/1" length="9" type="${promised}"/>`;
    const changes: Answers = {
      "/@show/feed.xml": (url) => xml(feedAt(url, item({ enclosure }))),
      "/1": part(9, { "content-type": given }),
    };
    expect(await withChange(changes)).toMatchObject({ outcome: "up" });
  });

  test("has a page, which is told when it is gone", async () => {
    expect(await withChange({ "/@show/episodes/episode-1": { status: 404 } })).toMatchObject({
      outcome: "degraded",
      reason: 'the page of "Episode 1" of @show answered 404',
    });
  });

  test("may be as old as was promised, and no older", async () => {
    await using castopod = await startCastopod({ now, podcasts: ["show"] });
    expect(await run(castopod.url, { newestWithin: "2d" })).toMatchObject({ outcome: "up" });
    expect(await run(castopod.url, { newestWithin: "20h" })).toMatchObject({
      outcome: "degraded",
      reason: "the newest episode of @show is 1d old",
    });
  });
});

describe("an episode that the podcast's page shows and its feed does not", () => {
  const list = asHtml(
    '<a href="/@show/episodes/episode-1">1</a> <a href="/@show/episodes/episode-2?a">2</a> <a href="/@other/episodes/x">x</a>',
  );

  test("is told once it lasts, and not while the two only differ by minutes", async () => {
    const [clock, memory] = [new FakeClock(), new Map()];
    await using server = await smallServer(documents({ "/@show/episodes": list }));
    const again = () => runProbe(probe, { url: server.url }, { clock, memory });
    expect(await again()).toMatchObject({ outcome: "up" });
    await clock.turn(600);
    expect(await again()).toMatchObject({ outcome: "up" });
    await clock.turn(600);
    expect(await again()).toMatchObject({
      outcome: "degraded",
      reason: 'the feed of @show lacks "episode-2", which its page shows',
      explanation: { en: "A new episode has not reached podcast apps." },
    });
  });

  test("is no fault where some are for those who paid: the feed leaves them out", async () => {
    const paid = { ...list, body: `${list.body}<a href="/@show/unlock">Unlock</a>` };
    const [clock, memory] = [new FakeClock(), new Map()];
    await using server = await smallServer(documents({ "/@show/episodes": paid }));
    for (const _run of [1, 2, 3]) {
      expect(await runProbe(probe, { url: server.url }, { clock, memory })).toMatchObject({ outcome: "up" });
      await clock.turn(600);
    }
  });
});

describe("the account of a podcast", () => {
  const asked = "/@show";

  test.each<[string, Answers, string | RegExp]>([
    [
      "is a web page to other servers, too",
      { [asked]: asHtml("Show") },
      "the account @show gives other servers a web page: a cache or proxy mixes them up",
    ],
    ["fails", { [asked]: { status: 500 } }, "the account @show answered 500 to other servers"],
    ["is something else", { [asked]: asJson([1, 2]) }, "the account @show is no account that other servers understand"],
    [
      "is at another host",
      { [asked]: account("https://old.example/@show") },
      "the account @show says it is https://old.example/@show",
    ],
    [
      "is sent as plain JSON",
      { [asked]: (url) => ({ ...account(`${url}/@show`), headers: { "content-type": "application/json" } }) },
      "the account @show is sent as application/json",
    ],
    [
      "has an inbox on another host",
      { [asked]: (url) => account(`${url}/@show`, { inbox: "http://127.0.0.1:1/inbox" }) },
      "the inbox of @show is said to be at http://127.0.0.1:1/inbox",
    ],
    ["has an inbox that fails", { "/@show/inbox": { status: 500 } }, "the inbox of @show answered 500"],
    ["has an inbox that lets nobody in", { "/@show/inbox": { status: 403 } }, "the inbox of @show answered 403"],
    [
      "has an inbox that is a cached page",
      { "/@show/inbox": asHtml("Show") },
      "the inbox of @show took an unsigned message (200): something else may stand there",
    ],
  ])("that %s is told", async (_what, changes, reason) => {
    expect(await withChange(changes)).toMatchObject({ outcome: "degraded", reason });
  });

  test("is not looked for where no other server is meant to find it", async () => {
    await using server = await smallServer(
      documents({ "/@show": { status: 404 }, "/.well-known/webfinger": { status: 404 } }),
    );
    expect(await run(server.url, { federation: false })).toMatchObject({ outcome: "up" });
  });
});

test("a home page that names other podcasts each time does not fill the memory", async () => {
  const memory = new Map();
  await using castopod = await startCastopod({ now, podcasts: ["a1", "b2"] });
  for (const handle of ["a1", "b2", "a1"]) await runProbe(probe, { url: castopod.url, podcasts: [handle] }, { memory });
  expect([...memory.keys()].filter((key) => key.startsWith("@b2"))).toEqual([]);
  expect([...memory.keys()].filter((key) => key.startsWith("@a1"))).not.toEqual([]);
});

test("whatever a feed says, it ends in a finding", async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "<rss>",
      "<channel>",
      "<item>",
      "</item>",
      "<![CDATA[",
      "]]>",
      "<!--",
      "&amp;",
      "<enclosure url='",
      "<a:b c='",
      "<?xml",
      "</rss>",
    ),
    fc.string(),
  );
  await fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.boolean(), (pieces, truncated) => {
      const { faults } = readFeed(
        `<rss><channel>${pieces.join("")}`,
        new URL("https://a.example/@a/feed.xml"),
        truncated,
        now(),
      );
      expect(faults.length).toBeGreaterThan(0);
      for (const { said } of faults) expect(said.length).toBeLessThan(200);
    }),
  );
});

describe("the kind", () => {
  test("brings the home page and the service", () => {
    const checks = probe.kind?.checks({ url: "https://podcasts.example" }) ?? [];
    expect(checks.map(({ id, probe: name }) => [id, name])).toEqual([
      ["web", "http"],
      ["service", "castopod"],
    ]);
  });

  test("brings the growth of its MariaDB and its background work where there is an address of it", () => {
    const checks = probe.kind?.checks({ url: "https://podcasts.example", database: { env: "D" } }) ?? [];
    expect(checks.slice(2)).toEqual([
      { id: "database", probe: "mysql", url: { env: "D" } },
      { id: "tasks", probe: "castopod-tasks", url: { env: "D" }, dependsOn: ["database"] },
    ]);
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
