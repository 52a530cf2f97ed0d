/** The metrics of our own process, as prom-client collects them: CPU time, memory, event loop lag, garbage collection. */
import { collectDefaultMetrics, Registry } from "prom-client";
import { type Family, seriesLine } from "./exposition.ts";

/** What the process itself is like; prom-client's other metrics are long, or named against the rules of Prometheus. */
const processMetrics = new Set(
  [
    "process_cpu_user_seconds_total",
    "process_cpu_system_seconds_total",
    "process_cpu_seconds_total",
    "process_start_time_seconds",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "nodejs_eventloop_lag_p50_seconds",
    "nodejs_eventloop_lag_p99_seconds",
    "nodejs_eventloop_lag_max_seconds",
    "nodejs_heap_size_total_bytes",
    "nodejs_heap_size_used_bytes",
    "nodejs_external_memory_bytes",
    "nodejs_gc_duration_seconds",
    "nodejs_version_info",
  ].map((name) => `tidewatch_${name}`),
);

/** How often the lag is looked at: each look wakes the process, and a quiet one should sleep. */
const lagTickSeconds = 0.1;

/** @returns their families as they stand when it is called. */
export function collectProcessMetrics(): () => Promise<readonly Family[]> {
  const registry = new Registry();
  collectDefaultMetrics({
    register: registry,
    prefix: "tidewatch_",
    eventLoopMonitoringPrecision: lagTickSeconds * 1000,
  });
  return async () => {
    // Chosen here and not taken out before: some of prom-client's metrics are set while another one is collected.
    const chosen = (await registry.getMetricsAsJSON()).filter(({ name }) => processMetrics.has(name));
    return chosen.map((metric) => familyOf(metric, metric.name.includes("_eventloop_lag_") ? withoutTick : asItIs));
  };
}

const asItIs = (value: number): number => value;

/** What is measured is the time from one look to the next. */
const withoutTick = (value: number): number => Math.max(0, value - lagTickSeconds);

export async function familiesOf(registry: Registry): Promise<readonly Family[]> {
  return (await registry.getMetricsAsJSON()).map((metric) => familyOf(metric, asItIs));
}

type PromClientMetric = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>[number];

function familyOf({ name, help, type, values }: PromClientMetric, shown: (value: number) => number): Family {
  const kind = String(type);
  return {
    name,
    type: kind === "counter" || kind === "histogram" || kind === "summary" ? kind : "gauge",
    help: help.endsWith(".") ? help : `${help}.`,
    lines: values.map((value) => {
      // A histogram's series have names of their own: `_bucket`, `_sum`, `_count`.
      const own = "metricName" in value && typeof value.metricName === "string" ? value.metricName : name;
      const labels = Object.fromEntries(Object.entries(value.labels).map(([label, of]) => [label, String(of)]));
      return seriesLine(own, labels, shown(value.value));
    }),
  };
}
