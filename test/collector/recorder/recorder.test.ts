import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openRecorder } from "../../../collector/recorder/recorder.ts";
import { limits, Queue } from "../../../collector/recorder/write-queue.ts";
import { currentOutcome, pending } from "../../../core/confirmation.ts";
import { StoreUnavailable } from "../../../core/errors.ts";
import type { Incident } from "../../../core/incident.ts";
import type { JudgedSample, SampleJudge } from "../../../core/judge.ts";
import { jsonLog } from "../../../core/log.ts";
import type { Outcome, Sample } from "../../../core/sample.ts";
import type { Changes } from "../../../core/store/changes.ts";
import type { RequestStore } from "../../../core/store/requests.ts";
import type { Store } from "../../../core/store/store.ts";
import type { Check } from "../../../core/target.ts";
import { openSqliteStore } from "../../../store/sqlite/sqlite.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { noticeOf, opening, sampleAt } from "../../helpers/store-contract/scene.ts";

const check = (id: string, everySeconds = 60): Check => ({
  target: "mastodon",
  id,
  probe: "http",
  everySeconds,
  timeoutSeconds: 10,
  required: true,
  confirm: { failures: 3, retrySeconds: 20, successes: 2, recoverySeconds: 20 },
  thresholds: [],
  options: {},
});
const key = "mastodon/web";

/** A recorder on a store that can be told to fail, with everything it says and asks written down. */
async function setup(
  options: { readonly store?: Store; readonly clock?: FakeClock; readonly judge?: Partial<SampleJudge> } = {},
) {
  const clock = options.clock ?? new FakeClock();
  const inner = options.store ?? (await openSqliteStore(":memory:"));
  const commits: Changes[] = [];
  const failures: { next: unknown } = { next: undefined };
  const store: Store = Object.create(inner, {
    commit: {
      async value(changes: Changes) {
        if (failures.next) throw failures.next;
        const done = await inner.commit(changes);
        commits.push(changes);
        return done;
      },
    },
    maintain: { value: (now: Temporal.Instant) => inner.maintain(now) },
  });
  const lines: string[] = [];
  const asked: JudgedSample[] = [];
  const committed: (readonly Incident[])[] = [];
  const stored: Sample[] = [];
  const recorder = await openRecorder({
    requests: {},
    store,
    clock,
    log: jsonLog(
      (line) => lines.push(line),
      () => clock.now(),
    ),
    checks: [check("feed"), check("web")],
    vantagePoint: "toronto",
    judge: {
      consider(event) {
        asked.push(event);
        return options.judge?.consider?.(event);
      },
      committed(opened) {
        committed.push(opened);
        return options.judge?.committed?.(opened);
      },
    },
    onStored: (samples) => stored.push(...samples),
  });
  const failing = (message = "the disk is full") => {
    failures.next = new StoreUnavailable(message);
  };
  const mended = () => {
    failures.next = undefined;
  };
  return { clock, store: inner, recorder, commits, lines, asked, committed, stored, failing, mended, failures };
}

/** Runs the loop while time goes on, and ends it properly. */
async function running(world: Awaited<ReturnType<typeof setup>>, during: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const loop = world.recorder.run(stop.signal);
  await during();
  stop.abort(new Error("the test is over"));
  await loop;
}

const record = (world: Awaited<ReturnType<typeof setup>>, runs: readonly [seconds: number, outcome: Outcome][]) => {
  for (const [seconds, outcome] of runs) world.recorder.record(sampleAt(seconds, { outcome }));
};

test("samples of one second are committed together, and reported only then", async () => {
  const world = await setup();
  await running(world, async () => {
    record(world, [
      [0, "up"],
      [60, "up"],
    ]);
    expect(world.commits).toEqual([]);
    expect(world.stored).toEqual([]);
    await world.clock.turn(1.5);
    expect(world.commits).toHaveLength(1);
    expect(world.stored).toEqual([sampleAt(0), sampleAt(60)]);
    await world.clock.turn(10);
    expect(world.commits).toHaveLength(1);
  });
});

test("a confirmed change is committed at once, with what was decided, in one transaction", async () => {
  const judge = {
    consider: ({ change }: JudgedSample): Changes | undefined =>
      change && { incidents: [opening("mastodon", (id) => [noticeOf(`page-${id}`, { incident: id })])] },
    committed: (opened: readonly Incident[]): Changes | undefined =>
      opened.length > 0 ? { notices: [noticeOf(`follow-up-${opened[0]?.id}`)] } : undefined,
  };
  const world = await setup({ judge });
  record(world, [
    [0, "up"],
    [60, "down"],
    [80, "down"],
    [100, "down"],
  ]);
  expect(world.commits).toEqual([]);
  await world.recorder.flush();
  expect(world.commits).toHaveLength(2);
  const [confirming, followUp] = world.commits;
  expect(confirming?.samples).toHaveLength(4);
  expect(confirming?.transitions?.map(({ at, outcome }) => [at.toString(), outcome])).toEqual([
    ["2026-11-23T12:00:00Z", "up"],
    ["2026-11-23T12:01:00Z", "down"],
  ]);
  expect(confirming?.confirmations).toMatchObject([{ check: "web", confirmation: { down: { on: true } } }]);
  expect(confirming?.incidents).toHaveLength(1);
  expect(followUp?.notices).toMatchObject([{ key: "follow-up-1" }]);
  expect((await world.store.outbox.recent(5)).map(({ key }) => key)).toEqual(["follow-up-1", "page-1"]);
  expect(world.committed.map((opened) => opened.map(({ id }) => id))).toEqual([[1]]);
  expect(world.asked.map(({ change }) => change?.to)).toEqual([undefined, undefined, undefined, "down"]);
});

test("a change needs no loop to be committed", async () => {
  const world = await setup();
  record(world, [
    [0, "up"],
    [60, "down"],
    [80, "down"],
    [100, "down"],
  ]);
  await world.clock.turn(0);
  expect(world.stored).toHaveLength(4);
});

test("fail counters survive a restart, and nobody is asked about the past again", async () => {
  const clock = new FakeClock();
  const before = await setup({ clock });
  record(before, [
    [0, "up"],
    [60, "up"],
    [120, "down"],
    [140, "down"],
  ]);
  await before.recorder.flush();
  const after = await setup({ clock, store: before.store });
  const confirmation = after.recorder.confirmationOf(key);
  expect(confirmation && pending(confirmation)).toBe("failing");
  expect(after.asked).toEqual([]);
  record(after, [[160, "down"]]);
  await after.recorder.flush();
  expect(after.asked).toMatchObject([{ change: { from: "up", to: "down" } }]);
  const transitions = await after.store.judgements.transitions({ from: sampleAt(0).at, to: sampleAt(9999).at });
  expect(
    transitions.map(({ at, outcome }) => [at.epochMilliseconds - sampleAt(0).at.epochMilliseconds, outcome]),
  ).toEqual([
    [0, "up"],
    [120_000, "down"],
  ]);
});

test("samples after the last written confirmation are replayed", async () => {
  const world = await setup();
  record(world, [[0, "up"]]);
  await world.recorder.flush();
  // What a process that was killed in between could leave: samples, but no confirmation about them.
  await world.store.commit({ samples: [sampleAt(60, { outcome: "down" }), sampleAt(80, { outcome: "down" })] });
  const next = await setup({ store: world.store });
  expect(next.recorder.confirmationOf(key)).toMatchObject({
    down: { run: 2, runStart: sampleAt(60).at.epochMilliseconds },
  });
  record(next, [[100, "down"]]);
  expect(next.asked).toMatchObject([{ change: { to: "down" } }]);
});

test("failures that come and go are counted on after a restart, good results between them too", async () => {
  const clock = new FakeClock();
  const before = await setup({ clock });
  const turns = (first: number, count: number) =>
    Array.from({ length: 3 * count }, (_, run): [number, Outcome] => [
      20 * (3 * first + run),
      run % 3 === 0 ? "down" : "up",
    ]);
  record(before, turns(0, 5));
  await before.recorder.flush();
  const after = await setup({ clock, store: before.store });
  const failures = (world: typeof after) => world.recorder.confirmationOf(key)?.intermittence;
  expect(failures(after)).toEqual(failures(before));
  record(after, turns(5, 1));
  expect(after.asked.map(({ change }) => change?.to)).toEqual(["degraded", undefined, undefined]);
});

test("time away counts as unknown, and fires nothing", async () => {
  const world = await setup();
  record(world, [
    [0, "up"],
    [60, "up"],
  ]);
  await world.recorder.flush();
  const next = await setup({ store: world.store });
  record(next, [[7200, "up"]]);
  await next.recorder.flush();
  expect(next.asked).toHaveLength(1);
  expect(next.asked[0]?.change).toBeUndefined();
  record(next, [[7260, "up"]]);
  await next.recorder.flush();
  const transitions = await next.store.judgements.transitions({ from: sampleAt(0).at, to: sampleAt(99_999).at });
  expect(
    transitions.map(({ at, outcome }) => [at.epochMilliseconds - sampleAt(0).at.epochMilliseconds, outcome]),
  ).toEqual([
    [0, "up"],
    [120_000, "unknown"],
    [7_200_000, "up"],
  ]);
});

test("a wall clock that jumps changes neither order nor count", async () => {
  const world = await setup();
  const runs: [number, Outcome, number?][] = [
    [0, "up"],
    [60, "down", 60],
    [3680, "down", 20],
    [3700, "down", 20],
    [120, "down", 20],
    [180, "down", 60],
  ];
  for (const [seconds, outcome, since] of runs) {
    world.recorder.record(sampleAt(seconds, { outcome, ...(since !== undefined && { sinceLastSeconds: since }) }));
  }
  await world.recorder.flush();
  expect(world.asked.filter(({ change }) => change)).toHaveLength(1);
  const transitions = await world.store.judgements.transitions({ from: sampleAt(0).at, to: sampleAt(9999).at });
  const times = transitions.map(({ at }) => at.epochMilliseconds);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test("a store that fails loses nothing, is said once, and is caught up with", async () => {
  const world = await setup();
  await running(world, async () => {
    world.failing();
    for (let minute = 0; minute < 10; minute++) {
      record(world, [[minute * 60, "up"]]);
      await world.clock.turn(60);
    }
    expect(world.recorder.failing()).toBe("the disk is full (since 2026-11-23T12:00:01Z; 10 samples wait)");
    expect(world.stored).toEqual([]);
    expect(world.recorder.checks()[1]?.last).toEqual(sampleAt(540));
    await expect(world.recorder.flush()).rejects.toThrow("the disk is full");
    world.mended();
    await world.clock.turn(31);
    expect(world.recorder.failing()).toBeUndefined();
    expect(world.stored).toHaveLength(10);
  });
  const messages = world.lines.map((line) => JSON.parse(line).message);
  expect(messages).toEqual(["the store cannot be used; samples wait in memory", "the store can be used again"]);
});

test("a store that cannot be read fails though nothing waits for it, and is used again", async () => {
  const inner = await openSqliteStore(":memory:");
  const failure = { message: "" };
  const read = inner.requests.waiting;
  const waiting: RequestStore["waiting"] = async (...which) => {
    if (failure.message !== "") throw new StoreUnavailable(failure.message);
    return read(...which);
  };
  const world = await setup({ store: Object.assign(inner, { requests: { ...inner.requests, waiting } }) });
  await running(world, async () => {
    failure.message = "its file is gone";
    await world.clock.turn(1);
    expect(world.recorder.failing()).toBe("its file is gone (since 2026-11-23T12:00:01Z; 0 samples wait)");
    failure.message = "its file is damaged";
    await world.clock.turn(60);
    failure.message = "";
    await world.clock.turn(31);
    expect(world.recorder.failing()).toBeUndefined();
  });
  const messages = world.lines.map((line) => JSON.parse(line)).map(({ message, error }) => [message, error?.message]);
  expect(messages).toEqual([
    ["the store cannot be used; samples wait in memory", "its file is gone"],
    ["the store still cannot be used", "its file is damaged"],
    ["the store can be used again", undefined],
  ]);
});

test("what is decided while the store fails is still one transaction with its sample", async () => {
  const judge = { consider: ({ change }: JudgedSample) => change && { incidents: [opening("mastodon")] } };
  const world = await setup({ judge });
  world.failing();
  record(world, [
    [0, "up"],
    [60, "down"],
    [80, "down"],
    [100, "down"],
  ]);
  await expect(world.recorder.flush()).rejects.toThrow();
  expect(world.committed).toEqual([]);
  world.mended();
  await world.recorder.flush();
  expect(world.commits).toHaveLength(1);
  expect(world.commits[0]).toMatchObject({ incidents: [{ change: "open" }] });
});

test("what is decided without a sample waits for the store as well, behind what came before", async () => {
  const world = await setup();
  world.failing();
  record(world, [[0, "up"]]);
  world.recorder.include({ incidents: [opening("mastodon")] });
  world.recorder.include(undefined);
  await expect(world.recorder.flush()).rejects.toThrow();
  expect(world.committed).toEqual([]);
  world.mended();
  await world.recorder.flush();
  expect(world.stored).toHaveLength(1);
  expect(world.commits[0]).toMatchObject({ samples: [{ outcome: "up" }], incidents: [{ change: "open" }] });
});

test("a decision that cannot be stored does not keep the samples from the disk", async () => {
  const poison = () => {
    throw new Error("no words");
  };
  const judge = { consider: ({ change }: JudgedSample) => change && { incidents: [opening("mastodon", poison)] } };
  const world = await setup({ judge });
  record(world, [
    [0, "up"],
    [60, "down"],
    [80, "down"],
    [100, "down"],
    [160, "down"],
  ]);
  await world.recorder.flush();
  expect(await world.store.samples.since(sampleAt(-1).at)).toHaveLength(5);
  expect(await world.store.incidents.list({})).toEqual([]);
  expect(world.lines.map((line) => JSON.parse(line).message)).toEqual([
    "what was decided about a sample cannot be stored",
  ]);
  expect(world.recorder.dropped()).toEqual({ samples: 0, decisions: 1 });
});

test("whoever keeps what is stored of transitions is told of more when it is on the disk, also in commits of one", async () => {
  const poison = () => {
    throw new Error("no words");
  };
  const judge = { consider: ({ change }: JudgedSample) => change && { incidents: [opening("mastodon", poison)] } };
  const world = await setup({ judge });
  world.failing();
  record(world, [
    [0, "up"],
    [60, "up"],
  ]);
  await expect(world.recorder.flush()).rejects.toThrow("the disk is full");
  expect(world.recorder.stored).toBe(0);
  world.mended();
  await world.recorder.flush();
  const first = world.recorder.stored;
  expect(first).toBeGreaterThan(0);
  record(world, [[120, "up"]]);
  await world.recorder.flush();
  expect(world.recorder.stored).toBe(first);
  record(world, [
    [180, "down"],
    [200, "down"],
    [220, "down"],
  ]);
  await world.recorder.flush();
  expect(world.lines.join()).toContain("what was decided about a sample cannot be stored");
  expect(world.commits.at(-1)?.transitions).toMatchObject([{ outcome: "down" }]);
  expect(world.recorder.stored).toBeGreaterThan(first);
});

test("a judge that fails on a sample is logged, and the sample stored", async () => {
  const world = await setup({
    judge: {
      consider() {
        throw new Error("confused");
      },
    },
  });
  record(world, [[0, "up"]]);
  await world.recorder.flush();
  expect(world.stored).toHaveLength(1);
  expect(world.lines.join("")).toContain("confused");
  expect(world.recorder.dropped()).toEqual({ samples: 0, decisions: 1 });
});

test("a confirmation is written when it is open and once after, and otherwise every hour", async () => {
  const world = await setup();
  const counts: number[] = [];
  const outcomes: Outcome[] = ["up", "up", "up", "down", "up", "up", "unknown", "up", "up"];
  for (const [index, outcome] of outcomes.entries()) {
    record(world, [[index * 60, outcome]]);
    await world.recorder.flush();
    counts.push(world.commits.at(-1)?.confirmations?.length ?? 0);
  }
  // First sample, first transition and one after, the failure, its end, the transitions to unknown and back.
  expect(counts).toEqual([1, 1, 1, 1, 1, 0, 1, 1, 1]);
  for (let minute = 10; minute < 130; minute++) {
    await world.clock.turn(60);
    record(world, [[minute * 60, "up"]]);
  }
  await world.recorder.flush();
  const written = world.commits.slice(outcomes.length).flatMap(({ confirmations }) => confirmations ?? []);
  expect(written).toHaveLength(1);
});

test("checks stand in the order of the configuration, with the newest sample of an earlier process", async () => {
  const world = await setup();
  record(world, [[0, "up"]]);
  await world.recorder.flush();
  const next = await setup({ store: world.store });
  expect(next.recorder.checks().map(({ check, last }) => [check, last])).toEqual([
    ["feed", undefined],
    ["web", sampleAt(0)],
  ]);
});

test("samples of a check that is no longer configured are ignored, and it comes back as it was", async () => {
  const world = await setup();
  record(world, [
    [0, "up"],
    [60, "down"],
    [80, "down"],
  ]);
  world.recorder.reconfigure([check("feed")]);
  record(world, [[100, "down"]]);
  world.recorder.record(sampleAt(100, { target: "nobody" }));
  await world.recorder.flush();
  expect(world.stored).toHaveLength(3);
  expect(world.recorder.confirmationOf(key)).toBeUndefined();
  world.recorder.reconfigure([check("web"), check("feed")]);
  record(world, [[120, "down"]]);
  expect(currentOutcome(world.recorder.confirmationOf(key) ?? expect.fail())).toBe("down");
  expect(world.recorder.checks().map(({ check }) => check)).toEqual(["web", "feed"]);
});

test("a check that comes back after a restart was measured until its newest sample", async () => {
  const world = await setup();
  for (let minute = 0; minute < 30; minute++) record(world, [[minute * 60, "up"]]);
  await world.recorder.flush();
  const next = await setup({ store: world.store });
  next.recorder.reconfigure([check("feed")]);
  const third = await setup({ store: world.store });
  third.recorder.reconfigure([check("feed"), check("web")]);
  record(third, [[1800, "up"]]);
  await third.recorder.flush();
  expect(await third.store.judgements.transitions({ from: sampleAt(1).at, to: sampleAt(9999).at })).toHaveLength(1);
});

test("everything recorded before the end is on the disk after it", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-recorder-"));
  const file = join(folder.path, "tidewatch.db");
  {
    await using store = await openSqliteStore(file);
    const world = await setup({ store });
    await running(world, async () => record(world, [[0, "up"]]));
    record(world, [[60, "up"]]);
    await world.recorder[Symbol.asyncDispose]();
  }
  await using store = await openSqliteStore(file);
  expect(await store.samples.since(sampleAt(-1).at)).toHaveLength(2);
});

test("hours are derived and trimmed while the recorder runs", async () => {
  const store = await openSqliteStore(":memory:");
  const world = await setup({ store });
  await running(world, async () => {
    for (let minute = 0; minute < 100; minute++) {
      record(world, [[minute * 60, "up"]]);
      await world.clock.turn(60);
    }
  });
  const [hour] = await store.rollups({ target: "mastodon", check: "web" }, "hour", {
    from: sampleAt(0).at,
    to: sampleAt(3600).at,
  });
  expect(hour).toMatchObject({ runs: 60, seconds: { up: 3600 } });
});

test("the queue gives up evidence first, then old good news, and never what was decided", () => {
  const queue = new Queue();
  const evidence = "<html>";
  queue.push({ sample: sampleAt(0, { outcome: "down", evidence }) });
  queue.push({ sample: sampleAt(1), decided: {} });
  for (let index = 2; index < limits.entries; index++) queue.push({ sample: sampleAt(index) });
  expect(queue.dropped).toBe(0);
  queue.push({ sample: sampleAt(limits.entries, { outcome: "down", evidence }) });
  expect(queue.length).toBe(limits.entries - limits.entries / 100);
  expect(queue.dropped).toBe(limits.entries / 100 + 1);
  const [first, second, third] = queue.removeOldest(3);
  expect(first?.sample?.outcome).toBe("down");
  expect(first?.sample).not.toHaveProperty("evidence");
  expect(second?.decided).toBeDefined();
  expect(third?.sample?.at).toEqual(sampleAt(limits.entries / 100 + 3).at);
  expect(queue.removeOldest(limits.entries).at(-1)?.sample?.evidence).toBe(evidence);
});
