/**
 * For the command `probe`: which thresholds the readings of a single run exceed. Whether they stay exceeded, which is what
 * somebody is notified for, takes more than one run; but a queue that is a quarter of an hour late is degraded at once.
 */

import { reasonOf } from "../alerts/escalation/wording.ts";
import { carries } from "../alerts/judging/thresholds.ts";
import type { Level } from "../core/escalation.ts";
import { levelText } from "../core/member-texts.ts";
import type { Sample } from "../core/sample.ts";
import type { Check } from "../core/target.ts";
import type { Threshold } from "../core/threshold.ts";

export interface Observed extends Sample {
  /** False for a job that calls us: nothing can be asked of it, and only the program that runs hears it. */
  readonly asked: boolean;
  /** The highest level that a reading is beyond, of each; what wakes somebody first. */
  readonly levels: readonly ObservedLevel[];
}

export interface ObservedLevel extends Level {
  readonly rule: Threshold;
}

/** Degraded where a level would wake somebody or be told to members; a ticket can wait and changes nothing. */
export function observed(sample: Sample, { probe, thresholds }: Pick<Check, "probe" | "thresholds">): Observed {
  const asked = probe !== "heartbeat";
  const levels = sample.outcome === "unknown" ? [] : levelsOf(sample, thresholds);
  const [worst] = levels;
  if (sample.outcome !== "up" || !worst || !isGrave(worst.rule)) return { ...sample, asked, levels };
  const { reason = worst.rule.title.en, explanation = levelText(worst.rule) } = sample;
  return { ...sample, asked, outcome: "degraded", reason, explanation, levels };
}

function levelsOf({ readings = [] }: Sample, rules: readonly Threshold[]): readonly ObservedLevel[] {
  const highest = readings.flatMap(({ metric, value, labels = {} }) => {
    const [rule] = rules
      .filter((one) => one.metric === metric && carries(labels, one) && value >= one.raiseAt)
      .toSorted((a, b) => b.raiseAt - a.raiseAt);
    return rule ? [{ labels, value, rule }] : [];
  });
  return highest.toSorted((a, b) => Number(isGrave(b.rule)) - Number(isGrave(a.rule)));
}

/** "queue=default: 14m (told at 2m, over below 40s)": as a notice would say it. */
export function levelReason(check: string, level: ObservedLevel): string {
  return reasonOf({ kind: "levels", check, levels: [level] });
}

const isGrave = ({ urgency, affects }: Threshold): boolean => urgency === "page" || affects === "degraded";
