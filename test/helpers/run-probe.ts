/** Runs one probe once, with the real HTTP client and the real meaning of failures, as the collector would. */
import { openHttp } from "../../collector/network/http-client.ts";
import { runCheck } from "../../collector/probing/run-check.ts";
import { assumeOnline } from "../../collector/probing/self-check.ts";
import type { Clock } from "../../core/clock.ts";
import type { ReceivedHeartbeat } from "../../core/heartbeat.ts";
import { silentLog } from "../../core/log.ts";
import { commonFamilies, type MetricFamily } from "../../core/metric-families.ts";
import type { Probe } from "../../core/probe.ts";
import type { Sample } from "../../core/sample.ts";
import { FakeClock } from "./fake-clock.ts";

export interface RunProbeSettings {
  readonly signal?: AbortSignal;
  /** By default one that stands still: then only `signal` ends a run that waits. */
  readonly clock?: Clock;
  readonly memory?: Map<string, unknown>;
  readonly timeoutSeconds?: number;
  /** For a job that calls us. */
  readonly heartbeat?: ReceivedHeartbeat;
}

/** @param options as written in the configuration, secrets put in. */
export async function runProbe(probe: Probe, options: unknown, settings: RunProbeSettings = {}): Promise<Sample> {
  const { signal = new AbortController().signal, clock = new FakeClock(), memory = new Map() } = settings;
  const check = {
    target: "watched",
    id: "check",
    probe: "probe",
    everySeconds: 60,
    timeoutSeconds: settings.timeoutSeconds ?? 10,
    required: true,
    confirm: { failures: 3, retrySeconds: 20, successes: 2, recoverySeconds: 30 },
    thresholds: [],
    options: probe.options.parse(options),
  };
  const http = openHttp({ userAgent: "Tidewatch/test (+https://status.example/; contact@example.org)" });
  const { selfCheck, log } = { selfCheck: assumeOnline, log: silentLog };
  const sample = await runCheck(check, {
    probe,
    http,
    clock,
    selfCheck,
    log,
    vantagePoint: "here",
    signal,
    memory,
    heartbeat: settings.heartbeat,
  });
  refuseUndeclared(probe, sample);
  return sample;
}

export const familiesOf = (probe: Probe): readonly MetricFamily[] => [...commonFamilies, ...(probe.readings ?? [])];

/** The contract of all readings: whatever a probe reads in any of its tests, it declares with these labels. */
function refuseUndeclared(probe: Probe, { readings = [] }: Sample): void {
  for (const { metric, labels = {} } of readings) {
    const family = familiesOf(probe).find(({ name }) => name === metric);
    if (!family) throw new Error(`reads ${metric}, which is not among the \`readings\` that the probe declares`);
    const own = family.labels.filter((label) => label !== "check").toSorted();
    const said = Object.keys(labels).toSorted();
    if (own.join() !== said.join()) throw new Error(`reads ${metric} by ${said.join()}, and declares ${own.join()}`);
  }
}
