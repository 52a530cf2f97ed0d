/** What every store must do, whatever it stands on: one suite, called with a way to open an empty store. */
import { describe, expect, test } from "vitest";
import type { Notice } from "../../core/channel.ts";
import { expected } from "../../core/heartbeat.ts";
import { countOf, percentile } from "../../core/histogram.ts";
import type { IncidentUpdate } from "../../core/incident.ts";
import { sameInAll } from "../../core/language.ts";
import type { Outcome, Sample } from "../../core/sample.ts";
import type { IncidentChange, Store } from "../../core/store.ts";
import { noVerdict } from "../../core/verdict.ts";

export const noon = Temporal.Instant.from("2026-11-23T12:00:00Z");
export const after = (seconds: number) => noon.add({ milliseconds: Math.round(seconds * 1000) });
export const web = { target: "mastodon", check: "web", vantagePoint: "toronto" };

/** A run of `mastodon/web` this many seconds after noon. */
export function sampleAt(seconds: number, fields: Partial<Sample> = {}): Sample {
  return { ...web, at: after(seconds), outcome: "up", durationSeconds: 0.1234, ...fields };
}

export const transitionAt = (seconds: number, outcome: Outcome) => ({ ...web, at: after(seconds), outcome });

export function noticeOf(key: string, fields: Partial<Notice> = {}): Notice {
  return {
    key,
    kind: "page",
    urgency: "now",
    contact: "contractor",
    channel: "email",
    thread: "incident-1",
    subject: "Mastodon is down",
    body: "Mastodon is down since noon.",
    notBefore: noon,
    ...fields,
  };
}

const updateAt = (seconds: number, kind: IncidentUpdate["kind"]): Omit<IncidentUpdate, "incident"> => ({
  at: after(seconds),
  kind,
  text: { en: `${kind}.`, fr: `${kind} (fr).` },
  public: kind !== "acknowledged",
});

export function opening(key: string, notices: (id: number) => readonly Notice[] = () => []): IncidentChange {
  return {
    change: "open",
    facts: {
      key,
      kind: "outage",
      target: key,
      checks: ["web"],
      impact: "degraded",
      urgency: "page",
      title: sameInAll("Mastodon is down"),
      explanation: { en: "Pages do not load.", fr: "Les pages ne chargent pas." },
      reason: "answered 502",
      runbook: "http-down",
      startedAt: noon,
      confirmedAt: after(40),
    },
    update: updateAt(40, "confirmed"),
    notices,
  };
}

/** Every few minutes for a while, as a ledger would. */
export async function maintained(store: Store, until: Temporal.Instant): Promise<void> {
  for (let call = 0; call < 40; call++) await store.maintain(until);
}

const day = { from: after(-12 * 3600), to: after(12 * 3600) };
const everything = {
  from: Temporal.Instant.from("2020-01-01T00:00:00Z"),
  to: Temporal.Instant.from("2100-01-01T00:00:00Z"),
};

/** @param open an empty store, closed when it is disposed of. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    describe("samples", () => samplesContract(open));
    describe("hours and days", () => rollupsContract(open));
    describe("readings", () => readingsContract(open));
    describe("verdicts, thresholds and transitions", () => judgementContract(open));
    describe("incidents", () => incidentsContract(open));
    describe("the outbox", () => outboxContract(open));
    describe("annotations", () => annotationsContract(open));
    describe("keys and tokens", () => keysContract(open));
  });
}

function samplesContract(open: () => Promise<Store>): void {
  const full = sampleAt(0, {
    outcome: "down",
    reason: "answered 502",
    explanation: { en: "Pages do not load.", fr: "Les pages ne chargent pas." },
    evidence: "<h1>Bad gateway</h1>\u0000\u{1f525}",
    sinceLastSeconds: 60.001,
    loopDelaySeconds: 0.0013,
    phases: { resolve: 0.0012, connect: 0.02, total: 0.1234 },
    readings: [
      { metric: "queue_jobs", value: -3, labels: { queue: "default", state: "retry" } },
      { metric: "storage_used_bytes", value: 65_432_109_876 },
      { metric: "ratio", value: 0.1 },
    ],
  });

  test("come back as they were given, before and after they are packed", async () => {
    await using store = await open();
    await store.commit({ samples: [full, sampleAt(60)] });
    expect(await store.samples(web, { ...day, limit: 10 })).toEqual([sampleAt(60), full]);
    await maintained(store, after(7 * 3600));
    expect(await store.samples(web, { ...day, limit: 10 })).toEqual([sampleAt(60), full]);
  });

  test("are found newest first, within the span and the limit", async () => {
    await using store = await open();
    const samples = Array.from({ length: 300 }, (_, index) => sampleAt(index * 60));
    await store.commit({ samples });
    await maintained(store, after(3.5 * 3600));
    const found = await store.samples(web, { from: after(60), to: after(299 * 60), limit: 250 });
    expect(found).toEqual(samples.slice(49, 299).reverse());
  });

  test("of another check are another matter", async () => {
    await using store = await open();
    await store.commit({ samples: [sampleAt(0, { check: "feed" }), sampleAt(0, { target: "castopod" })] });
    expect(await store.samples(web, { ...day, limit: 10 })).toEqual([]);
  });

  test("since a moment are those that began after it, of all checks, oldest first", async () => {
    await using store = await open();
    const feed = { target: "castopod", check: "feed" };
    await store.commit({ samples: [sampleAt(0), sampleAt(120), sampleAt(60, feed), sampleAt(3700, feed)] });
    const expected = [sampleAt(60, feed), sampleAt(120), sampleAt(3700, feed)];
    expect(await store.samplesSince(noon)).toEqual(expected);
    await maintained(store, after(5400));
    expect(await store.samplesSince(noon)).toEqual(expected);
  });

  test("have a newest one for each check, with its readings, however old", async () => {
    await using store = await open();
    expect(await store.latestSamples()).toEqual([]);
    await store.commit({ samples: [sampleAt(-60), full, sampleAt(0, { check: "feed" })] });
    await maintained(store, after(20 * 86_400));
    const latest = await store.latestSamples();
    expect(latest).toHaveLength(2);
    expect(latest).toContainEqual(full);
  });

  test("that are committed twice are one", async () => {
    await using store = await open();
    await store.commit({ samples: [full] });
    await store.commit({ samples: [full] });
    await maintained(store, after(7 * 3600));
    await store.commit({ samples: [full] });
    expect(await store.samples(web, { ...day, limit: 10 })).toEqual([full]);
    await maintained(store, after(8 * 3600));
    expect(await store.samples(web, { ...day, limit: 10 })).toEqual([full]);
    expect(await store.rollups(web, "hour", day)).toMatchObject([{ runs: 1, failures: 1 }]);
  });

  test("are kept for 30 days, evidence and all", async () => {
    await using store = await open();
    await store.commit({ samples: [full] });
    await maintained(store, after(29.4 * 86_400));
    expect(await store.samples(web, { ...everything, limit: 10 })).toEqual([full]);
    await maintained(store, after(32 * 86_400));
    expect(await store.samples(web, { ...everything, limit: 10 })).toEqual([]);
    expect(await store.rollups(web, "day", everything)).toMatchObject([{ runs: 1, failures: 1 }]);
  });

  test("keep 2 kB of evidence, and no number that is none", async () => {
    await using store = await open();
    const readings = [
      { metric: "broken", value: Number.NaN },
      { metric: "endless", value: Number.POSITIVE_INFINITY },
      { metric: "huge", value: 1e300 },
    ];
    await store.commit({ samples: [sampleAt(0, { outcome: "down", evidence: "x".repeat(9999), readings })] });
    const [found] = await store.samples(web, { ...day, limit: 1 });
    expect(found?.evidence).toHaveLength(2048);
    expect(found?.readings).toEqual([{ metric: "huge", value: 1e300 }]);
  });
}

function rollupsContract(open: () => Promise<Store>): void {
  const hour = 3600;
  const minutes = (from: number, to: number, fields: Partial<Sample> = {}) =>
    Array.from({ length: to - from }, (_, index) => sampleAt((from + index) * 60, fields));

  /** Up from 11:30, down from 12:50 to 13:10, measured until 13:30. */
  async function outage(open: () => Promise<Store>): Promise<Store> {
    const store = await open();
    await store.commit({
      samples: [...minutes(-30, 50), ...minutes(50, 70, { outcome: "down", durationSeconds: 10 }), ...minutes(70, 91)],
      transitions: [transitionAt(-1800, "up"), transitionAt(50 * 60, "down"), transitionAt(70 * 60, "up")],
    });
    return store;
  }
  const seconds = (up: number, down: number, unknown = 0) => ({ up, degraded: 0, down, unknown });
  const expectedHours = [
    { from: after(-hour), seconds: seconds(1800, 0), runs: 30, failures: 0 },
    { from: noon, seconds: seconds(3000, 600), runs: 60, failures: 10 },
    { from: after(hour), seconds: seconds(1200, 600), runs: 31, failures: 10 },
  ];

  test("sum what was measured, the running ones too, and count the same once they are over", async () => {
    await using store = await outage(open);
    expect(await store.rollups(web, "hour", day)).toMatchObject(expectedHours);
    expect(await store.rollups(web, "day", everything)).toMatchObject([
      { seconds: seconds(6000, 1200), runs: 121, failures: 20, from: after(-12 * hour) },
    ]);
    for (const now of [after(1.6 * hour), after(2.1 * hour), after(3 * hour), after(30 * hour), after(60 * hour)]) {
      await maintained(store, now);
      expect(await store.rollups(web, "hour", day)).toMatchObject(expectedHours);
      expect(await store.rollups(web, "day", everything)).toMatchObject([
        { seconds: seconds(6000, 1200), runs: 121, failures: 20 },
      ]);
    }
  });

  test("have a latency of the runs that were answered", async () => {
    await using store = await outage(open);
    await maintained(store, after(60 * hour));
    const [one] = await store.rollups(web, "day", everything);
    const latency = one?.latency ?? new Uint8Array();
    expect(countOf(latency)).toBe(101);
    expect(Math.abs((percentile(latency, 0.99) ?? 0) / 0.1234 - 1)).toBeLessThan(0.05);
  });

  test("begin in the span", async () => {
    await using store = await outage(open);
    const span = { from: after(-0.5 * hour), to: after(hour) };
    expect(await store.rollups(web, "hour", span)).toMatchObject([{ from: noon }]);
    expect(await store.rollups(web, "hour", { from: span.to, to: span.to })).toEqual([]);
    expect(await store.rollups({ target: "mastodon", check: "none" }, "hour", day)).toEqual([]);
  });

  test("are mended when a transition, or a sample, comes late", async () => {
    await using store = await outage(open);
    await maintained(store, after(40 * hour));
    await store.commit({
      samples: [sampleAt(45 * 60 + 30, { outcome: "down" })],
      transitions: [transitionAt(75 * 60, "unknown")],
    });
    await maintained(store, after(41 * hour));
    expect(await store.rollups(web, "hour", day)).toMatchObject([
      expectedHours[0],
      { seconds: seconds(3000, 600), runs: 61, failures: 11 },
      { seconds: seconds(300, 600, 900), runs: 31, failures: 10 },
    ]);
    expect(await store.rollups(web, "day", everything)).toMatchObject([
      { seconds: seconds(5100, 1200, 900), runs: 122, failures: 21 },
    ]);
    expect(await store.samples(web, { ...day, limit: 1000 })).toHaveLength(122);
  });

  test("of a night without us are not there, and what was known before it stays", async () => {
    await using store = await outage(open);
    await maintained(store, after(1.6 * hour));
    await maintained(store, after(10 * hour));
    await store.commit({
      samples: [sampleAt(10 * hour)],
      transitions: [transitionAt(91 * 60, "unknown")],
    });
    await store.commit({ samples: [sampleAt(10 * hour + 60)], transitions: [transitionAt(10 * hour, "up")] });
    await maintained(store, after(12 * hour));
    expect(await store.rollups(web, "hour", day)).toMatchObject([
      ...expectedHours.slice(0, 2),
      { seconds: seconds(1260, 600, 1740) },
      { from: after(10 * hour), seconds: seconds(60, 0), runs: 2 },
    ]);
  });

  test("of a check that runs every six hours cover the hours between", async () => {
    await using store = await open();
    await store.commit({ samples: [sampleAt(0)] });
    await store.commit({ transitions: [transitionAt(0, "up")] });
    await maintained(store, after(3 * hour));
    await store.commit({ samples: [sampleAt(6 * hour)] });
    await maintained(store, after(9 * hour));
    const hours = await store.rollups(web, "hour", day);
    expect(hours.map((one) => one.seconds.up)).toEqual([3600, 3600, 3600, 3600, 3600, 3600, 0]);
    expect(hours.map((one) => one.runs)).toEqual([1, 0, 0, 0, 0, 0, 1]);
  });

  test("of hours go after two years, of days never", async () => {
    await using store = await outage(open);
    await maintained(store, after(24 * hour));
    await maintained(store, after(3 * 366 * 24 * hour));
    expect(await store.rollups(web, "hour", everything)).toEqual([]);
    expect(await store.rollups(web, "day", everything)).toMatchObject([{ runs: 121 }]);
    expect(await store.transitions({ from: noon, to: noon })).toHaveLength(1);
  });

  test("are right again after the clock was a year ahead for a while", async () => {
    await using store = await outage(open);
    await maintained(store, after(365 * 24 * hour));
    await maintained(store, after(91 * 60));
    await store.commit({ samples: minutes(91, 121) });
    await maintained(store, after(4 * hour));
    expect(await store.rollups(web, "hour", day)).toMatchObject([
      ...expectedHours.slice(0, 2),
      { seconds: seconds(3000, 600), runs: 60 },
      { seconds: seconds(0, 0), runs: 1 },
    ]);
  });
}

function readingsContract(open: () => Promise<Store>): void {
  const used = (value: number, labels?: Record<string, string>) => ({
    readings: [{ metric: "storage_used_bytes", value, ...(labels && { labels }) }],
  });
  const of = { metric: "storage_used_bytes" };
  const values = [100, 200, 600, 1000, 1e12 + 0.5];
  const expected = [
    { at: noon, mean: 300 },
    { at: after(3600), mean: (1000 + 1e12 + 0.5) / 2 },
  ];

  async function filled(): Promise<Store> {
    const store = await open();
    await store.commit({ samples: values.map((value, index) => sampleAt(index * 1200, used(value))) });
    return store;
  }

  test("are there raw, as the mean of each hour and the median of each day, running or over", async () => {
    await using store = await filled();
    for (const now of [after(5000), after(7000), after(11_000), after(30 * 3600), after(60 * 3600)]) {
      await maintained(store, now);
      const [raw] = await store.readings(of, "raw", everything);
      expect(raw).toEqual({
        target: "mastodon",
        check: "web",
        metric: "storage_used_bytes",
        labels: {},
        points: values.map((value, index) => ({ at: after(index * 1200), value })),
      });
      const [hours] = await store.readings(of, "hour", everything);
      expect(hours?.points).toEqual(expected.map(({ at, mean }) => ({ at, value: mean })));
      const [days] = await store.readings(of, "day", everything);
      expect(days?.points).toEqual([{ at: after(-12 * 3600), value: 600 }]);
    }
  });

  test("of days stay when the samples are gone", async () => {
    await using store = await filled();
    await maintained(store, after(20 * 86_400));
    await maintained(store, after(60 * 86_400));
    expect(await store.readings(of, "raw", everything)).toEqual([]);
    expect(await store.readings(of, "day", everything)).toMatchObject([{ points: [{ value: 600 }] }]);
  });

  test("are told apart by their labels, in whatever order those are written", async () => {
    await using store = await open();
    await store.commit({
      samples: [
        sampleAt(0, used(1, { store: "a", kind: "x" })),
        sampleAt(60, used(2, { kind: "x", store: "a" })),
        sampleAt(120, used(3, { store: "b", kind: "x" })),
        sampleAt(0, { ...used(4), target: "castopod" }),
      ],
    });
    const found = await store.readings({ ...of, target: "mastodon" }, "raw", day);
    expect(found.map(({ labels, points }) => [labels["store"], points.map(({ value }) => value)])).toEqual([
      ["a", [1, 2]],
      ["b", [3]],
    ]);
    expect(await store.readings(of, "raw", day)).toHaveLength(3);
    expect(await store.readings({ ...of, target: "mastodon", check: "none" }, "raw", day)).toEqual([]);
    expect(await store.readings({ metric: "none" }, "hour", day)).toEqual([]);
  });
}

function judgementContract(open: () => Promise<Store>): void {
  test("keep the newest verdict and the newest state of each threshold", async () => {
    await using store = await open();
    const verdict = { ...noVerdict, lastAt: 5, lastKnown: true, settledUntil: 4 };
    const threshold = { ...web, threshold: "full", labels: '{"store":"a"}' };
    await store.commit({
      verdicts: [{ ...web, verdict: noVerdict }],
      thresholds: [{ ...threshold, state: { raised: false, crossedAt: null } }],
    });
    await store.commit({
      verdicts: [{ ...web, verdict }],
      thresholds: [{ ...threshold, state: { raised: true, crossedAt: 17 } }],
    });
    expect(await store.verdicts()).toEqual([{ ...web, verdict }]);
    expect(await store.thresholds()).toEqual([{ ...threshold, state: { raised: true, crossedAt: 17 } }]);
  });

  test("give the transitions of a span and what was in force at its beginning", async () => {
    await using store = await open();
    const [first, second, third] = [transitionAt(0, "up"), transitionAt(60, "down"), transitionAt(120, "up")];
    const other = { ...transitionAt(30, "degraded"), check: "feed" };
    await store.commit({ transitions: [first, second, third, other] });
    expect(await store.transitions({ from: after(-60), to: noon })).toEqual([]);
    expect(await store.transitions({ from: after(59), to: after(60) })).toEqual([first, other]);
    expect(await store.transitions({ from: after(60), to: after(121) })).toEqual([other, second, third]);
    expect(await store.transitions({ from: after(1e6), to: after(1e6) })).toEqual([other, third]);
  });
}

function incidentsContract(open: () => Promise<Store>): void {
  test("get a number inside the transaction, and their notices with it", async () => {
    await using store = await open();
    const { opened } = await store.commit({
      incidents: [opening("mastodon", (id) => [noticeOf(`page-${id}`, { incident: id, thread: `incident-${id}` })])],
    });
    expect(opened).toMatchObject([{ id: 1, key: "mastodon", state: "open", startedAt: noon, confirmedAt: after(40) }]);
    expect(await store.incident(1)).toEqual(opened[0]);
    expect(await store.noticesOf(1)).toMatchObject([{ key: "page-1", state: "pending", attempts: 0 }]);
    expect(await store.incidentUpdates(1)).toEqual([{ incident: 1, ...updateAt(40, "confirmed") }]);
    expect(await store.incident(2)).toBeUndefined();
  });

  test("are not opened twice under one key while one is unresolved; the rest of the commit stands", async () => {
    await using store = await open();
    await store.commit({ incidents: [opening("mastodon")] });
    const again = await store.commit({
      samples: [sampleAt(0)],
      incidents: [opening("mastodon", (id) => [noticeOf(`double-${id}`)]), opening("castopod")],
    });
    expect(again.opened.map(({ id, key }) => [id, key])).toEqual([[2, "castopod"]]);
    expect(await store.recentNotices(10)).toEqual([]);
    expect(await store.samplesSince(after(-1))).toHaveLength(1);
    await store.commit({ incidents: [resolving(1)] });
    expect((await store.commit({ incidents: [opening("mastodon")] })).opened).toMatchObject([{ id: 3 }]);
  });

  test("leave nothing behind when the words for their notices cannot be found", async () => {
    await using store = await open();
    const broken = opening("mastodon", () => {
      throw new Error("no words");
    });
    const commit = store.commit({ samples: [sampleAt(0)], transitions: [transitionAt(0, "up")], incidents: [broken] });
    await expect(commit).rejects.toThrow("no words");
    expect(await store.incidents({})).toEqual([]);
    expect(await store.samplesSince(after(-1))).toEqual([]);
    expect(await store.latestSamples()).toEqual([]);
    expect(await store.transitions(day)).toEqual([]);
    await store.commit({ samples: [sampleAt(0, { check: "feed" })], incidents: [opening("mastodon")] });
    expect(await store.latestSamples()).toEqual([sampleAt(0, { check: "feed" })]);
  });

  test("are joined by other checks, and never become less grave by it", async () => {
    await using store = await open();
    await store.commit({ incidents: [opening("mastodon")] });
    const join = (check: string, impact: "down" | "none"): Extract<IncidentChange, { change: "join" }> => ({
      change: "join",
      id: 1,
      check,
      impact,
      update: updateAt(60, "joined"),
    });
    await store.commit({ incidents: [join("feed", "down"), join("web", "none")] });
    expect(await store.incident(1)).toMatchObject({ checks: ["web", "feed"], impact: "down" });
    await store.commit({ incidents: [resolving(1)] });
    await store.commit({ incidents: [join("late", "down"), { ...join("late", "down"), id: 99 }] });
    expect(await store.incident(1)).toMatchObject({ checks: ["web", "feed"], state: "resolved" });
    expect((await store.incidentUpdates(1)).map(({ kind }) => kind)).toEqual([
      "confirmed",
      "joined",
      "joined",
      "resolved",
    ]);
  });

  test("have other words for members when it becomes less bad, and the impact of the worst", async () => {
    await using store = await open();
    await store.commit({ incidents: [opening("mastodon")] });
    const words = { title: sameInAll("Trouble"), explanation: sameInAll("Pictures do not load.") };
    const update = updateAt(60, "note");
    const join = { change: "join", id: 1, check: "web", update } as const;
    await store.commit({ incidents: [{ ...join, impact: "down" }] });
    await store.commit({ incidents: [{ ...join, impact: "degraded", words }] });
    expect(await store.incident(1)).toMatchObject({ ...words, impact: "down" });
  });

  test("get other notices when something joins, unless that is not to count once somebody has acknowledged them", async () => {
    await using store = await open();
    const notices = (id: number) => [noticeOf("page", { incident: id }), noticeOf("later", { incident: id })];
    await store.commit({ incidents: [opening("mastodon", notices)] });
    const join = (key: string, more: object = {}): IncidentChange => ({
      change: "join",
      id: 1,
      check: "web",
      impact: "down",
      update: updateAt(60, "note"),
      notices: (existing) => ({
        supersede: existing.map((one) => one.key),
        add: [noticeOf(key, { incident: 1 })],
      }),
      ...more,
    });
    const states = async () => (await store.noticesOf(1)).map(({ key, state }) => `${key} ${state}`);
    await store.commit({ incidents: [join("anew", { unlessAcknowledged: true })] });
    expect(await states()).toEqual(["page superseded", "later superseded", "anew pending"]);
    await store.acknowledge(1, "Contractor", noon, updateAt(90, "acknowledged"));
    await store.commit({ incidents: [join("more", { unlessAcknowledged: true })] });
    expect(await states()).toHaveLength(3);
    expect(await store.incidentUpdates(1)).toHaveLength(3);
    await store.commit({ incidents: [join("more")] });
    expect((await states()).at(-1)).toBe("more pending");
  });

  test("are resolved once, and the notices of that moment are decided inside the transaction", async () => {
    await using store = await open();
    const notices = (id: number) => [noticeOf("page", { incident: id }), noticeOf("later", { incident: id })];
    await store.commit({ incidents: [opening("mastodon", notices)] });
    await store.claimNotices("email", noon, 1, 60);
    await store.settleNotice("page", { state: "sent", at: noon });
    const seen: string[][] = [];
    const resolve: Extract<IncidentChange, { change: "resolve" }> = {
      ...resolving(1),
      notices(existing) {
        seen.push(existing.map(({ key, state }) => `${key} ${state}`));
        return { supersede: ["later"], add: [noticeOf("resolved", { incident: 1, kind: "resolve" })] };
      },
    };
    await store.commit({ incidents: [resolve] });
    await store.commit({ incidents: [resolve] });
    expect(seen).toEqual([["page sent", "later pending"]]);
    expect(await store.incident(1)).toMatchObject({ state: "resolved", resolvedAt: after(600) });
    expect((await store.noticesOf(1)).map(({ key, state }) => [key, state])).toEqual([
      ["page", "sent"],
      ["later", "superseded"],
      ["resolved", "pending"],
    ]);
  });

  test("are acknowledged by exactly one, which cancels escalations but no page and no resolve", async () => {
    await using store = await open();
    const kinds = ["page", "escalation", "resolve"] as const;
    const notices = (id: number) => kinds.map((kind) => noticeOf(kind, { incident: id, kind }));
    await store.commit({ incidents: [opening("mastodon", notices)] });
    const acks = await Promise.all(
      ["ana", "bo"].map((by) => store.acknowledge(1, by, after(90), updateAt(90, "acknowledged"))),
    );
    expect(acks).toEqual([true, false]);
    expect(await store.incident(1)).toMatchObject({ state: "acknowledged", by: "ana", acknowledgedAt: after(90) });
    expect((await store.noticesOf(1)).map(({ state }) => state)).toEqual(["pending", "superseded", "pending"]);
    expect(await store.incidentUpdates(1)).toHaveLength(2);
    await store.commit({ incidents: [resolving(1)] });
    expect(await store.acknowledge(1, "cy", after(700), updateAt(700, "acknowledged"))).toBe(false);
    expect(await store.acknowledge(7, "cy", after(700), updateAt(700, "acknowledged"))).toBe(false);
    expect(await store.incident(1)).toMatchObject({ state: "resolved", by: "ana", acknowledgedAt: after(90) });
  });

  test("are listed newest first, by state, by time and up to a number", async () => {
    await using store = await open();
    await store.commit({ incidents: [opening("a"), opening("b"), opening("c")] });
    await store.commit({ incidents: [resolving(2)] });
    const ids = async (filter: Parameters<Store["incidents"]>[0]) =>
      (await store.incidents(filter)).map(({ id }) => id);
    expect(await ids({})).toEqual([3, 2, 1]);
    expect(await ids({ open: true })).toEqual([3, 1]);
    expect(await ids({ open: false })).toEqual([2]);
    expect(await ids({ since: after(600) })).toEqual([3, 2, 1]);
    expect(await ids({ since: after(601) })).toEqual([3, 1]);
    expect(await ids({ limit: 1 })).toEqual([3]);
  });
}

const resolving = (id: number): Extract<IncidentChange, { change: "resolve" }> => ({
  change: "resolve",
  id,
  at: after(600),
  update: updateAt(600, "resolved"),
  notices: () => ({ supersede: [], add: [] }),
});

function outboxContract(open: () => Promise<Store>): void {
  const keys = (notices: readonly Notice[]) => notices.map(({ key }) => key);

  test("hands out what is due, once, first things first", async () => {
    await using store = await open();
    await store.commit({
      notices: [
        noticeOf("later", { notBefore: after(60) }),
        noticeOf("second"),
        noticeOf("first", { notBefore: after(-60) }),
        noticeOf("other", { channel: "ntfy" }),
        noticeOf("third"),
      ],
    });
    expect(keys(await store.claimNotices("email", noon, 2, 30))).toEqual(["first", "second"]);
    expect(keys(await store.claimNotices("email", noon, 5, 30))).toEqual(["third"]);
    expect(await store.claimNotices("email", noon, 5, 30)).toEqual([]);
    expect(await store.outboxPending()).toBe(5);
  });

  test("keeps the first notice of a key", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page", { body: "first" })] });
    await store.commit({ notices: [noticeOf("page", { body: "second" })] });
    expect(await store.recentNotices(5)).toMatchObject([{ body: "first" }]);
  });

  test("gives a whole notice back, with all it was written with", async () => {
    await using store = await open();
    const full = noticeOf("full", { incident: 3, kind: "ticket", urgency: "soon", notAfter: after(5) });
    await store.commit({ notices: [full, noticeOf("plain")] });
    expect(await store.recentNotices(5)).toEqual([
      { ...noticeOf("plain"), state: "pending", attempts: 0 },
      { ...full, state: "pending", attempts: 0 },
    ]);
    expect(await store.recentNotices(1)).toHaveLength(1);
  });

  test("hands out again what was not settled before the lease ended", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page")] });
    expect(await store.claimNotices("email", noon, 5, 30)).toMatchObject([{ state: "sending", attempts: 1 }]);
    expect(await store.nextNoticeAt("email")).toEqual(after(30));
    expect(await store.claimNotices("email", after(29), 5, 30)).toEqual([]);
    expect(await store.claimNotices("email", after(30), 5, 30)).toMatchObject([{ key: "page", attempts: 2 }]);
  });

  test("tries again when it was told to, and never after it was sent or dropped", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("sent"), noticeOf("tired"), noticeOf("dropped")] });
    await store.claimNotices("email", noon, 5, 30);
    await store.settleNotice("sent", { state: "sent", at: after(1) });
    await store.settleNotice("tired", { state: "pending", retryAt: after(15), error: "451 greylisted" });
    await store.settleNotice("dropped", { state: "dropped", error: "550 no such mailbox" });
    expect(await store.recentNotices(5)).toMatchObject([
      { state: "dropped", lastError: "550 no such mailbox" },
      { state: "pending", lastError: "451 greylisted", attempts: 1 },
      { state: "sent", sentAt: after(1) },
    ]);
    expect(await store.outboxPending()).toBe(1);
    expect(await store.nextNoticeAt("email")).toEqual(after(15));
    expect(keys(await store.claimNotices("email", after(3600), 5, 30))).toEqual(["tired"]);
    expect(await store.nextNoticeAt("ntfy")).toBeUndefined();
  });

  test("does not count as tried what was handed out too early and given back", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page")] });
    await store.claimNotices("email", noon, 5, 30);
    await store.settleNotice("page", { state: "pending", retryAt: after(15), error: "too early", untried: true });
    expect(await store.recentNotices(5)).toMatchObject([{ state: "pending", attempts: 0 }]);
    expect(await store.claimNotices("email", after(14), 5, 30)).toEqual([]);
    expect(await store.claimNotices("email", after(15), 5, 30)).toMatchObject([{ key: "page", attempts: 1 }]);
  });

  test("does not send what is worthless by now", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("stale", { notAfter: after(60) }), noticeOf("page")] });
    expect(keys(await store.claimNotices("email", after(61), 5, 30))).toEqual(["page"]);
    expect((await store.recentNotices(5)).map(({ state }) => state)).toEqual(["sending", "dropped"]);
  });

  test("does not try again what was superseded while it was being sent, and says so when it went out", async () => {
    await using store = await open();
    const escalations = ["one", "two"].map((key) => noticeOf(key, { incident: 1, kind: "escalation" }));
    await store.commit({ incidents: [opening("mastodon", () => escalations)] });
    await store.claimNotices("email", noon, 5, 30);
    await store.acknowledge(1, "ana", after(5), updateAt(5, "acknowledged"));
    await store.settleNotice("one", { state: "pending", retryAt: after(10), error: "timeout" });
    await store.settleNotice("two", { state: "sent", at: after(6) });
    expect(await store.claimNotices("email", after(3600), 5, 30)).toEqual([]);
    expect((await store.noticesOf(1)).map(({ state }) => state)).toEqual(["superseded", "sent"]);
  });
}

function annotationsContract(open: () => Promise<Store>): void {
  test("come back by time, in both languages, and the same one twice is one", async () => {
    await using store = await open();
    const upgrade = { target: "mastodon", at: after(60), text: { en: "upgraded 4.3.2 → 4.4.0", fr: "mis à niveau" } };
    const earlier = { ...upgrade, target: "podcasts", at: noon };
    await store.commit({ annotations: [upgrade] });
    await store.commit({ samples: [sampleAt(60)], annotations: [earlier, upgrade] });
    expect(await store.annotations({ from: noon, to: after(61) })).toEqual([earlier, upgrade]);
    expect(await store.annotations({ from: after(1), to: after(60) })).toEqual([]);
    expect(await store.annotations({ from: noon, to: after(61), limit: 1 })).toEqual([upgrade]);
    expect(await store.annotations({ from: noon, to: after(61), limit: 2 })).toEqual([earlier, upgrade]);
  });
}

function keysContract(open: () => Promise<Store>): void {
  test("a token can be used once", async () => {
    await using store = await open();
    expect(await store.useOnce("abc", after(600))).toBe(true);
    expect(await store.useOnce("abc", after(600))).toBe(false);
    await store.maintain(after(599));
    expect(await store.useOnce("abc", after(600))).toBe(false);
    expect(await store.useOnce("def", after(600))).toBe(true);
  });

  test("a signing key is made once for each name", async () => {
    await using store = await open();
    const links = await store.signingKey("links");
    expect(links).toHaveLength(32);
    expect(await store.signingKey("links")).toEqual(links);
    expect(await store.signingKey("cookies")).not.toEqual(links);
  });

  test("what a job said is kept until it is forgotten", async () => {
    await using store = await open();
    const [backup, vacuum] = [
      { target: "database", check: "backup" },
      { target: "database", check: "vacuum" },
    ];
    await store.keepHeartbeat(vacuum, expected(1));
    await store.keepHeartbeat(backup, expected(1));
    await store.keepHeartbeat(backup, expected(2));
    expect(await store.heartbeats()).toEqual([
      { ...backup, state: expected(2) },
      { ...vacuum, state: expected(1) },
    ]);
    await store.forgetHeartbeat(backup);
    await store.forgetHeartbeat(backup);
    expect(await store.heartbeats()).toEqual([{ ...vacuum, state: expected(1) }]);
  });

  test("the audit takes what was done", async () => {
    await using store = await open();
    await store.audit({ at: noon, who: "ana", did: "acknowledged", detail: "incident 1" });
    await store.audit({ at: noon, who: "ana", did: "signed in" });
  });
}
