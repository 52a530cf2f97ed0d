import { expect, test } from "vitest";
import { z } from "zod";
import { openDelivery } from "../../alerts/delivery/delivery.ts";
import { openEscalator } from "../../alerts/escalation/escalator.ts";
import { openJudge } from "../../alerts/judging/judge.ts";
import { ConcurrencyLimit } from "../../collector/probing/concurrency.ts";
import { Schedule } from "../../collector/probing/schedule.ts";
import { openRecorder } from "../../collector/recorder/recorder.ts";
import { type Channel, defineChannel } from "../../core/channel.ts";
import { sameInAll } from "../../core/language.ts";
import { silentLog } from "../../core/log.ts";
import { spokenDuration } from "../../core/member-texts.ts";
import type { Outcome } from "../../core/sample.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { check, noHttp, onCall, signingKey, target } from "../alerts/world.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

/** Schedule, recorder, judge and delivery on one store and one clock: all that a jump of the wall clock could confuse. */
async function setup(start?: string) {
  const clock = new FakeClock(start);
  const store = await openSqliteStore(":memory:");
  const targets = [target("mastodon", "Mastodon", [check("mastodon", "web")])];
  const checks = targets.flatMap((one) => one.checks);
  const told: {
    readonly kind: string;
    readonly contact: string;
    readonly summary: string;
    readonly atSeconds: number;
  }[] = [];
  const runs: number[] = [];
  /** Monotonic seconds at which the first run of each outcome began. */
  const first = new Map<Outcome, number>();
  let outcome: Outcome = "up";
  const email: Channel = defineChannel({
    summary: "Remembers.",
    options: z.strictObject({}),
    example: {},
    address: z.string(),
    residency: "own",
    open: async () => ({
      deliver: async ({ kind, to, summary }) => {
        told.push({ kind, contact: to.id, summary, atSeconds: clock.monotonicSeconds() });
        return {};
      },
      [Symbol.asyncDispose]: async () => {},
    }),
  });
  const settings = {
    organisation: { name: sameInAll("Co-op"), languages: ["en"], timeZone: "UTC" },
    targets,
    onCall,
    channels: ["email"],
    baseUrl: "https://status.example",
    store,
    clock,
    log: silentLog,
    signingKey,
  } as const;
  const judge = await openJudge(settings);
  const escalator = await openEscalator({ ...settings, onNotices: () => delivery.wake() });
  const delivery = openDelivery({
    store,
    clock,
    log: silentLog,
    onCall,
    channels: new Map([["email", { channel: email, options: {} }]]),
    hurry: (refused) => escalator.hurry(refused),
    ...noHttp,
  });
  const recorder = await openRecorder({
    requests: {},
    store,
    clock,
    log: silentLog,
    checks,
    vantagePoint: "here",
    judge: {
      consider: (judged) => judge.consider(judged),
      committed(opened) {
        escalator.wake();
        return judge.committed(opened);
      },
    },
    onStored: () => delivery.wake(),
  });
  let began: number | undefined;
  const schedule = new Schedule({
    checks,
    clock,
    concurrency: new ConcurrencyLimit({ clock }),
    log: silentLog,
    async run({ target, id }) {
      const now = clock.monotonicSeconds();
      runs.push(now);
      if (!first.has(outcome)) first.set(outcome, now);
      const sinceLastSeconds = began === undefined ? undefined : now - began;
      began = now;
      const place = { target, check: id, vantagePoint: "here", at: clock.now(), durationSeconds: 0.1 };
      return { ...place, outcome, ...(sinceLastSeconds !== undefined && { sinceLastSeconds }) };
    },
    onSample: (sample) => recorder.record(sample),
  });
  const end = new AbortController();
  const running = [
    schedule.run(end.signal),
    recorder.run(end.signal),
    delivery.run(end.signal),
    escalator.run(end.signal),
  ];
  return {
    clock,
    store,
    told,
    runs,
    first,
    becomes(next: Outcome) {
      outcome = next;
      first.delete(next);
    },
    async [Symbol.asyncDispose]() {
      end.abort();
      await Promise.all(running);
      await delivery[Symbol.asyncDispose]();
      await recorder[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

const [outageAt, recoveryAt, endAt] = [180, 1500, 1800];

/** What happened when nobody touched the clock, and what happened when somebody did. */
async function outage(jumps: Readonly<Record<number, number>>, start?: string) {
  await using world = await setup(start);
  const second = async (at: number) => {
    world.clock.jump(jumps[at] ?? 0);
    if (at === outageAt) world.becomes("down");
    if (at === recoveryAt) world.becomes("up");
    await world.clock.turn(1);
  };
  for (let at = 0; at < endAt; at++) await second(at);
  const incidents = await world.store.incidents.list({});
  const [incident] = incidents;
  const updates = incident ? await world.store.incidents.updates(incident.id) : [];
  const [began = 0, over = 0] = [world.first.get("down"), world.first.get("up")];
  const frame = world.clock.now().epochMilliseconds / 1000 - world.clock.monotonicSeconds();
  return {
    told: world.told,
    runs: world.runs,
    states: incidents.map(({ state }) => state),
    /** By the monotonic clock, and where that stands on the wall clock as it is now. */
    truth: { lasted: over - began, startedAt: frame + began },
    incident,
    resolvedText: updates.find(({ kind }) => kind === "resolved")?.text.en,
  };
}

const day = 86_400;
/** A machine without a battery begins here, until somebody tells it the time. */
const [boot, sinceBoot] = ["1971-01-01T00:00:00Z", 55 * 365 * day];

/** The schedule spreads checks by the time of day, in floating point. */
const hundredths = (seconds: number) => Math.round(seconds * 100);

const untouched = await outage({});

test("nobody touches the clock: a page, an escalation, and its end to both", () => {
  expect(untouched.states).toEqual(["resolved"]);
  expect(untouched.told.map(({ kind, contact }) => `${kind} ${contact}`)).toEqual([
    "page contractor",
    "escalation techops",
    "resolve contractor",
    "resolve techops",
  ]);
});

test.each([
  ["an hour ahead before the outage", { 100: 3600 }],
  ["an hour back before the outage", { 100: -3600 }],
  ["an hour ahead while it is made sure of", { 215: 3600 }],
  ["an hour back while it is made sure of", { 215: -3600 }],
  ["a minute ahead while it is made sure of", { 215: 60 }],
  ["a day ahead while it is made sure of", { 215: day }],
  ["a day back while it is made sure of", { 215: -day }],
  ["a day ahead while the page waits for the next step", { 400: day }],
  ["a day back while the page waits for the next step", { 400: -day }],
  ["ahead and back between page and escalation", { 400: 3600, 700: -3600 }],
  ["a day ahead and back in the middle", { 400: day, 1300: -day }],
  ["an hour ahead just before the recovery", { 1490: 3600 }],
  ["an hour back just before the recovery", { 1490: -3600 }],
  ["an hour ahead while the recovery is made sure of", { 1530: 3600 }],
  ["an hour back while the recovery is made sure of", { 1530: -3600 }],
  ["a day back while the recovery is made sure of", { 1530: -day }],
  ["right before the outage, after 1971", { 100: sinceBoot }, boot],
  ["right while it is made sure of, after 1971", { 215: sinceBoot }, boot],
  ["right in the middle, after 1971", { 700: sinceBoot }, boot],
  ["right while the recovery is made sure of, after 1971", { 1530: sinceBoot }, boot],
  ["never, while Toronto enters daylight saving", {}, "2027-03-14T06:50:00Z"],
  ["never, while Toronto leaves daylight saving", {}, "2026-11-01T05:50:00Z"],
  ["never, while Vancouver enters daylight saving for ever", {}, "2026-03-08T09:50:00Z"],
  ["never, when Vancouver would have left it", {}, "2026-11-01T08:50:00Z"],
] as const)(
  "the wall clock is set %s: the same pages, at the same moments, and it lasted as long",
  async (_, jumps, start?: string) => {
    const touched = await outage(jumps, start);
    expect(touched.runs.map(hundredths)).toEqual(untouched.runs.map(hundredths));
    expect(touched.states).toEqual(["resolved"]);
    expect(touched.told.map(({ kind, contact }) => `${kind} ${contact}`)).toEqual(
      untouched.told.map(({ kind, contact }) => `${kind} ${contact}`),
    );
    for (const [index, { atSeconds }] of touched.told.entries()) {
      expect(Math.abs(atSeconds - (untouched.told[index]?.atSeconds ?? 0))).toBeLessThanOrEqual(2);
    }
    const { incident, truth } = touched;
    const [from, to] = incident?.state === "resolved" ? [incident.startedAt, incident.resolvedAt] : [];
    const [began = 0, ended = 0] = [from, to].map((at) => (at?.epochMilliseconds ?? 0) / 1000);
    expect(Math.abs(ended - began - truth.lasted)).toBeLessThanOrEqual(2);
    expect(Math.abs(began - truth.startedAt)).toBeLessThanOrEqual(2);
    const spans = [-2, 0, 2].map((seconds) => spokenDuration(truth.lasted + seconds).en);
    expect(spans.some((span) => touched.resolvedText?.includes(span))).toBe(true);
    for (const { summary } of touched.told.filter(({ kind }) => kind === "resolve")) {
      expect(spans.some((span) => summary.startsWith(`RESOLVED after ${span}:`))).toBe(true);
    }
  },
);
