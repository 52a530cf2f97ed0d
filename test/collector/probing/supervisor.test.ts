import { expect, test } from "vitest";
import { openProbing, type ProbingParts, type ProbingStart } from "../../../collector/probing/supervisor.ts";
import type { Clock } from "../../../core/clock.ts";
import { advance, noConfirmation } from "../../../core/confirmation.ts";
import type { CheckKey, Sample } from "../../../core/sample.ts";
import { systemClock } from "../../../program/system-clock.ts";
import { tcpServer } from "../../helpers/servers.ts";
import { watchStarvation } from "../../helpers/starvation.ts";
import { testLog } from "../../helpers/test-log.ts";

const entry = new URL("../../helpers/probing-worker.ts", import.meta.url);

interface Written {
  readonly id: string;
  readonly probe: string;
  readonly everySeconds?: number;
  readonly url?: string;
}

const startWith = (checks: readonly Written[], broken = false): ProbingStart => ({
  text: JSON.stringify({ checks: checks.map((check) => ({ everySeconds: 0.2, ...check })), broken }),
  file: "tidewatch.yaml",
  version: "1.2.3",
});

function setup(start: ProbingStart, wishes: Partial<ProbingParts> = {}) {
  const log = testLog();
  const samples: Sample[] = [];
  let moves = 0;
  const lags: number[] = [];
  const parts: ProbingParts = {
    entry,
    start,
    clock: systemClock,
    log,
    onSample: (sample) => samples.push(sample),
    onLag: (seconds) => lags.push(seconds),
    onMoved: () => {
      moves += 1;
    },
    ...wishes,
  };
  const seen = (id: string, least = 1) =>
    expect.poll(() => samples.filter(({ check }) => check === id).length).toBeGreaterThanOrEqual(least);
  return { parts, log, samples, lags, moves: () => moves, seen };
}

test("samples cross the threads as they were measured", async () => {
  const { parts, seen, samples, lags, moves } = setup(startWith([{ id: "web", probe: "good" }]));
  await using _probing = await openProbing(parts);
  await seen("web", 2);
  expect(samples[0]).toMatchObject({
    target: "mastodon",
    check: "web",
    vantagePoint: "thread",
    outcome: "up",
    readings: [{ metric: "answer", value: 42, labels: { of: "all" } }],
  });
  expect(samples[0]?.at).toBeInstanceOf(Temporal.Instant);
  expect(samples[1]?.sinceLastSeconds).toBeGreaterThan(0);
  expect(moves()).toBeGreaterThan(0);
  expect(lags.length).toBeGreaterThanOrEqual(2);
});

test("another configuration is taken while it runs; a broken one is refused and changes nothing", async () => {
  const { parts, seen, samples } = setup(startWith([{ id: "web", probe: "good" }]));
  await using probing = await openProbing(parts);
  await seen("web");
  await expect(probing.reconfigure(startWith([], true))).rejects.toThrow("tidewatch.yaml:3:1: this is broken");
  const before = samples.length;
  await seen("web", before + 1);
  await probing.reconfigure(startWith([{ id: "api", probe: "bad" }]));
  await seen("api");
});

test("a configuration that is broken from the start is told to whoever starts", async () => {
  const { parts } = setup(startWith([], true));
  await expect(openProbing(parts)).rejects.toThrow("this is broken");
});

test("a thread that dies is replaced, and the confirmation under way goes on", async () => {
  const policy = { everySeconds: 36_000, failures: 3, successes: 2 };
  const at = Temporal.Now.instant().epochMilliseconds - 60_000;
  const { confirmation } = advance(noConfirmation, { at, outcome: "down" }, policy);
  const confirmations = new Map<CheckKey, typeof confirmation>([["mastodon/slow", confirmation]]);
  const checks = [
    { id: "slow", probe: "bad", everySeconds: 36_000 },
    { id: "web", probe: "crashing", everySeconds: 0.5 },
  ];
  const { parts, seen, samples, log } = setup(startWith(checks), { confirmations });
  await using _probing = await openProbing(parts);
  await seen("slow");
  await expect
    .poll(() => log.lines)
    .toContainEqual(expect.objectContaining({ level: "error", message: "probing thread died, starting it again" }));
  const before = samples.length;
  await expect.poll(() => samples.length).toBeGreaterThan(before);
  expect(samples.filter(({ check }) => check === "slow")).toHaveLength(1);
});

test("a thread that spins is ended and replaced", async () => {
  // A minute passes in six seconds, so that nobody has to wait long for the guard.
  const fast: Clock = {
    ...systemClock,
    monotonicSeconds: () => systemClock.monotonicSeconds() * 10,
    sleep: (seconds, signal) => systemClock.sleep(seconds / 10, signal),
  };
  const { parts, log } = setup(startWith([{ id: "web", probe: "spinning" }]), { clock: fast });
  await using _probing = await openProbing(parts);
  const told = (message: string) => expect.poll(() => log.lines.map((line) => line.message)).toContain(message);
  await told("probing thread gives no sign of life, ending it");
  await told("probing thread died, starting it again");
});

test("hundreds of servers that really hang keep nobody waiting, and all connections are closed at the end", async () => {
  await using server = await tcpServer(() => {});
  const hanging = Array.from({ length: 400 }, (_, index) => ({
    id: `hanging-${index}`,
    probe: "web",
    everySeconds: 60,
    url: server.url,
  }));
  const { parts, seen, lags } = setup(startWith([...hanging, { id: "web", probe: "good", everySeconds: 0.5 }]));
  using starvation = watchStarvation(process.pid);
  {
    await using _probing = await openProbing(parts);
    await expect.poll(() => server.openConnections()).toBeGreaterThan(300);
    await seen("web", 3);
    expect(Math.max(...lags)).toBeLessThan(1.5 + starvation.worstSeconds());
  }
  await server.allClosed();
});

test("closing ends the thread promptly, whatever is under way", async () => {
  await using server = await tcpServer(() => {});
  const { parts } = setup(startWith([{ id: "web", probe: "web", everySeconds: 60, url: server.url }]));
  const probing = await openProbing(parts);
  await expect.poll(() => server.openConnections()).toBe(1);
  using starvation = watchStarvation(process.pid);
  const before = performance.now();
  await probing[Symbol.asyncDispose]();
  // After five seconds it would be ended by force.
  expect((performance.now() - before) / 1000 - starvation.seconds()).toBeLessThan(3);
});
