/** The Lemmy probe against a stand-in of both versions, in every condition and with peers in every state. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LemmySettings, type Peer, startLemmy } from "../../practice/stand-ins/lemmy.ts";
import type { Condition } from "../../practice/stand-ins/stand-in.ts";
import probe from "../../probes/lemmy.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { type Answers, asHtml, asJson, smallServer } from "../helpers/small-server.ts";

const now = () => new FakeClock().now();

async function inCondition(condition: Condition, settings: LemmySettings = {}, options = {}) {
  await using lemmy = await startLemmy({ now, ...settings });
  await lemmy.become(condition);
  return await runProbe(probe, { url: lemmy.url, ...options });
}

async function figures(settings: LemmySettings): Promise<Readonly<Record<string, number>>> {
  const { outcome, readings = [] } = await inCondition("healthy", settings);
  expect(outcome).toBe("up");
  return Object.fromEntries(
    readings.map(({ metric, value, labels }) => [
      metric === "federation_peers" ? `${labels?.["state"]}` : metric,
      value,
    ]),
  );
}

describe.each(["0.19", "1.0"] as const)("Lemmy %s", (version) => {
  test("in health is up and says its version", async () => {
    const sample = await inCondition("healthy", { version });
    expect(sample).toMatchObject({ outcome: "up" });
    expect(sample.reason).toBeUndefined();
    expect(sample.readings?.[0]).toMatchObject({
      metric: "lemmy_info",
      labels: { version: expect.stringMatching(version) },
    });
  });

  test("says how well its peers are reached", async () => {
    const peers: readonly Peer[] = [
      {},
      {},
      {},
      { behindHours: 0.5 },
      { behindHours: 30 },
      { failures: 7, behindHours: 3 },
    ];
    expect(await figures({ version, peers })).toMatchObject({
      current: 4,
      late: 1,
      failing: 1,
      federation_behind_ratio: 2 / 6,
      federation_lag_seconds: 0,
    });
  });
});

describe.each(["0.19", "1.0"] as const)("peers of Lemmy %s that all stand still", (version) => {
  const stuck = { version, peers: Array.from({ length: 50 }, () => ({ behindHours: 48 })) };

  test("while something was posted here are all late, and that is said", async () => {
    const settings = { ...stuck, posts: [{ hours: 900 }, { hours: 0.1 }, { hours: 2 }, { hours: 60 }] };
    expect(await figures(settings)).toMatchObject({
      current: 0,
      late: 50,
      federation_behind_ratio: 1,
      federation_lag_seconds: 46 * 3600,
    });
    expect((await inCondition("healthy", settings)).reason).toMatch(
      /^no other server has got anything since 20.* UTC, although a post was written here at 20.* UTC$/,
    );
  });

  test.each<[string, LemmySettings]>([
    ["nothing was posted since", { posts: [{ hours: 48 }] }],
    ["what was posted since is still on its way", { posts: [{ hours: 0.5 }, { hours: 50 }] }],
    ["what was posted since stays here", { posts: [{ hours: 2, localOnly: true }] }],
    ["what came since was posted elsewhere", { posts: [{ hours: 2, remote: true }] }],
  ])("are not late where %s", async (_what, posts) => {
    expect(await figures({ ...stuck, ...posts })).toMatchObject({ late: 0, federation_behind_ratio: 0 });
  });
});

describe("peers", () => {
  test("are measured all the same where posts are for members only", async () => {
    const reached = { fail_count: 0, last_successful_published_time: "2026-11-20T12:00:00Z" };
    const peer = { updated: "2026-11-23T11:00:00Z", federation_state: reached };
    const list = asJson({ federated_instances: { linked: Array.from({ length: 6 }, () => peer) } });
    for (const posts of [{ status: 401 }, asHtml("x"), asJson({ posts: [{}] })]) {
      const answers = { "/api/v3/federated_instances": list, "/api/v3/post/list": posts };
      expect(await withChange(answers)).toMatchObject({ outcome: "up" });
    }
  });

  test("that were not seen for days do not count: their servers are gone", async () => {
    const peers = [...Array.from({ length: 6 }, () => ({})), { failures: 900, behindHours: 5000, unseenHours: 5000 }];
    expect(await figures({ peers })).toMatchObject({ current: 6, failing: 0, federation_behind_ratio: 0 });
  });

  test("are not late because nobody has posted for a night", async () => {
    expect(await figures({ quietHours: 12 })).toMatchObject({ late: 0, federation_behind_ratio: 0 });
  });

  test("that are few have no share", async () => {
    expect(await figures({ peers: [{ failures: 1 }] })).not.toHaveProperty("federation_behind_ratio");
  });

  test("are asked for every five minutes, and told of in between", async () => {
    const clock = new FakeClock();
    await using lemmy = await startLemmy({ now: () => clock.now() });
    const memory = new Map();
    const again = () => runProbe(probe, { url: lemmy.url }, { clock, memory });
    const looks = () => lemmy.requests.filter((request) => request.includes("federated")).length;
    const [first, second] = [await again(), await again()];
    expect(looks()).toBe(1);
    expect(second.readings).toEqual(first.readings);
    await clock.turn(300);
    await again();
    expect(looks()).toBe(2);
  });

  test("are not asked for where no other server is meant to be reached", async () => {
    await using lemmy = await startLemmy({ now, federation: false });
    expect(await runProbe(probe, { url: lemmy.url, federation: false })).toMatchObject({ outcome: "up" });
    expect(lemmy.requests.join()).not.toContain("federated_instances");
    expect(await runProbe(probe, { url: lemmy.url })).toMatchObject({
      outcome: "degraded",
      reason: "the list of peers is missing: federation is switched off",
      explanation: { en: "Posts may reach other servers late or not at all." },
    });
  });

  test("the composed document of 0.19 is understood", async () => {
    const document = readFileSync(new URL("../fixtures/lemmy/federated-instances-0.19.json", import.meta.url), "utf8");
    expect((await withChange({ "/api/v3/federated_instances": asJson(document) })).readings).toContainEqual({
      metric: "federation_peers",
      value: 1,
      labels: { state: "current" },
    });
  });

  test("that are too many to be read are left out, and that is said", async () => {
    expect(await withChange({ "/api/v3/federated_instances": { body: "x".repeat(16_000_001) } })).toMatchObject({
      outcome: "up",
      reason: "the list of peers is too long to be read",
    });
  });

  test("become a ticket at half, and a page at nine of ten", () => {
    const thresholds = probe.thresholds?.(probe.options.parse({ url: "https://a.example" })) ?? [];
    expect(thresholds.map(({ raiseAt, urgency }) => [raiseAt, urgency])).toEqual([
      [0.5, "ticket"],
      [0.9, "page"],
    ]);
    const off = probe.options.parse({ url: "https://a.example", federation: false });
    expect(probe.thresholds?.(off)).toEqual([]);
  });

  test("whatever the list says, it ends in a finding", async () => {
    const state = fc.oneof(
      fc.jsonValue(),
      fc.record({ fail_count: fc.jsonValue(), last_successful_published_time: fc.jsonValue() }),
    );
    const linked = fc.array(fc.record({ updated: fc.jsonValue(), federation_state: state }), { maxLength: 8 });
    const document = fc.oneof(
      fc.jsonValue(),
      fc.record({ federated_instances: fc.record({ linked }) }),
      fc.record({ items: linked }),
    );
    await fc.assert(
      fc.asyncProperty(document, async (body) => {
        const sample = await withChange({ "/api/v3/federated_instances": asJson(body) });
        expect(["up", "degraded"]).toContain(sample.outcome);
        expect(sample.reason ?? "").not.toContain("the check itself failed");
        for (const { value } of sample.readings ?? []) expect(Number.isFinite(value)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

describe("conditions", () => {
  test.each<[Condition, string, RegExp]>([
    ["stopped", "down", /refused/],
    ["errors", "down", /the site document answered 502/],
    ["no-database", "down", /the site document answered 400 \(unknown\)/],
    ["html", "down", /a web page stands in place of the site document/],
    ["blocked", "unknown", /blocked: Cloudflare asks for a browser/],
    ["throttled", "unknown", /blocked: the monitor is asked to come less often/],
    ["maintenance", "down", /says it is under maintenance/],
    ["elsewhere", "down", /redirects to http:\/\/localhost:\d+\/parked/],
  ])("%s is %s", async (condition, outcome, reason) => {
    const sample = await inCondition(condition);
    expect(sample).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
  });

  test("slow is degraded", async () => {
    expect(await inCondition("slow", { slowSeconds: 0.06 }, { maxSeconds: 0.05 })).toMatchObject({
      outcome: "degraded",
    });
  });
});

/** A Lemmy 0.19 with a change. */
async function withChange(changes: Answers, options = {}) {
  const info = { software: { name: "lemmy", version: "0.19.20" } };
  await using server = await smallServer({
    "/api/v3/site": asJson({ site_view: { site: { name: "Threads" } }, version: "0.19.20" }),
    "/api/v3/federated_instances": asJson({ federated_instances: { linked: [], allowed: [], blocked: [] } }),
    "/.well-known/nodeinfo": (url) =>
      asJson({ links: [{ rel: "http://nodeinfo.diaspora.software/ns/schema/2.1", href: `${url}/nodeinfo/2.1` }] }),
    "/nodeinfo/2.1": asJson(info),
    ...changes,
  });
  return await runProbe(probe, { url: server.url, ...options });
}

describe("one part that is wrong", () => {
  test.each<[string, Answers, string, string]>([
    ["none", {}, "up", ""],
    ["no NodeInfo", { "/.well-known/nodeinfo": { status: 404 } }, "degraded", "NodeInfo discovery answered 404"],
    [
      "NodeInfo that leads elsewhere",
      { "/nodeinfo/2.1": { status: 301, headers: { location: "https://elsewhere.example/2.1" } } },
      "degraded",
      "the NodeInfo document redirects to https://elsewhere.example/2.1",
    ],
    [
      "other software",
      { "/nodeinfo/2.1": asJson({ software: { name: "mastodon", version: "0.19.20" } }) },
      "degraded",
      "NodeInfo says this is mastodon, not lemmy",
    ],
    [
      "a list of peers that fails",
      { "/api/v3/federated_instances": { status: 500 } },
      "degraded",
      "the list of peers answered 500",
    ],
    [
      "a list of peers that is none",
      { "/api/v3/federated_instances": asHtml("x") },
      "degraded",
      "the list of peers is not one",
    ],
    [
      "a site document of another shape",
      { "/api/v3/site": asJson({ version: 3 }) },
      "down",
      "the site document is not one",
    ],
  ])("%s", async (_what, changes, outcome, reason) => {
    const sample = await withChange(changes);
    expect([sample.outcome, sample.reason ?? ""]).toEqual([outcome, reason]);
  });

  test("an account that is not found", async () => {
    await using lemmy = await startLemmy({ now });
    const host = new URL(lemmy.url).host;
    expect(await runProbe(probe, { url: lemmy.url, account: `main@${host}` })).toMatchObject({ outcome: "up" });
    expect(await runProbe(probe, { url: lemmy.url, account: `nobody@${host}` })).toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/^WebFinger does not know acct:nobody@/),
    });
  });
});

test("the kind brings the home page, the service, and growth where there is a database", () => {
  const checks = probe.kind?.checks({ url: "https://threads.example", database: { env: "D" } }) ?? [];
  expect(checks.map(({ id, probe: name }) => [id, name])).toEqual([
    ["web", "http"],
    ["service", "lemmy"],
    ["database", "postgres"],
  ]);
});
