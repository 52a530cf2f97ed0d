/** Reads from a check's tries when an outage is confirmed and over: a witness that shares no line with the judge. */
import type { Outcome } from "../../../core/sample.ts";

/** As `alerts.confirm` has it in every proof. */
const confirm = { failures: 3, retrySeconds: 20, successes: 2, recoverySeconds: 30 };
const whileDownSeconds = 60;

export interface Outage {
  readonly target: string;
  readonly impact: "down" | "degraded";
  /** The first of the bad tries that confirmed it. */
  readonly startedAt: Temporal.Instant;
  /** The last of them. */
  readonly confirmedAt: Temporal.Instant;
  /** The first of the good tries that ended it. */
  mendedAt?: Temporal.Instant;
  /** The last of them. */
  resolvedAt?: Temporal.Instant;
  takenAt?: Temporal.Instant;
  /** A cause was told in its place. */
  readonly isExplained: boolean;
}

export class Observer {
  readonly #target: string;
  readonly #everySeconds: number;
  /** Tries in a row that speak against what is held true, oldest first. */
  #run: Temporal.Instant[] = [];
  #outage: Outage | undefined;

  constructor(target: string, everySeconds: number) {
    this.#target = target;
    this.#everySeconds = everySeconds;
  }

  get outage(): Outage | undefined {
    return this.#outage;
  }

  /** Nothing is wrong, and nothing is being made sure of. */
  get isCalm(): boolean {
    return this.#outage === undefined && this.#run.length === 0;
  }

  /** When the schedule would look again. */
  get nextSeconds(): number {
    if (this.#outage) return this.#run.length > 0 ? confirm.recoverySeconds : whileDownSeconds;
    return this.#run.length > 0 ? confirm.retrySeconds : this.#everySeconds;
  }

  /** @returns the outage that this try confirmed or ended. */
  take(at: Temporal.Instant, outcome: Outcome, isExplained: boolean): Outage | undefined {
    const isBad = outcome === "down" || outcome === "degraded";
    const speaksAgainst = outcome !== "unknown" && isBad !== (this.#outage !== undefined);
    this.#run = speaksAgainst ? [...this.#run, at] : [];
    const [first] = this.#run;
    if (first === undefined) return undefined;
    return isBad ? this.#confirm(first, at, outcome, isExplained) : this.#end(first, at);
  }

  #confirm(startedAt: Temporal.Instant, at: Temporal.Instant, impact: Outage["impact"], isExplained: boolean) {
    if (this.#run.length < confirm.failures) return undefined;
    this.#run = [];
    this.#outage = { target: this.#target, impact, startedAt, confirmedAt: at, isExplained };
    return this.#outage;
  }

  #end(mendedAt: Temporal.Instant, at: Temporal.Instant) {
    if (this.#run.length < confirm.successes) return undefined;
    this.#run = [];
    const outage = this.#outage;
    this.#outage = undefined;
    if (outage) Object.assign(outage, { mendedAt, resolvedAt: at });
    return outage;
  }
}
