import { expect, test } from "vitest";
import type { TargetMetricValues } from "../../collector/export/target-families.ts";
import { silentLog } from "../../core/log.ts";
import type { Outcome } from "../../core/sample.ts";
import { openTargetMetrics } from "../../program/target-metrics.ts";
import { openTimelines } from "../../reports/timelines.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { daySeconds, liveOf, type Past, scene, service } from "../helpers/status-scene.ts";
import { opening } from "../helpers/store-contract/scene.ts";

const fine: Past = [[100 * daySeconds, "up"]];
const objective = { goal: 0.999, overSeconds: 30 * daySeconds };

async function setup() {
  const clock = new FakeClock();
  const store = await openSqliteStore(":memory:");
  let current = scene(clock.now(), [service("forum", fine, { target: { objective } })]);
  await store.commit({ transitions: current.transitions });
  const [targets, live] = [() => current.targets, liveOf(() => current.checks)];
  const told: { readonly second: number; readonly values: readonly TargetMetricValues[] }[] = [];
  const metrics = openTargetMetrics({
    store,
    timelines: openTimelines({ store, live, clock, targets, timeZone: () => "America/Vancouver" }),
    live,
    metrics: {
      setTargetMetrics: (values) => void told.push({ second: clock.monotonicSeconds(), values }),
    },
    clock,
    log: silentLog,
    targets,
  });
  const stop = new AbortController();
  const running = metrics.run(stop.signal);
  await expect.poll(() => clock.sleeping(2), { interval: 1 }).toBe(1);
  return {
    clock,
    store,
    metrics,
    told,
    newest: () => told.at(-1)?.values[0],
    /** A second goes by, in which samples are stored; the figures are done with whatever they do then. */
    async second() {
      metrics.stored();
      await clock.turn(1);
      await expect.poll(() => clock.sleeping(2) + clock.sleeping(13), { interval: 1 }).toBe(1);
    },
    /** Since a minute ago it stands at this outcome. */
    async become(outcome: Outcome) {
      current = scene(clock.now(), [service("forum", [...fine, [60, outcome]], { target: { objective } })]);
      await store.commit({ transitions: current.transitions.slice(-1) });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await store[Symbol.asyncDispose]();
    },
  };
}

test("the metrics of targets move on every 15 seconds, however many samples are stored", async () => {
  await using figures = await setup();
  for (let second = 0; second < 61; second++) await figures.second();
  expect(figures.told.map(({ second }) => second)).toEqual([0, 15, 30, 45, 60]);
  expect(figures.newest()).toMatchObject({ outcome: "up", uptime: { "1d": 1, "90d": 1 }, errorBudgetRemaining: 1 });
});

test("a changed outcome is in them within two seconds, and they move on from there", async () => {
  await using figures = await setup();
  for (let second = 0; second < 20; second++) await figures.second();
  await figures.become("down");
  await figures.second();
  await figures.second();
  expect(figures.newest()).toMatchObject({ outcome: "down" });
  expect(figures.newest()?.uptime["1d"]).toBeCloseTo(1 - 60 / 86_400, 4);
  expect(figures.newest()?.errorBudgetRemaining).toBeLessThan(1);
  for (let second = 0; second < 20; second++) await figures.second();
  await figures.become("up");
  await figures.second();
  await figures.second();
  expect(figures.newest()).toMatchObject({ outcome: "up" });
  expect(figures.told.map(({ second }) => second)).toEqual([0, 15, 20, 35, 42]);
});

test("so is an incident that opened, though no outcome moved", async () => {
  await using figures = await setup();
  for (let second = 0; second < 3; second++) await figures.second();
  await figures.store.commit({ incidents: [opening("forum")] });
  figures.metrics.changed();
  await figures.second();
  expect(figures.told.map(({ second, values }) => [second, values[0]?.openIncidents])).toEqual([
    [0, 0],
    [3, 1],
  ]);
});

test("a store that fails leaves them as they were, and they go on when it is back", async () => {
  await using figures = await setup();
  const { incidents } = figures.store;
  const list = incidents.list.bind(incidents);
  Object.assign(incidents, { list: () => Promise.reject(new Error("gone")) });
  for (let second = 0; second < 31; second++) await figures.second();
  expect(figures.told).toHaveLength(1);
  Object.assign(incidents, { list });
  for (let second = 0; second < 15; second++) await figures.second();
  expect(figures.told.map(({ second }) => second)).toEqual([0, 45]);
});
