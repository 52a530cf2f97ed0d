/** Canadian French: every sentence of the pages and of what members read. */
import type { ResidencySource } from "../status/residency.ts";
import type { WholeTranslation } from "./words.ts";

const conjunction = new Intl.ListFormat("fr-CA", { type: "conjunction" });
const list = (names: readonly string[]): string => conjunction.format(names);

const units = { day: "jour", hour: "heure", minute: "minute" } as const;

const sizes: ReadonlyMap<string, string> = new Map([
  ["B", "o"],
  ["kB", "ko"],
  ["MB", "Mo"],
  ["GB", "Go"],
  ["TB", "To"],
  ["PB", "Po"],
]);

const sources: Readonly<Record<ResidencySource, string>> = {
  networks: "notre propre liste de réseaux",
  database: "une base de données de localisation",
  RDAP: "les registres d’adresses (RDAP)",
};

const fr: WholeTranslation = {
  tag: "fr-CA",
  name: "Français",
  forms: {
    clock: (hour, minute) =>
      minute === 0 ? `${hour}\u00a0h` : `${hour}\u00a0h\u00a0${String(minute).padStart(2, "0")}`,
    dateAndTime: (date, time) => `${date} à ${time}`,
    timeAndPlace: (time, place) => (place.startsWith("(") ? `${time} ${place}` : `${time}, ${place}`),
    minus: "\u2212",
    date: (date) => date.replace(/\b1 (?=\p{L})/u, "1er "),
    size: (number, unit) => `${number.replace(".", ",")}\u00a0${sizes.get(unit) ?? unit}`,
    noData: "aucune donnée",
    // No break before a colon, and inside « ».
    typeset: (sentence) => sentence.replaceAll(/ (?=[:»])/g, "\u00a0").replaceAll(/(?<=«) /g, "\u00a0"),
  },
  page: {
    state: { up: "Fonctionne", degraded: "Perturbé", down: "En panne", unknown: "Non mesuré" },
    colon: "\u00a0: ",
    since: "Depuis le",
    from: "Du",
    toTime: "jusqu’à",
    toDay: "au",
    lasted: (span) => `a duré ${span}`,
    cameAndWent: (span) => `intermittent pendant ${span}`,
    alreadyLasts: (span) => `${span} jusqu’ici`,
    resolved: (title) => `Résolu\u00a0: «\u00a0${title}\u00a0»`,
    ongoing: "pas encore terminé",
    number: (id) => `Nº ${id}`,
    checkedAt: "Vérifié le",
    madeBy: "Mesuré par",
    backToStatus: "Vers la page d’état",
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
  },
  status: {
    overall({ state, total }, affected) {
      const named = affected.length <= 2 ? list(affected) : `${affected.length} services sur ${total}`;
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
    statusOf: (organisation) => `État des services de ${organisation}`,
    neverChecked: "Rien n’a encore été vérifié. Les premiers résultats arrivent d’ici une minute.",
    unknownMeans: "Cela ne veut pas dire qu’il y a une panne\u00a0: c’est à nous que la vue manque.",
    lastChange: "Dernier changement",
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
    noDataYet: "Pas encore de données",
    measuredBriefly: "Moins d’une heure de mesures",
    uptime: (percent, days) => `${percent} de disponibilité en ${days} jours`,
    uptimeOfMeasured: (percent, span) => `${percent} de disponibilité sur ${span} de mesures`,
    daysAgo: (days) => `Il y a ${days} jours`,
    today: "Aujourd’hui",
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
    dayByDay: (days) => `Les ${days} jours en mots`,
    days: "Jours",
    what: "État",
    howLong: "Durée",
    hostedIn: (countries) => `Hébergement : ${list(countries)}.`,
    hostedChecked: (addresses, against) =>
      `${addresses === undefined ? "Adresses vérifiées" : addresses < 2 ? `${addresses} adresse vérifiée` : `${addresses} adresses vérifiées`} d’après ${list(against.map((source) => sources[source]))}, la dernière fois le`,
    legend: "Signes",
    rules:
      "Les pourcentages sont arrondis vers le bas. Le temps pendant lequel nous n’avons pas pu mesurer ne compte ni comme disponibilité ni comme panne. Un service est dit en panne après plusieurs échecs de suite.",
    team: "Pour l’équipe",
  },
  history: {
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
  },
  capacity: {
    title: "Capacité",
    summary: "À quel point les bases de données et les disques sont remplis, et jusqu’à quand ils suffisent.",
    nothing: "Rien de ce qui se remplit n’est surveillé",
    nothingHow:
      "Donnez à une cible une vérification avec la sonde «\u00a0postgres\u00a0» ou «\u00a0disk\u00a0»; sa capacité et les tailles offertes s’écrivent à côté dans tidewatch.yaml.",
    headline: {
      page: (name) => `${name}\u00a0: presque plein`,
      order: (name, { orderBy }) => `${name}\u00a0: commandez une plus grande taille ${orderBy}`,
      plan: (name, { early, late }) => `${name}\u00a0: plein entre le ${early} et le ${late}`,
      calm: (name, { early }) => `${name}\u00a0: suffit au moins jusqu’au ${early}`,
      stale: (name, { measured }) => `${name}\u00a0: dernière mesure le ${measured}`,
      insufficient: (name) => `${name}\u00a0: il est trop tôt pour se prononcer`,
    },
    overall: {
      page: (names) => `Presque plein\u00a0: ${list(names)}`,
      order: (names) => `Il est temps de commander plus d’espace\u00a0: ${list(names)}`,
      plan: (names) => `Plein d’ici un trimestre\u00a0: ${list(names)}`,
      calm: () => "Il y a de la place pour un trimestre et plus",
      stale: (names) => `Non mesuré\u00a0: ${list(names)}`,
      insufficient: () => "Il est trop tôt pour se prononcer",
    },
    state: {
      page: "presque plein",
      order: "à commander",
      plan: "à prévoir",
      calm: "assez de place",
      stale: "non mesuré",
      insufficient: "trop tôt",
    },
    used: "Utilisé",
    usedOf: (used, limit, share) => `${used} sur ${limit} (${share})`,
    usable: "Utilisable",
    usableMeans: (usable, share) =>
      `${usable}, soit ${share} de la limite\u00a0: les hébergeurs bloquent l’écriture avant que le disque soit plein`,
    growth: "Croissance",
    growthPerDay: (size) => `${size} par jour`,
    recurrentGrowth: (size, days) =>
      `${size} par jour sur des cycles entiers; un nettoyage a lieu tous les ${days} jours`,
    full: "Plein",
    between: (early, late) => `entre le ${early} et le ${late} (sûr à 80\u00a0%)`,
    afterOrNever: (early) => `le ${early} au plus tôt, ou dans plus de deux ans`,
    beyond: "dans plus de deux ans",
    beyondShort: "plus de 2 ans",
    beyondHeadline: (name) => `${name}\u00a0: assez de place pour plus de deux ans`,
    orderBy: "À commander",
    orderNow: "maintenant",
    by: "d’ici le",
    lead: (days) => `pour que ce soit prêt ${days} jours plus tard, avant la date la plus proche`,
    measuredAt: "Mesuré",
    notEnough: "Une prévision demande des mesures de 8 jours.",
    noLimit: "Sa taille est inconnue\u00a0: indiquez «\u00a0capacity\u00a0» dans tidewatch.yaml.",
    staleNote:
      "Aucune mesure depuis un jour et demi. Voici ce que l’on savait alors; regardez d’abord la vérification.",
    chartLabel: (name, full) =>
      `Espace utilisé par ${name} au fil du temps, avec sa limite et la prévision. Plein\u00a0: ${full}`,
    chartCaption: "Trait plein\u00a0: mesuré. Zone ombrée\u00a0: prévision sûre à 80\u00a0%; tirets\u00a0: son milieu.",
    today: "Aujourd’hui",
    limit: (size) => `Limite ${size}`,
    usableLine: (size) => `Utilisable ${size}`,
    usedNow: (size) => `${size} utilisés`,
    range: (early, late) => `plein ${early} – ${late}`,
    from: (early) => `plein à partir du ${early}`,
    steps: "Non compté comme croissance",
    happened: "Lignes pointillées",
    step: { excursion: "passager", "clean-up": "nettoyage", import: "importation" },
    stepsMean: "Entouré dans le graphique. La prévision suppose que rien de tel ne se reproduise.",
    limits:
      "Une croissance qui s’accélère est prévue environ 15\u00a0% trop tard; un changement de rythme met trois semaines à être à moitié pris en compte. Les importations à venir ne sont pas prévues.",
    table: "Le graphique en tableau",
    tableCaption: "Une ligne par semaine",
    day: "Jour",
    measured: "Mesuré",
    forecast: "Prévision (80\u00a0%)",
    csv: "Tous les jours en CSV",
    sizes: "Ce que donne chaque taille",
    sizesCaption: (target) =>
      `«\u00a0Suffit jusqu’au\u00a0» est la date la plus proche. La taille conseillée est la moins chère qui suffit ${target}.`,
    size: "Taille",
    lasts: "Suffit jusqu’au",
    monthly: "Par mois",
    more: (price) => `${price} de plus`,
    perMonthGained: "Par mois gagné",
    current: "actuelle",
    recommended: "conseillée",
    tooSmall: "trop petite",
    noRoom: "pas de place pour réécrire la plus grande table",
    noneIsEnough: (target) =>
      `Aucune de ces tailles ne suffit ${target}\u00a0: demandez-en une plus grande à l’hébergeur.`,
    parts: "Ce qui grandit",
    partsCaption: (days) => `Au cours des ${days} derniers jours`,
    part: "Nom",
    partSize: "Taille",
    partGrowth: "Croissance par jour",
    partKind: { database: "base de données", table: "table avec ses index", others: "toutes les tables plus petites" },
    days: (days) => `${days} jours`,
  },
  outbox: {
    title: "Messages",
    summary: "Qui a reçu quoi, quand et avec quelle réponse; ce qui attend, et quels canaux sont en difficulté.",
    headline: {
      silent: (channels) => `${list(channels)}\u00a0: rien n’est accepté, et personne n’est averti par cette voie`,
      unreadable: "La liste des messages est illisible en ce moment",
      late: (due, span) =>
        `${due < 2 ? `${due} message attend` : `${due} messages attendent`} d’être accepté${due < 2 ? "" : "s"}, le plus ancien depuis ${span}`,
      inPart: (channels) => `${list(channels)}\u00a0: tout le monde n’est pas joint`,
      underWay: (due) => (due < 2 ? `${due} message est en route` : `${due} messages sont en route`),
      calm: "Tout ce qui devait partir a été accepté",
    },
    askedAt: "État au",
    channels: "Canaux",
    channelsCaption:
      "Un canal est en difficulté dès un premier refus ou silence, tant que rien n’a été accepté depuis.",
    noChannels: "Aucun canal n’est configuré\u00a0: personne n’est averti de rien.",
    channel: "Par",
    state: "État",
    since: "Depuis le",
    why: "Ce qui a été dit",
    works: "Aucun problème connu",
    acceptsNothing: "N’accepte rien",
    acceptsNothingFor: (names) => `N’accepte rien pour ${list(names)}`,
    fallback: "Si la base de données locale tombe",
    fallbackIdle: "La base de données locale accepte les écritures. Sinon, les alertes partent sans elle.",
    pastStore:
      "La base de données locale refuse les écritures. Les alertes partent sans elle et seront inscrites plus tard.",
    pastStoreCaption: "Envoyé sans la base de données locale",
    noFallbackFile:
      "Le fichier de secours est inutilisable\u00a0: un arrêt brutal ferait oublier qui a été averti. Le journal dit pourquoi.",
    pastState: {
      waiting: "en attente",
      sending: "en route",
      told: "accepté",
      unanswered: "envoyé autant de fois que permis; personne n’a répondu",
      withdrawn: "plus nécessaire",
    },
    unreadableMeans: "La liste des messages est illisible en ce moment. Ce qui est écrit plus haut reste vrai.",
    waiting: "Ce qui attend",
    waitingCaption: (count) =>
      count < 2 ? `${count} message, pas encore accepté` : `Les ${count} plus anciens, pas encore acceptés`,
    nothingWaits: "Rien n’attend.",
    newest: "Les derniers messages",
    newestCaption: (count) => (count < 2 ? `${count} message` : `${count} messages, les plus récents d’abord`),
    nothingSent: "Rien n’a encore été envoyé.",
    what: "Quoi",
    to: "À",
    dueSince: "Dû depuis le",
    when: "Quand",
    answer: "Réponse",
    kind: {
      page: "Alerte",
      escalation: "Escalade",
      resolve: "Rétabli",
      ticket: "Billet",
      announcement: "Annonce",
      "sign-in": "Lien de connexion",
      test: "Essai",
    },
    answers: {
      pending: "Pas encore accepté.",
      sending: "En route.",
      sent: "Accepté",
      superseded: "Plus nécessaire.",
      dropped: "Abandonné.",
    },
    tried: (times) => (times < 2 ? "Essayé une fois" : `Essayé ${times} fois`),
    nextTry: "prochain essai",
    copies: (copies) => `jusqu’à ${copies} copies ont pu arriver`,
    noSuchChannel:
      "Ce canal n’est pas configuré. Le message attend que le canal revienne ou que quelqu’un d’autre soit averti.",
    strange: "Illisible",
    strangeCaption: "Laissé par une autre version. Rien n’en est fait, et tout le reste continue.",
    row: "Ligne",
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
  members: {
    isDown: (name) => `${name} est en panne`,
    isDegraded: (name) => `Perturbations\u00a0: ${name}`,
    cannotBeReached: (name) => `${name} n’est pas accessible en ce moment.`,
    worksInPart: (name) => `${name} fonctionne, mais plus lentement ou moins complètement que d’habitude.`,
    failsNowAndThen: (name) => `${name} fonctionne par intermittence`,
    tryAgain: (name) => `${name} ne répond pas toujours; réessayer suffit souvent.`,
    notMeasured: "Nous n’avons pas pu le vérifier pour le moment.",
    unreachable: "Le service n’est pas accessible en ce moment.",
    unreachableInternal: "Un élément dont dépend le service ne répond pas\u00a0: certaines fonctions peuvent échouer.",
    titled: (name, title) => `${name}\u00a0: ${title}`,
    confirmed: (explanation) => `${explanation} Nous l’avons remarqué et nous cherchons la cause.`,
    withCause: (text, cause) => `${text} En cause\u00a0: ${cause}.`,
    causeFound: (cause) => `La cause est connue\u00a0: ${cause}.`,
    raised: (explanation) => `La situation s’est aggravée. ${explanation} Nous nous en occupons.`,
    eased: (explanation) => `La situation s’est améliorée. ${explanation} Nous continuons d’y travailler.`,
    acknowledged: "Une personne de notre équipe s’en occupe.",
    comesAndGoes: (explanation, span) =>
      `${explanation} Le problème va et vient\u00a0: cet avis reste affiché jusqu’à ce que tout ait fonctionné pendant ${span} sans interruption.`,
    steadyAgain: (name, span) =>
      `${name} fonctionne de nouveau sans interruption. Le problème est apparu par moments pendant ${span}.`,
    upAgain: (name, span) => `${name} fonctionne de nouveau. Le service est resté inaccessible pendant ${span}.`,
    normalAgain: (name, span) => `${name} fonctionne de nouveau normalement, après ${span}.`,
    unwatched: (name) => `Nous ne surveillons plus cette partie de ${name}\u00a0: cet avis prend donc fin.`,
    lessThanAMinute: "moins d’une minute",
    count: (count, unit) => `${count} ${units[unit]}${count < 2 ? "" : "s"}`,
    upgraded: (change) => `mis à niveau ${change}`,
    wentBack: (change) => `revenu en arrière ${change}`,
    changed: (change) => `modifié ${change}`,
  },
};

export default fr;
