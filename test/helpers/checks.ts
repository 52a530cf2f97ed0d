/** Checks and samples for tests of the schedule and what is around it. */
import type { Outcome, Sample } from "../../core/sample.ts";
import type { Check } from "../../core/target.ts";

export function aCheck(wishes: Partial<Check> = {}): Check {
  return {
    target: "mastodon",
    id: "web",
    probe: "http",
    everySeconds: 60,
    timeoutSeconds: 10,
    required: true,
    confirm: { failures: 3, retrySeconds: 20, successes: 2, recoverySeconds: 20 },
    thresholds: [],
    options: {},
    ...wishes,
  };
}

export function aSample(check: Check, at: Temporal.Instant, outcome: Outcome = "up"): Sample {
  return { target: check.target, check: check.id, vantagePoint: "here", at, durationSeconds: 0, outcome };
}
