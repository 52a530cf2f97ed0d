/** The scheduler as a part of the program: starts the probing thread and hands each sample it sends to the recorder. */

import type { Metrics } from "../collector/export/metrics.ts";
import { openProbing, type Probing } from "../collector/probing/supervisor.ts";
import type { Heartbeats } from "../collector/recorder/received-heartbeats.ts";
import type { Recorder } from "../collector/recorder/recorder.ts";
import { checkKey } from "../core/sample.ts";
import type { Connectivity } from "./connectivity-part.ts";
import { Watchdog } from "./liveness.ts";
import type { Part } from "./part.ts";
import type { StartOptions } from "./start-options.ts";

const patienceSeconds = 60;

export interface Scheduler extends Part {
  /** A job called. Before there is a thread nobody is told: it asks for all that was heard when it begins. */
  readonly heard: Probing["heard"];
}

export function openScheduler(
  { config, source, version, clock, log }: StartOptions,
  recorder: Recorder,
  { metrics, connectivity }: { metrics: Pick<Metrics, "setScheduleLag">; connectivity: Pick<Connectivity, "changed"> },
  received: Heartbeats["received"],
): Scheduler {
  const watchdog = new Watchdog("scheduler", patienceSeconds, clock);
  let probing: Probing | undefined;
  const begin = async () => {
    probing = await openProbing({
      entry: new URL("./probe-worker.ts", import.meta.url),
      start: { ...source, version },
      confirmations: new Map(recorder.checks().map((state) => [checkKey(state), state.confirmation])),
      received,
      clock,
      log,
      // A place keeps its name until a restart, also when the thread has read another one by now.
      onSample: (sample) => recorder.record({ ...sample, vantagePoint: config.vantagePoint }),
      onLag: (seconds) => metrics.setScheduleLag(seconds),
      onMoved: () => watchdog.moved(),
      onConnectivity: (online) => connectivity.changed(online),
    });
    return probing;
  };
  return {
    name: watchdog.name,
    begin,
    reconfigure: (_config, changed) => probing?.reconfigure({ ...changed, version }),
    fault: () => watchdog.fault(),
    heard: (key, heartbeat) => probing?.heard(key, heartbeat),
  };
}
