/**
 * Storms: several targets of one machine go down together. The first one is told at once; those after it join it, and one
 * more notice names them all. Nobody is kept quiet without being named, and each has its own outage all the same.
 */
import { secondsAfter, secondsBetween } from "../../core/clock.ts";
import type { IncidentFacts } from "../../core/incident.ts";
import { type Localised, sameInAll } from "../../core/language.ts";
import type { Sample } from "../../core/sample.ts";
import type { Changes } from "../../core/store/changes.ts";
import type { Check, Target } from "../../core/target.ts";
import type { Policy } from "../escalation/policy.ts";
import { callTheRoll } from "../escalation/transitions.ts";
import { keyOf, type Outages } from "./confirmed-outages.ts";
import type { Hosts } from "./hosts.ts";
import type { Incidents, Tracked } from "./open-incidents.ts";
import type { Cause } from "./root-cause.ts";

type Instant = Temporal.Instant;

interface Parts {
  readonly incidents: Incidents;
  readonly outages: Outages;
  readonly hosts: Hosts;
  readonly policy: Policy;
  /** Those that are in service. */
  readonly targets: () => readonly Target[];
}

/** Two that fail together are told one by one. */
const fewest = 3;
/** Two that are looked at in the same moments, and noticed in others, by what the machine and the network take. */
const slackSeconds = 5;
/** After the first page, and between two that name all: everything that is looked at each minute has failed by then. */
const rollSeconds = 50;

export class Storms {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    for (const { facts, news } of parts.incidents.all()) {
      const { addresses = [] } = news;
      for (const check of facts.checks) parts.hosts.learn({ target: facts.target, check, addresses });
    }
  }

  /**
   * The one that was told in the place of this outage, because both went down with their machine.
   * @param at when the try began that is judged.
   */
  leaderOf(facts: Pick<IncidentFacts, "kind" | "target" | "checks" | "startedAt">, at: Instant): Cause | undefined {
    const { incidents } = this.#parts;
    const target = this.#target(facts.target);
    const own = target?.checks.filter((check) => facts.checks.includes(check.id) && this.#isDown(check, at)) ?? [];
    if (!target || facts.kind !== "outage" || own.length === 0) return undefined;
    const joined = incidents.get(facts.target);
    const by = joined?.escalation.state === "inhibited" ? joined.escalation.by : undefined;
    const isStorm = by !== undefined || this.#failingBeside(target, facts.startedAt).length + 1 >= fewest;
    for (const leader of incidents.all()) {
      const other = this.#target(leader.facts.target);
      if (!other || other === target || !isLeading(leader)) continue;
      // After a restart not all of them were seen yet.
      if (!isStorm && (leader.news.also ?? []).length + 1 < fewest) continue;
      const theirs = other.checks.filter(({ id, required }) => required && leader.facts.checks.includes(id));
      const isOwn = theirs.some((check) => keyOf(check) === by);
      if (!isOwn && !areTogether([...own, ...theirs], leader.news.facts.startedAt, facts.startedAt)) continue;
      // While it comes and goes, nobody was told that it is over.
      const isHeld = isOwn && leader.flapping !== undefined;
      const cause = theirs
        .filter((check) => isHeld || this.#isDown(check, at))
        .find((check) => own.every((one) => this.#isShared(one, check)));
      if (cause) return { key: keyOf(cause), target: other, reason: leader.facts.reason, isSameHost: true };
    }
    return undefined;
  }

  /** What of a storm is told with an outage, and kept with it: all that fail on its machine, by their names. */
  companyOf(
    target: Target,
    startedAt: Instant,
  ): { readonly also: readonly Localised[]; readonly addresses: readonly string[] } {
    const failing = target.checks.filter((check) => check.required && this.#isFailing(check));
    return {
      also: this.#failingBeside(target, startedAt).map(({ name }) => name),
      addresses: [...new Set(failing.flatMap((check) => this.#parts.hosts.addressesOf(keyOf(check))))],
    };
  }

  /**
   * Whatever is kept quiet for the first one is named in what is told of that.
   * @param tried a bad try of the target.
   */
  nameWithLeader(target: Target, tried: Pick<Sample, "at" | "durationSeconds">): Changes {
    const { incidents, policy } = this.#parts;
    const tracked = incidents.get(target.id);
    if (tracked?.escalation.state !== "inhibited" || !policy.reachesSomebody) return {};
    const cause = this.leaderOf(tracked.facts, tried.at);
    const leader = cause && incidents.get(cause.target.id);
    const known = leader?.news.also ?? [];
    if (!leader || known.some(({ en }) => en === target.name.en)) return {};
    const names = [...known, target.name, ...this.companyOf(cause.target, leader.news.facts.startedAt).also];
    const also = [...new Map(names.map((name) => [name.en, name])).values()];
    const news = { ...leader.news, also };
    const last = leader.rollAt ?? leader.news.facts.confirmedAt;
    // It may have taken long: what is planned for the time in between is done by now.
    const at = secondsAfter(tried.at, tried.durationSeconds);
    const isPlanned = secondsBetween(at, last) > 0;
    const until = isPlanned ? last : secondsAfter(last, Math.max(rollSeconds, secondsBetween(last, at) + 1));
    leader.news = news;
    leader.rollAt = until;
    const update = { at, kind: "joined", text: sameInAll(`also affected: ${target.name.en}`), public: false } as const;
    const escalate = callTheRoll(policy, { news, until, at });
    return incidents.record(leader, () => ({ unlessAcknowledged: true, update, escalate }));
  }

  /** @param startedAt of the outage of this target: what began long before it, or after, is none of it. */
  #failingBeside(target: Target, startedAt: Instant): readonly Target[] {
    const { incidents, outages } = this.#parts;
    const own = target.checks.filter((check) => check.required && this.#isFailing(check));
    const isCompany = (check: Check) => {
      if (!check.required || !this.#isFailing(check) || !own.some((one) => this.#isShared(one, check))) return false;
      const began = incidents.get(check.target)?.news.facts.startedAt ?? outages.badTries(check)[0]?.at;
      return began !== undefined && areTogether([...own, check], began, startedAt);
    };
    return this.#parts.targets().filter((other) => other !== target && other.checks.some(isCompany));
  }

  /** Confirmed, or about to be. */
  #isFailing(check: Check): boolean {
    const { outages } = this.#parts;
    return outages.worst(keyOf(check)) === "down" || outages.badTries(check).some(({ outcome }) => outcome === "down");
  }

  #isDown(check: Check, at: Instant): boolean {
    return check.required && this.#parts.outages.stoodAt(keyOf(check), at) === "down";
  }

  #isShared(a: Check, b: Check): boolean {
    return this.#parts.hosts.areShared(keyOf(a), keyOf(b));
  }

  #target(id: string): Target | undefined {
    return this.#parts.targets().find((target) => target.id === id);
  }
}

/** Somebody was told of it, or will be. */
const isLeading = ({ escalation, facts }: Tracked): boolean =>
  facts.kind === "outage" && facts.impact === "down" && escalation.state !== "inhibited";

/** Each noticed within its own interval what happened to both. */
function areTogether(checks: readonly Check[], a: Instant, b: Instant): boolean {
  const seconds = Math.max(...checks.map(({ everySeconds, timeoutSeconds }) => everySeconds + timeoutSeconds));
  return Math.abs(a.epochMilliseconds - b.epochMilliseconds) / 1000 <= seconds + slackSeconds;
}
