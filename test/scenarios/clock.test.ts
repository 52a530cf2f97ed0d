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
import type { Outcome } from "../../core/sample.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { check, noHttp, onCall, signingKey, target } from "../alerts/world.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

/** Schedule, recorder, judge and delivery on one store and one clock: all that a jump of the wall clock could confuse. */
async function setup() {
  const clock = new FakeClock();
  const store = await openSqliteStore(":memory:");
  const targets = [target("mastodon", "Mastodon", [check("mastodon", "web")])];
  const checks = targets.flatMap((one) => one.checks);
  const told: { readonly kind: string; readonly contact: string; readonly atSeconds: number }[] = [];
  const runs: number[] = [];
  let outcome: Outcome = "up";
  const email: Channel = defineChannel({
    summary: "Remembers.",
    options: z.strictObject({}),
    example: {},
    address: z.string(),
    residency: "own",
    open: async () => ({
      deliver: async ({ kind, to }) => {
        told.push({ kind, contact: to.id, atSeconds: clock.monotonicSeconds() });
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
    becomes(next: Outcome) {
      outcome = next;
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

/** What happened when nobody touched the clock, and what happened when somebody did. */
async function outage(jumps: Readonly<Record<number, number>>) {
  await using world = await setup();
  const second = async (at: number) => {
    world.clock.jump(jumps[at] ?? 0);
    if (at === 180) world.becomes("down");
    if (at === 1500) world.becomes("up");
    await world.clock.turn(1);
  };
  for (let at = 0; at < 1800; at++) await second(at);
  const incidents = await world.store.incidents.list({});
  return { told: world.told, runs: world.runs, states: incidents.map(({ state }) => state) };
}

test.each([
  ["an hour ahead before the outage", { 100: 3600 }],
  ["an hour back before the outage", { 100: -3600 }],
  ["an hour ahead while it is made sure of", { 215: 3600 }],
  ["an hour back while it is made sure of", { 215: -3600 }],
  ["ahead and back between page and escalation", { 400: 3600, 700: -3600 }],
  ["an hour back just before the recovery", { 1490: -3600 }],
])("the wall clock is set %s: the same pages, in the same order, at the same moments", async (_, jumps) => {
  const untouched = await outage({});
  expect(untouched.told.map(({ kind, contact }) => `${kind} ${contact}`)).toEqual([
    "page contractor",
    "escalation techops",
    "resolve contractor",
    "resolve techops",
  ]);
  const touched = await outage(jumps);
  expect(touched.runs).toEqual(untouched.runs);
  expect(touched.states).toEqual(["resolved"]);
  expect(touched.told.map(({ kind, contact }) => `${kind} ${contact}`)).toEqual(
    untouched.told.map(({ kind, contact }) => `${kind} ${contact}`),
  );
  for (const [index, { atSeconds }] of touched.told.entries()) {
    expect(Math.abs(atSeconds - (untouched.told[index]?.atSeconds ?? 0))).toBeLessThanOrEqual(2);
  }
});
