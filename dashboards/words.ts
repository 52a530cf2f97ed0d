/** Every sentence of the pages, in English and in Canadian French. */
import type { Language } from "../core/language.ts";
import type { ResidencySource } from "../core/residency.ts";
import type { Outcome } from "../core/sample.ts";
import type { Overall } from "../core/status.ts";

export interface Words {
  /** Value of the `lang` attribute. */
  readonly tag: string;
  readonly name: string;
  readonly state: Readonly<Record<Outcome, string>>;
  readonly noDataYet: string;
  readonly overall: (overall: Overall, affected: readonly string[]) => string;
  readonly status: string;
  readonly statusOf: (organisation: string) => string;
  readonly checkedAt: string;
  readonly neverChecked: string;
  readonly unknownMeans: string;
  readonly lastChange: string;
  readonly colon: string;
  readonly changed: (name: string, to: Outcome) => string;
  readonly now: string;
  readonly services: string;
  readonly recent: (days: number) => string;
  readonly noRecent: (days: number, isOneOpen: boolean) => string;
  readonly history: string;
  readonly since: string;
  readonly from: string;
  /** Before a moment on the same day, and on a later one. */
  readonly toTime: string;
  readonly toDay: string;
  readonly lasted: (span: string) => string;
  readonly alreadyLasts: (span: string) => string;
  /** @param title what was said while it lasted: "Photos is down". */
  readonly resolved: (title: string) => string;
  readonly ongoing: string;
  readonly number: (id: number) => string;
  readonly daysAgo: (days: number) => string;
  readonly today: string;
  readonly uptime: (percent: string, days: number) => string;
  readonly uptimeOfMeasured: (percent: string, span: string) => string;
  readonly notMeasuredYet: string;
  readonly dayByDay: (days: number) => string;
  readonly days: string;
  readonly what: string;
  readonly howLong: string;
  readonly barLabel: (name: string, days: number, counts: readonly string[]) => string;
  readonly dayCount: (days: number, outcome: Outcome) => string;
  readonly hostedIn: (countries: readonly string[]) => string;
  readonly hostedChecked: (addresses: number | undefined, against: readonly ResidencySource[]) => string;
  readonly legend: string;
  readonly rules: string;
  readonly madeBy: string;
  readonly team: string;
  readonly skip: string;
  readonly otherLanguage: string;
  readonly practice: string;
  readonly practiceMeans: string;
  readonly notes: Readonly<Record<Note, string>>;
  readonly acknowledge: AcknowledgeWords;
  readonly signIn: SignInWords;
  readonly error: Readonly<Record<Fault, { readonly title: string; readonly text: string }>>;
  readonly backToStatus: string;
}

/** What is wrong with the page itself, as opposed to the services on it. */
export type Note = "store" | "render" | "restart";

export type Fault = "not-found" | "gone" | "refused" | "too-large" | "too-many" | "store" | "accident";

interface AcknowledgeWords {
  readonly title: string;
  readonly what: string;
  readonly since: string;
  readonly seen: string;
  readonly who: string;
  readonly nobody: string;
  readonly has: (name: string) => string;
  readonly take: string;
  readonly taking: (name: string) => string;
  readonly meaning: string;
  readonly done: string;
  readonly yours: string;
  readonly taken: (name: string) => string;
  readonly over: string;
  readonly runbook: string;
}

interface SignInWords {
  readonly title: string;
  readonly ask: string;
  readonly email: string;
  readonly send: string;
  readonly sent: string;
  readonly sentMeans: string;
  readonly confirmTitle: string;
  readonly confirm: (name: string) => string;
  readonly button: string;
  readonly signOut: string;
  readonly signedInAs: (name: string) => string;
  readonly pages: string;
  readonly capacity: string;
  readonly capacityMeans: string;
  readonly subject: (organisation: string) => string;
  readonly body: (organisation: string, link: string, minutes: number) => string;
  readonly retry: string;
}

const conjunctions = {
  en: new Intl.ListFormat("en-CA", { type: "conjunction" }),
  fr: new Intl.ListFormat("fr-CA", { type: "conjunction" }),
};
const list = (language: Language, names: readonly string[]) => conjunctions[language].format(names);

const sourcesEn: Readonly<Record<ResidencySource, string>> = {
  networks: "our own list of networks",
  database: "a database of locations",
  RDAP: "the address registries (RDAP)",
};
const sourcesFr: Readonly<Record<ResidencySource, string>> = {
  networks: "notre propre liste de réseaux",
  database: "une base de données de localisation",
  RDAP: "les registres d’adresses (RDAP)",
};

const en: Words = {
  tag: "en-CA",
  name: "English",
  state: { up: "Working", degraded: "Degraded", down: "Down", unknown: "Not measured" },
  noDataYet: "No data yet",
  overall({ state, total }, affected) {
    const named = affected.length <= 2 ? list("en", affected) : `${affected.length} of ${total} services`;
    const is = affected.length === 1 ? "is" : "are";
    if (state === "empty") return "No service is shown here yet";
    if (state === "new") return "No measurements yet";
    if (state === "up") return "All services are working";
    if (state === "unknown") {
      return affected.length === total ? "We cannot measure right now" : `${named} ${is} not being measured right now`;
    }
    if (total > 2 && affected.length === total) {
      return state === "down" ? "All services are down" : "All services have problems";
    }
    if (state === "down") return `${named} ${is} down`;
    return `${named} ${affected.length === 1 ? "has" : "have"} problems`;
  },
  status: "Status",
  statusOf: (organisation) => `${organisation} status`,
  checkedAt: "Checked at",
  neverChecked: "Nothing has been checked yet. The first results come within a minute or two.",
  unknownMeans: "This does not mean that they are down: it is our own view that is missing.",
  lastChange: "Last change",
  colon: ": ",
  changed: (name, to) =>
    ({
      up: `${name} works again`,
      degraded: `${name} works, but not as it should`,
      down: `${name} went down`,
      unknown: `${name} is not measured`,
    })[to],
  now: "Happening now",
  services: "Services",
  recent: (days) => `The last ${days} days`,
  noRecent: (days, isOneOpen) => `No ${isOneOpen ? "other " : ""}incident was recorded in the last ${days} days.`,
  history: "Past incidents, month by month",
  since: "Since",
  from: "From",
  toTime: "to",
  toDay: "to",
  lasted: (span) => `lasted ${span}`,
  alreadyLasts: (span) => `${span} so far`,
  resolved: (title) => `Resolved: “${title}”`,
  ongoing: "not over yet",
  number: (id) => `No. ${id}`,
  daysAgo: (days) => `${days} days ago`,
  today: "Today",
  uptime: (percent, days) => `${percent} uptime in ${days} days`,
  uptimeOfMeasured: (percent, span) => `${percent} uptime in the ${span} measured`,
  notMeasuredYet: "No data yet",
  dayByDay: (days) => `All ${days} days in words`,
  days: "Days",
  what: "State",
  howLong: "For how long",
  barLabel: (name, days, counts) => `${name}, last ${days} days: ${counts.join(", ")}`,
  dayCount: (days, outcome) => {
    const what = { up: "working", degraded: "with problems", down: "with an outage", unknown: "without data" }[outcome];
    return `${days} ${days === 1 ? "day" : "days"} ${what}`;
  },
  hostedIn: (countries) => `Hosted in ${list("en", countries)}.`,
  hostedChecked: (addresses, against) =>
    `${addresses === undefined ? "All addresses were" : addresses === 1 ? "1 address was" : `${addresses} addresses were`} checked against ${list(
      "en",
      against.map((source) => sourcesEn[source]),
    )}, last at`,
  legend: "Signs",
  rules:
    "Percentages are rounded down. Time in which we could not measure counts neither as uptime nor as an outage. A service is called down after several failed tries in a row.",
  madeBy: "Measured by",
  team: "For the team",
  skip: "Skip to the content",
  otherLanguage: "Language",
  practice: "Practice",
  practiceMeans: "Nothing on this page is real: these are stand-ins for trying Tidewatch out.",
  notes: {
    store:
      "We cannot read our own records at the moment, so the history below may be incomplete. We are looking into it.",
    render:
      "We cannot bring this page up to date at the moment. What follows is what we last knew; mind the time it was checked.",
    restart: "Monitoring has just been started again. What follows is what we last knew; mind the time it was checked.",
  },
  acknowledge: {
    title: "Take this incident",
    what: "What",
    since: "Since",
    seen: "What was seen",
    who: "Who has it",
    nobody: "Nobody yet",
    has: (name) => `${name}`,
    take: "I am working on it",
    taking: (name) => `You act as ${name}, to whom this link was sent, also if somebody passed the message on to you.`,
    meaning:
      "This stops further calls for this incident. It does not end it: that happens when the checks are good again.",
    done: "It is yours. No further calls go out for this incident.",
    yours: "It is already yours.",
    taken: (name) => `${name} has it already.`,
    over: "It is already over.",
    runbook: "What to do first",
  },
  signIn: {
    title: "Sign in",
    ask: "These pages are for the team. Give your e-mail address and we send you a link that works once.",
    email: "E-mail address",
    send: "Send me a link",
    sent: "Look at your mail",
    sentMeans:
      "If that address belongs to somebody of the team, a link is on its way. It works once, for 30 minutes. If mail is what is broken, somebody with access to the server can run: tidewatch sign-in ADDRESS",
    confirmTitle: "Sign in",
    confirm: (name) => `You are about to sign in as ${name}.`,
    button: "Sign in",
    signOut: "Sign out",
    signedInAs: (name) => `Signed in as ${name}`,
    pages: "Team pages",
    capacity: "Capacity",
    capacityMeans: "How full the databases and disks are, and until when they last.",
    subject: (organisation) => `Sign in to the team pages of ${organisation}`,
    body: (organisation, link, minutes) =>
      `Somebody, most likely you, asked to sign in to the team pages of ${organisation}.\n\nOpen this link and press the button. It works once, for ${minutes} minutes:\n\n${link}\n\nIf it was not you, do nothing: without this link nobody gets in.\n`,
    retry: "Ask for a new link",
  },
  error: {
    "not-found": { title: "There is no such page", text: "Perhaps the address has a typing error." },
    gone: {
      title: "This link no longer works",
      text: "It is too old, was used already, or is not complete. Sign in, or use the newest message.",
    },
    refused: {
      title: "This did not come from our own page",
      text: "Nothing was changed. Open the page again and press the button there.",
    },
    "too-large": { title: "That was too much at once", text: "Nothing was changed." },
    "too-many": { title: "Too many tries", text: "Wait some minutes, then try again." },
    store: {
      title: "We could not write that down",
      text: "Nothing was changed. Try again in a minute; if it stays like this, tell the person on call by telephone.",
    },
    accident: { title: "Something went wrong on our side", text: "It was recorded. Try again in a minute." },
  },
  backToStatus: "To the status page",
};

const fr: Words = {
  tag: "fr-CA",
  name: "Français",
  state: { up: "Fonctionne", degraded: "Perturbé", down: "En panne", unknown: "Non mesuré" },
  noDataYet: "Pas encore de données",
  overall({ state, total }, affected) {
    const named = affected.length <= 2 ? list("fr", affected) : `${affected.length} services sur ${total}`;
    const one = affected.length === 1;
    if (state === "empty") return "Aucun service n’est encore affiché ici";
    if (state === "new") return "Pas encore de mesures";
    if (state === "up") return "Tous les services fonctionnent";
    if (state === "unknown") {
      if (affected.length === total) return "Nous ne pouvons pas mesurer en ce moment";
      return `${named} ${one ? "n’est pas mesuré" : "ne sont pas mesurés"} en ce moment`;
    }
    if (total > 2 && affected.length === total) {
      return state === "down" ? "Tous les services sont en panne" : "Tous les services sont perturbés";
    }
    if (state === "down") return `${named} ${one ? "est" : "sont"} en panne`;
    return `${named} ${one ? "connaît" : "connaissent"} des problèmes`;
  },
  status: "État",
  statusOf: (organisation) => `État des services de ${organisation}`,
  checkedAt: "Vérifié le",
  neverChecked: "Rien n’a encore été vérifié. Les premiers résultats arrivent d’ici une minute ou deux.",
  unknownMeans: "Cela ne veut pas dire qu’il y a une panne\u00a0: c’est à nous que la vue manque.",
  lastChange: "Dernier changement",
  colon: "\u00a0: ",
  changed: (name, to) =>
    ({
      up: `${name} fonctionne de nouveau`,
      degraded: `${name} fonctionne, mais pas comme il faut`,
      down: `${name} est tombé en panne`,
      unknown: `${name} n’est pas mesuré`,
    })[to],
  now: "En ce moment",
  services: "Services",
  recent: (days) => `Les ${days} derniers jours`,
  noRecent: (days, isOneOpen) =>
    `Aucun ${isOneOpen ? "autre " : ""}incident enregistré au cours des ${days} derniers jours.`,
  history: "Incidents passés, mois par mois",
  since: "Depuis le",
  from: "Du",
  toTime: "jusqu’à",
  toDay: "au",
  lasted: (span) => `a duré ${span}`,
  alreadyLasts: (span) => `${span} jusqu’ici`,
  resolved: (title) => `Résolu\u00a0: «\u00a0${title}\u00a0»`,
  ongoing: "pas encore terminé",
  number: (id) => `Nº ${id}`,
  daysAgo: (days) => `Il y a ${days} jours`,
  today: "Aujourd’hui",
  uptime: (percent, days) => `${percent} de disponibilité en ${days} jours`,
  uptimeOfMeasured: (percent, span) => `${percent} de disponibilité sur ${span} de mesures`,
  notMeasuredYet: "Pas encore de données",
  dayByDay: (days) => `Les ${days} jours en mots`,
  days: "Jours",
  what: "État",
  howLong: "Durée",
  barLabel: (name, days, counts) => `${name}, ${days} derniers jours\u00a0: ${counts.join(", ")}`,
  dayCount: (days, outcome) => {
    const what = {
      up: "de bon fonctionnement",
      degraded: "avec des problèmes",
      down: "avec une panne",
      unknown: "sans données",
    }[outcome];
    return `${days} ${days < 2 ? "jour" : "jours"} ${what}`;
  },
  hostedIn: (countries) => `Hébergement : ${list("fr", countries)}.`,
  hostedChecked: (addresses, against) =>
    `${addresses === undefined ? "Adresses vérifiées" : addresses < 2 ? `${addresses} adresse vérifiée` : `${addresses} adresses vérifiées`} d’après ${list(
      "fr",
      against.map((source) => sourcesFr[source]),
    )}, la dernière fois le`,
  legend: "Signes",
  rules:
    "Les pourcentages sont arrondis vers le bas. Le temps pendant lequel nous n’avons pas pu mesurer ne compte ni comme disponibilité ni comme panne. Un service est dit en panne après plusieurs échecs de suite.",
  madeBy: "Mesuré par",
  team: "Pour l’équipe",
  skip: "Aller au contenu",
  otherLanguage: "Langue",
  practice: "Exercice",
  practiceMeans: "Rien n’est réel sur cette page\u00a0: ce sont des doublures pour essayer Tidewatch.",
  notes: {
    store:
      "Nous ne pouvons pas lire nos propres données en ce moment; l’historique ci-dessous est peut-être incomplet. Nous nous en occupons.",
    render:
      "Nous ne pouvons pas mettre cette page à jour en ce moment. Voici ce que nous savions en dernier; notez l’heure de la vérification.",
    restart:
      "La surveillance vient d’être redémarrée. Voici ce que nous savions en dernier; notez l’heure de la vérification.",
  },
  acknowledge: {
    title: "Prendre cet incident en charge",
    what: "Quoi",
    since: "Depuis le",
    seen: "Ce qui a été observé",
    who: "Qui s’en occupe",
    nobody: "Personne encore",
    has: (name) => `${name}`,
    take: "Je m’en occupe",
    taking: (name) =>
      `Vous agissez au nom de ${name}, à qui ce lien a été envoyé, même si quelqu’un vous a transmis le message.`,
    meaning:
      "Cela arrête les autres appels pour cet incident. Cela n’y met pas fin\u00a0: il se termine quand les vérifications sont de nouveau bonnes.",
    done: "C’est à vous. Aucun autre appel ne partira pour cet incident.",
    yours: "C’est déjà à vous.",
    taken: (name) => `${name} s’en occupe déjà.`,
    over: "C’est déjà terminé.",
    runbook: "Que faire d’abord",
  },
  signIn: {
    title: "Connexion",
    ask: "Ces pages sont pour l’équipe. Donnez votre adresse courriel et nous vous enverrons un lien qui sert une seule fois.",
    email: "Adresse courriel",
    send: "M’envoyer un lien",
    sent: "Regardez vos courriels",
    sentMeans:
      "Si cette adresse est celle d’une personne de l’équipe, un lien est en route. Il sert une seule fois, pendant 30 minutes. Si c’est le courriel qui est en panne, une personne ayant accès au serveur peut lancer\u00a0: tidewatch sign-in ADRESSE",
    confirmTitle: "Connexion",
    confirm: (name) => `Vous allez vous connecter en tant que ${name}.`,
    button: "Se connecter",
    signOut: "Se déconnecter",
    signedInAs: (name) => `Connexion\u00a0: ${name}`,
    pages: "Pages de l’équipe",
    capacity: "Capacité",
    capacityMeans: "À quel point les bases de données et les disques sont remplis, et jusqu’à quand ils suffisent.",
    subject: (organisation) => `Connexion aux pages de l’équipe de ${organisation}`,
    body: (organisation, link, minutes) =>
      `Quelqu’un, sans doute vous, a demandé à se connecter aux pages de l’équipe de ${organisation}.\n\nOuvrez ce lien et appuyez sur le bouton. Il sert une seule fois, pendant ${minutes} minutes\u00a0:\n\n${link}\n\nSi ce n’était pas vous, ne faites rien : sans ce lien, personne n’entre.\n`,
    retry: "Demander un nouveau lien",
  },
  error: {
    "not-found": { title: "Cette page n’existe pas", text: "Il y a peut-être une faute de frappe dans l’adresse." },
    gone: {
      title: "Ce lien ne fonctionne plus",
      text: "Il est trop ancien, a déjà servi ou n’est pas complet. Connectez-vous, ou prenez le message le plus récent.",
    },
    refused: {
      title: "Cette demande ne venait pas de notre page",
      text: "Rien n’a été changé. Ouvrez de nouveau la page et appuyez sur le bouton.",
    },
    "too-large": { title: "C’était trop à la fois", text: "Rien n’a été changé." },
    "too-many": { title: "Trop d’essais", text: "Attendez quelques minutes, puis essayez de nouveau." },
    store: {
      title: "Nous n’avons pas pu l’inscrire",
      text: "Rien n’a été changé. Réessayez dans une minute; si cela persiste, prévenez par téléphone la personne de garde.",
    },
    accident: {
      title: "Quelque chose a échoué de notre côté",
      text: "Nous en avons pris note. Réessayez dans une minute.",
    },
  },
  backToStatus: "Vers la page d’état",
};

export const words: Readonly<Record<Language, Words>> = { en, fr };
