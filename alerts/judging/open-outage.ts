/** The progress of an outage between its beginning and its end: another check, worse, better, or in clearer words. */
import { secondsBetween } from "../../core/clock.ts";
import type { JudgedSample } from "../../core/judge.ts";
import { sameInAll } from "../../core/language.ts";
import {
  confirmedText,
  easedText,
  outageExplanation,
  outageTitle,
  raisedText,
  unreachableInternalText,
} from "../../core/member-texts.ts";
import { plainText } from "../../core/plain-text.ts";
import { isWorse } from "../../core/severity.ts";
import { type Changes, mergeChanges } from "../../core/store/changes.ts";
import type { Target } from "../../core/target.ts";
import type { Policy } from "../escalation/policy.ts";
import { tellAnew } from "../escalation/transitions.ts";
import { lineLength } from "../escalation/wording.ts";
import { isBad, type Outages, type Standing } from "./confirmed-outages.ts";
import { type Facts, newsOf, outageFacts, shown } from "./incident-facts.ts";
import { becauseOf, type Inhibition } from "./inhibition.ts";
import type { Incidents, Tracked } from "./open-incidents.ts";

interface Parts {
  readonly incidents: Incidents;
  readonly outages: Outages;
  readonly inhibition: Inhibition;
  readonly policy: Policy;
}

/** One more sample of a target whose outage is open. */
export interface OutageUpdate extends JudgedSample {
  readonly target: Target;
  readonly tracked: Tracked;
  /** How the check of the sample stands now. */
  readonly standing: Standing;
  /** How the worst check of the target stood before the sample. */
  readonly before: Standing;
}

/** Somebody who acknowledged it as down is not called again each time it comes back for a moment, within this time. */
const relapseSeconds = 3600;

export class OutageProgress {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  goesOn(update: OutageUpdate): Changes {
    const { sample, check, target, tracked, standing, before } = update;
    const { outages, inhibition } = this.#parts;
    const after = outages.worstOf(target);
    if (before === "down" && after === "degraded") return this.#better(update);
    if (standing === "up") return {};
    const isKnown = tracked.facts.checks.includes(check.id);
    // It was found, and kept quiet for a cause that is over: that we cannot measure it now is no reason to go on with that.
    if (sample.outcome === "unknown" && tracked.escalation.state === "inhibited" && isKnown) {
      return inhibition.goesOn(tracked, target, sample, { kind: "tries", tries: [sample], needed: 1 });
    }
    if (!check.required || !isBad(sample)) return {};
    const found = outageFacts(update, target, standing);
    const isFoundWorse = isWorse(standing, tracked.facts.impact) || (standing === "down" && isWorse(after, before));
    const isTold = isToldToComeAndGo(tracked) || this.#isToldLately(update);
    if (isFoundWorse && !isTold) return this.#worse(update, found);
    const more = isFoundWorse
      ? [this.#asBefore(update, found)]
      : isKnown
        ? []
        : [this.#joined(update), this.#clearer(update, found)];
    const seen = outages.worstSeen(sample, check, target);
    return mergeChanges([...more, inhibition.goesOn(tracked, target, sample, seen)]);
  }

  /** Of what fails now and then, and was told as down lately, nobody hears each time that it is down once more. */
  #isToldLately({ sample, confirmation, tracked: { downAt, facts, escalation } }: OutageUpdate): boolean {
    if (!confirmation.intermittence?.on || downAt === undefined) return false;
    if (facts.urgency !== "page" || escalation.state === "inhibited") return false;
    return secondsBetween(downAt, sample.at) < this.#parts.policy.flapping.withinSeconds;
  }

  /** Another check of the same trouble: for the record; nobody is told again. */
  #joined({ sample, check, tracked }: OutageUpdate): Changes {
    tracked.facts = { ...tracked.facts, checks: [...tracked.facts.checks, check.id] };
    const text = sameInAll(`${check.id}: ${plainText(sample.reason ?? sample.outcome, lineLength)}`);
    const update = { at: sample.at, kind: "joined", text, public: false } as const;
    return this.#parts.incidents.record(tracked, () => ({ check: check.id, update }));
  }

  /** An internal check can only say that something is missing; a check of the service itself says what members notice. */
  #clearer({ sample, check, target, tracked }: OutageUpdate, { impact, explanation }: Facts): Changes {
    const isVague = tracked.facts.explanation.en === unreachableInternalText.en;
    if (check.internal || !isVague || impact !== tracked.facts.impact) return {};
    const { title } = tracked.facts;
    tracked.facts = { ...tracked.facts, explanation };
    const text = confirmedText(explanation);
    const update = { at: sample.at, kind: "joined", text, public: shown(target, tracked.facts) } as const;
    return this.#parts.incidents.record(tracked, () => ({ check: check.id, words: { title, explanation }, update }));
  }

  /**
   * Degraded before, down now: told as if it were new, in the same thread, and in place of what was not sent yet. No later
   * step is put off by that.
   */
  #worse({ sample, check, target, tracked }: OutageUpdate, found: Facts): Changes {
    const { incidents, outages, inhibition, policy } = this.#parts;
    const checks = [...new Set([...tracked.facts.checks, check.id])];
    const { rootCause, escalation, ...withCause } = inhibition.of(found, sample.at, checks);
    const { impact, urgency, title, explanation, reason, runbook } = withCause.facts;
    const raised = { urgency, title, explanation, reason, runbook };
    const facts: Facts = { ...tracked.facts, ...raised, impact, checks };
    const { downAt } = tracked;
    const isRelapse = downAt !== undefined && secondsBetween(downAt, sample.at) < relapseSeconds;
    tracked.facts = facts;
    tracked.rootCause = rootCause?.key;
    tracked.escalation = escalation;
    tracked.downAt = sample.at;
    const isPublic = shown(target, facts);
    const text = raisedText(withCause.explanation);
    const said = { at: sample.at, kind: "joined", text, public: isPublic } as const;
    const told = {
      at: sample.at,
      kind: "note",
      text: sameInAll(rootCause ? `down, ${becauseOf(rootCause)}` : "told as down"),
      public: false,
    } as const;
    const news = newsOf(target, outages.seen(sample, check), {
      facts: { ...facts, confirmedAt: sample.at },
      membersSee: isPublic ? text : undefined,
    });
    tracked.news = news;
    return mergeChanges([
      incidents.record(tracked, () => ({ check: check.id, words: { title, explanation }, update: said })),
      incidents.record(tracked, () => ({
        check: check.id,
        raised,
        ...(isRelapse && { unlessAcknowledged: true }),
        update: told,
        escalate: tellAnew(policy, { news, foundAt: sample.at, as: escalation, title: tracked.openingTitle }),
      })),
    ]);
  }

  /** Told as that already: members read what is so now, and nobody is called again. */
  #asBefore({ sample, check, tracked }: OutageUpdate, { title, explanation }: Facts): Changes {
    tracked.facts = { ...tracked.facts, title, explanation, checks: [...new Set([...tracked.facts.checks, check.id])] };
    const text = sameInAll(`down once more: ${check.id}`);
    const update = { at: sample.at, kind: "joined", text, public: false } as const;
    return this.#parts.incidents.record(tracked, () => ({ check: check.id, words: { title, explanation }, update }));
  }

  /** Down before, degraded now: members read what is so now; whoever works on it goes on. */
  #better({ sample, target, tracked }: OutageUpdate): Changes {
    const { incidents, outages } = this.#parts;
    const [check] = target.checks.filter((one) => one.required && outages.badTries(one).length > 0);
    const last = check && outages.badTries(check).at(-1);
    const title = outageTitle(target.name, "degraded");
    const explanation = last?.explanation ?? outageExplanation(target.name, "degraded");
    tracked.facts = { ...tracked.facts, title, explanation };
    const text = easedText(explanation);
    const update = { at: sample.at, kind: "note", text, public: shown(target, tracked.facts) } as const;
    const line = { words: { title, explanation }, update };
    return incidents.record(tracked, () => (check ? { check: check.id, ...line } : line));
  }
}

/** As down, and somebody was called for it. */
const isToldToComeAndGo = ({ flapping, facts: { impact, urgency } }: Tracked): boolean =>
  flapping !== undefined && impact === "down" && urgency === "page";
