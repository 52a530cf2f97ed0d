/** Every sentence of the history page, in English and in Canadian French. */
import type { Language } from "../../core/language.ts";

interface HistoryWords {
  readonly title: string;
  readonly titleOf: (organisation: string) => string;
  readonly means: string;
  readonly none: string;
  /** The same where a part of the month is missing. */
  readonly noneWhileMeasuring: string;
  /** None that began in this month, while an earlier one went on. */
  readonly noneNew: string;
  readonly notMeasured: string;
  readonly partlyMeasured: (span: string) => string;
  readonly recordsBegin: string;
  readonly more: string;
  readonly nothing: string;
}

const en: HistoryWords = {
  title: "Past incidents",
  titleOf: (organisation) => `${organisation}: past incidents, month by month`,
  means: "What members could notice, month by month, and the upgrades in between.",
  none: "No incidents.",
  noneWhileMeasuring: "No incidents while we were measuring.",
  noneNew: "No new incidents; an earlier one went on.",
  notMeasured: "We were not measuring, so nothing is known of this month.",
  partlyMeasured: (span) => `We were not measuring for ${span} in total.`,
  recordsBegin: "Our records begin on",
  more: "We keep what is older, but do not show it here.",
  nothing: "There is nothing to show here yet.",
};

const fr: HistoryWords = {
  title: "Incidents passés",
  titleOf: (organisation) => `${organisation}\u00a0: incidents passés, mois par mois`,
  means: "Ce que les membres ont pu remarquer, mois par mois, et les mises à niveau entre-temps.",
  none: "Aucun incident.",
  noneWhileMeasuring: "Aucun incident pendant que nous mesurions.",
  noneNew: "Aucun nouvel incident; un incident antérieur se poursuivait.",
  notMeasured: "Nous ne mesurions pas\u00a0: nous ne savons rien de ce mois.",
  partlyMeasured: (span) => `Pendant ${span} au total, nous ne mesurions pas.`,
  recordsBegin: "Nos données commencent le",
  more: "Nous conservons ce qui est plus ancien, sans l’afficher ici.",
  nothing: "Il n’y a encore rien à afficher ici.",
};

export const historyWords: Readonly<Record<Language, HistoryWords>> = { en, fr };
