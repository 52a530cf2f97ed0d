/** The http probe: what makes a page up, degraded or down, and what says nothing about it. */
import { describe, expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";
import { startPixelfed } from "../../practice/stand-ins/pixelfed.ts";
import probe from "../../probes/http.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { asHtml, asJson, smallServer } from "../helpers/small-server.ts";

const run = async (url: string, options: Readonly<Record<string, unknown>> = {}) =>
  runProbe(probe, { url, ...options });

describe("the answer itself", () => {
  test("is up when the page is there, with the times of each step", async () => {
    await using server = await smallServer({ "/": asHtml("Welcome") });
    const sample = await run(server.url);
    expect(sample).toMatchObject({
      outcome: "up",
      phases: { total: expect.any(Number), processing: expect.any(Number) },
    });
    expect(sample.reason).toBeUndefined();
  });

  test("is down when the status is wrong, and says so to members in both languages", async () => {
    await using server = await smallServer({ "/": asHtml("oops", 500) });
    expect(await run(server.url)).toMatchObject({
      outcome: "down",
      reason: "the page answered 500",
      explanation: { en: "The page answers with an error.", fr: "La page répond par une erreur." },
      evidence: expect.stringContaining("oops"),
    });
  });

  test("is up with any status of the list", async () => {
    await using server = await smallServer({ "/": { status: 401 } });
    expect(await run(server.url, { expect: { status: [200, 401] } })).toMatchObject({ outcome: "up" });
    expect(await run(server.url, { expect: { status: 200 } })).toMatchObject({
      outcome: "down",
      reason: "the page answered 401",
    });
  });

  test("looks for text that must and must not be there", async () => {
    await using server = await smallServer({ "/": asHtml("Bienvenue à la coop") });
    expect(await run(server.url, { expect: { contains: "à la coop" } })).toMatchObject({ outcome: "up" });
    expect(await run(server.url, { expect: { contains: "Welcome" } })).toMatchObject({
      outcome: "down",
      reason: '"Welcome" is not in the answer',
    });
    expect(await run(server.url, { expect: { notContains: "Bienvenue" } })).toMatchObject({
      outcome: "down",
      reason: '"Bienvenue" is in the answer',
    });
  });

  test("says how much it read when the text may stand further on", async () => {
    await using server = await smallServer({ "/": asHtml(`${"x".repeat(1_200_000)}end`) });
    expect(await run(server.url, { expect: { contains: "end" } })).toMatchObject({
      outcome: "down",
      reason: '"end" is not in the answer, of which 1000000 bytes were read',
    });
  });

  test("is down when another kind of answer comes", async () => {
    await using server = await smallServer({ "/": asHtml("<p>") });
    expect(await run(server.url, { expect: { contentType: "TEXT/html" } })).toMatchObject({ outcome: "up" });
    expect(await run(server.url, { expect: { contentType: "application/json" } })).toMatchObject({
      outcome: "down",
      reason: "the answer is text/html, not application/json",
    });
  });

  test("is degraded when the answer takes too long", async () => {
    await using standIn = await startPixelfed({ slowSeconds: 0.06 });
    await standIn.become("slow");
    expect(await run(standIn.url, { expect: { maxSeconds: 0.05 } })).toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/^the answer took [\d.]+ s, more than 0\.05 s$/),
    });
  });

  test("tells a service that says it is under maintenance from one that is broken", async () => {
    await using announced = await smallServer({ "/": { status: 503, headers: { "retry-after": "1800" } } });
    expect(await run(announced.url)).toMatchObject({
      outcome: "down",
      reason: "says it is under maintenance (503, asks to come back in 1800 s)",
      explanation: { en: "The page says it is under maintenance." },
    });
    await using broken = await smallServer({
      "/": asHtml("<head><title>503 Service Temporarily Unavailable</title></head><hr><center>nginx</center>", 503),
    });
    expect(await run(broken.url)).toMatchObject({ outcome: "down", reason: "the page answered 503" });
  });
});

describe("somebody who turns us away", () => {
  test.each([403, 429])("is not known when the answer is %i", async (status) => {
    await using server = await smallServer({ "/": { status } });
    expect(await run(server.url)).toMatchObject({
      outcome: "unknown",
      reason: expect.stringContaining("blocked"),
      explanation: { fr: "Vérification impossible\u00a0: notre outil de surveillance a été refusé." },
    });
  });

  test("is up when being refused is what was expected", async () => {
    await using server = await smallServer({ "/": { status: 403 } });
    expect(await run(server.url, { expect: { status: 403 } })).toMatchObject({ outcome: "up" });
  });

  test.each([
    ["Anubis", '<html><script id="anubis_challenge" type="application/json">{}</script>', {}],
    ["Cloudflare", "<html><head><title>Just a moment...</title>", {}],
    ["Cloudflare", "<html>", { "cf-mitigated": "challenge" }],
  ])("is not known when %s asks for a browser, though with status 200", async (wall, body, headers) => {
    await using server = await smallServer({ "/": { headers: { "content-type": "text/html", ...headers }, body } });
    expect(await run(server.url)).toMatchObject({ outcome: "unknown", reason: `blocked: ${wall} asks for a browser` });
  });

  test("is up when the right text is there, whatever else stands beside it", async () => {
    await using server = await smallServer({ "/": asHtml('<i id="anubis_challenge">How Anubis works</i>') });
    expect(await run(server.url, { expect: { contains: "How Anubis works" } })).toMatchObject({ outcome: "up" });
  });

  test("is up when Cloudflare only adds a script of its own", async () => {
    await using server = await smallServer({
      "/": asHtml("<p>Hello<script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'>"),
    });
    expect(await run(server.url)).toMatchObject({ outcome: "up" });
  });
});

describe("redirects", () => {
  const answers = {
    "/": { status: 302, headers: { location: "/home?token=abc" } },
    "/home": asHtml("Home"),
  };

  test("are not followed unless asked to, and the reason says where they lead", async () => {
    await using server = await smallServer(answers);
    expect(await run(server.url)).toMatchObject({
      outcome: "down",
      reason: `the page redirects to ${server.url}/home`,
      explanation: { en: "The page leads to another address." },
    });
    expect(await run(server.url, { followRedirects: 1 })).toMatchObject({ outcome: "up" });
  });

  test("to something that is no web page are named as what they are", async () => {
    await using server = await smallServer({ "/": { status: 302, headers: { location: "javascript:alert(1)" } } });
    expect(await run(server.url)).toMatchObject({
      outcome: "down",
      reason: "the page redirects to javascript:alert(1)",
    });
  });

  test("to another host are an outage, unless that host is expected", async () => {
    await using server = await smallServer({
      "/": (url) => ({ status: 302, headers: { location: url.replace("127.0.0.1", "localhost").concat("/parked") } }),
      "/parked": asHtml("This domain is for sale"),
    });
    expect(await run(server.url, { followRedirects: 3 })).toMatchObject({
      outcome: "down",
      reason: "redirects to another host, localhost",
    });
    expect(await run(server.url, { followRedirects: 3, expect: { host: "localhost" } })).toMatchObject({
      outcome: "up",
    });
  });

  test("in circles are an outage", async () => {
    await using server = await smallServer({ "*": { status: 301, headers: { location: "/" } } });
    expect(await run(server.url, { followRedirects: 3 })).toMatchObject({
      outcome: "down",
      reason: "gave up after 3 redirects",
    });
  });
});

describe("what is sent", () => {
  test("headers go along, secrets too, and never show in what is kept", async () => {
    await using server = await smallServer({ "/": { status: 500, body: "no" } });
    const sample = await run(server.url, {
      headers: { "X-Plain": "yes", Authorization: new Secret("Bearer hunter2") },
    });
    expect(server.lastHeaders()).toMatchObject({ "x-plain": "yes", authorization: "Bearer hunter2" });
    expect(JSON.stringify(sample)).not.toContain("hunter2");
  });

  test("a server that repeats a secret does not get it into what is kept", async () => {
    await using server = await smallServer({ "/": asHtml("You sent: token=hunter2-hunter2; Basic is wrong", 500) });
    const sample = await run(server.url, { headers: { Authorization: new Secret("Bearer hunter2-hunter2") } });
    expect(sample.evidence).toContain("You sent: token=[secret]");
    expect(JSON.stringify(sample)).not.toContain("hunter2");
  });

  test("HEAD asks without a body and cannot look for text", async () => {
    await using server = await smallServer({ "/": asHtml("Welcome") });
    expect(await run(server.url, { method: "HEAD" })).toMatchObject({ outcome: "up" });
    expect(server.requests).toEqual(["HEAD /"]);
    expect(await run(server.url, { method: "HEAD", expect: { contains: "x" } })).toMatchObject({
      outcome: "unknown",
      reason: "HEAD answers have no text to look for: use GET",
    });
  });

  test.each([
    ["a header with a line break", { headers: { "X-A": "a\r\nHost: b" } }],
    ["a header name with a space", { headers: { "X A": "a" } }],
    ["a status that is none", { expect: { status: 20 } }],
    ["no status at all", { expect: { status: [] } }],
    ["an unknown expectation", { expect: { contain: "x" } }],
    ["a method that changes things", { method: "DELETE" }],
  ])("%s is refused while reading the configuration", (_what, options) => {
    expect(probe.options.safeParse({ url: "https://a.example", ...options }).success).toBe(false);
  });
});

describe("certificates", () => {
  /** The clock that stands at the moment when the certificate has `days` left. */
  const clockBefore = (end: number, days: number) =>
    new FakeClock(Temporal.Instant.fromEpochMilliseconds(end * 1000 - days * 86_400_000).toString());

  async function expiry(url: string, ca: string | undefined): Promise<number> {
    const { readings = [] } = await run(url, { ca: new Secret(ca ?? "") });
    return readings.find(({ metric }) => metric === "certificate_expiry_timestamp_seconds")?.value ?? Number.NaN;
  }

  test("are no trouble for members while they hold, and the days that are left are told", async () => {
    await using standIn = await startPixelfed({ tls: true });
    const ca = new Secret(standIn.ca ?? "");
    const end = await expiry(standIn.url, standIn.ca);
    const at = (days: number) => runProbe(probe, { url: standIn.url, ca }, { clock: clockBefore(end, days) });
    expect(await at(21.5)).toMatchObject({ outcome: "up" });
    expect(await at(20.5)).toMatchObject({ outcome: "up", reason: "the certificate ends in 20 days" });
    expect(await at(1.1)).toMatchObject({ outcome: "up", reason: "the certificate ends in 26 hours" });
  });

  test("wake somebody in the last three days, and only then", async () => {
    await using standIn = await startPixelfed({ tls: true });
    const ca = new Secret(standIn.ca ?? "");
    const end = await expiry(standIn.url, standIn.ca);
    const rules = probe.thresholds?.(probe.options.parse({ url: standIn.url })) ?? [];
    const rule = rules.find(({ id }) => id === "certificate-last-days");
    const overdue = async (days: number) => {
      const sample = await runProbe(probe, { url: standIn.url, ca }, { clock: clockBefore(end, days) });
      return sample.readings?.find(({ metric }) => metric === rule?.metric)?.value ?? Number.NaN;
    };
    expect(rule).toMatchObject({ urgency: "page", affects: "nothing" });
    expect(await overdue(30)).toBe(0);
    expect(await overdue(3.1)).toBeLessThan(rule?.raiseAt ?? 0);
    expect(await overdue(2.9)).toBeGreaterThan(rule?.raiseAt ?? Number.POSITIVE_INFINITY);
  });

  test("that have ended are an outage, and so is one of an authority we do not know", async () => {
    await using standIn = await startPixelfed({ tls: true });
    const ca = new Secret(standIn.ca ?? "");
    expect(await run(standIn.url, { ca })).toMatchObject({ outcome: "up" });
    expect(await run(standIn.url)).toMatchObject({ outcome: "down", reason: expect.stringContaining("certificate") });
    await standIn.become("expired");
    expect(await run(standIn.url, { ca })).toMatchObject({
      outcome: "down",
      reason: expect.stringContaining("expired"),
    });
    await standIn.become("healthy");
    expect(await run(standIn.url, { ca })).toMatchObject({ outcome: "up" });
  });

  test("without TLS there is nothing to watch", async () => {
    await using server = await smallServer({ "/": asJson({}) });
    expect((await run(server.url)).readings).toBeUndefined();
    expect(probe.thresholds?.(probe.options.parse({ url: server.url }))).toEqual([]);
  });
});

describe("hostile answers", () => {
  test("become plain, bounded text in what is kept", async () => {
    const nasty = `\u001b[2J\u202Etxt.exe\u0000<script>alert(1)</script>${"\u0301".repeat(500)}${"A".repeat(50_000)}`;
    await using server = await smallServer({
      "/": { status: 500, headers: { server: "x".repeat(5000) }, body: nasty },
    });
    const { evidence = "", reason } = await run(server.url);
    expect(reason).toBe("the page answered 500");
    expect(evidence.length).toBeLessThanOrEqual(2000);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(evidence).not.toMatch(/[\u0000-\u0008\u001b\u202e]/);
  });

  test("of broken UTF-8 are searched all the same", async () => {
    await using server = await smallServer({ "/": { body: Buffer.from([0xff, 0xfe, 0x68, 0x69, 0xc3]) } });
    expect(await run(server.url, { expect: { contains: "hi" } })).toMatchObject({ outcome: "up" });
  });
});
