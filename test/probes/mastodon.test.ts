/** The Mastodon probe against a stand-in in every condition, two releases, and documents nobody should trust. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openHttp } from "../../collector/network/http-client.ts";
import { sameInAll } from "../../core/language.ts";
import { type MastodonSettings, startMastodon } from "../../practice/stand-ins/mastodon.ts";
import type { Condition } from "../../practice/stand-ins/stand-in.ts";
import { askLocalDomain } from "../../probes/fediverse/local-domain.ts";
import probe from "../../probes/mastodon.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { silentServer } from "../helpers/silent-server.ts";
import { type Answers, asHtml, asJson, smallServer } from "../helpers/small-server.ts";

const run = (url: string, options: Readonly<Record<string, unknown>> = {}) => runProbe(probe, { url, ...options });
const fixture = (name: string) => readFileSync(new URL(`../fixtures/mastodon/${name}`, import.meta.url), "utf8");

async function inCondition(condition: Condition, settings: MastodonSettings = {}, options = {}) {
  await using mastodon = await startMastodon(settings);
  await mastodon.become(condition);
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
    expect(await inCondition("healthy", { version: "4.2", limitedFederation: true })).toMatchObject({
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

describe("conditions", () => {
  const members = { en: expect.any(String), fr: expect.any(String) };

  test.each<[Condition, string, RegExp]>([
    ["stopped", "down", /refused/],
    ["errors", "down", /the health page answered 502/],
    ["stale", "down", /the backend fails and the cache covers it \(x-cached: STALE; the health page answered 502\)/],
    ["no-database", "down", /behind the cache the timeline answered 500/],
    ["html", "down", /a web page stands in place of the instance document/],
    ["blocked", "unknown", /blocked: Cloudflare asks for a browser/],
    ["throttled", "unknown", /blocked: the monitor is asked to come less often/],
    ["maintenance", "down", /says it is under maintenance \(503, asks to come back in 1800 s\)/],
    ["elsewhere", "down", /redirects to http:\/\/localhost:\d+\/parked/],
  ])("%s is %s", async (condition, outcome, reason) => {
    const sample = await inCondition(condition);
    expect(sample).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
    if (condition !== "stopped") expect(sample.explanation).toEqual(members);
  });

  test("slow is degraded", async () => {
    expect(await inCondition("slow", { slowSeconds: 0.06 }, { maxSeconds: 0.05 })).toMatchObject({
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
      "WebFinger behind a bot wall",
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
      /^the timeline answered 500; WebFinger answered 500$/,
    ],
  ])("%s", async (_what, changes, outcome, reason) => {
    const sample = await withChange(changes);
    expect(sample).toMatchObject({ outcome, explanation: { en: expect.any(String), fr: expect.any(String) } });
    if (typeof reason === "string") expect(sample.reason).toBe(reason);
    else expect(sample.reason).toMatch(reason);
  });

  describe("an old copy from a cache", () => {
    const old = (state: string) => (url: string) => ({
      ...asJson(fixture("4.5/instance-v2.json").replaceAll("social.example", new URL(url).host)),
      headers: { "x-cached": state },
    });

    test.each(["UPDATING", "STALE"])("(%s) is no fault while all that no cache can answer is well", async (state) => {
      const timeline = { "/api/v1/timelines/public": asJson([]) };
      const sample = await withChange({ "/api/v2/instance": old(state), ...timeline });
      expect(sample).toMatchObject({ outcome: "up" });
      expect(sample.reason).toBeUndefined();
      const simpler = {
        "/api/v2/instance": (url: string) => ({ ...old(state)(url), headers: { "cf-cache-status": state } }),
      };
      expect(await withChange({ ...simpler, ...timeline })).toMatchObject({ outcome: "up" });
    });

    test.each<[string, Answers, string, RegExp]>([
      [
        "the timeline",
        { "/api/v1/timelines/public": { status: 500 } },
        "down",
        /^behind the cache the timeline answered 500; the backend fails and the cache covers it \(x-cached: UPDATING\)$/,
      ],
      [
        "the actor behind a closed timeline",
        { "/api/v1/timelines/public": { status: 422 }, "/actor": { status: 503 } },
        "down",
        /^behind the cache the server's own actor answered 503; the backend fails/,
      ],
      [
        "WebFinger",
        { "/api/v1/timelines/public": asJson([]), "/.well-known/webfinger": { status: 500 } },
        "degraded",
        /^the backend fails and the cache covers it \(x-cached: UPDATING\); WebFinger answered 500$/,
      ],
      [
        "the health page",
        { "/health": { status: 502 } },
        "down",
        /^the backend fails and the cache covers it \(x-cached: UPDATING; the health page answered 502\)$/,
      ],
    ])("covers for a backend where %s fails", async (_what, changes, outcome, reason) => {
      const sample = await withChange({ "/api/v2/instance": old("UPDATING"), ...changes });
      expect(sample).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
      expect(sample.explanation?.en).toMatch(/^Saved copies/);
    });

    test("covers for the instance document where that fails when it is asked for anew", async () => {
      let asked = 0;
      const sample = await withChange({
        "/api/v2/instance": (url) => (asked++ === 0 ? old("STALE")(url) : { status: 500 }),
        "/api/v1/timelines/public": asJson([]),
      });
      expect(sample).toMatchObject({
        outcome: "degraded",
        reason: "the backend fails and the cache covers it (x-cached: STALE)",
      });
    });
  });

  describe("a database that is gone", () => {
    test.each<[string, MastodonSettings]>([
      ["timelines closed by a setting", { feeds: { local: "authenticated", remote: "authenticated" } }],
      ["limited federation", { limitedFederation: true }],
      ["limited federation before 4.4", { version: "4.2", limitedFederation: true }],
    ])("is found behind %s", async (_what, settings) => {
      await using mastodon = await startMastodon(settings);
      expect(await run(mastodon.url)).toMatchObject({ outcome: "up" });
      await mastodon.become("no-database");
      expect(await run(mastodon.url)).toMatchObject({
        outcome: "down",
        reason: expect.stringMatching(/^(?:behind the cache )?the server's own actor answered 500/),
      });
    });
  });

  describe("a health page that is kept from us", () => {
    test.each<[string, Answers[string], RegExp]>([
      ["refused", asHtml("<h1>403 Forbidden", 403), /the monitor is refused \(the health page answered 403\)/],
      ["behind a password", { status: 401 }, /^the health page answered 401, all else/],
      ["sent elsewhere", { status: 302, headers: { location: "/" } }, /^the health page redirects to /],
      ["behind a bot wall", asHtml('<i id="anubis_challenge">'), /^blocked: Anubis/],
    ])("(%s) is told to the operator, and no fault while all else answers", async (_what, health, note) => {
      const sample = await withChange({ "/health": health });
      expect(sample).toMatchObject({ outcome: "up", reason: expect.stringMatching(note) });
      expect(sample.reason).toMatch(/, all else answers: let the monitor see \/health, where no cache can answer$/);
      expect(sample.explanation).toBeUndefined();
    });

    test("does not hide a Mastodon that fails", async () => {
      const health = asHtml("<h1>403 Forbidden", 403);
      const failing = { "/api/v1/timelines/public": { status: 500 } };
      expect(await withChange({ "/health": health, ...failing })).toMatchObject({
        outcome: "down",
        reason: "the timeline answered 500",
        explanation: { en: "Mastodon answers with an error." },
      });
      expect(await withChange({ "/health": health, "/api/v2/instance": { status: 502 } })).toMatchObject({
        outcome: "down",
      });
    });

    test("blinds us where the instance document is kept from us as well", async () => {
      expect(
        await withChange({ "*": asHtml("", 403), "/health": asHtml("", 403), "/api/v2/instance": asHtml("", 403) }),
      ).toMatchObject({ outcome: "unknown", reason: expect.stringMatching(/^blocked: the monitor is refused/) });
      expect(
        await withChange({
          "/health": asHtml("", 403),
          "/api/v2/instance": { status: 404 },
          "/api/v1/instance": { status: 404 },
        }),
      ).toMatchObject({ outcome: "unknown" });
    });
  });

  describe("a server that speaks Mastodon's API", () => {
    const akkoma = (changes: Answers = {}): Answers =>
      documents({
        "/health": asHtml("<title>Akkoma</title><noscript>To use Akkoma, please enable JavaScript.</noscript>"),
        "/api/v2/instance": (url) =>
          asJson({ domain: new URL(url).host, version: "2.7.2 (compatible; Akkoma 3.13.2)", contact: null }),
        "/nodeinfo/2.0": asJson({ software: { name: "akkoma", version: "3.13.2" } }),
        "/.well-known/webfinger": (url) =>
          asJson({
            subject: `acct:${new URL(url).host}@${new URL(url).host}`,
            links: [{ rel: "self", type: "application/activity+json", href: `${url}/internal/fetch` }],
          }),
        ...changes,
      });

    test.each<[string, Answers]>([
      ["shows its app in place of a health page", {}],
      ["has no health page", { "/health": { status: 404 } }],
      ["closes its timelines and has no /actor", { "/api/v1/timelines/public": { status: 401 } }],
    ])("and %s is up, for hours, by its own version", async (_what, changes) => {
      await using server = await smallServer(akkoma(changes));
      const [clock, memory] = [new FakeClock(), new Map()];
      for (const hours of [0, 3]) {
        await clock.turn(hours * 3600);
        const sample = await runProbe(probe, { url: server.url, software: "akkoma" }, { clock, memory });
        expect(sample).toMatchObject({
          outcome: "up",
          readings: [{ metric: "mastodon_info", labels: { version: "3.13.2" } }],
        });
        expect(sample.reason).toBeUndefined();
      }
    });

    test.each<[string, Answers[string]]>([
      ["404", { status: 404 }],
      ["400", { status: 400, ...asJson({ error: "Unknown" }) }],
      ["406", { status: 406 }],
      ["501", { status: 501 }],
      ["its app", asHtml("<title>Pleroma</title>")],
    ])("with the older instance document only (%s for the newer) is up", async (_what, none) => {
      const older = (url: string) => asJson({ uri: url, version: "2.7.2 (compatible; Akkoma 3.13.2)", urls: {} });
      await using server = await smallServer(akkoma({ "/api/v2/instance": none, "/api/v1/instance": older }));
      expect(await run(server.url, { software: "akkoma" })).toMatchObject({ outcome: "up" });
    });

    test("is down like any other when it fails", async () => {
      await using server = await smallServer(
        akkoma({ "/health": { status: 502 }, "/api/v2/instance": { status: 502 } }),
      );
      expect(await run(server.url, { software: "akkoma" })).toMatchObject({ outcome: "down" });
    });
  });

  test.each<[string, Answers[string], RegExp]>([
    [
      "Imperva",
      asHtml(
        '<html><head><script src="/_Incapsula_Resource?SWJIYLWA=5074a744e2e3d891814e9a2dace20bd4"></script></head>',
      ),
      /Imperva/,
    ],
    ["Sucuri", asHtml("<script>sucuri_cloudproxy_js='';S='dD0i'</script>"), /Sucuri/],
    ["DDoS-Guard", asHtml('<script src="/.well-known/ddos-guard/js-challenge/index.js"></script>'), /DDoS-Guard/],
    ["Akamai", asHtml('<div id="sec-if-cpt-container"></div>', 428), /Akamai/],
    ["AWS", asHtml("<script>window.gokuProps = {};</script>", 202), /AWS WAF/],
    ["DataDome", asHtml('<script src="https://ct.captcha-delivery.com/c.js"></script>'), /DataDome/],
    [
      "HAProxy",
      asHtml('<title>Checking your browser</title><script src="/haproxy-protection.js"></script>'),
      /something asks for a browser/,
    ],
    ["a make of its own", asHtml("<p>Please enable JavaScript and cookies to continue"), /something asks for/],
    ["a make of its own that says 503", asHtml("<p>Verifying you are human.", 503), /something asks for/],
  ])("a bot wall of %s before everything turns us away, and says nothing about Mastodon", async (_make, wall, told) => {
    await using server = await smallServer({ "*": wall });
    const sample = await run(server.url);
    expect(sample).toMatchObject({
      outcome: "unknown",
      explanation: { en: "We could not check: our monitor was turned away." },
    });
    expect(sample.reason).toMatch(/^blocked: .* \(the health page answered \d+\)/);
    expect(sample.reason).toMatch(told);
  });

  test.each<[string, Answers[string]]>([
    ["the welcome page of a web server", asHtml("<title>Welcome to nginx!</title><p>Thank you for using nginx.")],
    [
      "a hosting provider's parking page",
      asHtml("<title>coop.example is parked</title><p>Security checks by our partner"),
    ],
    ["an app that needs JavaScript", asHtml("<title>Our app</title><noscript>Please enable JavaScript.</noscript>")],
    ["an article about bots", asHtml("<title>Robots: are we human?</title><p>One moment. Just a moment.")],
  ])("%s in place of everything is no bot wall, but down", async (_what, page) => {
    await using server = await smallServer({ "*": page });
    expect(await run(server.url)).toMatchObject({
      outcome: "down",
      explanation: { en: "Mastodon shows something other than it should." },
    });
  });

  test("Varnish that gets no answer from Mastodon does not announce maintenance", async () => {
    await using server = await smallServer({
      "*": {
        ...asHtml(
          "<title>503 Backend fetch failed</title><h3>Guru Meditation:</h3><p>XID: 32770<hr>Varnish cache server",
          503,
        ),
        headers: { "content-type": "text/html", server: "Varnish", "retry-after": "5" },
      },
    });
    expect(await run(server.url)).toMatchObject({
      outcome: "down",
      reason: "the health page answered 503; the instance document answered 503",
      explanation: { en: "Mastodon answers with an error." },
    });
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

  /** The domain of the handles, answering by another name than the web server: an address is no name. */
  const named = ({ host }: { readonly host: string }) => host.replace("127.0.0.1", "localhost");

  test("are asked for there too, once an hour, when only its own document names the domain", async () => {
    let web = "";
    await using apex = await smallServer({
      "/.well-known/webfinger": () => ({
        status: 301,
        headers: { location: `${web}/.well-known/webfinger?resource=acct:admin@${named(apex)}` },
      }),
      "/.well-known/nodeinfo": () => ({ status: 301, headers: { location: `${web}/.well-known/nodeinfo` } }),
    });
    await using mastodon = await startMastodon({ domain: named(apex) });
    web = mastodon.url;
    const [clock, memory] = [new FakeClock(), new Map()];
    const again = () => runProbe(probe, { url: mastodon.url }, { clock, memory });
    expect(await again()).toMatchObject({ outcome: "up" });
    await clock.turn(3599);
    expect(await again()).toMatchObject({ outcome: "up" });
    expect(apex.requests.map((request) => request.split("?")[0]).toSorted()).toEqual([
      "GET /.well-known/nodeinfo",
      "GET /.well-known/webfinger",
    ]);
    await clock.turn(1);
    expect((await again()).reason).toBeUndefined();
    expect(apex.requests).toHaveLength(4);
  });

  test.each<[string, Answers, RegExp]>([
    [
      "its web site has swallowed WebFinger",
      { "*": asHtml("Welcome to our co-op") },
      /^on localhost:\d+: WebFinger answers something else: another site may have taken its place$/,
    ],
    [
      "WebFinger is lost there",
      { "*": { status: 404 } },
      /^on localhost:\d+: WebFinger does not know acct:admin@localhost/,
    ],
    [
      "NodeInfo there speaks of another server",
      {
        "/.well-known/webfinger": (url) =>
          asJson({ subject: `acct:admin@${new URL(url).host.replace("127.0.0.1", "localhost")}`, links: [] }),
        "/.well-known/nodeinfo": asJson(fixture("4.5/well-known-nodeinfo.json")),
      },
      /NodeInfo on localhost:\d+ points to https:\/\/social\.example\/nodeinfo\/2\.0 instead of http:\/\/127/,
    ],
  ])("are lost where %s, and an end of it is seen at once", async (_what, answers, reason) => {
    await using apex = await smallServer(answers);
    await using mastodon = await startMastodon({ domain: named(apex) });
    const memory = new Map();
    for (const _run of [1, 2]) {
      expect(await runProbe(probe, { url: mastodon.url }, { memory })).toMatchObject({
        outcome: "degraded",
        reason: expect.stringMatching(reason),
        explanation: { en: "Other servers may not be able to find our accounts." },
      });
    }
    expect(apex.requests).toHaveLength(4);
  });

  test("are nobody's fault where we never reached that domain, and lost where we once did", async () => {
    let web = "";
    const apex = await smallServer({
      "*": () => ({ status: 301, headers: { location: `${web}/.well-known/webfinger?resource=acct:admin@${domain}` } }),
    });
    const domain = named(apex);
    await using mastodon = await startMastodon({ domain });
    web = mastodon.url;
    const [clock, memory] = [new FakeClock(), new Map()];
    expect(await runProbe(probe, { url: mastodon.url }, { clock, memory })).toMatchObject({ outcome: "up" });
    await apex[Symbol.asyncDispose]();
    await clock.turn(3600);
    expect(await runProbe(probe, { url: mastodon.url }, { clock, memory })).toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/^on localhost:\d+: WebFinger on localhost:\d+: refused/),
    });
    expect(await run(mastodon.url)).toMatchObject({
      outcome: "up",
      reason: expect.stringMatching(/^could not ask the domain of the handles \(WebFinger on localhost:\d+: refused/),
    });
  });

  test("a server on the public internet cannot send us into our own network", async () => {
    await using inside = await smallServer({});
    const [clock, signal] = [new FakeClock(), new AbortController().signal];
    const context = {
      ...openHttp({ userAgent: "Tidewatch/test (+https://status.example/; contact@example.org)" }).forRun(signal),
      signal,
      clock,
      memory: new Map(),
    };
    const look = await askLocalDomain(
      {
        named: { user: "admin", domain: named(inside) },
        web: new URL("http://social.example"),
        namedBy: { address: "203.0.113.9" },
        lookedUp: false,
      },
      sameInAll("Mastodon"),
      { ...context, http: context },
    );
    expect(look).toEqual({ problems: [], note: expect.stringContaining("leads to a private address") });
    expect(inside.requests).toEqual([]);
  });

  test("are not asked for at an address that the document gives in place of a name", async () => {
    await using inside = await smallServer({});
    await using mastodon = await startMastodon({ domain: inside.host });
    expect(await run(mastodon.url)).toMatchObject({ outcome: "up" });
    expect(inside.requests).toEqual([]);
  });

  test("a domain that hangs costs its time limit, not the whole check", async () => {
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
    ["a version of a kilobyte", { domain: "127.0.0.1", version: "4".repeat(290) }],
    ["a version with a line break", { domain: "127.0.0.1", version: "4.5.15\ntidewatch_fake 1" }],
    ["a domain that is none", { domain: "http://[", version: "4.5.15" }],
    ["a domain inside our network", { domain: "169.254.169.254", version: "4.5.15" }],
    [
      "a contact with a strange name",
      { domain: "127.0.0.1", version: "4.5.15", contact: { account: { username: "../../x?y#z" } } },
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
    await expect.poll(() => mastodon.requests).toHaveLength(1);
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
