import fc from "fast-check";
import { expect, test } from "vitest";
import type { TargetMetricValues } from "../../collector/export/target-families.ts";
import { StoreUnavailable } from "../../core/errors.ts";
import { silentLog } from "../../core/log.ts";
import { historyBegin } from "../../core/status/history.ts";
import { measuredTimes } from "../../core/status/measured.ts";
import { statusModel } from "../../core/status/status.ts";
import { nothingStored, type Timelines, withTransitions } from "../../core/status/target-timeline.ts";
import { type CivilDay, civilDays, startOfDay, wallTime } from "../../core/time-zone.ts";
import { statusPage } from "../../dashboards/members/status.ts";
import { openTargetMetrics } from "../../program/target-metrics.ts";
import { openTimelines, type TimelineParts } from "../../reports/timelines.ts";
import { atOnce, cosocial } from "../helpers/status-scene.ts";
import { anyBeginning, anyHappening, WatchedLife } from "../helpers/watched-life.ts";

function timelinesOf(life: WatchedLife): Timelines {
  const { store, live, clock } = life;
  return openTimelines({ store, live, clock, targets: () => life.targets, timeZone: () => life.zone });
}

/** All that the store has, nothing of it worked out before. */
async function fromScratch({ store, clock }: WatchedLife): Promise<Timelines> {
  const span = { from: clock.now().subtract({ hours: 24 * 400 }), to: clock.now() };
  const byTarget = Map.groupBy(await store.judgements.transitions(span), ({ target }) => target);
  return {
    refresh: async () => {},
    of: (target) => withTransitions(target, nothingStored, byTarget.get(target.id) ?? []),
  };
}

/** The page, the measured time of the history, and the metrics, as they are made from these timelines. */
async function shown(life: WatchedLife, timelines: Timelines, days: readonly CivilDay[]) {
  const { clock, live, targets, zone, store } = life;
  await timelines.refresh();
  const now = clock.now();
  const checks = live.checks();
  const incidents = (await store.incidents.list({})).map((incident) => ({ incident, updates: [] }));
  const model = atOnce(statusModel({ now, targets, checks, timelines, incidents, annotations: [], days }));
  const organisation = { ...cosocial, timeZone: zone };
  const span = { from: historyBegin(now, zone).epochMilliseconds, to: now.epochMilliseconds };
  return {
    model: JSON.stringify(model),
    page: await statusPage(model, { language: "fr", organisation, practice: false }),
    measured: atOnce(measuredTimes(targets, { timelines, checks, span })),
    metrics: await metricsOf(life, timelines),
  };
}

async function metricsOf(life: WatchedLife, timelines: Timelines): Promise<readonly TargetMetricValues[]> {
  const { promise, resolve } = Promise.withResolvers<readonly TargetMetricValues[]>();
  const { store, live, clock } = life;
  const metrics = { setTargetMetrics: resolve, setOutboxPending() {} };
  const stop = new AbortController();
  const targets = () => life.targets;
  const running = openTargetMetrics({ store, timelines, live, metrics, clock, log: silentLog, targets }).run(
    stop.signal,
  );
  const values = await promise;
  stop.abort();
  await running;
  return values;
}

function daysOf({ clock, zone }: WatchedLife): readonly CivilDay[] {
  const today = wallTime(clock.now(), zone).toPlainDate();
  return civilDays(zone, startOfDay(today.subtract({ days: 89 }), zone), clock.now().add({ milliseconds: 1 }));
}

test("what is kept of the past shows what working out everything from the beginning shows, whatever happens", async () => {
  await fc.assert(
    fc.asyncProperty(
      anyBeginning,
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
      fc.array(anyHappening, { minLength: 15, maxLength: 30, size: "max" }),
      async (beginning, checks, happenings) => {
        await using life = await WatchedLife.begin(beginning, checks);
        const kept = timelinesOf(life);
        let days = daysOf(life);
        for (const happening of happenings) {
          await happening(life);
          const now = daysOf(life);
          // The same list as long as it is right, as the pages have it.
          if (JSON.stringify(now) !== JSON.stringify(days)) days = now;
          expect(await shown(life, kept, days)).toEqual(await shown(life, await fromScratch(life), now));
        }
      },
    ),
    { numRuns: 30 },
  );
});

test("incidents that began before today count from their beginning, each of them", async () => {
  await using life = await WatchedLife.begin("2026-11-20T12:00:00Z", [1]);
  const kept = timelinesOf(life);
  const days = async () => {
    const { model } = await shown(life, kept, daysOf(life));
    const { model: plain } = await shown(life, await fromScratch(life), daysOf(life));
    expect(model).toBe(plain);
    return [...model.matchAll(/"shown":"(\w+)"/g)].slice(-4).map(([, outcome]) => outcome);
  };
  await life.pass(73 * 3600);
  expect(await days()).toEqual(["up", "up", "up", "up"]);
  await life.openIncident(0, 50 * 3600);
  await life.pass(60);
  await life.resolveIncident();
  expect(await days()).toEqual(["up", "degraded", "degraded", "degraded"]);
  await life.openIncident(0, 73 * 3600);
  expect(await days()).toEqual(["degraded", "degraded", "degraded", "degraded"]);
});

test("the past is read once for all who ask, then only what is new where there is any, and all of it again after a day", async () => {
  await using life = await WatchedLife.begin("2026-11-20T12:00:00Z", [2, 1]);
  await life.pass(30 * 3600);
  const asked: string[] = [];
  const { store, live, clock } = life;
  const timelines = openTimelines({
    store: {
      judgements: {
        transitions(span, filter) {
          asked.push(`${filter?.targets.join(" ")}, ${filter?.after.size} known`);
          return store.judgements.transitions(span, filter);
        },
      },
    },
    live,
    clock,
    targets: () => life.targets,
    timeZone: () => life.zone,
  });
  await Promise.all([timelines.refresh(), timelines.refresh()]);
  await life.pass(3600);
  await timelines.refresh();
  expect(asked).toEqual(["service-0 service-1, 0 known"]);
  life.become(0, "down");
  await life.pass(3600);
  await timelines.refresh();
  expect(asked.slice(1)).toEqual(["service-0 service-1, 3 known"]);
  life.targets = life.targets.slice(1);
  await timelines.refresh();
  life.become(0, "up");
  await life.pass(3600);
  await timelines.refresh();
  expect(asked.slice(2)).toEqual(["service-1, 1 known"]);
  await life.pass(86_400);
  await timelines.refresh();
  expect(asked.slice(3)).toEqual(["service-1, 0 known"]);
});

test("a transition that was stored late is part of the days that were over by then", async () => {
  await using life = await WatchedLife.begin("2026-11-20T12:00:00Z", [1]);
  const timelines = timelinesOf(life);
  await life.pass(3600);
  await life.storeFails(true);
  life.become(0, "down");
  await life.pass(3600);
  life.become(0, "up");
  await life.pass(48 * 3600);
  await timelines.refresh();
  const [target] = life.targets;
  if (!target) throw new Error("no target");
  const past = () => [...timelines.of(target).past.intervals()].map(({ outcome }) => outcome);
  expect(past()).toEqual(["unknown", "up"]);
  await life.storeFails(false);
  await timelines.refresh();
  expect(past()).toEqual(["unknown", "up", "down", "up"]);
});

test("a transition that was stored late is shown although the store failed while all was read again", async () => {
  await using life = await WatchedLife.begin("2026-11-20T12:00:00Z", [1]);
  const { store, live, clock } = life;
  let failsFrom = Number.POSITIVE_INFINITY;
  let asked = 0;
  const judgements: TimelineParts["store"]["judgements"] = {
    async transitions(span, filter) {
      if (++asked === failsFrom) throw new StoreUnavailable("the disk is full");
      return store.judgements.transitions(span, filter);
    },
  };
  const targets = () => life.targets;
  const timelines = openTimelines({ store: { judgements }, live, clock, targets, timeZone: () => life.zone });
  await life.pass(3600);
  await life.storeFails(true);
  life.become(0, "down");
  await life.pass(3600);
  life.become(0, "up");
  await life.pass(48 * 3600);
  await timelines.refresh();
  await life.storeFails(false);
  failsFrom = asked + 2;
  await expect(timelines.refresh()).rejects.toThrow("the disk is full");
  await timelines.refresh();
  const days = daysOf(life);
  expect(await shown(life, timelines, days)).toEqual(await shown(life, await fromScratch(life), days));
});

test("what was stored before the clock was set back is shown when its moment comes again", async () => {
  await using life = await WatchedLife.begin("2026-11-20T12:00:00Z", [1]);
  const timelines = timelinesOf(life);
  await life.pass(3600);
  await timelines.refresh();
  life.become(0, "down");
  await life.pass(3600);
  life.clock.jump(-3590);
  await timelines.refresh();
  await life.clock.turn(3600);
  const days = daysOf(life);
  expect(await shown(life, timelines, days)).toEqual(await shown(life, await fromScratch(life), days));
});
