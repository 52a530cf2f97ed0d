/** How an outage goes on between its beginning and its end: another check, worse, better, or in clearer words. */
import type { JudgedSample } from "../../core/judge.ts";
import { sameInAll } from "../../core/language.ts";
import {
  confirmedText,
  easedText,
  outageExplanation,
  outageTitle,
  raisedText,
  unreachableBehindText,
} from "../../core/member-texts.ts";
import { plainText } from "../../core/plain-text.ts";
import { isWorse } from "../../core/severity.ts";
import { type Changes, mergeChanges } from "../../core/store/changes.ts";
import type { Target } from "../../core/target.ts";
import type { Telling } from "../escalation/notices.ts";
import { withdrawn } from "../escalation/plan.ts";
import { lineLength, secondsBetween } from "../escalation/wording.ts";
import { isBad, type Outages, type Standing } from "./confirmed-outages.ts";
import { type Facts, outageFacts, shown } from "./incident-facts.ts";
import { type Attribution, becauseOf } from "./inhibition.ts";
import type { Incidents, Tracked } from "./open-incidents.ts";

interface Parts {
  readonly incidents: Incidents;
  readonly outages: Outages;
  readonly attribution: Attribution;
  readonly telling: Telling;
}

/** One more sample of a target whose outage is open. */
export interface Turn extends JudgedSample {
  readonly target: Target;
  readonly tracked: Tracked;
  /** How the check of the sample stands now. */
  readonly standing: Standing;
  /** How the worst check of the target stood before the sample. */
  readonly before: Standing;
}

/** Somebody who acknowledged it as down is not called again each time it comes back for a moment, within this time. */
const relapseSeconds = 3600;

export class Course {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  goesOn(turn: Turn): Changes {
    const { sample, check, target, tracked, standing, before } = turn;
    const { outages, attribution } = this.#parts;
    const after = outages.worstOf(target);
    if (before === "down" && after === "degraded") return this.#better(turn);
    if (standing === "up") return {};
    const isKnown = tracked.facts.checks.includes(check.id);
    // It was found, and kept quiet for a cause that is over: that we cannot measure it now is no reason to go on with that.
    if (sample.outcome === "unknown" && tracked.untold && isKnown) {
      return attribution.goesOn(tracked, target, sample, { kind: "tries", tries: [sample], needed: 1 });
    }
    if (!check.required || !isBad(sample)) return {};
    const found = outageFacts(turn, target, standing);
    if (isWorse(standing, tracked.facts.impact) || (standing === "down" && isWorse(after, before))) {
      return this.#worse(turn, found);
    }
    const joined = isKnown ? [] : [this.#joined(turn), this.#clearer(turn, found)];
    const seen = outages.worstSeen(sample, check, target);
    return mergeChanges([...joined, attribution.goesOn(tracked, target, sample, seen)]);
  }

  /** Another check of the same trouble: for the record; nobody is told again. */
  #joined({ sample, check, tracked }: Turn): Changes {
    tracked.facts = { ...tracked.facts, checks: [...tracked.facts.checks, check.id] };
    const text = sameInAll(`${check.id}: ${plainText(sample.reason ?? sample.outcome, lineLength)}`);
    const update = { at: sample.at, kind: "joined", text, public: false } as const;
    return this.#parts.incidents.record(tracked, () => ({ check: check.id, update }));
  }

  /** What stands behind a service can only say that something is missing; the front says what members notice. */
  #clearer({ sample, check, target, tracked }: Turn, { impact, explanation }: Facts): Changes {
    const isVague = tracked.facts.explanation.en === unreachableBehindText.en;
    if (check.behind || !isVague || impact !== tracked.facts.impact) return {};
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
  #worse({ sample, check, target, tracked }: Turn, found: Facts): Changes {
    const { incidents, outages, attribution, telling } = this.#parts;
    const checks = [...new Set([...tracked.facts.checks, check.id])];
    const explained = attribution.of(found, sample.at, checks);
    const { impact, urgency, title, explanation, reason, runbook } = explained.facts;
    const raised = { urgency, title, explanation, reason, runbook };
    const facts: Facts = { ...tracked.facts, ...raised, impact, checks };
    const { downAt } = tracked;
    const isRelapse = downAt !== undefined && secondsBetween(downAt, sample.at) < relapseSeconds;
    const { cause, waits } = explained;
    tracked.facts = facts;
    tracked.because = cause?.key;
    tracked.waits = waits;
    tracked.untold = cause !== undefined;
    tracked.downAt = sample.at;
    tracked.foundAt = sample.at;
    const isPublic = shown(target, facts);
    const text = raisedText(explained.explanation);
    const seen = outages.seen(sample, check);
    const said = { at: sample.at, kind: "joined", text, public: isPublic } as const;
    const told = {
      at: sample.at,
      kind: "note",
      text: sameInAll(cause ? `down, ${becauseOf(cause)}` : "told as down"),
      public: false,
    } as const;
    const now = { ...facts, confirmedAt: sample.at };
    const from = waits?.until ?? sample.at;
    const news = { facts: now, target, seen, membersSee: isPublic ? text : undefined, from };
    return mergeChanges([
      incidents.record(tracked, () => ({ check: check.id, words: { title, explanation }, update: said })),
      incidents.record(tracked, (id) => ({
        check: check.id,
        raised,
        ...(isRelapse && { unlessAcknowledged: true }),
        update: told,
        notices: (existing) => ({
          ...withdrawn(existing),
          add: cause
            ? []
            : telling.trouble(tracked, id, { ...news, round: `raised-${existing.length}`, instead: existing }),
        }),
      })),
    ]);
  }

  /** Down before, degraded now: members read what is so now; whoever works on it goes on. */
  #better({ sample, target, tracked }: Turn): Changes {
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
