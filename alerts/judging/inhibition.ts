/**
 * What explains an incident, along its life: waited for where it is suspected, said where it is found, and when it no
 * longer holds taken back and told after all. Which check explains which is decided in causes.ts.
 */
import { type Localised, sameInAll } from "../../core/language.ts";
import { causeFoundText, confirmedText, withCause } from "../../core/member-texts.ts";
import { plainText } from "../../core/plain-text.ts";
import { type CheckKey, checkKey, type Sample } from "../../core/sample.ts";
import { type Changes, mergeChanges } from "../../core/store/changes.ts";
import type { NoticesAnew } from "../../core/store/outbox.ts";
import type { Target } from "../../core/target.ts";
import type { Telling } from "../escalation/notices.ts";
import { withdrawn } from "../escalation/plan.ts";
import { lineLength, reasonOf, type Seen } from "../escalation/wording.ts";
import { isBad } from "./confirmed-outages.ts";
import { type Facts, shown } from "./incident-facts.ts";
import type { Incidents, Tracked, Wait } from "./open-incidents.ts";
import type { Cause, Causes, Suspects } from "./root-cause.ts";

type Instant = Temporal.Instant;

/** A page waits no longer than this for a cause that is being confirmed: one true page is worth it, two are not. */
export const longestDoubtSeconds = 90;

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
  /** Where nothing explains it yet, and something may. */
  readonly waits: Wait | undefined;
}

export class Attribution {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @param involved the checks of the whole incident, which may be more than those of what was just found. */
  of(found: Facts, at: Instant, involved: readonly string[] = found.checks): Explained {
    const all = { ...found, checks: involved };
    const cause = this.#parts.causes.of(all, at);
    if (!cause) return { facts: found, cause, explanation: found.explanation, waits: this.#waits(all) };
    const name = nameForMembers(found, cause);
    return {
      facts: { ...found, reason: plainText(`${found.reason}, ${becauseOf(cause)}`, lineLength) },
      cause,
      explanation: name ? withCause(found.explanation, name) : found.explanation,
      waits: undefined,
    };
  }

  #waits(facts: Facts): Wait | undefined {
    const suspects = this.#parts.causes.suspects(facts);
    if (suspects.length === 0) return undefined;
    const seconds = Math.min(longestDoubtSeconds, Math.max(...suspects.map((one) => one.seconds)));
    return { until: facts.confirmedAt.add({ seconds }), suspects: keysOf(suspects) };
  }

  /** After a restart or a reload: what explains the incidents that are open, or may, without a word about it. */
  takeUp(at: Instant): void {
    const { incidents, causes } = this.#parts;
    for (const tracked of incidents.all()) {
      const { facts, waits } = tracked;
      tracked.because = causes.of(facts, at)?.key;
      tracked.waits = waits && { ...waits, suspects: waits.suspects.union(keysOf(causes.suspects(facts))) };
    }
  }

  /** A check that was suspected is well: what waited for it, and for nothing else, is told without waiting any longer. */
  acquit(sample: Sample): Changes {
    const { incidents, causes } = this.#parts;
    const key = checkKey(sample);
    if (sample.outcome !== "up" || !causes.mayExplain(key) || causes.stands(key)) return {};
    const waiting = incidents.all().filter(({ waits }) => waits?.suspects.has(key));
    return mergeChanges(waiting.map((tracked) => this.#acquitFor(tracked, key, sample.at)));
  }

  #acquitFor(tracked: Tracked, key: CheckKey, at: Instant): Changes {
    const { causes, telling } = this.#parts;
    const { waits, facts } = tracked;
    tracked.waits = undefined;
    if (!waits || Temporal.Instant.compare(waits.until, at) <= 0) return {};
    // One that could not be measured since has not been found well; and another may have begun to fail meanwhile.
    const suspects = waits.suspects.difference(new Set([key])).union(keysOf(causes.suspects(facts)));
    if (suspects.size === 0) {
      const notices: NoticesAnew = (existing) => telling.hastened(existing, at);
      return this.#note(tracked, at, sameInAll(`waits no longer: ${key} is well`), { notices });
    }
    tracked.waits = { ...waits, suspects };
    return {};
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
    tracked.foundAt = sample.at;
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
    const { causes } = this.#parts;
    const cause = causes.of(facts, at);
    // One that is well by now, and may have spoilt a slow try of a third, takes back nothing that was told since.
    if (!cause || cause.key === tracked.because || !causes.stands(cause.key)) return {};
    tracked.because = cause.key;
    tracked.untold = true;
    tracked.waits = undefined;
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

const keysOf = (suspects: Suspects): ReadonlySet<CheckKey> => new Set(suspects.map(({ key }) => key));

export const becauseOf = ({ key, reason }: Cause): string => `because ${key}: ${plainText(reason, lineLength)}`;

/** Members are told of a cause only by a name that stands on their page, and never that something causes itself. */
function nameForMembers({ target }: Pick<Facts, "target">, cause: Cause): Localised | undefined {
  return cause.target.public && cause.target.id !== target ? cause.target.name : undefined;
}
