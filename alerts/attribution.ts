/**
 * What explains an incident, along its life: said where it is found, and when it no longer holds taken back and told
 * after all. Which check explains which is decided in causes.ts.
 */
import { type Localised, sameInAll } from "../core/language.ts";
import { causeFoundText, confirmedText, withCause } from "../core/member-texts.ts";
import { type CheckKey, checkKey, type Sample } from "../core/sample.ts";
import type { Changes, NoticesAnew } from "../core/store.ts";
import type { Target } from "../core/target.ts";
import type { Cause, Causes } from "./causes.ts";
import { withdrawn } from "./escalate.ts";
import { type Facts, shown } from "./facts.ts";
import { type Incidents, mergeChanges, type Tracked } from "./incidents.ts";
import { isBad } from "./outages.ts";
import type { Telling } from "./telling.ts";
import { plain, reasonOf, type Seen } from "./wording.ts";

type Instant = Temporal.Instant;

interface Parts {
  readonly incidents: Incidents;
  readonly causes: Causes;
  readonly telling: Telling;
  /** Only what is in service. */
  readonly target: (id: string) => Target | undefined;
}

/** What explains an incident, and what that makes of it. */
export interface Explained {
  readonly facts: Facts;
  readonly cause: Cause | undefined;
  /** For members: the cause by name, where it stands on their page. */
  readonly explanation: Localised;
}

export class Attribution {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @param involved the checks of the whole incident, which may be more than those of what was just found. */
  of(found: Facts, at: Instant, involved: readonly string[] = found.checks): Explained {
    const cause = this.#parts.causes.of({ ...found, checks: involved }, at);
    if (!cause) return { facts: found, cause, explanation: found.explanation };
    const name = nameForMembers(found, cause);
    return {
      facts: { ...found, reason: plain(`${found.reason}, ${becauseOf(cause)}`) },
      cause,
      explanation: name ? withCause(found.explanation, name) : found.explanation,
    };
  }

  /** Until when telling of it waits, because what may explain it is being confirmed. */
  waitsUntil(facts: Facts): Instant {
    return facts.confirmedAt.add({ seconds: this.#parts.causes.doubtSeconds(facts) });
  }

  /** After a restart or a reload: what explains the incidents that are open, without a word about it. */
  takeUp(at: Instant): void {
    for (const tracked of this.#parts.incidents.all()) {
      tracked.because = this.#parts.causes.of(tracked.facts, at)?.key;
    }
  }

  /** One more bad try: what explained it may be over by now, and then it counts for itself. */
  goesOn(tracked: Tracked, target: Target, sample: Sample, seen: Seen): Changes {
    const { because, untold = false } = tracked;
    if ((because === undefined && !untold) || this.#parts.causes.of(tracked.facts, sample.at)) return {};
    tracked.because = undefined;
    if (untold) return this.#tellNow(tracked, target, sample, seen, because);
    return this.#note(tracked, sample.at, sameInAll(`${because} explains it no longer, and it goes on`));
  }

  #tellNow(tracked: Tracked, target: Target, sample: Sample, seen: Seen, because: CheckKey | undefined): Changes {
    const { incidents, causes, telling } = this.#parts;
    tracked.untold = false;
    tracked.facts = { ...tracked.facts, reason: reasonOf(seen) };
    // Where nobody can be told, there is nothing to say about it either.
    if (!telling.reachesSomebody) return {};
    const { facts } = tracked;
    const { urgency, title, explanation, reason, runbook } = facts;
    const text = sameInAll(`told now: ${because ?? "what explained it"} does not explain it any more, and it goes on`);
    const outlasts = because && { check: because, isOver: !causes.stands(because) };
    const news = {
      facts,
      target,
      seen,
      membersSee: shown(target, facts) ? confirmedText(explanation) : undefined,
      from: sample.at,
      ...(outlasts && { outlasts }),
    };
    return incidents.record(tracked, (id) => ({
      check: sample.check,
      raised: { urgency, title, explanation, reason, runbook },
      unlessAcknowledged: true,
      update: { at: sample.at, kind: "joined", text, public: false },
      notices: ({ length }) => ({
        supersede: [],
        add: telling.trouble(tracked, id, { ...news, round: `outlasts-${length}` }),
      }),
    }));
  }

  /**
   * What is going on already may have its cause in what was just found: those incidents say so from now on, and what was
   * not sent yet about them is not sent, because the cause is told.
   */
  explainOthers(sample: Sample): Changes {
    const { incidents, causes } = this.#parts;
    if (!isBad(sample) || !causes.mayExplain(checkKey(sample))) return {};
    return mergeChanges(incidents.all().map((tracked) => this.#explainOne(tracked, sample.at)));
  }

  #explainOne(tracked: Tracked, at: Instant): Changes {
    const { facts } = tracked;
    const cause = this.#parts.causes.of(facts, at);
    if (!cause || cause.key === tracked.because) return {};
    tracked.because = cause.key;
    tracked.untold = true;
    const target = this.#parts.target(facts.target);
    const name = target && shown(target, facts) ? nameForMembers(facts, cause) : undefined;
    return mergeChanges([
      this.#note(tracked, at, sameInAll(becauseOf(cause)), { notices: withdrawn }),
      name ? this.#note(tracked, at, causeFoundText(name), { public: true }) : {},
    ]);
  }

  /** Nobody is told. */
  #note(tracked: Tracked, at: Instant, text: Localised, { public: isPublic = false, ...more }: Note = {}): Changes {
    const update = { at, kind: "note", text, public: isPublic } as const;
    return this.#parts.incidents.record(tracked, () => ({ update, ...more }));
  }
}

interface Note {
  readonly public?: boolean;
  readonly notices?: NoticesAnew;
}

export const becauseOf = ({ key, reason }: Cause): string => `because ${key}: ${plain(reason)}`;

/** Members are told of a cause only by a name that stands on their page, and never that something causes itself. */
function nameForMembers({ target }: Pick<Facts, "target">, cause: Cause): Localised | undefined {
  return cause.target.public && cause.target.id !== target ? cause.target.name : undefined;
}
