/**
 * Computes the metrics of each target: uptime, error budget, open incidents, forecast of full disks. Every few seconds, and
 * soon after an outcome or an incident changed.
 */
import type { Metrics } from "../collector/export/metrics.ts";
import type { TargetMetricValues } from "../collector/export/target-families.ts";
import type { CapacityModel } from "../core/capacity/capacity.ts";
import { type Clock, secondsAfter } from "../core/clock.ts";
import type { Incident } from "../core/incident.ts";
import type { CheckState, Live } from "../core/live-state.ts";
import type { Log } from "../core/log.ts";
import { presentTimeline, type Timelines, withIncidents } from "../core/status/target-timeline.ts";
import { account, added, spentIn } from "../core/status/uptime.ts";
import type { Store } from "../core/store/store.ts";
import type { Target } from "../core/target.ts";
import { mapInSlices } from "../core/time-slices.ts";
import { formatDuration } from "../core/units.ts";
import { WakeableSleep } from "../core/wake-up.ts";
import { capacityModels } from "../reports/capacity.ts";

export interface TargetMetricsParts {
  readonly store: Pick<Store, "incidents" | "samples">;
  readonly timelines: Timelines;
  readonly live: Live;
  readonly metrics: Pick<Metrics, "setTargetMetrics">;
  readonly clock: Clock;
  readonly log: Log;
  readonly targets: () => readonly Target[];
}

export interface TargetMetrics {
  /** Incidents changed, or the configuration: work them out again soon. */
  changed(): void;
  /** Samples were stored: an outcome may have changed. */
  stored(): void;
  /** Until the signal. A store that fails for a while leaves the metrics as they were. */
  run(signal: AbortSignal): Promise<void>;
}

/** How often they move on, and how soon after a change. */
const everySeconds = 15;
const soonSeconds = 2;
/** A forecast changes once a day; the limit and the level now and then. */
const forecastEverySeconds = 300;
const usualWindows = [86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400];

export function openTargetMetrics(parts: TargetMetricsParts): TargetMetrics {
  const { store, live, metrics, clock, log } = parts;
  const sleeper = new WakeableSleep();
  /** Of the outcomes that the metrics show. */
  let moves = live.moves;
  let forecasts: readonly CapacityModel[] = [];
  let forecastAt = Number.NEGATIVE_INFINITY;
  const compute = async () => {
    moves = live.moves;
    const now = clock.monotonicSeconds();
    if (now - forecastAt >= forecastEverySeconds) {
      forecasts = await capacityModels(store, parts.targets(), clock.now());
      forecastAt = now;
    }
    metrics.setTargetMetrics(await metricsOfTargets(parts, forecasts));
  };
  return {
    changed: () => sleeper.wake(),
    stored() {
      if (live.moves !== moves) sleeper.wake();
    },
    async run(signal) {
      while (!signal.aborted) {
        await compute().catch((error: unknown) =>
          log.warn("figures for the metrics could not be worked out", { error }),
        );
        await clock.sleep(soonSeconds, signal).catch(() => {});
        await sleeper.sleep(clock, everySeconds - soonSeconds, signal);
      }
    },
  };
}

async function metricsOfTargets(
  { store, timelines, live, clock, targets }: TargetMetricsParts,
  forecasts: readonly CapacityModel[],
): Promise<readonly TargetMetricValues[]> {
  await timelines.refresh();
  const now = clock.now();
  const watched = targets().filter(({ planned }) => !planned);
  const longest = Math.max(...usualWindows, ...watched.map(({ objective }) => objective?.overSeconds ?? 0));
  const [open, thresholds] = await Promise.all([
    store.incidents.list({ open: true }),
    store.incidents.list({ kind: "threshold", since: secondsAfter(now, -longest), limit: 10_000 }),
  ]);
  const byTarget = {
    open: Map.groupBy(open, ({ target }) => target),
    thresholds: Map.groupBy(thresholds, ({ target }) => target),
    checks: Map.groupBy(live.checks(), ({ target }) => target),
  };
  return mapInSlices(watched, (target) =>
    metricsOf(target, {
      timelines,
      openIncidents: byTarget.open.get(target.id)?.length ?? 0,
      incidents: byTarget.thresholds.get(target.id) ?? [],
      checks: byTarget.checks.get(target.id) ?? [],
      now,
      forecasts,
    }),
  );
}

/** Of one target, but for the forecasts. */
interface Known {
  readonly timelines: Pick<Timelines, "of">;
  readonly openIncidents: number;
  /** Those that say how it stood. */
  readonly incidents: readonly Incident[];
  readonly checks: readonly CheckState[];
  readonly now: Temporal.Instant;
  readonly forecasts: readonly CapacityModel[];
}

function metricsOf(
  target: Target,
  { timelines, openIncidents, incidents, checks, now, forecasts }: Known,
): TargetMetricValues {
  const to = now.epochMilliseconds;
  const stored = timelines.of(target);
  const past = withIncidents(stored.past, incidents);
  const settled = Math.min(to, past.span.to);
  const present = presentTimeline(target, stored, { checks, incidents }, { from: past.span.to, to });
  const last = present.at(-1) ?? [...past.intervals({ from: settled - 1, to: settled })].at(-1);
  const over = (seconds: number, goal?: number) => {
    const from = to - seconds * 1000;
    return account(
      added(past.spent({ from, to: settled }), spentIn({ from: Math.max(from, settled), to }, present)),
      goal,
    );
  };
  const { objective } = target;
  const windows = new Set([...usualWindows, ...(objective ? [objective.overSeconds] : [])]);
  const uptime = [...windows].flatMap((seconds): [string, number][] => {
    const ratio = over(seconds).uptime;
    return ratio === null ? [] : [[formatDuration(seconds), ratio]];
  });
  const budget = objective && over(objective.overSeconds, objective.goal);
  return {
    target: target.id,
    outcome: last?.outcome ?? "unknown",
    uptime: Object.fromEntries(uptime),
    ...(budget?.budget && budget.remaining !== null && { errorBudgetRemaining: budget.remaining / budget.budget }),
    openIncidents,
    storageFull: forecasts.filter((model) => model.target.id === target.id).flatMap(storageFull),
  };
}

function storageFull({ store, outlook, now }: CapacityModel): TargetMetricValues["storageFull"] {
  if (!outlook) return [];
  const at = (days: number) =>
    Number.isFinite(days) ? Math.round(now.epochMilliseconds / 1000 + days * 86_400) : days;
  const { early, mid, late } = outlook.days;
  return [
    { store, quantile: "0.1", at: at(early) },
    { store, quantile: "0.5", at: at(mid) },
    { store, quantile: "0.9", at: at(late) },
  ];
}
