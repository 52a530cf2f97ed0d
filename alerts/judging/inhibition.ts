/**
 * Inhibition: one incident explains another, along its life. A candidate cause is waited for, a root cause is told in
 * place of what it explains, and what it no longer explains is told after all. Which check explains which is decided in
 * root-cause.ts.
 */
import { secondsAfter } from "../../core/clock.ts";
import type { Seen } from "../../core/escalation.ts";
import { type Localised, sameInAll } from "../../core/language.ts";
import { causeFoundText, confirmedText, withCause } from "../../core/member-texts.ts";
import { plainText } from "../../core/plain-text.ts";
import { type CheckKey, checkKey, type Sample } from "../../core/sample.ts";
import { type Changes, mergeChanges } from "../../core/store/changes.ts";
import type { Escalate } from "../../core/store/escalations.ts";
import type { Target } from "../../core/target.ts";
import type { Policy } from "../escalation/policy.ts";
import { type Beginning, inhibit, release, tellAnew, waitFor } from "../escalation/transitions.ts";
import { lineLength, reasonOf } from "../escalation/wording.ts";
import { isBad } from "./confirmed-outages.ts";
import { type Facts, newsOf, shown } from "./incident-facts.ts";
import type { Incidents, Tracked } from "./open-incidents.ts";
import type { Candidates, Cause, RootCauses } from "./root-cause.ts";
import type { Storms } from "./storms.ts";

/** A page waits no longer than this for a cause that is being confirmed: one true page is worth it, two are not. */
const longestDoubtSeconds = 90;

interface Parts {
  readonly incidents: Incidents;
  readonly causes: RootCauses;
  readonly storms: Storms;
  readonly policy: Policy;
  /** Only what is in service. */
  readonly target: (id: string) => Target | undefined;
}

/** What explains an incident, and what that makes of it. */
export interface FactsWithCause {
  readonly facts: Facts;
  readonly rootCause: Cause | undefined;
  /** For members: the cause by name, where it stands on their page. */
  readonly explanation: Localised;
  readonly escalation: Beginning;
}

export class Inhibition {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @param involved the checks of the whole incident, which may be more than those of what was just found. */
  of(found: Facts, at: Temporal.Instant, involved: readonly string[] = found.checks): FactsWithCause {
    const all = { ...found, checks: involved };
    const rootCause = this.#parts.causes.of(all, at) ?? this.#parts.storms.leaderOf(all, at);
    if (!rootCause) {
      const escalation = this.#candidatesOf(all) ?? { state: "told" };
      return { facts: found, rootCause, explanation: found.explanation, escalation };
    }
    const name = nameForMembers(found, rootCause);
    return {
      facts: { ...found, reason: plainText(`${found.reason}, ${becauseOf(rootCause)}`, lineLength) },
      rootCause,
      explanation: name ? withCause(found.explanation, name) : found.explanation,
      escalation: { state: "inhibited", by: rootCause.key },
    };
  }

  #candidatesOf(facts: Facts): Beginning | undefined {
    const candidates = this.#parts.causes.candidates(facts);
    if (candidates.length === 0) return undefined;
    const seconds = Math.min(longestDoubtSeconds, Math.max(...candidates.map((one) => one.seconds)));
    return { state: "waiting", until: secondsAfter(facts.confirmedAt, seconds), candidates: keysOf(candidates) };
  }

  /** After a restart or a reload: what explains the incidents that are open, or may, without a word about it. */
  takeUp(at: Temporal.Instant): void {
    const { incidents, causes } = this.#parts;
    for (const tracked of incidents.all()) {
      const { facts, escalation } = tracked;
      tracked.rootCause = causes.of(facts, at)?.key ?? (escalation.state === "inhibited" ? escalation.by : undefined);
      if (escalation.state === "waiting" && !tracked.flapping?.quietSince) {
        tracked.escalation = { ...escalation, candidates: together(escalation, causes.candidates(facts)) };
      }
    }
  }

  /** A candidate cause is well: what waited for it, and for nothing else, is told without waiting any longer. */
  clear(sample: Sample): Changes {
    const { incidents, causes } = this.#parts;
    const key = checkKey(sample);
    if (sample.outcome !== "up" || !causes.mayExplain(key) || causes.stands(key)) return {};
    return mergeChanges(incidents.all().map((tracked) => this.#clearFor(tracked, key, sample.at)));
  }

  #clearFor(tracked: Tracked, key: CheckKey, at: Temporal.Instant): Changes {
    const { causes, incidents, policy } = this.#parts;
    const { escalation, facts } = tracked;
    if (escalation.state !== "waiting" || !escalation.candidates.includes(key)) return {};
    const left = escalation.candidates.filter((one) => one !== key);
    // One that could not be measured since has not been found well; and another may have begun to fail meanwhile.
    const candidates = together({ candidates: left }, causes.candidates(facts));
    const isOver = Temporal.Instant.compare(escalation.until, at) <= 0;
    tracked.escalation = isOver || candidates.length === 0 ? { state: "told" } : { ...escalation, candidates };
    if (isOver) return {};
    if (candidates.length === 0) {
      return this.#note(tracked, at, sameInAll(`waits no longer: ${key} is well`), { escalate: release(policy, at) });
    }
    return incidents.follow(tracked, (incident) => ({ escalations: [{ incident, escalate: waitFor(candidates) }] }));
  }

  /** One more bad try: what explained it may be over by now, and then it counts for itself. */
  goesOn(tracked: Tracked, target: Target, sample: Sample, seen: Seen): Changes {
    const { rootCause, escalation } = tracked;
    const isInhibited = escalation.state === "inhibited";
    if ((!rootCause && !isInhibited) || this.#parts.causes.of(tracked.facts, sample.at)) return {};
    if (isInhibited && this.#parts.storms.leaderOf(tracked.facts, sample.at)) return {};
    tracked.rootCause = undefined;
    if (isInhibited) return this.#tellNow(tracked, target, sample, seen, rootCause);
    return this.#note(tracked, sample.at, sameInAll(`${rootCause} explains it no longer, and it goes on`));
  }

  #tellNow(tracked: Tracked, target: Target, sample: Sample, seen: Seen, cause: CheckKey | undefined): Changes {
    const { incidents, causes, storms, policy } = this.#parts;
    // Where nobody can be told, there is nothing to say about it either; a reload may name somebody.
    if (!policy.reachesSomebody) return {};
    tracked.escalation = { state: "told" };
    tracked.facts = { ...tracked.facts, reason: reasonOf(seen) };
    const { facts, openingTitle: title } = tracked;
    const { urgency, explanation, reason, runbook } = facts;
    const text = sameInAll(`told now: ${cause ?? "what explained it"} does not explain it any more, and it goes on`);
    const news = newsOf(target, seen, {
      facts,
      membersSee: shown(target, facts) ? confirmedText(explanation) : undefined,
      company: storms.companyOf(target, facts.startedAt),
      outlasts: cause && { check: cause, isOver: !causes.stands(cause) },
    });
    tracked.news = news;
    return incidents.record(tracked, () => ({
      check: sample.check,
      raised: { urgency, title: facts.title, explanation, reason, runbook },
      unlessAcknowledged: true,
      update: { at: sample.at, kind: "joined", text, public: false },
      escalate: tellAnew(policy, { news, foundAt: sample.at, as: { state: "told" }, title }),
    }));
  }

  /**
   * What is going on already may have its root cause in what was just found: those incidents say so from now on, and what
   * was not sent yet about them is not sent, because the cause is told.
   */
  explainOthers(sample: Sample): Changes {
    const { incidents, causes } = this.#parts;
    if (!isBad(sample) || !causes.mayExplain(checkKey(sample))) return {};
    return mergeChanges(incidents.all().map((tracked) => this.#explainOne(tracked, sample.at)));
  }

  #explainOne(tracked: Tracked, at: Temporal.Instant): Changes {
    const { facts } = tracked;
    const { causes } = this.#parts;
    const cause = causes.of(facts, at);
    // One that is well by now, and may have spoilt a slow try of a third, takes back nothing that was told since.
    if (!cause || cause.key === tracked.rootCause || !causes.stands(cause.key)) return {};
    tracked.rootCause = cause.key;
    tracked.escalation = { state: "inhibited", by: cause.key };
    const target = this.#parts.target(facts.target);
    const name = target && shown(target, facts) ? nameForMembers(facts, cause) : undefined;
    return mergeChanges([
      this.#note(tracked, at, sameInAll(becauseOf(cause)), { escalate: inhibit(cause.key) }),
      name ? this.#note(tracked, at, causeFoundText(name), { public: true }) : {},
    ]);
  }

  /** Nobody is told. */
  #note(tracked: Tracked, at: Temporal.Instant, text: Localised, more: Note = {}): Changes {
    const { public: isPublic = false, ...rest } = more;
    const update = { at, kind: "note", text, public: isPublic } as const;
    return this.#parts.incidents.record(tracked, () => ({ update, ...rest }));
  }
}

interface Note {
  readonly public?: boolean;
  readonly escalate?: Escalate;
}

const keysOf = (candidates: Candidates): readonly CheckKey[] => [...new Set(candidates.map(({ key }) => key))];

const together = (known: { readonly candidates: readonly CheckKey[] }, more: Candidates): readonly CheckKey[] => [
  ...new Set([...known.candidates, ...keysOf(more)]),
];

export const becauseOf = ({ key, reason, isSameHost }: Cause): string =>
  `${isSameHost ? "together with" : "because"} ${key}: ${plainText(reason, lineLength)}`;

/** Members are told of a cause only by a name that stands on their page, and never that something causes itself. */
function nameForMembers({ target }: Pick<Facts, "target">, cause: Cause): Localised | undefined {
  if (cause.isSameHost) return undefined;
  return cause.target.public && cause.target.id !== target ? cause.target.name : undefined;
}
