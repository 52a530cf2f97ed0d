/** Data residency for members: in which countries everything is hosted, only while every public residency check knows it. */
import { z } from "zod";
import type { CheckState } from "../live-state.ts";
import type { Target } from "../target.ts";

export interface ResidencyStatus {
  /** ISO 3166-1. */
  readonly countries: readonly string[];
  /** Absent where several checks looked: they may have seen the same ones. */
  readonly addresses?: number;
  readonly against: readonly ResidencySource[];
  /** Of the oldest of these lookups. */
  readonly at: Temporal.Instant;
}

/** Who said where an address is. */
export const residencySources = ["networks", "database", "RDAP"] as const;
export type ResidencySource = (typeof residencySources)[number];

/** What the probe says when there is something to show, and everything is where it should be. */
export const publicResidencyMetric = "residency_public_addresses";

const Public = z.object({ public: z.literal(true) });
const countryCodes = /^[A-Z]{2}(?: [A-Z]{2})*$/;
/** A look older than this many intervals says nothing about today. */
const freshIntervals = 3;

export function residencyStatus(input: {
  readonly now: Temporal.Instant;
  readonly targets: readonly Target[];
  readonly checks: readonly CheckState[];
}): ResidencyStatus | undefined {
  const checks = input.targets
    .flatMap((target) => target.checks)
    .filter(({ probe, options }) => probe === "residency" && Public.safeParse(options).success);
  const looks = checks.map(({ target, id, everySeconds }) => {
    const last = input.checks.find((state) => state.target === target && state.check === id)?.last;
    const isFresh = last && input.now.since(last.at).total("seconds") <= freshIntervals * everySeconds;
    return last && isFresh ? lookOf(last) : undefined;
  });
  const [first, ...others] = looks;
  return others.reduce((all, one) => (all && one ? both(all, one) : undefined), first);
}

function lookOf(last: NonNullable<CheckState["last"]>): ResidencyStatus | undefined {
  const reading = last.readings?.find(({ metric }) => metric === publicResidencyMetric);
  const countries = reading?.labels?.["countries"] ?? "";
  const said = new Set(reading?.labels?.["against"]?.split(" "));
  const against = residencySources.filter((source) => said.has(source));
  if (!reading || !countryCodes.test(countries) || against.length === 0) return undefined;
  return { countries: countries.split(" "), addresses: reading.value, against, at: last.at };
}

function both(a: ResidencyStatus, b: ResidencyStatus): ResidencyStatus {
  return {
    countries: [...new Set([...a.countries, ...b.countries])].toSorted(),
    against: residencySources.filter((source) => a.against.includes(source) || b.against.includes(source)),
    at: Temporal.Instant.compare(a.at, b.at) <= 0 ? a.at : b.at,
  };
}
