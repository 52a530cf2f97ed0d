/**
 * What comes and goes: an outage that is back soon after its end is the same incident still, which says so once. From then
 * on its end is held back until it has been well for a while. All of that stands in the store; a restart changes nothing.
 */
import { type Clock, secondsAfter, secondsBetween } from "../../core/clock.ts";
import { sameInAll } from "../../core/language.ts";
import { comesAndGoesText } from "../../core/member-texts.ts";
import { isWorse } from "../../core/severity.ts";
import type { Changes } from "../../core/store/changes.ts";
import type { Target } from "../../core/target.ts";
import type { Policy } from "../escalation/policy.ts";
import { inhibit, pauseUntil, release, resume } from "../escalation/transitions.ts";
import { type Facts, newsOf, shown } from "./incident-facts.ts";
import type { FactsWithCause, Inhibition } from "./inhibition.ts";
import type { Incidents, Past, Tracked } from "./open-incidents.ts";
import type { Storms } from "./storms.ts";

type Instant = Temporal.Instant;

interface Parts {
  readonly clock: Clock;
  readonly incidents: Incidents;
  readonly inhibition: Inhibition;
  readonly storms: Storms;
  readonly policy: Policy;
}

/** Nobody else is called while it is well; but when we cannot see that any more, they are so long after its end was due. */
const unseenSeconds = 300;

export class Flaps {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The incident that goes on with what was just found, where it ended a short time ago. */
  endedJustBefore({ key, kind, confirmedAt }: Facts): Past | undefined {
    const { incidents, policy } = this.#parts;
    const past = kind === "outage" ? incidents.past(key) : undefined;
    return past && this.#secondsSince(past, confirmedAt) < policy.flapping.withinSeconds ? past : undefined;
  }

  /** By the monotonic clock, unless an earlier process saw its end: the clock may have been put back since, too. */
  #secondsSince({ tracked, resolvedAt }: Past, at: Instant): number {
    const { overSeconds } = tracked;
    if (overSeconds !== undefined) return this.#now() - overSeconds;
    return Math.abs(at.epochMilliseconds - resolvedAt.epochMilliseconds) / 1000;
  }

  /** It goes on: told anew, as something that comes and goes. */
  reopen(
    { tracked, resolvedAt, isRedated }: Past,
    found: FactsWithCause,
    target: Target,
    seen: Parameters<typeof newsOf>[1],
  ): Changes {
    const { incidents, policy } = this.#parts;
    const { rootCause, escalation, explanation } = found;
    const { urgency, title, reason, runbook, impact, checks, confirmedAt } = found.facts;
    const raised = { urgency, title, explanation: found.facts.explanation, reason, runbook };
    const { quietSeconds } = policy.flapping;
    const text = comesAndGoesText(explanation, quietSeconds);
    const isPublic = shown(target, found.facts);
    const news = newsOf(target, seen, {
      facts: found.facts,
      membersSee: isPublic ? text : undefined,
      company: impact === "down" ? this.#parts.storms.companyOf(target, found.facts.startedAt) : undefined,
      flapping: { resolvedAt, quietSeconds },
    });
    tracked.facts = {
      ...tracked.facts,
      ...raised,
      checks: [...new Set([...tracked.facts.checks, ...checks])],
      impact: isWorse(impact, tracked.facts.impact) ? impact : tracked.facts.impact,
    };
    tracked.news = news;
    tracked.escalation = escalation;
    tracked.rootCause = rootCause?.key;
    tracked.flapping = { relapses: (tracked.flapping?.relapses ?? 0) + 1 };
    tracked.quietFrom = undefined;
    tracked.rollAt = undefined;
    if (impact === "down") tracked.downAt = confirmedAt;
    const [check = ""] = checks;
    const update = { at: confirmedAt, kind: "confirmed", text, public: isPublic } as const;
    const revision = { news, foundAt: confirmedAt, as: escalation, title: tracked.openingTitle };
    const { startedAt, confirmedAt: firstConfirmedAt } = tracked.facts;
    return incidents.reopen(tracked, (id) => {
      const moments = { startedAt, confirmedAt: firstConfirmedAt, quietSince: undefined };
      return {
        incidents: [
          { change: "reopen", id, check, impact, raised, update, escalate: resume(policy, revision) },
          ...(isRedated ? [{ change: "redate", id, ...moments } as const] : []),
        ],
      };
    });
  }

  /** It is well again. @returns what that changes; undefined where it is over, since `quietSince` where that is known. */
  hold(
    tracked: Tracked,
    { resolvedAt, at }: { readonly resolvedAt: Instant; readonly at: Instant },
  ): Changes | undefined {
    const { policy, incidents } = this.#parts;
    const { flapping } = tracked;
    const { quietSeconds } = policy.flapping;
    if (!flapping || quietSeconds === 0) return undefined;
    const isNew = flapping.quietSince === undefined;
    tracked.quietFrom ??= this.#now() - secondsBetween(flapping.quietSince ?? resolvedAt, at);
    if (this.#now() - tracked.quietFrom >= quietSeconds) return undefined;
    if (!isNew) return {};
    tracked.flapping = { ...flapping, quietSince: resolvedAt };
    const until = secondsAfter(at, quietSeconds + unseenSeconds);
    if (tracked.escalation.state !== "inhibited") tracked.escalation = { state: "waiting", until, candidates: [] };
    const update = { at, kind: "note", text: sameInAll("well for now"), public: false } as const;
    return incidents.follow(tracked, (id) => ({
      incidents: [{ change: "quiet", id, since: resolvedAt, update, escalate: pauseUntil(until, at) }],
    }));
  }

  /** In trouble once more while its end was held back: nobody is told again, and whoever comes next is called in time. */
  relapse(tracked: Tracked, found: Facts): Changes {
    const { flapping, escalation } = tracked;
    if (flapping?.quietSince === undefined) return {};
    const { inhibition, incidents, policy } = this.#parts;
    const { title, explanation, reason, confirmedAt: at } = found;
    const { rootCause } = inhibition.of(found, at);
    tracked.flapping = { relapses: flapping.relapses + 1 };
    tracked.quietFrom = undefined;
    tracked.rootCause = rootCause?.key;
    if (rootCause) tracked.escalation = { state: "inhibited", by: rootCause.key };
    else if (escalation.state === "waiting") tracked.escalation = { state: "told" };
    tracked.facts = { ...tracked.facts, title, explanation };
    const update = { at, kind: "joined", text: sameInAll(`in trouble once more: ${reason}`), public: false } as const;
    const escalate = rootCause ? inhibit(rootCause.key) : release(policy, at);
    return incidents.follow(tracked, (id) => ({
      incidents: [{ change: "quiet", id, since: undefined, words: { title, explanation }, update, escalate }],
    }));
  }

  #now(): number {
    return this.#parts.clock.monotonicSeconds();
  }
}
