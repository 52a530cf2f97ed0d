/**
 * The Prometheus metrics of /metrics, rendered from memory: a scrape touches neither a watched server nor the store.
 */
import { Counter, Gauge, Registry } from "prom-client";
import type { Live } from "../../core/live-state.ts";
import type { MetricFamily } from "../../core/metric-families.ts";
import { checkKey, type Sample } from "../../core/sample.ts";
import type { Target } from "../../core/target.ts";
import { CheckMetrics } from "./check-metrics.ts";
import { exposition } from "./exposition.ts";
import { collectProcessMetrics, familiesOf } from "./process-metrics.ts";
import { type TargetMetricValues, targetFamilies } from "./target-families.ts";

export interface Metrics {
  /** Call it with samples that are stored, never before. */
  observe(samples: readonly Sample[]): void;
  setTargetMetrics(ofTargets: readonly TargetMetricValues[]): void;
  setScheduleLag(seconds: number): void;
  /** @param oldestSeconds since when the oldest of them is due; 0 when nothing is. */
  setOutboxDue(notices: number, oldestSeconds: number): void;
  setStrangeRows(rows: number): void;
  /** One attempt, and what became of it. */
  countNotice(channel: string, accepted: boolean): void;
  countPage(): void;
  reconfigure(targets: readonly Target[], families: readonly MetricFamily[]): void;
  /** @param accept the scraper's Accept header: OpenMetrics when it asks for it, else the Prometheus text format. */
  render(accept: string | undefined): Promise<{ readonly contentType: string; readonly body: Uint8Array<ArrayBuffer> }>;
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
  const ofProcess = collectProcessMetrics();
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `tidewatch_${name}`, help, labelNames, registers });
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `tidewatch_${name}`, help, labelNames, registers });

  gauge("build_info", "Version of Tidewatch.", ["version"]).set({ version: start.version }, 1);
  const lag = gauge("schedule_lag_seconds", "How late the last check began, against its schedule.");
  const outbox = gauge("outbox_pending", "Notices that are due and not delivered yet, by channels that are there.");
  const oldest = gauge("outbox_oldest_due_seconds", "For how long the oldest of them has been due; 0 when nothing is.");
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
  const ofChecks = new CheckMetrics(start.families);
  let ofTargets: readonly TargetMetricValues[] = [];

  return {
    observe(samples) {
      for (const sample of samples) ofChecks.observe(sample);
    },
    setTargetMetrics(next) {
      ofTargets = next;
    },
    setScheduleLag: (seconds) => lag.set(seconds),
    setOutboxDue(notices, oldestSeconds) {
      outbox.set(notices);
      oldest.set(oldestSeconds);
    },
    setStrangeRows: (rows) => strange.set(rows),
    countPage: () => pages.inc(),
    countNotice: (channel, accepted) => (accepted ? sent : failed).inc({ channel }),
    reconfigure(targets, families) {
      const names = targets.map(({ id }) => id);
      ofTargets = ofTargets.filter(({ target }) => names.includes(target));
      ofChecks.reconfigure(
        targets.flatMap(({ checks }) => checks.map(({ target, id }) => checkKey({ target, check: id }))),
        families,
      );
    },
    async render(accept) {
      // All of them as they stand now, for all families: while the text is written, samples come in.
      const checks = start.live.checks();
      const shown = [
        ...ofChecks.runFamilies(checks),
        ...targetFamilies(ofTargets),
        ...(await ofChecks.readingFamilies(checks)),
        ...(await ofProcess()),
        ...(await familiesOf(registry)),
      ];
      return exposition(shown, accept);
    },
  };
}
