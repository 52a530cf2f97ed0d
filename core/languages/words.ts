/** What a translation must hold: every sentence of the pages and of the texts for members, one interface a page, and date formats. */
import type { CapacityState } from "../capacity/capacity.ts";
import type { StepChange } from "../capacity/growth.ts";
import type { StorePart } from "../capacity/table-growth.ts";
import type { PastStore } from "../past-store.ts";
import type { Outcome } from "../sample.ts";
import type { ResidencySource } from "../status/residency.ts";
import type { NoticeStatus } from "../store/outbox.ts";

/** A language in which nothing is missing. */
export interface WholeTranslation extends Words {
  /** BCP 47, of the `lang` attribute and of how months and numbers are written. */
  readonly tag: string;
  /** As those who speak it write it: "Français". */
  readonly name: string;
  readonly forms: Forms;
}

/** A file in this folder: what it leaves out is shown in the usual language of the organisation, and forms as English has them. */
export interface Translation extends PartOf<Words> {
  readonly tag: string;
  readonly name: string;
  readonly forms?: Partial<Forms>;
}

type PartOf<Whole> = {
  readonly [Key in keyof Whole]?: Whole[Key] extends string | ((...args: never) => string)
    ? Whole[Key]
    : PartOf<Whole[Key]>;
};

export interface Words {
  readonly page: PageWords;
  readonly status: StatusWords;
  readonly history: HistoryWords;
  readonly capacity: CapacityWords;
  readonly outbox: OutboxWords;
  readonly acknowledge: AcknowledgeWords;
  readonly signIn: SignInWords;
  readonly error: Readonly<Record<PageError, { readonly title: string; readonly text: string }>>;
  readonly members: MemberWords;
}

/** How a language writes what is not a sentence. */
export interface Forms {
  /** "03:12", "3 h 12". */
  readonly clock: (hour: number, minute: number) => string;
  readonly dateAndTime: (date: string, time: string) => string;
  /** "03:12 Vancouver (UTC-7)". */
  readonly timeAndPlace: (time: string, place: string) => string;
  readonly minus: string;
  /** A date as the runtime writes it, made right: "1er janvier". */
  readonly date: (date: string) => string;
  /** "62.1 GB", of a number with a point and a unit. */
  readonly size: (number: string, unit: string) => string;
  /** In place of a percentage where nothing was measured. */
  readonly noData: string;
  /** With the spaces at which a line must not break. */
  readonly typeset: (sentence: string) => string;
}

/** What is written once, when it happens, and read in mails and on every page: names of services are put in. */
interface MemberWords {
  readonly isDown: (name: string) => string;
  readonly isDegraded: (name: string) => string;
  readonly cannotBeReached: (name: string) => string;
  readonly worksInPart: (name: string) => string;
  readonly failsNowAndThen: (name: string) => string;
  readonly tryAgain: (name: string) => string;
  readonly notMeasured: string;
  readonly unreachable: string;
  readonly unreachableInternal: string;
  /** "Mastodon: queues are late". */
  readonly titled: (name: string, title: string) => string;
  readonly confirmed: (explanation: string) => string;
  readonly withCause: (text: string, cause: string) => string;
  readonly causeFound: (cause: string) => string;
  readonly raised: (explanation: string) => string;
  readonly eased: (explanation: string) => string;
  readonly acknowledged: string;
  /** @param span how long it must work without a break. */
  readonly comesAndGoes: (explanation: string, span: string) => string;
  /** @param span from the first time that it failed until the last. */
  readonly steadyAgain: (name: string, span: string) => string;
  readonly upAgain: (name: string, span: string) => string;
  readonly normalAgain: (name: string, span: string) => string;
  readonly unwatched: (name: string) => string;
  readonly lessThanAMinute: string;
  readonly count: (count: number, unit: "day" | "hour" | "minute") => string;
  readonly upgraded: (change: string) => string;
  readonly wentBack: (change: string) => string;
  readonly changed: (change: string) => string;
}

/** What every page of one visitor has in common. */
interface PageWords {
  readonly state: Readonly<Record<Outcome, string>>;
  readonly colon: string;
  readonly since: string;
  readonly from: string;
  /** Before a moment on the same day, and on a later one. */
  readonly toTime: string;
  readonly toDay: string;
  readonly lasted: (span: string) => string;
  readonly cameAndWent: (span: string) => string;
  readonly alreadyLasts: (span: string) => string;
  /** @param title what was said while it lasted: "Photos is down". */
  readonly resolved: (title: string) => string;
  readonly ongoing: string;
  readonly number: (id: number) => string;
  readonly checkedAt: string;
  readonly madeBy: string;
  readonly backToStatus: string;
  readonly skip: string;
  readonly otherLanguage: string;
  readonly practice: string;
  readonly practiceMeans: string;
  readonly notes: Readonly<Record<PageNote, string>>;
}

interface StatusWords {
  readonly overall: (
    overall: { readonly state: Outcome | "empty" | "new"; readonly total: number },
    affected: readonly string[],
  ) => string;
  readonly statusOf: (organisation: string) => string;
  readonly neverChecked: string;
  readonly unknownMeans: string;
  readonly lastChange: string;
  readonly changed: (name: string, to: Outcome) => string;
  readonly now: string;
  readonly services: string;
  readonly recent: (days: number) => string;
  readonly noRecent: (days: number, isOneOpen: boolean) => string;
  readonly history: string;
  readonly noDataYet: string;
  readonly measuredBriefly: string;
  readonly uptime: (percent: string, days: number) => string;
  readonly uptimeOfMeasured: (percent: string, span: string) => string;
  readonly daysAgo: (days: number) => string;
  readonly today: string;
  readonly barLabel: (name: string, days: number, counts: readonly string[]) => string;
  readonly dayCount: (days: number, outcome: Outcome) => string;
  readonly dayByDay: (days: number) => string;
  readonly days: string;
  readonly what: string;
  readonly howLong: string;
  readonly hostedIn: (countries: readonly string[]) => string;
  readonly hostedChecked: (addresses: number | undefined, against: readonly ResidencySource[]) => string;
  readonly legend: string;
  readonly rules: string;
  readonly team: string;
}

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

interface CapacityWords {
  readonly title: string;
  /** Below the link to it. */
  readonly summary: string;
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
  readonly step: Readonly<Record<StepChange["kind"], string>>;
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
  readonly partKind: Readonly<Record<StorePart["kind"], string>>;
  readonly days: (days: number) => string;
}

export interface OutboxWords {
  readonly title: string;
  /** Below the link to it. */
  readonly summary: string;
  readonly headline: {
    readonly silent: (channels: readonly string[]) => string;
    readonly unreadable: string;
    readonly late: (due: number, span: string) => string;
    readonly inPart: (channels: readonly string[]) => string;
    readonly underWay: (due: number) => string;
    readonly calm: string;
  };
  readonly askedAt: string;
  readonly channels: string;
  readonly channelsCaption: string;
  readonly noChannels: string;
  readonly channel: string;
  readonly state: string;
  readonly since: string;
  readonly why: string;
  readonly works: string;
  readonly acceptsNothing: string;
  readonly acceptsNothingFor: (names: readonly string[]) => string;
  readonly fallback: string;
  readonly fallbackIdle: string;
  readonly pastStore: string;
  readonly pastStoreCaption: string;
  readonly noFallbackFile: string;
  readonly pastState: Readonly<Record<PastStore["state"], string>>;
  readonly unreadableMeans: string;
  readonly waiting: string;
  readonly waitingCaption: (count: number) => string;
  readonly nothingWaits: string;
  readonly newest: string;
  readonly newestCaption: (count: number) => string;
  readonly nothingSent: string;
  readonly what: string;
  readonly to: string;
  readonly dueSince: string;
  readonly when: string;
  readonly answer: string;
  readonly kind: Readonly<Record<NoticeStatus["kind"], string>>;
  readonly answers: Readonly<Record<NoticeStatus["state"], string>>;
  readonly tried: (times: number) => string;
  readonly nextTry: string;
  readonly copies: (copies: number) => string;
  readonly noSuchChannel: string;
  readonly strange: string;
  readonly strangeCaption: string;
  readonly row: string;
}

export type PageNote = "store" | "render" | "restart";

export type PageError = "not-found" | "gone" | "refused" | "too-large" | "too-many" | "store" | "accident";
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
  readonly subject: (organisation: string) => string;
  readonly body: (organisation: string, link: string, minutes: number) => string;
  readonly retry: string;
}

/** Written out already. */
export interface Dates {
  readonly early: string;
  readonly late: string;
  readonly orderBy: string;
  readonly measured: string;
}
