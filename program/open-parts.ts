/**
 * Opens the parts of the program and wires them together: check, record, judge, notify, show. A part knows only the store and
 * a clock.
 */
import { join } from "node:path";
import { type Auditor, openAuditor } from "../alerts/escalation/auditor.ts";
import { openEscalator } from "../alerts/escalation/escalator.ts";
import { openJudge } from "../alerts/judging/judge.ts";
import { openMetrics } from "../collector/export/metrics.ts";
import { openTelemetry } from "../collector/export/telemetry.ts";
import { openHeartbeats } from "../collector/recorder/received-heartbeats.ts";
import { openRecorder } from "../collector/recorder/recorder.ts";
import { openUpgrades } from "../collector/recorder/upgrades.ts";
import type { Config } from "../core/config/config.ts";
import { readingFamilies } from "../core/metric-families.ts";
import { openPages } from "../dashboards/members/page-making.ts";
import { openReports } from "../reports/reports.ts";
import { openTimelines } from "../reports/timelines.ts";
import { openConnectivity } from "./connectivity-part.ts";
import { openFallback } from "./fallback-part.ts";
import { Watchdog } from "./liveness.ts";
import { openStore } from "./open-store.ts";
import { claimant, type Outbox, openOutbox } from "./outbox-part.ts";
import { openScheduler } from "./scheduler-part.ts";
import { checksOf, judgeSettings, pageSettings } from "./settings.ts";
import type { StartOptions } from "./start-options.ts";
import { withoutRepeats } from "./store-failures-in-log.ts";
import { storeSelfTest } from "./store-self-test.ts";
import { strangeRowsPart } from "./strange-rows-part.ts";
import { openTargetMetrics } from "./target-metrics.ts";

/** As the last reload left it. */
export interface Current {
  config: Config;
}

export type OpenedParts = Awaited<ReturnType<typeof openParts>>;

/** All that keeps, judges, tells and shows, in the order in which one needs the other; nothing runs yet. */
export async function openParts(given: StartOptions, current: Current, undo: AsyncDisposableStack) {
  const options = { ...given, log: withoutRepeats(given.log, given.clock) };
  const { config, plugins, clock, log, version, env, seed } = options;
  undo.use(await openTelemetry(config.telemetry, { version, env }));
  const store = undo.use(await openStore(config.store));
  await seed?.(store);
  const shared = { store, clock, log };
  const targets = () => current.config.targets;
  const alerts = {
    ...judgeSettings(config),
    ...shared,
    signingKey: await store.keys.signing("action"),
    practice: config.practice,
  };
  // Before the judge: what an earlier process told past the store is written first.
  const fallback = undo.use(
    await openFallback(options, {
      alerts,
      store,
      incidents: () => judge.incidents(),
      storeFault: () => recorder.failing(),
      onReleased: () => outbox.wake(),
    }),
  );
  const judge = await openJudge(alerts);
  const escalatorWatchdog = new Watchdog("escalator", 120, clock);
  const escalator = await openEscalator({
    ...alerts,
    onNotices: () => outbox.wake(),
    onMoved: () => escalatorWatchdog.moved(),
  });

  const families = readingFamilies(plugins.probes);
  const upgrades = openUpgrades(store);
  await upgrades.lookBack(families, clock.now());
  const recorder = undo.use(
    await openRecorder({
      ...shared,
      // It says that the store fails, and that it works again: each time.
      log: given.log,
      checks: checksOf(config),
      vantagePoint: config.vantagePoint,
      // What pages, links and commands may ask the recorder to write: each kind is one entry.
      requests: {},
      judge: {
        consider: (judged) => upgrades.noted(judged.sample, judge.consider(judged)),
        committed(opened) {
          for (const { urgency } of opened) if (urgency === "page") metrics.countPage();
          pages.changed();
          targetMetrics.changed();
          escalator.wake();
          outbox.wake();
          return judge.committed(opened);
        },
      },
      onStored(samples) {
        metrics.observe(samples);
        targetMetrics.stored();
        outbox.wake();
      },
    }),
  );
  const metrics = openMetrics({
    version,
    live: recorder,
    targets: config.targets,
    channels: Object.keys(config.channels),
    families,
  });
  const hurry = escalator.hurry.bind(escalator);
  const outbox: Outbox = undo.use(
    openOutbox(options, {
      store,
      metrics,
      by: await claimant(store),
      hurry,
      holds: () => fallback.holds,
      onSent: (notice) => fallback.noteSent(notice),
      onReaderLost: () => escalator.readerLost(),
      fault: () => escalatorWatchdog.fault(),
    }),
  );
  const auditor: Auditor = openAuditor({
    ...shared,
    isToldPastStore: (key) => fallback.isTold(key),
    tellsNobody: () => current.config.onCall.escalation.length === 0,
    more: [storeSelfTest(store, clock)],
  });
  const timeZone = () => current.config.organisation.timeZone;
  const timelines = openTimelines({ store, clock, live: recorder, targets, timeZone });
  const pages = await openPages({
    ...pageSettings(config),
    ...shared,
    timelines,
    live: recorder,
    practice: config.practice,
    directory: join(config.data, "pages"),
  });
  const targetMetrics = openTargetMetrics({ ...shared, timelines, live: recorder, metrics, targets });
  const heartbeats = await openHeartbeats({
    ...shared,
    checks: checksOf(config),
    onHeard: (key, heartbeat) => scheduler.heard(key, heartbeat),
  });
  const connectivity = await openConnectivity(options, { alerts, recorder });
  const scheduler = openScheduler(options, recorder, { metrics, connectivity }, () => heartbeats.received());
  const strangeRows = strangeRowsPart({
    store,
    clock,
    log: given.log,
    metrics,
    channels: Object.keys(plugins.channels),
  });
  const reports = openReports({
    ...shared,
    targets,
    contacts: () => current.config.onCall.contacts,
    unsent: () => outbox.unsent(),
    telling: () => ({
      channels: outbox.channels(),
      sick: outbox.sick(),
      strange: strangeRows.rows().filter(({ table }) => table === "notice"),
      fallback: {
        hasFile: fallback.hasFile,
        storeFault: recorder.failing(),
        tellings: fallback.tellings(),
      },
    }),
  });
  return {
    store,
    judge,
    escalator,
    auditor,
    fallback,
    upgrades,
    recorder,
    connectivity,
    metrics,
    outbox,
    pages,
    targetMetrics,
    heartbeats,
    scheduler,
    strangeRows,
    reports,
  };
}
