/** Every sentence of the capacity page, in English and in Canadian French, and how sizes and prices are written. */
import type { CapacityState } from "../../core/capacity.ts";
import type { Part } from "../../core/capacity-parts.ts";
import type { Step } from "../../core/growth.ts";
import type { Language } from "../../core/language.ts";
import { formatBytes } from "../../core/units.ts";

export interface CapacityWords {
  readonly title: string;
  readonly nothing: string;
  readonly nothingHow: string;
  /** One sentence for one store. `until` is written out: a date, or "more than two years". */
  readonly headline: Readonly<Record<CapacityState, (name: string, dates: Dates) => string>>;
  readonly overall: Readonly<Record<CapacityState, (names: readonly string[]) => string>>;
  readonly state: Readonly<Record<CapacityState, string>>;
  readonly used: string;
  readonly usedOf: (used: string, limit: string, share: string) => string;
  readonly usable: string;
  readonly usableMeans: (usable: string, share: string) => string;
  readonly growth: string;
  readonly growthPerDay: (size: string) => string;
  readonly recurrentGrowth: (size: string, days: number) => string;
  readonly full: string;
  readonly between: (early: string, late: string) => string;
  readonly afterOrNever: (early: string) => string;
  readonly beyond: string;
  /** The same in a table. */
  readonly beyondShort: string;
  readonly beyondHeadline: (name: string) => string;
  readonly orderBy: string;
  readonly orderNow: string;
  readonly by: string;
  readonly lead: (days: number) => string;
  readonly measuredAt: string;
  readonly notEnough: string;
  readonly noLimit: string;
  readonly staleNote: string;
  readonly chartLabel: (name: string, full: string) => string;
  readonly chartCaption: string;
  readonly today: string;
  readonly limit: (size: string) => string;
  readonly usableLine: (size: string) => string;
  readonly usedNow: (size: string) => string;
  readonly range: (early: string, late: string) => string;
  readonly from: (early: string) => string;
  readonly steps: string;
  readonly happened: string;
  readonly step: Readonly<Record<Step["kind"], string>>;
  readonly stepsMean: string;
  readonly limits: string;
  readonly table: string;
  readonly tableCaption: string;
  readonly day: string;
  readonly measured: string;
  readonly forecast: string;
  readonly csv: string;
  readonly sizes: string;
  readonly sizesCaption: (target: string) => string;
  readonly size: string;
  readonly lasts: string;
  readonly monthly: string;
  readonly more: (price: string) => string;
  readonly perMonthGained: string;
  readonly current: string;
  readonly recommended: string;
  readonly tooSmall: string;
  readonly noRoom: string;
  readonly noneIsEnough: (target: string) => string;
  readonly parts: string;
  readonly partsCaption: (days: number) => string;
  readonly part: string;
  readonly partSize: string;
  readonly partGrowth: string;
  readonly partKind: Readonly<Record<Part["kind"], string>>;
  readonly days: (days: number) => string;
}

/** Written out already. */
export interface Dates {
  readonly early: string;
  readonly late: string;
  readonly orderBy: string;
  readonly measured: string;
}

const list = (language: Language, names: readonly string[]) =>
  new Intl.ListFormat(`${language}-CA`, { type: "conjunction" }).format(names);

const en: CapacityWords = {
  title: "Capacity",
  nothing: "Nothing that fills is being watched",
  nothingHow:
    "Give a target a check with the probe “postgres” or “disk”; its capacity and the sizes on offer stand beside it in tidewatch.yaml.",
  headline: {
    page: (name) => `${name} is nearly full`,
    order: (name, { orderBy }) => `Order a bigger size for ${name} ${orderBy}`,
    plan: (name, { early, late }) => `${name} is full between ${early} and ${late}`,
    calm: (name, { early }) => `${name} lasts at least until ${early}`,
    stale: (name, { measured }) => `${name} was last measured on ${measured}`,
    insufficient: (name) => `Nothing can be said about ${name} yet`,
  },
  overall: {
    page: (names) => `${list("en", names)} ${names.length === 1 ? "is" : "are"} nearly full`,
    order: (names) => `Time to order more room for ${list("en", names)}`,
    plan: (names) => `${list("en", names)} will be full within a quarter`,
    calm: () => "There is room for a quarter and more",
    stale: (names) => `${list("en", names)} ${names.length === 1 ? "is" : "are"} not being measured`,
    insufficient: () => "It is too early to say",
  },
  state: {
    page: "nearly full",
    order: "order now",
    plan: "plan",
    calm: "room enough",
    stale: "not measured",
    insufficient: "too early to say",
  },
  used: "Used",
  usedOf: (used, limit, share) => `${used} of ${limit} (${share})`,
  usable: "Usable",
  usableMeans: (usable, share) => `${usable}, ${share} of the limit: hosts stop writes before a disk is full`,
  growth: "Growth",
  growthPerDay: (size) => `${size} a day`,
  recurrentGrowth: (size, days) => `${size} a day over whole cycles; it is cleaned up every ${days} days`,
  full: "Full",
  between: (early, late) => `between ${early} and ${late} (80 % sure)`,
  afterOrNever: (early) => `${early} at the earliest, or more than two years from now`,
  beyond: "more than two years from now",
  beyondShort: "over 2 years",
  beyondHeadline: (name) => `${name} has room for more than two years`,
  orderBy: "Order by",
  orderNow: "now",
  by: "by",
  lead: (days) => `so that it is there ${days} days later, before the earliest date`,
  measuredAt: "Measured",
  notEnough: "A forecast needs readings of 8 days.",
  noLimit: "Its size is not known: set “capacity” in tidewatch.yaml.",
  staleNote:
    "There has been no reading for a day and a half. What follows is what was known then; look at the check first.",
  chartLabel: (name, full) => `Space used by ${name} over time, with its limit and forecast. Full: ${full}`,
  chartCaption: "Solid: measured. Shaded: where it will be with 80 % confidence; dashed: the middle of it.",
  today: "Today",
  limit: (size) => `Limit ${size}`,
  usableLine: (size) => `Usable ${size}`,
  usedNow: (size) => `${size} used`,
  range: (early, late) => `full ${early} – ${late}`,
  from: (early) => `full from ${early} on`,
  steps: "Not counted as growth",
  happened: "Dotted lines",
  step: { excursion: "came and went", "clean-up": "clean-up", import: "import" },
  stepsMean: "Ringed in the chart. The forecast assumes that nothing like it comes again.",
  limits:
    "Growth that speeds up is foreseen about 15 % too late; a change of pace needs three weeks to be half believed. Imports still to come are not foreseen.",
  table: "The chart as a table",
  tableCaption: "One row a week",
  day: "Day",
  measured: "Measured",
  forecast: "Forecast (80 %)",
  csv: "All days as CSV",
  sizes: "What each size buys",
  sizesCaption: (target) => `“Lasts until” is the earliest date. Recommended is the cheapest that lasts ${target}.`,
  size: "Size",
  lasts: "Lasts until",
  monthly: "A month",
  more: (price) => `${price} more`,
  perMonthGained: "For each month gained",
  current: "in use now",
  recommended: "recommended",
  tooSmall: "too small",
  noRoom: "no room to rewrite the biggest table",
  noneIsEnough: (target) => `None of these sizes lasts ${target}: ask the host for a bigger one.`,
  parts: "What grows",
  partsCaption: (days) => `Over the last ${days} days`,
  part: "Name",
  partSize: "Size",
  partGrowth: "Growth a day",
  partKind: { database: "database", table: "table with its indexes", others: "all smaller tables" },
  days: (days) => `${days} days`,
};

const fr: CapacityWords = {
  title: "Capacité",
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
    page: (names) => `Presque plein\u00a0: ${list("fr", names)}`,
    order: (names) => `Il est temps de commander plus d’espace\u00a0: ${list("fr", names)}`,
    plan: (names) => `Plein d’ici un trimestre\u00a0: ${list("fr", names)}`,
    calm: () => "Il y a de la place pour un trimestre et plus",
    stale: (names) => `Non mesuré\u00a0: ${list("fr", names)}`,
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
  staleNote: "Aucune mesure depuis un jour et demi. Voici ce que l’on savait alors; regardez d’abord la vérification.",
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
};

export const capacityWords: Readonly<Record<Language, CapacityWords>> = { en, fr };

const frenchUnits = new Map([
  ["B", "o"],
  ["kB", "ko"],
  ["MB", "Mo"],
  ["GB", "Go"],
  ["TB", "To"],
  ["PB", "Po"],
]);

/** "62.1 GB", "62,1 Go"; the space does not break. */
export function sizeText(bytes: number, language: Language): string {
  const [number = "", unit = ""] = formatBytes(bytes).replace("-", "\u2212").split(" ");
  if (language === "en") return `${number}\u00a0${unit}`;
  return `${number.replace(".", ",")}\u00a0${frenchUnits.get(unit) ?? unit}`;
}

/** "+0.21 GB", "−12 GB". */
export function signedSize(bytes: number, language: Language): string {
  return bytes > 0 ? `+${sizeText(bytes, language)}` : sizeText(bytes, language);
}

/** "$185", "185 $"; cents only where there are some. */
export function priceText(amount: number, currency: string, language: Language): string {
  const digits = Number.isInteger(amount) ? 0 : 2;
  return amount.toLocaleString(`${language}-CA`, {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
