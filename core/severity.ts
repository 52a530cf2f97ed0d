/** Severity: which of several outcomes, confirmed states or impacts is the worst, and so the one that counts. */
import type { IncidentFacts } from "./incident.ts";
import type { Outcome } from "./sample.ts";

type Severity = Outcome | IncidentFacts["impact"];

/** What was not measured is no trouble that is known, and must not hide any. */
const severity: Readonly<Record<Severity, number>> = { up: 0, none: 0, unknown: 1, degraded: 2, down: 3 };

export const isWorse = (a: Severity, b: Severity): boolean => severity[a] > severity[b];

/** Undefined when there are none. */
export function worstOf<S extends Severity>(several: readonly S[]): S | undefined {
  return several.reduce<S | undefined>(
    (worst, one) => (worst === undefined || isWorse(one, worst) ? one : worst),
    undefined,
  );
}
