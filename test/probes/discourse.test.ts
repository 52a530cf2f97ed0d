/** The Discourse probe against a stand-in in every condition. */
import { describe, expect, test } from "vitest";
import { type DiscourseSettings, startDiscourse } from "../../practice/stand-ins/discourse.ts";
import type { Condition } from "../../practice/stand-ins/stand-in.ts";
import probe from "../../probes/discourse.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { type Answers, asHtml, asJson, smallServer } from "../helpers/small-server.ts";

const now = () => new FakeClock().now();

async function inCondition(condition: Condition, settings: DiscourseSettings = {}, options = {}) {
  await using forum = await startDiscourse({ now, ...settings });
  await forum.become(condition);
  return await runProbe(probe, { url: forum.url, ...options });
}

describe("a healthy forum", () => {
  test("is up, and says its version and how old its newest post is", async () => {
    const sample = await inCondition("healthy", { quietHours: 3 }, { newestWithin: "4h" });
    expect(sample).toMatchObject({
      outcome: "up",
      readings: [
        { metric: "discourse_info", value: 1, labels: { version: "3.5.2" } },
        { metric: "discourse_post_age_seconds", value: 3 * 3600 },
      ],
    });
    expect(sample.reason).toBeUndefined();
  });

  test("for members only is up as well", async () => {
    expect(await inCondition("healthy", { membersOnly: true }, { newestWithin: "1h" })).toMatchObject({
      outcome: "up",
      reason: "shows its topics to members only",
    });
  });

  test("may be quiet for as long as was said, and no longer", async () => {
    expect(await inCondition("healthy", { quietHours: 24 * 9 })).toMatchObject({ outcome: "up" });
    expect(await inCondition("healthy", { quietHours: 24 * 9 + 2 }, { newestWithin: "7d" })).toMatchObject({
      outcome: "degraded",
      reason: "the newest post is 9d 2h old",
      explanation: { fr: "Les nouveaux messages risquent de ne pas apparaître sur le forum." },
    });
  });
});

describe("conditions", () => {
  test.each<[Condition, string, RegExp]>([
    ["stopped", "down", /refused/],
    ["errors", "down", /the status page answered 502/],
    ["no-database", "down", /the list of topics answered 500; the description of the forum answered 500/],
    ["html", "down", /the status page does not say ok/],
    ["blocked", "unknown", /blocked: Cloudflare asks for a browser/],
    ["throttled", "unknown", /blocked: the monitor is asked to come less often/],
    ["maintenance", "down", /says it is under maintenance/],
    ["elsewhere", "down", /redirects to http:\/\/localhost:\d+\/parked/],
  ])("%s is %s", async (condition, outcome, reason) => {
    expect(await inCondition(condition)).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
  });

  test("read-only is degraded, and members are told what they can still do", async () => {
    expect(await inCondition("healthy", { readOnly: true })).toMatchObject({
      outcome: "degraded",
      reason: "is in read-only mode",
      explanation: { en: "The forum can be read, but nothing can be posted." },
      evidence: expect.stringContaining("discourse-readonly: true"),
    });
  });

  test("shutting down is told from an error", async () => {
    expect(await inCondition("healthy", { shuttingDown: true })).toMatchObject({
      outcome: "down",
      reason: "is shutting down",
      explanation: { en: "The forum is restarting." },
    });
  });

  test("slow is degraded", async () => {
    expect(await inCondition("slow", { slowSeconds: 0.06 }, { maxSeconds: 0.05 })).toMatchObject({
      outcome: "degraded",
    });
  });
});

describe("one part that is wrong", () => {
  const documents: Answers = {
    "/srv/status": { body: "ok" },
    "/about.json": asJson({ about: { title: "Forum" } }),
    "/latest.json": asJson({ topic_list: { topics: [{ bumped_at: "2026-11-23T11:00:00Z" }] } }),
  };

  async function withChange(changes: Answers) {
    await using server = await smallServer({ ...documents, ...changes });
    return await runProbe(probe, { url: server.url });
  }

  test.each<[string, Answers, string, string]>([
    ["none, though it hides its version", {}, "up", ""],
    [
      "a status page of another kind",
      { "/srv/status": { body: "maybe" } },
      "degraded",
      "the status page does not say ok",
    ],
    [
      "a description that is missing",
      { "/about.json": { status: 404 } },
      "degraded",
      "the description of the forum answered 404",
    ],
    [
      "a description that fails",
      { "/about.json": { status: 500 } },
      "degraded",
      "the description of the forum answered 500",
    ],
    ["topics that fail", { "/latest.json": { status: 500 } }, "down", "the list of topics answered 500"],
    ["topics that are none", { "/latest.json": asHtml("x") }, "degraded", "the list of topics is not one"],
    [
      "topics without a time",
      { "/latest.json": asJson({ topic_list: { topics: [{ bumped_at: "soon" }, {}] } }) },
      "up",
      "",
    ],
    [
      "our own share used up in the middle",
      { "/latest.json": { status: 429, headers: { "retry-after": "10" } } },
      "up",
      "",
    ],
    [
      "a topic list nested deeper than any",
      { "/latest.json": asJson("[".repeat(100_000)) },
      "degraded",
      "the list of topics is not one",
    ],
  ])("%s", async (_what, changes, outcome, reason) => {
    const sample = await withChange(changes);
    expect([sample.outcome, sample.reason ?? ""]).toEqual([outcome, reason]);
  });
});

test("the kind brings Discourse's own queues, with its own priorities", () => {
  const target = { url: "https://forum.example", queues: { env: "Q" }, database: { env: "D" } };
  const checks = probe.kind?.checks(target) ?? [];
  expect(checks.map(({ id, probe: name }) => [id, name])).toEqual([
    ["web", "http"],
    ["service", "discourse"],
    ["queues", "sidekiq"],
    ["database", "postgres"],
  ]);
  expect(checks[2]).toMatchObject({ queues: { critical: { page: "5m" } } });
});
