/**
 * Computes the metrics of each target every few seconds: uptime, error budget, open incidents, forecast of full disks.
 */
import type { Metrics, TargetMetricValues } from "../collector/export/metrics.ts";
import type { CapacityModel } from "../core/capacity/capacity.ts";
import type { Clock } from "../core/clock.ts";
import type { Incident } from "../core/incident.ts";
import type { CheckState, Live } from "../core/live-state.ts";
import type { Log } from "../core/log.ts";
import { targetTimeline } from "../core/status/status.ts";
import { account } from "../core/status/uptime.ts";
import type { Transition } from "../core/store/judgements.ts";
import type { Store } from "../core/store/store.ts";
import type { Target } from "../core/target.ts";
import { formatDuration } from "../core/units.ts";
import { WakeableSleep } from "../core/wake-up.ts";
import { capacityModels } from "../reports/capacity.ts";

export interface TargetMetricsParts {
  readonly store: Pick<Store, "judgements" | "incidents" | "samples" | "outbox">;
  readonly live: Live;
  readonly metrics: Pick<Metrics, "setTargetMetrics" | "setOutboxPending">;
  readonly clock: Clock;
  readonly log: Log;
  readonly targets: () => readonly Target[];
}

export interface TargetMetrics {
  /** Something was stored: work them out again soon. */
  changed(): void;
  /** Until the signal. A store that fails for a while leaves the metrics as they were. */
  run(signal: AbortSignal): Promise<void>;
}

/** They move on at most this often while results come, and at least that often. */
const leastSeconds = 2;
const mostSeconds = 30;
/** A forecast changes once a day; the limit and the level now and then. */
const forecastEverySeconds = 300;
const usualWindows = [86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400];

export function openTargetMetrics(parts: TargetMetricsParts): TargetMetrics {
  const sleeper = new WakeableSleep();
  let forecasts: readonly CapacityModel[] = [];
  let forecastAt = Number.NEGATIVE_INFINITY;
  const compute = async () => {
    const now = parts.clock.monotonicSeconds();
    if (now - forecastAt >= forecastEverySeconds) {
      forecasts = await capacityModels(parts.store, parts.targets(), parts.clock.now());
      forecastAt = now;
    }
    parts.metrics.setTargetMetrics(await metricsOfTargets(parts, forecasts));
    parts.metrics.setOutboxPending(await parts.store.outbox.pending());
  };
  return {
    changed: () => sleeper.wake(),
    async run(signal) {
      while (!signal.aborted) {
        await compute().catch((error: unknown) =>
          parts.log.warn("figures for the metrics could not be worked out", { error }),
        );
        await parts.clock.sleep(leastSeconds, signal).catch(() => {});
        await sleeper.sleep(parts.clock, mostSeconds - leastSeconds, signal);
      }
    },
  };
}

async function metricsOfTargets(
  { store, live, clock, targets }: TargetMetricsParts,
  forecasts: readonly CapacityModel[],
): Promise<readonly TargetMetricValues[]> {
  const now = clock.now();
  const watched = targets().filter(({ planned }) => !planned);
  const longest = Math.max(...usualWindows, ...watched.map(({ objective }) => objective?.overSeconds ?? 0));
  const from = now.subtract({ seconds: longest });
  const [transitions, incidents] = await Promise.all([
    store.judgements.transitions({ from, to: now }),
    store.incidents.list({ since: from, limit: 10_000 }),
  ]);
  // Once for all: looking through everything for each target holds up visitors where there are hundreds.
  const byTarget = {
    transitions: Map.groupBy(transitions, ({ target }) => target),
    incidents: Map.groupBy(incidents, ({ target }) => target),
    checks: Map.groupBy(live.checks(), ({ target }) => target),
  };
  return watched.map((target) =>
    metricsOf(target, {
      transitions: byTarget.transitions.get(target.id) ?? [],
      incidents: byTarget.incidents.get(target.id) ?? [],
      checks: byTarget.checks.get(target.id) ?? [],
      now,
      longest,
      forecasts,
    }),
  );
}

/** Of one target, but for the forecasts. */
interface Known {
  readonly transitions: readonly Transition[];
  readonly incidents: readonly Incident[];
  readonly checks: readonly CheckState[];
  readonly now: Temporal.Instant;
  readonly longest: number;
  readonly forecasts: readonly CapacityModel[];
}

function metricsOf(
  target: Target,
  { transitions, incidents, checks, now, longest, forecasts }: Known,
): TargetMetricValues {
  const to = now.epochMilliseconds;
  const intervals = targetTimeline(target, {
    transitions,
    incidents,
    checks,
    span: { from: to - longest * 1000, to },
  });
  const over = (seconds: number, goal?: number) =>
    account(intervals, { span: { from: to - seconds * 1000, to }, goal });
  const { objective } = target;
  const windows = new Set([...usualWindows, ...(objective ? [objective.overSeconds] : [])]);
  const uptime = [...windows].flatMap((seconds): [string, number][] => {
    const ratio = over(seconds).uptime;
    return ratio === null ? [] : [[formatDuration(seconds), ratio]];
  });
  const budget = objective && over(objective.overSeconds, objective.goal);
  return {
    target: target.id,
    outcome: intervals.at(-1)?.outcome ?? "unknown",
    uptime: Object.fromEntries(uptime),
    ...(budget?.budget && budget.remaining !== null && { errorBudgetRemaining: budget.remaining / budget.budget }),
    openIncidents: incidents.filter(({ state }) => state !== "resolved").length,
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
