/**
 * Which failing check explains what: one cause that was told already is not told again by everything that depends on
 * it. Never more is kept quiet than was told: the cause must be at least as bad, and stand in an incident of its own.
 */
import type { IncidentFacts } from "../../core/incident.ts";
import { type CheckKey, checkKey } from "../../core/sample.ts";
import { isWorse } from "../../core/severity.ts";
import type { Check, Target } from "../../core/target.ts";
import { keyOf, type Outages, type Standing } from "./confirmed-outages.ts";
import type { Incidents } from "./open-incidents.ts";

type Instant = Temporal.Instant;

type Bad = Exclude<Standing, "up">;

/** A check in trouble that nothing else explains. */
export interface Cause {
  readonly key: CheckKey;
  readonly target: Target;
  /** The reason of its own incident. */
  readonly reason: string;
  /** Both went down with their machine: it is no cause, but it is told in the place of all. */
  readonly isSameHost?: true;
}

/** Each with how long it may take until it is confirmed. */
export type Candidates = readonly { readonly key: CheckKey; readonly seconds: number }[];

interface Known {
  readonly outages: Outages;
  readonly incidents: Incidents;
}

export class RootCauses {
  readonly #known: Known;
  #targets: ReadonlyMap<string, Target> = new Map();
  /** Checks that something depends on. */
  #named: ReadonlySet<CheckKey> = new Set();

  constructor(known: Known, targets: readonly Target[]) {
    this.#known = known;
    this.reconfigure(targets);
  }

  reconfigure(targets: readonly Target[]): void {
    const inService = targets.filter(({ planned }) => !planned);
    this.#targets = new Map(inService.map((target) => [target.id, target]));
    this.#named = new Set(inService.flatMap(({ checks }) => checks.flatMap(({ dependsOn = [] }) => dependsOn)));
  }

  /** Trouble with this check may explain that of another. */
  mayExplain(key: CheckKey): boolean {
    return this.#named.has(key);
  }

  /** The check is in trouble still. */
  stands(key: CheckKey): boolean {
    return this.#known.outages.worst(key) !== "up";
  }

  /**
   * What explains an incident: undefined as soon as one thing in it speaks for itself.
   * @param at when the try began that is judged.
   */
  of(facts: Pick<IncidentFacts, "kind" | "target" | "checks" | "urgency">, at: Instant): Cause | undefined {
    const target = this.#targets.get(facts.target);
    const involved = target?.checks.filter(({ id }) => facts.checks.includes(id)) ?? [];
    const causes =
      facts.kind === "threshold"
        ? involved.map((check) => this.#root(check, facts.urgency === "page" ? "down" : "degraded", at))
        : involved.filter(({ required }) => required).flatMap((check) => this.#causeOfOutage(check, at));
    return causes.every((cause) => cause !== undefined) ? causes[0] : undefined;
  }

  /**
   * Checks of other targets that may explain this: they fail as well, as badly, and are about to be confirmed. None where
   * something in it speaks for itself.
   */
  candidates({
    kind,
    target,
    checks,
    impact,
  }: Pick<IncidentFacts, "kind" | "target" | "checks" | "impact">): Candidates {
    if (kind !== "outage" || impact === "none") return [];
    const involved =
      this.#targets.get(target)?.checks.filter(({ id, required }) => required && checks.includes(id)) ?? [];
    const candidates = involved.map((check) => this.#candidatesOf(check, impact, target));
    return candidates.every(({ length }) => length > 0) ? candidates.flat() : [];
  }

  #candidatesOf(check: Check, needed: Bad, target: string, behind: ReadonlySet<CheckKey> = new Set()): Candidates {
    const passed = new Set([...behind, keyOf(check)]);
    return (check.dependsOn ?? []).flatMap((key) => {
      const cause = passed.has(key) ? undefined : this.#find(key)?.cause;
      if (!cause?.required) return [];
      const seconds = cause.target === target ? 0 : this.#secondsToConfirm(cause, needed);
      const own = seconds > 0 ? [{ key, seconds }] : [];
      return [...own, ...this.#candidatesOf(cause, needed, target, passed)];
    });
  }

  /** How long it may take until a check that began to fail is confirmed; 0 when it did not, or not as badly. */
  #secondsToConfirm(cause: Check, needed: Bad): number {
    const tries = this.#known.outages.badTries(cause).filter(({ outcome }) => outcome === "down" || needed !== "down");
    const missing = cause.confirm.failures - tries.length;
    if (tries.length === 0 || missing <= 0) return 0;
    return missing * (Math.min(cause.confirm.retrySeconds, cause.everySeconds) + cause.timeoutSeconds);
  }

  #find(key: CheckKey): { readonly target: Target; readonly cause: Check } | undefined {
    const target = this.#targets.get(key.slice(0, key.indexOf("/")));
    const cause = target?.checks.find((candidate) => keyOf(candidate) === key);
    return target && cause && { target, cause };
  }

  /** Empty for a check that is well. */
  #causeOfOutage(check: Check, at: Instant): readonly (Cause | undefined)[] {
    const standing = this.#known.outages.worst(keyOf(check));
    return standing === "up" ? [] : [this.#root(check, standing, at)];
  }

  /** The first cause at the end of a chain of checks that all fail as badly as this one. */
  #root(check: Check, needed: Bad, at: Instant, behind: ReadonlySet<CheckKey> = new Set()): Cause | undefined {
    const passed = new Set([...behind, keyOf(check)]);
    for (const key of check.dependsOn ?? []) {
      if (passed.has(key) || isWorse(needed, this.#known.outages.stoodAt(key, at))) continue;
      const found = this.#find(key);
      if (!found) continue;
      const root = this.#root(found.cause, needed, at, passed) ?? this.#told(found.cause, found.target);
      if (root) return root;
    }
    return undefined;
  }

  /** A check about which somebody was told, as long as its incident goes on; and a moment longer, for tries on the way. */
  #told({ id, required }: Check, target: Target): Cause | undefined {
    if (!required) return undefined;
    const key = checkKey({ target: target.id, check: id });
    const incident = this.#known.incidents.get(target.id);
    if (incident?.facts.checks.includes(id)) {
      // What was kept quiet itself, for a cause that is gone, has not been told to anybody.
      return incident.escalation.state === "inhibited" ? undefined : { key, target, reason: incident.facts.reason };
    }
    return this.#known.outages.worst(key) === "up" ? { key, target, reason: "well again by now" } : undefined;
  }
}
