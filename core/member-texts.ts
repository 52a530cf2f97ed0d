/** What members read about an incident, in English and French: calm, plain, and only what we know. */
import type { IncidentFacts, IncidentUpdate } from "./incident.ts";
import { type Localised, typeset } from "./language.ts";
import type { Threshold } from "./threshold.ts";

type Impact = IncidentFacts["impact"];

/** The headline of an outage: "Mastodon is down". */
export function outageTitle(name: Localised, impact: Impact): Localised {
  if (impact === "down") return { en: `${name.en} is down`, fr: `${name.fr} est en panne` };
  return { en: `Trouble with ${name.en}`, fr: `Perturbations\u00a0: ${name.fr}` };
}

/** What members notice, where the probe has no better words. */
export function outageExplanation(name: Localised, impact: Impact): Localised {
  if (impact === "down") {
    return {
      en: `${name.en} cannot be reached at the moment.`,
      fr: `${name.fr} n’est pas accessible en ce moment.`,
    };
  }
  return {
    en: `${name.en} works, but more slowly or less completely than usual.`,
    fr: `${name.fr} fonctionne, mais plus lentement ou moins complètement que d’habitude.`,
  };
}

/** We failed to look: about the service this says nothing. */
export const notMeasuredText: Localised = {
  en: "We could not check this at the moment.",
  fr: "Nous n’avons pas pu le vérifier pour le moment.",
};

/** There was no answer at all. */
export const unreachableText: Localised = {
  en: "The service cannot be reached at the moment.",
  fr: "Le service n’est pas accessible en ce moment.",
};

/** The same of what members never touch themselves: queues, a database. */
export const unreachableBehindText: Localised = {
  en: "Something that the service relies on does not answer, so parts of it may fail.",
  fr: "Un élément dont dépend le service ne répond pas\u00a0: certaines fonctions peuvent échouer.",
};

/**
 * What members notice of a level beyond its threshold.
 * @param value the worst, where it is an age: told as of then, because it will have changed when it is read.
 */
export function levelText({ title, age }: Pick<Threshold, "title" | "age">, value?: number): Localised {
  const stop = (sentence: string) => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);
  if (!age || value === undefined) return typeset({ en: stop(title.en), fr: stop(title.fr) });
  const old = spokenAge(value);
  return typeset({
    en: stop(`${title.en}: ${age.en.replace("{age}", old.en)}`),
    fr: stop(`${title.fr} : ${age.fr.replace("{age}", old.fr)}`),
  });
}

export function confirmedText(explanation: Localised): Localised {
  return {
    en: `${explanation.en} We have noticed and are looking into it.`,
    fr: `${explanation.fr} Nous l’avons remarqué et nous cherchons la cause.`,
  };
}

/** Something else explains it, which members know by this name. */
export function withCause(text: Localised, cause: Localised): Localised {
  return {
    en: `${text.en} It comes from the trouble with ${cause.en}.`,
    fr: `${text.fr} En cause\u00a0: ${cause.fr}.`,
  };
}

export const causeFoundText = (cause: Localised): Localised => ({
  en: `We know the cause: it comes from the trouble with ${cause.en}.`,
  fr: `La cause est connue\u00a0: ${cause.fr}.`,
});

/** It became worse than first said. */
export function raisedText(explanation: Localised): Localised {
  return {
    en: `It has become worse. ${explanation.en} We are looking into it.`,
    fr: `La situation s’est aggravée. ${explanation.fr} Nous nous en occupons.`,
  };
}

/** It works again in part. */
export function easedText(explanation: Localised): Localised {
  return {
    en: `It is better than before. ${explanation.en} We are still working on it.`,
    fr: `La situation s’est améliorée. ${explanation.fr} Nous continuons d’y travailler.`,
  };
}

const acknowledgedText: Localised = {
  en: "Someone on our team is working on it.",
  fr: "Une personne de notre équipe s’en occupe.",
};

/** @param durationSeconds from the first failed try to the first good one. */
export function recoveredText(name: Localised, impact: Impact, durationSeconds: number): Localised {
  const span = spokenDuration(durationSeconds);
  if (impact === "down") {
    return {
      en: `${name.en} works again. It was out of reach for ${span.en}.`,
      fr: `${name.fr} fonctionne de nouveau. Le service est resté inaccessible pendant ${span.fr}.`,
    };
  }
  return {
    en: `${name.en} works normally again, after ${span.en}.`,
    fr: `${name.fr} fonctionne de nouveau normalement, après ${span.fr}.`,
  };
}

/** It is not over as far as we know; we just do not look any more. */
export function unwatchedText(name: Localised): Localised {
  return {
    en: `We no longer watch this part of ${name.en}, so this notice ends here.`,
    fr: `Nous ne surveillons plus cette partie de ${name.fr}\u00a0: cet avis prend donc fin.`,
  };
}

/** The update to pass to `Store.acknowledge`. */
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
  if (seconds < 60) return { en: "less than a minute", fr: "moins d’une minute" };
  const short = rounded(seconds / 60) < 1440;
  const minutes = short ? rounded(seconds / 60) : rounded(seconds / 3600) * 60;
  const parts: readonly (readonly [number, string, string])[] = [
    [Math.floor(minutes / 1440), "day", "jour"],
    [Math.floor((minutes % 1440) / 60), "hour", "heure"],
    [minutes % 60, "minute", "minute"],
  ];
  const said = parts.filter(([count]) => count > 0);
  return {
    en: said.map(([count, word]) => `${count} ${word}${count === 1 ? "" : "s"}`).join(" "),
    fr: said.map(([count, , word]) => `${count} ${word}${count < 2 ? "" : "s"}`).join(" "),
  };
}
