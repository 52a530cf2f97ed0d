/**
 * Starts the whole program and wires its parts together: check, record, judge, notify, show. A part knows only the store
 * and a clock; the list of parts below says in which order they start, are reloaded and shut down.
 */
import { join } from "node:path";
import { type Auditor, openAuditor } from "../alerts/escalation/auditor.ts";
import { openEscalator } from "../alerts/escalation/escalator.ts";
import { openJudge } from "../alerts/judging/judge.ts";
import { openMetrics } from "../collector/export/metrics.ts";
import { openTelemetry } from "../collector/export/telemetry.ts";
import { openHeartbeats } from "../collector/recorder/received-heartbeats.ts";
import { openRecorder, type Recorder } from "../collector/recorder/recorder.ts";
import { openUpgrades } from "../collector/recorder/upgrades.ts";
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config/config.ts";
import { readingFamilies } from "../core/metric-families.ts";
import type { Store } from "../core/store/store.ts";
import { openPages } from "../dashboards/members/page-making.ts";
import { openReports } from "../reports/reports.ts";
import { openConnectivity } from "./connectivity-part.ts";
import { openFallback } from "./fallback-part.ts";
import { type Listeners, openListeners } from "./listeners.ts";
import { Watchdog } from "./liveness.ts";
import { openStore } from "./open-store.ts";
import { claimant, type Outbox, openOutbox } from "./outbox-part.ts";
import { outgoingHeartbeat } from "./outgoing-heartbeat-part.ts";
import { type Part, PartList } from "./part.ts";
import { openScheduler } from "./scheduler-part.ts";
import { checksOf, judgeSettings, pageSettings, warnOfRestart } from "./settings.ts";
import type { ConfigSource, StartOptions } from "./start-options.ts";
import { storeSelfTest } from "./store-self-test.ts";
import { openTargetMetrics } from "./target-metrics.ts";

export interface Tidewatch extends AsyncDisposable {
  readonly publicPort: number;
  readonly privatePort: number;
  readonly store: Store;
  /** Resolves never; rejects when a part ended that must not end. */
  readonly failed: Promise<never>;
  /** Goes on with another configuration: phases, confirmations and open incidents stay. */
  reload(config: Config, source: ConfigSource): Promise<void>;
}

/** As the last reload left it. */
interface Current {
  config: Config;
}

export async function startTidewatch(options: StartOptions): Promise<Tidewatch> {
  await using undo = new AsyncDisposableStack();
  const current: Current = { config: options.config };
  const opened = await openAll(options, current, undo);
  const { store, judge, recorder } = opened;
  const parts = undo.use(new PartList());
  const listeners = Promise.withResolvers<Listeners>();
  const listen = async () => {
    const open = await openListeners(options, {
      ...opened,
      config: () => current.config,
      health: () => parts.health(),
      onNotice: () => opened.outbox.wake(),
    });
    listeners.resolve(open);
    return open;
  };
  recorder.include(judge.start());
  await parts.start(listOf({ ...opened, options, current, listen, fault: () => parts.fault() }));
  const { publicPort, privatePort } = await listeners.promise;
  const held = undo.move();
  return {
    publicPort,
    privatePort,
    store,
    failed: parts.failed,
    reload(config, source) {
      warnOfRestart(current.config, config, options.log);
      return parts.reconfigure(config, source);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

interface Startable extends Opened {
  readonly options: StartOptions;
  readonly current: Current;
  listen(): Promise<Listeners>;
  /** What is wrong with any part. */
  fault(): string | undefined;
}

/** In the order of the start, each after what it stands on; a reload, /healthz and the end take the last one first. */
function listOf({ options, current, listen, fault, ...opened }: Startable): readonly Part[] {
  const { targetMetrics, pages, metrics, outbox, fallback, escalator, recorder, judge, heartbeats, scheduler } = opened;
  const { clock } = options;
  const [judgeWatchdog, storeWatchdog] = [new Watchdog("judge", 60, clock), new Watchdog("store", 15, clock)];
  return [
    { name: "target metrics", run: (signal) => targetMetrics.run(signal), reconfigure: () => targetMetrics.changed() },
    {
      name: "pages",
      run: (signal) => pages.run(signal),
      reconfigure: (config) => pages.reconfigure(pageSettings(config)),
    },
    { name: "metrics", reconfigure: ({ targets }) => metrics.reconfigure(targets) },
    outbox,
    fallback,
    opened.connectivity,
    {
      name: "auditor",
      run: (signal) => opened.auditor.run(signal),
      fault: () => opened.auditor.fault(),
    },
    {
      // Where it stands still, the outbox has the fault: what is due does not get there.
      name: "escalator",
      run: (signal) => escalator.run(signal),
      reconfigure: (config) => escalator.reconfigure(judgeSettings(config)),
    },
    {
      // It moves while the recorder can use it.
      name: storeWatchdog.name,
      run: (signal) => eachSecond(() => void (recorder.failing() ?? storeWatchdog.moved()), clock, signal),
      fault: () => storeFault(storeWatchdog, recorder),
    },
    {
      name: judgeWatchdog.name,
      run: (signal) => eachSecond(() => judgeWatchdog.moved(), clock, signal),
      reconfigure: (config) => recorder.include(judge.reconfigure(judgeSettings(config))),
      fault: () => judgeWatchdog.fault(),
    },
    // Reloaded before the judge, who then says what is over because nobody watches it any more.
    {
      name: "recorder",
      run: (signal) => recorder.run(signal),
      reconfigure: (config) => recorder.reconfigure(checksOf(config)),
    },
    ...outgoingHeartbeat(options, fault),
    // Opened when there is something to show, and closed before that ends.
    { name: "listeners", begin: listen },
    {
      // Not before a job can call: a start that failed on its port must leave nobody late. And before there is a thread.
      name: "heartbeats",
      async begin() {
        await heartbeats.begin();
        return undefined;
      },
      reconfigure: (config) => heartbeats.reconfigure(checksOf(config)),
    },
    {
      // Once the thread has agreed, and before any other part asks.
      name: "configuration",
      reconfigure(config) {
        current.config = config;
      },
    },
    // The first in a reload: when the thread cannot use the new configuration, everything stays as it was. The first at
    // the end as well: what it has measured by then is still kept.
    scheduler,
  ];
}

type Opened = Awaited<ReturnType<typeof openAll>>;

/** All that keeps, judges, tells and shows, in the order in which one needs the other; nothing runs yet. */
async function openAll(options: StartOptions, current: Current, undo: AsyncDisposableStack) {
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
  const upgrades = await openUpgrades(store, families, clock.now());
  const recorder = undo.use(
    await openRecorder({
      ...shared,
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
        targetMetrics.changed();
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
  const pages = await openPages({
    ...pageSettings(config),
    ...shared,
    live: recorder,
    practice: config.practice,
    directory: join(config.data, "pages"),
  });
  const targetMetrics = openTargetMetrics({ ...shared, live: recorder, metrics, targets });
  const heartbeats = await openHeartbeats({
    ...shared,
    checks: checksOf(config),
    onHeard: (key, heartbeat) => scheduler.heard(key, heartbeat),
  });
  const connectivity = await openConnectivity(options, { alerts, recorder });
  const scheduler = openScheduler(options, recorder, { metrics, connectivity }, () => heartbeats.received());
  const reports = openReports({ ...shared, targets });
  return {
    store,
    judge,
    escalator,
    auditor,
    fallback,
    recorder,
    connectivity,
    metrics,
    outbox,
    pages,
    targetMetrics,
    heartbeats,
    scheduler,
    reports,
  };
}

/** A moment in which another program holds a lock is no fault; a decision that was dropped is one until a restart. */
function storeFault(watchdog: Watchdog, recorder: Pick<Recorder, "failing" | "dropped">): string | undefined {
  const stuck = watchdog.fault();
  if (stuck !== undefined) return recorder.failing() ?? stuck;
  const { decisions } = recorder.dropped();
  if (decisions === 0) return undefined;
  return `what was decided could not be stored (${decisions} times): see the log, and restart to decide it anew`;
}

async function eachSecond(act: () => void, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    act();
    await clock.sleep(1, signal);
  }
}
