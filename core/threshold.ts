/** Thresholds: the level of a reading at which somebody is told, with hysteresis: raised at one value, cleared at a lower one. */
import type { Localised } from "./language.ts";

export interface Threshold {
  /** Names the rule inside its check: "latency", "full". */
  readonly id: string;
  readonly metric: string;
  /** Only readings that carry all of these labels. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly raiseAt: number;
  readonly clearAt: number;
  /** The value must stay there for this long. */
  readonly raiseAfterSeconds: number;
  readonly clearAfterSeconds: number;
  /** page: wake somebody now; ticket: this week. */
  readonly urgency: "page" | "ticket";
  /** What members notice while it is raised: nothing, or a degraded service. */
  readonly affects: "nothing" | "degraded";
  /** How to print the value. */
  readonly unit: "seconds" | "bytes" | "ratio" | "count";
  /** What it means, without figures: "Posts arrive late". */
  readonly title: Localised;
  /** Where the value is an age: the same with it, for members who read it later: "the oldest was {age} old then". */
  readonly age?: Localised;
  /** File name under docs/runbooks, without ".md". */
  readonly runbook: string;
}

export interface ThresholdState {
  readonly raised: boolean;
  /** Epoch milliseconds since when the value has stood on the other side; null when it has not. */
  readonly crossedAt: number | null;
}

export const calmThreshold: ThresholdState = { raised: false, crossedAt: null };

/**
 * Takes one more value into account.
 * @param at epoch milliseconds
 * @returns the new state, and the change if there is one, dated to when the value crossed the line.
 */
export function advanceThreshold(
  state: ThresholdState,
  value: number,
  at: number,
  rule: Pick<Threshold, "raiseAt" | "clearAt" | "raiseAfterSeconds" | "clearAfterSeconds">,
): { readonly state: ThresholdState; readonly change?: { readonly raised: boolean; readonly since: number } } {
  const crossed = state.raised ? value < rule.clearAt : value >= rule.raiseAt;
  if (!crossed) return { state: { raised: state.raised, crossedAt: null } };
  const since = Math.min(state.crossedAt ?? at, at);
  const needed = (state.raised ? rule.clearAfterSeconds : rule.raiseAfterSeconds) * 1000;
  if (at - since < needed) return { state: { raised: state.raised, crossedAt: since } };
  return { state: { raised: !state.raised, crossedAt: null }, change: { raised: !state.raised, since } };
}
