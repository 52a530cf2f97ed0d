/** The heartbeat probe: calls of jobs heard over HTTP, kept in a real store; late is down, whatever was restarted. */
import { expect, test } from "vitest";
import { type Heartbeats, openHeartbeats } from "../../collector/recorder/received-heartbeats.ts";
import { StoreUnavailable } from "../../core/errors.ts";
import { heartbeatToken } from "../../core/heartbeat.ts";
import { sameInAll } from "../../core/language.ts";
import { silentLog } from "../../core/log.ts";
import type { Store } from "../../core/store/store.ts";
import type { Check } from "../../core/target.ts";
import { publicApp } from "../../dashboards/server.ts";
import probe from "../../probes/heartbeat.ts";
import { openReports } from "../../reports/reports.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { aCheck, aSample } from "../helpers/checks.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { quietOutbox } from "../helpers/quiet-outbox.ts";
import { runProbe } from "../helpers/run-probe.ts";

const backup = aCheck({ target: "database", id: "backup", probe: "heartbeat" });
const job = { target: "database", check: "backup", version: 1 };
const nightly = { expectEvery: "1d", grace: "1h", mayRun: "2h" };
const hour = 3600;

async function setup() {
  const store = await openSqliteStore(":memory:");
  const clock = new FakeClock();
  const token = heartbeatToken(job, await store.keys.signing("heartbeat"));
  return {
    ...(await listening(store, clock)),
    store,
    clock,
    token,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** A process that listens; a second one on the same store is that after a restart. */
async function listening(store: Store, clock: FakeClock, checks: readonly Check[] = [backup]) {
  const heartbeats = await openHeartbeats({ store, clock, checks });
  await heartbeats.begin();
  const app = publicApp({
    settings: () => ({
      organisation: { name: sameInAll("Co-op"), languages: ["en"], timeZone: "UTC" },
      contacts: [],
      baseUrl: "https://status.example",
    }),
    pages: { get: () => undefined, changed() {} },
    store,
    clock,
    log: silentLog,
    practice: false,
    health: () => ({}),
    reports: openReports({ store, clock, targets: () => [], ...quietOutbox }),
    heartbeats,
  });
  const call = (path: string, request?: RequestInit) => app.request(`/h/${path}`, request);
  const memory = new Map<string, unknown>();
  const look = () => runProbe(probe, nightly, { clock, memory, ...receivedOf(heartbeats) });
  return { heartbeats, call, look };
}

function receivedOf(heartbeats: Heartbeats) {
  const heartbeat = heartbeats.received().get("database/backup");
  return heartbeat ? { heartbeat } : {};
}

test("a job that calls in time is up, one that is late is down, and its next call mends it", async () => {
  await using setting = await setup();
  const { clock, call, look, token } = setting;
  expect(await look()).toMatchObject({ outcome: "up", reason: "waits for the first call" });
  expect((await call(token)).status).toBe(200);
  await clock.turn(25 * hour - 1);
  expect(await look()).toMatchObject({ outcome: "up" });
  await clock.turn(2);
  expect(await look()).toMatchObject({
    outcome: "down",
    reason: expect.stringMatching(/^last called \d{4}-\d\d-\d\d \d\d:\d\d UTC, expected every 1d$/),
    explanation: { fr: expect.stringContaining("tâche") },
  });
  await call(token, { method: "POST" });
  expect(await look()).toMatchObject({ outcome: "up" });
});

test("one that never calls at all is down once it should have", async () => {
  await using setting = await setup();
  const { clock, look } = setting;
  await clock.turn(26 * hour);
  expect(await look()).toMatchObject({ outcome: "down", reason: expect.stringContaining("has never called since") });
});

test("what the job says is what is found: begun, ended with a code, said why", async () => {
  await using setting = await setup();
  const { clock, call, look, token } = setting;
  await call(`${token}/start`);
  await clock.turn(90);
  await call(`${token}/3`, { method: "POST", body: "copying…\n\u001b[31mno space left on device\u001b[0m" });
  const failed = await look();
  expect(failed).toMatchObject({ outcome: "down", reason: expect.stringMatching(/failed \(exit code 3\)$/) });
  expect(failed.evidence).toBe("the job said:\ncopying…\nno space left on device");
  expect(failed.readings).toEqual([{ metric: "heartbeat_run_seconds", value: 90 }]);

  await call(`${token}/start`);
  expect(await look(), "a new beginning mends nothing").toMatchObject({ outcome: "down" });
  await call(`${token}/0`);
  expect(await look()).toMatchObject({ outcome: "up" });
  await call(`${token}/fail`);
  expect(await look()).toMatchObject({ outcome: "down", reason: expect.stringContaining("exit code 1") });
});

test("a run that does not end is found", async () => {
  await using setting = await setup();
  const { clock, call, look, token } = setting;
  await call(token);
  await call(`${token}/start`);
  await clock.turn(2 * hour);
  expect(await look()).toMatchObject({ outcome: "up" });
  await clock.turn(1);
  expect(await look()).toMatchObject({
    outcome: "down",
    reason: expect.stringMatching(/^a run began .* has not ended/),
  });
});

test("calls survive a restart, and a short one excuses nobody", async () => {
  await using setting = await setup();
  const { clock, call, store, token } = setting;
  await call(token);
  await store.commit({ samples: [aSample(backup, clock.now())] });
  await clock.turn(20);
  const after = await listening(store, clock);
  await clock.turn(24 * hour);
  expect(await after.look()).toMatchObject({ outcome: "up" });
  await clock.turn(hour);
  expect(await after.look()).toMatchObject({ outcome: "down" });
});

test("a call that may have come while nobody listened is not held against the job, until the next one is due", async () => {
  await using setting = await setup();
  const { clock, call, store, token } = setting;
  await call(token);
  await store.commit({ samples: [aSample(backup, clock.now())] });
  await clock.turn(26 * hour);
  const after = await listening(store, clock);
  expect(await after.look()).toMatchObject({
    outcome: "unknown",
    reason: expect.stringContaining("we were not listening"),
  });
  await clock.turn(25 * hour + 1);
  expect(await after.look()).toMatchObject({ outcome: "down" });
});

test("what was late before we stopped listening stays down", async () => {
  await using setting = await setup();
  const { clock, call, store, token } = setting;
  await call(token);
  await clock.turn(26 * hour);
  await store.commit({ samples: [aSample(backup, clock.now())] });
  await clock.turn(hour);
  const after = await listening(store, clock);
  expect(await after.look()).toMatchObject({ outcome: "down" });
});

test("a wall clock that jumps makes nobody late", async () => {
  await using setting = await setup();
  const { clock, call, look, token } = setting;
  await call(token);
  await look();
  clock.jump(48 * hour);
  expect(await look()).toMatchObject({ outcome: "up" });
});

test("an address that is not ours is nothing at all, and costs the store nothing", async () => {
  await using setting = await setup();
  const { token, clock, store } = setting;
  const asked: string[] = [];
  const watched = through(store, (name) => asked.push(name));
  const { call } = await listening(watched, clock);
  const [target, check, mac = ""] = token.split(".");
  const altered = `${target}.${check}.${mac.startsWith("A") ? "B" : "A"}${mac.slice(1)}`;
  asked.length = 0;
  const wrong = ["", "nothing", altered, `${target}.other.${mac}`, `${token}x`, "x".repeat(5000), "%00"];
  const answers = await Promise.all(wrong.map((path) => call(path, { method: "POST", body: "x" })));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
  expect(asked).toEqual([]);
});

test("a check that is no longer configured is no longer heard", async () => {
  await using setting = await setup();
  const { call, heartbeats, token } = setting;
  await heartbeats.reconfigure([]);
  expect((await call(token)).status).toBe(404);
  await heartbeats.reconfigure([backup]);
  expect((await call(token)).status).toBe(200);
});

test("a check that is put back after a month is expected anew, in one process or after restarts", async () => {
  await using setting = await setup();
  const { clock, call, heartbeats, look, store, token } = setting;
  await call(token);
  await heartbeats.reconfigure([]);
  await clock.turn(30 * 24 * hour);
  await heartbeats.reconfigure([backup]);
  expect(await look()).toMatchObject({ outcome: "up", reason: "waits for the first call" });
  await call(`${token}/1`);
  expect(await look()).toMatchObject({ outcome: "down" });

  await listening(store, clock, []);
  await clock.turn(30 * 24 * hour);
  const after = await listening(store, clock);
  expect(await after.look()).toMatchObject({ outcome: "up", reason: "waits for the first call" });
  await clock.turn(26 * hour);
  expect(await after.look()).toMatchObject({ outcome: "down", reason: expect.stringContaining("has never called") });
});

test("a start that fails before anybody can call expects nothing", async () => {
  await using store = await openSqliteStore(":memory:");
  const clock = new FakeClock();
  await openHeartbeats({ store, clock, checks: [backup] });
  expect(await store.heartbeats.list()).toEqual([]);
  await clock.turn(3 * 24 * hour);
  const { look } = await listening(store, clock);
  expect(await look()).toMatchObject({ outcome: "up", reason: "waits for the first call" });
});

test("a process that listened and measured nothing has heard what it heard, and is excused for the time after", async () => {
  await using setting = await setup();
  const { clock, call, store, token } = setting;
  await clock.turn(hour);
  await call(token);
  await clock.turn(3 * 24 * hour);
  const after = await listening(store, clock);
  expect(await after.look()).toMatchObject({
    outcome: "unknown",
    reason: expect.stringContaining("we were not listening"),
  });
});

test("an address that became known is taken back by another version, and what was said stays", async () => {
  await using setting = await setup();
  const { call, heartbeats, look, store, token } = setting;
  await call(token);
  await heartbeats.reconfigure([{ ...backup, options: probe.options.parse({ ...nightly, version: 2 }) }]);
  expect((await call(token)).status).toBe(404);
  const second = heartbeatToken({ ...job, version: 2 }, await store.keys.signing("heartbeat"));
  expect((await look()).readings).toEqual([
    { metric: "heartbeat_success_timestamp_seconds", value: expect.any(Number) },
  ]);
  expect((await call(second)).status).toBe(200);
  await heartbeats.reconfigure([backup]);
  expect([(await call(second)).status, (await call(token)).status]).toEqual([404, 200]);
});

test("a word that is none of ours is refused, and says which there are", async () => {
  await using setting = await setup();
  const { call, token, look } = setting;
  for (const word of ["finished", "256", "-1", "1e2"]) {
    const answer = await call(`${token}/${word}`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain("/fail");
  }
  expect(await look()).toMatchObject({ reason: "waits for the first call" });
});

test("a flood of output is a call all the same, and only its end is kept", async () => {
  await using setting = await setup();
  const { call, token, look } = setting;
  const flood = `${"x".repeat(90_000)}\nthe reason`;
  expect((await call(`${token}/1`, { method: "POST", body: flood })).status).toBe(200);
  const { evidence = "" } = await look();
  expect(evidence.length).toBeLessThanOrEqual(2000);
  expect((await call(`${token}/1`, { method: "POST", body: "y".repeat(3_000_000) })).status).toBe(200);
});

test("a job in a loop is slowed down", async () => {
  await using setting = await setup();
  const { call, token } = setting;
  const statuses = [];
  for (let index = 0; index < 40; index++) statuses.push((await call(token)).status);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(5);
});

test("a call that cannot be kept is not confirmed, so that the job tries again", async () => {
  await using setting = await setup();
  const { clock, store, token } = setting;
  const { call } = await listening(
    through(store, (name) => {
      if (name === "heartbeats.keep" && clock.monotonicSeconds() > 0) throw new StoreUnavailable("the disk is full");
    }),
    clock,
  );
  await clock.turn(1);
  expect((await call(token)).status).toBe(503);
});

/** The same store, or a port of it, with something that happens before each call. */
function through<Kept extends object>(kept: Kept, before: (name: string) => unknown): Kept {
  return new Proxy(kept, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value === "object" && value !== null)
        return through(value, (method) => before(`${String(name)}.${method}`));
      if (typeof value !== "function") return value;
      return async (...values: unknown[]) => {
        before(String(name));
        return Reflect.apply(value, target, values);
      };
    },
  });
}

test("where nobody listens, nothing is measured", async () => {
  expect(await runProbe(probe, nightly)).toMatchObject({ outcome: "unknown" });
});
