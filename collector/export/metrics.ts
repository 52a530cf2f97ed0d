/**
 * The Prometheus metrics of /metrics, rendered from memory: a scrape touches neither a watched server nor the store.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Live } from "../../core/live-state.ts";
import type { MetricFamily } from "../../core/metric-families.ts";
import { checkKey, outcomes, phaseNames, type Reading, type Sample } from "../../core/sample.ts";
import type { Target } from "../../core/target.ts";
import { type ExposedSeries, exposition, type Family } from "./exposition.ts";

/** Metrics of one target that are computed now and then, not at each sample. */
export interface TargetMetricValues {
  readonly target: string;
  readonly outcome: (typeof outcomes)[number];
  /** Uptime 0..1 by window ("30d"); a window without data is left out. */
  readonly uptime: Readonly<Record<string, number>>;
  readonly errorBudgetRemaining?: number;
  readonly openIncidents: number;
  /** Epoch seconds by store and quantile; infinite when it never fills within the horizon. */
  readonly storageFull: readonly { readonly store: string; readonly quantile: string; readonly at: number }[];
}

export interface Metrics {
  /** Call it with samples that are stored, never before. */
  observe(samples: readonly Sample[]): void;
  setTargetMetrics(ofTargets: readonly TargetMetricValues[]): void;
  setScheduleLag(seconds: number): void;
  setOutboxPending(notices: number): void;
  setStrangeRows(rows: number): void;
  /** One attempt, and what became of it. */
  countNotice(channel: string, accepted: boolean): void;
  countPage(): void;
  reconfigure(targets: readonly Target[], families: readonly MetricFamily[]): void;
  /** @param accept the scraper's Accept header: OpenMetrics when it asks for it, else the Prometheus text format. */
  render(accept: string | undefined): Promise<{ readonly contentType: string; readonly body: string }>;
}

export function openMetrics(start: {
  readonly version: string;
  readonly live: Pick<Live, "checks">;
  readonly targets: readonly Target[];
  readonly channels: readonly string[];
  /** What the readings of the probes become. */
  readonly families: readonly MetricFamily[];
}): Metrics {
  const registry = new Registry();
  const ofProcess = new Registry();
  collectDefaultMetrics({
    register: ofProcess,
    prefix: "tidewatch_",
    eventLoopMonitoringPrecision: lagTickSeconds * 1000,
  });
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `tidewatch_${name}`, help, labelNames, registers });
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `tidewatch_${name}`, help, labelNames, registers });

  gauge("build_info", "Version of Tidewatch.", ["version"]).set({ version: start.version }, 1);
  const lag = gauge("schedule_lag_seconds", "How late the last check began, against its schedule.");
  const outbox = gauge("outbox_pending", "Notices that are not delivered yet.");
  const strange = gauge(
    "store_strange_rows",
    "Rows of the store that this version cannot read, and leaves as they are.",
  );
  const pages = counter("pages_total", "Incidents somebody was woken up for.");
  const sent = counter("notices_sent_total", "Notices a channel accepted.", ["channel"]);
  const failed = counter("notices_failed_total", "Attempts a channel did not accept.", ["channel"]);
  for (const channel of start.channels) {
    sent.inc({ channel }, 0);
    failed.inc({ channel }, 0);
  }
  let families = exportedOf(start.families);
  const runs = new Map<string, RunCounts>();
  const readings = new Map<string, ReadonlyMap<string, Reading>>();
  let ofTargets: readonly TargetMetricValues[] = [];

  return {
    observe(samples) {
      const perCheck = new Set(families.filter(({ labels }) => labels.includes("check")).map(({ name }) => name));
      for (const sample of samples) {
        countRun(runs, sample);
        readings.set(checkKey(sample), freshReadings(readings.get(checkKey(sample)), sample, perCheck));
      }
    },
    setTargetMetrics(next) {
      ofTargets = next;
    },
    setScheduleLag: (seconds) => lag.set(seconds),
    setOutboxPending: (notices) => outbox.set(notices),
    setStrangeRows: (rows) => strange.set(rows),
    countPage: () => pages.inc(),
    countNotice: (channel, accepted) => (accepted ? sent : failed).inc({ channel }),
    reconfigure(targets, changed) {
      families = exportedOf(changed);
      const names = targets.map(({ id }) => id);
      ofTargets = ofTargets.filter(({ target }) => names.includes(target));
      const checks = new Set<string>(targets.flatMap((target) => target.checks.map(({ id }) => `${target.id}/${id}`)));
      for (const known of [readings, runs]) for (const key of known.keys()) if (!checks.has(key)) known.delete(key);
    },
    async render(accept) {
      // What a reload took out may still have been stored after it.
      const watched = new Set<string>(start.live.checks().map(checkKey));
      const shown = [
        ...checkFamilies(start.live, only(watched, runs)),
        ...targetFamilies(ofTargets),
        ...readingSeries(
          families,
          only(watched, readings).flatMap((of) => [...of]),
        ),
        ...(await processFamilies(ofProcess)),
        ...(await registry.getMetricsAsJSON()).map(ofPromClient),
      ];
      return exposition(shown, accept);
    },
  };
}

const exportedOf = (families: readonly MetricFamily[]) => families.filter(({ exported }) => exported);

const only = <Known>(watched: ReadonlySet<string>, of: ReadonlyMap<string, Known>): readonly Known[] =>
  [...of].flatMap(([key, known]) => (watched.has(key) ? [known] : []));

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

/** Chosen here and not taken out before: some of prom-client's metrics are set while another one is collected. */
async function processFamilies(registry: Registry): Promise<readonly Family[]> {
  const families = (await registry.getMetricsAsJSON()).filter(({ name }) => processMetrics.has(name)).map(ofPromClient);
  return families.map((family) => (family.name.includes("_eventloop_lag_") ? withoutTick(family) : family));
}

/** What is measured is the time from one look to the next. */
function withoutTick(family: Family): Family {
  const late = (value: number) => Math.max(0, value - lagTickSeconds);
  return { ...family, series: family.series.map((of) => ({ ...of, value: late(of.value) })) };
}

/** Runs of one check from one place, by outcome. */
interface RunCounts {
  readonly labels: Readonly<Record<string, string>>;
  readonly counts: Record<Sample["outcome"], number>;
}

function countRun(runs: Map<string, RunCounts>, sample: Sample): void {
  const { target, check, vantagePoint } = sample;
  const known = runs.get(checkKey(sample)) ?? {
    labels: { target, check, vantage_point: vantagePoint },
    counts: { up: 0, degraded: 0, down: 0, unknown: 0 },
  };
  known.counts[sample.outcome]++;
  runs.set(checkKey(sample), known);
}

/** A reading stays until its check fails to give one: some are taken hourly, and an old figure of a dead server is no figure. */
function freshReadings(
  known: ReadonlyMap<string, Reading> | undefined,
  sample: Sample,
  perCheck: ReadonlySet<string>,
): ReadonlyMap<string, Reading> {
  const keep = sample.outcome === "up" || sample.outcome === "degraded" ? (known ?? new Map<string, Reading>()) : [];
  const fresh = (sample.readings ?? []).map((reading): [string, Reading] => {
    const labels = {
      target: sample.target,
      ...(perCheck.has(reading.metric) && { check: sample.check }),
      ...reading.labels,
    };
    return [`${reading.metric} ${JSON.stringify(labels)}`, { ...reading, labels }];
  });
  return new Map([...keep, ...fresh]);
}

function checkFamilies(live: Pick<Live, "checks">, runs: readonly RunCounts[]): readonly Family[] {
  const last = live.checks().flatMap(({ last }) => (last ? [last] : []));
  const place = ({ target, check, vantagePoint }: Sample) => ({ target, check, vantage_point: vantagePoint });
  return [
    {
      name: "tidewatch_check_outcome",
      type: "gauge",
      help: "Outcome of the newest run: 1 for the one it has, 0 for the others.",
      series: last.flatMap((sample) =>
        outcomes.map((outcome) => ({
          labels: { ...place(sample), outcome },
          value: sample.outcome === outcome ? 1 : 0,
        })),
      ),
    },
    {
      name: "tidewatch_check_runs_total",
      type: "counter",
      help: "Runs that were stored, by outcome.",
      series: runs.flatMap(({ labels, counts }) =>
        outcomes.map((outcome) => ({ labels: { ...labels, outcome }, value: counts[outcome] })),
      ),
    },
    {
      name: "tidewatch_probe_duration_seconds",
      type: "gauge",
      help: "Duration of the newest run, by phase.",
      series: last.flatMap((sample) =>
        phaseNames.flatMap((phase) => {
          const value = phase === "total" ? (sample.phases?.total ?? sample.durationSeconds) : sample.phases?.[phase];
          return value === undefined ? [] : [{ labels: { ...place(sample), phase }, value }];
        }),
      ),
    },
  ];
}

function targetFamilies(ofTargets: readonly TargetMetricValues[]): readonly Family[] {
  const family = (
    name: string,
    help: string,
    series: readonly ExposedSeries[],
    type: "gauge" | "summary" = "gauge",
  ): Family => ({ name: `tidewatch_${name}`, type, help, series });
  return [
    family(
      "target_outcome",
      "What members see of a target: 1 for the outcome it has, 0 for the others.",
      ofTargets.flatMap(({ target, outcome }) =>
        outcomes.map((each) => ({ labels: { target, outcome: each }, value: each === outcome ? 1 : 0 })),
      ),
    ),
    family(
      "target_uptime_ratio",
      "Good share of the measured time, maintenance left out.",
      ofTargets.flatMap(({ target, uptime }) =>
        Object.entries(uptime).map(([window, value]) => ({ labels: { target, window }, value })),
      ),
    ),
    family(
      "error_budget_remaining_ratio",
      "Share of the error budget that is left in the objective's window; below 0 it is overspent.",
      ofTargets.flatMap(({ target, errorBudgetRemaining: value }) =>
        value === undefined ? [] : [{ labels: { target }, value }],
      ),
    ),
    family(
      "incidents_open",
      "Incidents that are not resolved.",
      ofTargets.map(({ target, openIncidents }) => ({ labels: { target }, value: openIncidents })),
    ),
    family(
      "storage_full_timestamp_seconds",
      "When it will be full at its present growth; +Inf when not within two years.",
      ofTargets.flatMap(({ target, storageFull }) =>
        storageFull.map(({ store, quantile, at }) => ({ labels: { target, store, quantile }, value: at })),
      ),
      // What a summary is for: the quantiles of one figure, here of the forecast's date. No other kind may have them.
      "summary",
    ),
  ];
}

function readingSeries(
  families: readonly MetricFamily[],
  all: readonly (readonly [string, Reading])[],
): readonly Family[] {
  return families.map(({ name, type, help }) => {
    // Two checks of a target may read the same thing: one series, the first one wins.
    const series = new Map<string, ExposedSeries>();
    for (const [key, { metric, labels = {}, value }] of all) {
      if (metric === name && !series.has(key)) series.set(key, { labels, value });
    }
    return { name: `tidewatch_${name}`, type, help, series: [...series.values()] };
  });
}

type PromClientMetric = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>[number];

function ofPromClient({ name, help, type, values }: PromClientMetric): Family {
  const kind = String(type);
  return {
    name,
    type: kind === "counter" || kind === "histogram" || kind === "summary" ? kind : "gauge",
    help: help.endsWith(".") ? help : `${help}.`,
    series: values.map((value) => ({
      ...("metricName" in value && typeof value.metricName === "string" && { name: value.metricName }),
      labels: Object.fromEntries(Object.entries(value.labels).map(([label, of]) => [label, String(of)])),
      value: value.value,
    })),
  };
}
