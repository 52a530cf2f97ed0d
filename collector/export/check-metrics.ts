/** The metrics of each check: outcome and duration of its newest run, its runs by outcome, and what its probe read. */
import type { CheckState } from "../../core/live-state.ts";
import type { MetricFamily } from "../../core/metric-families.ts";
import { type CheckKey, checkKey, type Outcome, outcomes, phaseNames, type Sample } from "../../core/sample.ts";
import { pause } from "../../core/time-slices.ts";
import { type Family, labelText, seriesLine } from "./exposition.ts";

/** What is known of one check from the samples that were stored. */
interface Observed {
  readonly place: Place;
  readonly runs: Record<Outcome, number>;
  /**
   * Values by family and labels: `queue_jobs{target="mastodon",queue="default"}`. A reading stays until its check fails to
   * give one: some are taken hourly, and an old figure of a dead server is no figure.
   */
  readings: Map<string, number>;
}

/** The labels of a check as text: they are needed at every scrape, and never change. */
interface Place {
  readonly vantagePoint: string;
  readonly labels: string;
}

/** The newest run of a check. */
interface Newest {
  readonly sample: Sample;
  readonly labels: string;
}

export class CheckMetrics {
  /** By name, in the order of /metrics. */
  #families: ReadonlyMap<string, MetricFamily>;
  readonly #observed = new Map<CheckKey, Observed>();
  readonly #places = new Map<CheckKey, Place>();

  /** @param families what the readings become, in the order of /metrics. */
  constructor(families: readonly MetricFamily[]) {
    this.#families = exportedOf(families);
  }

  observe(sample: Sample): void {
    const { target, check, outcome } = sample;
    const known = this.#observed.get(checkKey(sample)) ?? this.#begin(sample);
    known.runs[outcome]++;
    if (outcome !== "up" && outcome !== "degraded") known.readings = new Map();
    for (const { metric, value, labels } of sample.readings ?? []) {
      const perCheck = this.#families.get(metric)?.labels.includes("check") ?? false;
      const own = { target, ...(perCheck && { check }), ...labels };
      known.readings.set(`${metric}{${labelText(own)}}`, value);
    }
  }

  /** Forgets all other checks. */
  reconfigure(checks: readonly CheckKey[], families: readonly MetricFamily[]): void {
    this.#families = exportedOf(families);
    const kept = new Set(checks);
    for (const known of [this.#observed, this.#places]) {
      for (const key of known.keys()) if (!kept.has(key)) known.delete(key);
    }
  }

  /** Outcomes, runs and durations. */
  runFamilies(checks: readonly CheckState[]): readonly Family[] {
    const newest = checks.flatMap(({ last }) => (last ? [{ sample: last, labels: this.#placeOf(last).labels }] : []));
    return [
      {
        name: "tidewatch_check_outcome",
        type: "gauge",
        help: "Outcome of the newest run: 1 for the one it has, 0 for the others.",
        lines: outcomeLines(newest),
      },
      {
        name: "tidewatch_check_runs_total",
        type: "counter",
        help: "Runs that were stored, by outcome.",
        lines: runLines(this.#observedOf(checks)),
      },
      {
        name: "tidewatch_probe_duration_seconds",
        type: "gauge",
        help: "Duration of the newest run, by phase.",
        lines: durationLines(newest),
      },
    ];
  }

  async readingFamilies(checks: readonly CheckState[]): Promise<readonly Family[]> {
    const families = [...this.#families.values()];
    const found = new Map(families.map(({ name }) => [name, new Map<string, number>()]));
    for (const { readings } of this.#observedOf(checks)) {
      for (const [series, value] of readings) {
        const values = found.get(series.slice(0, series.indexOf("{")));
        // Two checks of a target may read the same thing: one series, the first one wins.
        if (values && !values.has(series)) values.set(series, value);
      }
      await pause();
    }
    return families.map(({ name, type, help }) => ({
      name: `tidewatch_${name}`,
      type,
      help,
      lines: readingLines(found.get(name) ?? new Map()),
    }));
  }

  /** Of these checks: what a reload took out may still have been stored after it. */
  #observedOf(checks: readonly CheckState[]): readonly Observed[] {
    const watched = new Set<string>(checks.map(checkKey));
    return [...this.#observed].flatMap(([key, known]) => (watched.has(key) ? [known] : []));
  }

  #begin(sample: Sample): Observed {
    const observed = {
      place: this.#placeOf(sample),
      runs: { up: 0, degraded: 0, down: 0, unknown: 0 },
      readings: new Map<string, number>(),
    };
    this.#observed.set(checkKey(sample), observed);
    return observed;
  }

  #placeOf(sample: Sample): Place {
    const { target, check, vantagePoint } = sample;
    const known = this.#places.get(checkKey(sample));
    if (known?.vantagePoint === vantagePoint) return known;
    const place = { vantagePoint, labels: labelText({ target, check, vantage_point: vantagePoint }) };
    this.#places.set(checkKey(sample), place);
    return place;
  }
}

const exportedOf = (families: readonly MetricFamily[]): ReadonlyMap<string, MetricFamily> =>
  new Map(families.filter(({ exported }) => exported).map((family) => [family.name, family]));

function* outcomeLines(newest: readonly Newest[]): Generator<string> {
  for (const { sample, labels } of newest) {
    for (const outcome of outcomes) {
      const value = sample.outcome === outcome ? 1 : 0;
      yield seriesLine("tidewatch_check_outcome", `${labels},outcome="${outcome}"`, value);
    }
  }
}

function* runLines(observed: readonly Observed[]): Generator<string> {
  for (const { place, runs } of observed) {
    for (const outcome of outcomes) {
      yield seriesLine("tidewatch_check_runs_total", `${place.labels},outcome="${outcome}"`, runs[outcome]);
    }
  }
}

function* durationLines(newest: readonly Newest[]): Generator<string> {
  for (const { sample, labels } of newest) {
    for (const phase of phaseNames) {
      const { durationSeconds, phases } = sample;
      const value = phases?.[phase] ?? (phase === "total" ? durationSeconds : undefined);
      if (value !== undefined)
        yield seriesLine("tidewatch_probe_duration_seconds", `${labels},phase="${phase}"`, value);
    }
  }
}

function* readingLines(values: ReadonlyMap<string, number>): Generator<string> {
  for (const [series, value] of values) yield seriesLine(`tidewatch_${series}`, "", value);
}
