/**
 * Starts the whole program: the parts are opened, and the list of them below says in which order they start, are reloaded and
 * shut down.
 */

import type { Recorder } from "../collector/recorder/recorder.ts";
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config/config.ts";
import { readingFamilies } from "../core/metric-families.ts";
import type { Store } from "../core/store/store.ts";
import { type Listeners, openListeners } from "./listeners.ts";
import { Watchdog } from "./liveness.ts";
import { type Current, type OpenedParts, openParts } from "./open-parts.ts";
import { outgoingHeartbeat } from "./outgoing-heartbeat-part.ts";
import { type Part, PartList } from "./part.ts";
import { checksOf, judgeSettings, pageSettings, warnOfRestart } from "./settings.ts";
import type { ConfigSource, StartOptions } from "./start-options.ts";

export interface Tidewatch extends AsyncDisposable {
  readonly publicPort: number;
  readonly privatePort: number;
  readonly store: Store;
  /** Resolves never; rejects when a part ended that must not end. */
  readonly failed: Promise<never>;
  /** Goes on with another configuration: phases, confirmations and open incidents stay. */
  reload(config: Config, source: ConfigSource): Promise<void>;
}

export async function startTidewatch(options: StartOptions): Promise<Tidewatch> {
  await using undo = new AsyncDisposableStack();
  const current: Current = { config: options.config };
  const opened = await openParts(options, current, undo);
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
    async reload(config, source) {
      warnOfRestart(current.config, config, options.log);
      // Before a probe that is new tells of a version.
      await opened.upgrades.lookBack(readingFamilies(options.plugins.probes), options.clock.now());
      return parts.reconfigure(config, source);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

interface Startable extends OpenedParts {
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
    {
      name: "metrics",
      reconfigure: ({ targets }) => metrics.reconfigure(targets, readingFamilies(options.plugins.probes)),
    },
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
    opened.strangeRows,
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
