/** The texts that members read about an incident (title, explanation, updates), in every language that has the words. */
import type { IncidentFacts, IncidentUpdate } from "./incident.ts";
import type { Localised } from "./language.ts";
import { inEvery } from "./languages/translations.ts";
import type { Threshold } from "./threshold.ts";

type Impact = IncidentFacts["impact"];

/** The headline of an outage: "Mastodon is down". */
export function outageTitle(name: Localised, impact: Impact): Localised {
  return inEvery(({ words, the }) => (impact === "down" ? words.isDown(the(name)) : words.isDegraded(the(name))));
}

/** What members notice, where the probe has no better words. */
export function outageExplanation(name: Localised, impact: Impact): Localised {
  return inEvery(({ words, the }) =>
    impact === "down" ? words.cannotBeReached(the(name)) : words.worksInPart(the(name)),
  );
}

/** The headline of failures that come and go, and what members notice of them. */
export const intermittentTitle = (name: Localised): Localised =>
  inEvery(({ words, the }) => words.failsNowAndThen(the(name)));
export const intermittentText = (name: Localised): Localised => inEvery(({ words, the }) => words.tryAgain(the(name)));

/** We failed to look: about the service this says nothing. */
export const notMeasuredText = inEvery(({ words }) => words.notMeasured);

/** There was no answer at all. */
export const unreachableText = inEvery(({ words }) => words.unreachable);

/** The same of what members never touch themselves: queues, a database. */
export const unreachableInternalText = inEvery(({ words }) => words.unreachableInternal);

/**
 * What members notice of a level beyond its threshold.
 * @param value the worst, where it is an age: told as of then, because it will have changed when it is read.
 */
export function levelText({ title, age }: Pick<Threshold, "title" | "age">, value?: number): Localised {
  const stop = (sentence: string) => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);
  if (!age || value === undefined) return inEvery(({ forms, the }) => forms.typeset(stop(the(title))));
  const old = spokenAge(value);
  return inEvery(({ words, forms, the }) =>
    forms.typeset(stop(words.titled(the(title), the(age).replace("{age}", the(old))))),
  );
}

/** What something is about, before what is said of it: "Mastodon: the queues are late". */
export function titled(name: Localised, title: Localised): Localised {
  return inEvery(({ words, forms, the }) => forms.typeset(words.titled(the(name), the(title))));
}

export function confirmedText(explanation: Localised): Localised {
  return inEvery(({ words, the }) => words.confirmed(the(explanation)));
}

/** Something else explains it, which members know by this name. */
export function withCause(text: Localised, cause: Localised): Localised {
  return inEvery(({ words, the }) => words.withCause(the(text), the(cause)));
}

export const causeFoundText = (cause: Localised): Localised =>
  inEvery(({ words, the }) => words.causeFound(the(cause)));

/** It became worse than first said. */
export function raisedText(explanation: Localised): Localised {
  return inEvery(({ words, the }) => words.raised(the(explanation)));
}

/** It works again in part. */
export function easedText(explanation: Localised): Localised {
  return inEvery(({ words, the }) => words.eased(the(explanation)));
}

/** It ended and came back: over only when it has been quiet for so long. */
export function comesAndGoesText(explanation: Localised, quietSeconds: number): Localised {
  const span = spokenDuration(quietSeconds);
  return inEvery(({ words, the }) => words.comesAndGoes(the(explanation), the(span)));
}

/** @param durationSeconds from the first failed try until it was well for the last time. */
export function steadyAgainText(name: Localised, durationSeconds: number): Localised {
  const span = spokenDuration(durationSeconds);
  return inEvery(({ words, the }) => words.steadyAgain(the(name), the(span)));
}

const acknowledgedText = inEvery(({ words }) => words.acknowledged);

/** @param durationSeconds from the first failed try to the first good one. */
export function recoveredText(name: Localised, impact: Impact, durationSeconds: number): Localised {
  const span = spokenDuration(durationSeconds);
  return inEvery(({ words, the }) =>
    impact === "down" ? words.upAgain(the(name), the(span)) : words.normalAgain(the(name), the(span)),
  );
}

/** It is not over as far as we know; we just do not look any more. */
export function unwatchedText(name: Localised): Localised {
  return inEvery(({ words, the }) => words.unwatched(the(name)));
}

/** The update to pass to `IncidentStore.acknowledge`. */
export function acknowledgement(at: Temporal.Instant, isPublic: boolean): Omit<IncidentUpdate, "incident"> {
  return { at, kind: "acknowledged", text: acknowledgedText, public: isPublic };
}

/**
 * How long something lasted: "less than a minute", "14 minutes", "2 hours 5 minutes", "3 days 1 hour". Begun minutes
 * count, and beyond a day begun hours: no outage is told shorter than it was.
 */
export const spokenDuration = (seconds: number): Localised => spoken(seconds, Math.ceil);

/** How old something is, or how much is known: only full minutes count, so that nothing is told older or more than it is. */
export const spokenAge = (seconds: number): Localised => spoken(seconds, Math.floor);

function spoken(seconds: number, rounded: (parts: number) => number): Localised {
  if (seconds < 60) return inEvery(({ words }) => words.lessThanAMinute);
  const short = rounded(seconds / 60) < 1440;
  const minutes = short ? rounded(seconds / 60) : rounded(seconds / 3600) * 60;
  const parts = [
    [Math.floor(minutes / 1440), "day"],
    [Math.floor((minutes % 1440) / 60), "hour"],
    [minutes % 60, "minute"],
  ] as const;
  const said = parts.filter(([count]) => count > 0);
  return inEvery(({ words }) => said.map(([count, unit]) => words.count(count, unit)).join(" "));
}
