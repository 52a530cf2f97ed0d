/** A problem that a look at a service found, and how several problems make one finding. */
import type { Localised } from "../../core/language.ts";
import type { Finding, Outcome, Phases, Reading } from "../../core/sample.ts";

export interface Problem {
  readonly outcome: Exclude<Outcome, "up">;
  /** For the person on call. */
  readonly reason: string;
  /** For members. */
  readonly explanation: Localised;
  /** What was seen. */
  readonly evidence?: string;
}

/** What one of several questions adds to a finding. */
export interface PartialFinding {
  readonly problems: readonly Problem[];
  readonly readings?: readonly Reading[];
  /** Said when there is nothing wrong. */
  readonly note?: string;
}

// A measured outage outweighs what could not be measured; that outweighs a degradation.
const gravity: readonly Outcome[] = ["up", "degraded", "unknown", "down"];
const byGravity = (a: Problem, b: Problem) => gravity.indexOf(b.outcome) - gravity.indexOf(a.outcome);

/** Something that is not as it should be, while the service works. */
export function degradation(reason: string, explanation: Localised, evidence?: string): Problem {
  return { outcome: "degraded", reason, explanation, ...(evidence && { evidence }) };
}

/** The worst problem decides; the others are told after it. `note` is said when there is nothing wrong. */
export function findingOf(
  problems: readonly Problem[],
  rest: { readonly readings?: readonly Reading[]; readonly phases?: Phases; readonly note?: string | undefined } = {},
): Finding {
  const { note, ...measured } = rest;
  const sorted = problems.toSorted(byGravity);
  const [main] = sorted;
  if (!main) return { outcome: "up", ...(note !== undefined && { reason: note }), ...measured };
  const evidence = sorted.flatMap((problem) => problem.evidence ?? []).join("\n\n");
  return {
    outcome: main.outcome,
    reason: [...new Set(sorted.map((problem) => problem.reason))].join("; "),
    explanation: main.explanation,
    ...measured,
    ...(evidence && { evidence }),
  };
}
