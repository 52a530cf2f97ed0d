/** The metric families of the targets: what members see of each, its uptime, its error budget, and when its disks are full. */
import { outcomes } from "../../core/sample.ts";
import { type Family, seriesLine } from "./exposition.ts";

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

type Labels = Readonly<Record<string, string>>;

export function targetFamilies(ofTargets: readonly TargetMetricValues[]): readonly Family[] {
  const family = (
    name: string,
    help: string,
    series: (of: TargetMetricValues) => readonly (readonly [Labels, number])[],
    type: "gauge" | "summary" = "gauge",
  ): Family => ({ name: `tidewatch_${name}`, type, help, lines: linesOf(`tidewatch_${name}`, ofTargets, series) });
  return [
    family("target_outcome", "What members see of a target: 1 for the outcome it has, 0 for the others.", (of) =>
      outcomes.map((outcome) => [{ target: of.target, outcome }, outcome === of.outcome ? 1 : 0]),
    ),
    family("target_uptime_ratio", "Good share of the measured time, maintenance left out.", ({ target, uptime }) =>
      Object.entries(uptime).map(([window, value]) => [{ target, window }, value]),
    ),
    family(
      "error_budget_remaining_ratio",
      "Share of the error budget that is left in the objective's window; below 0 it is overspent.",
      ({ target, errorBudgetRemaining: value }) => (value === undefined ? [] : [[{ target }, value]]),
    ),
    family("incidents_open", "Incidents that are not resolved.", ({ target, openIncidents }) => [
      [{ target }, openIncidents],
    ]),
    family(
      "storage_full_timestamp_seconds",
      "When it will be full at its present growth; +Inf when not within two years.",
      ({ target, storageFull }) => storageFull.map(({ store, quantile, at }) => [{ target, store, quantile }, at]),
      // What a summary is for: the quantiles of one figure, here of the forecast's date. No other kind may have them.
      "summary",
    ),
  ];
}

function* linesOf(
  name: string,
  ofTargets: readonly TargetMetricValues[],
  series: (of: TargetMetricValues) => readonly (readonly [Labels, number])[],
): Generator<string> {
  for (const of of ofTargets) for (const [labels, value] of series(of)) yield seriesLine(name, labels, value);
}
