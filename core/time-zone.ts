/** Time zones: local time, civil days and how they are written, right for Canada also where the runtime's zone data is older. */
import type { Language } from "./language.ts";
import { formsOf, tagOf } from "./languages/translations.ts";

/** The release that this file was checked against; a runtime with this one or a newer one is believed in everything. */
const checkedRelease = "2026f";

/**
 * What release 2026f says and 2026c, which Node 26.10 carries, or an older one does not: four provinces and territories
 * stopped changing their clocks, and Cuba keeps its summer time for one more winter. docs/decisions/005-time-zones.md
 */
const corrections = [
  { zones: ["America/Vancouver", "Canada/Pacific"], from: "2026-11-01T09:00Z", offset: "-07:00" },
  {
    zones: ["America/Edmonton", "America/Yellowknife", "Canada/Mountain"],
    from: "2026-11-01T08:00Z",
    offset: "-06:00",
  },
  { zones: ["America/Inuvik"], from: "2026-11-01T08:00Z", offset: "-06:00" },
  {
    zones: ["America/Winnipeg", "America/Rainy_River", "Canada/Central"],
    from: "2026-11-01T07:00Z",
    offset: "-05:00",
  },
  { zones: ["America/Havana", "Cuba"], from: "2026-11-01T05:00Z", until: "2027-03-14T05:00Z", offset: "-04:00" },
].flatMap(({ zones, from, until, offset }) =>
  zones.map((zone) => ({ zone, from: instantOf(from), until: instantOf(until ?? "+275760-09-13T00:00Z"), offset })),
);

function instantOf(text: string): Temporal.Instant {
  return Temporal.Instant.from(text);
}

/** The corrections that a runtime with this release of zone data needs. */
export function correctionsFor(release: string | undefined): readonly (typeof corrections)[number][] {
  return release !== undefined && release >= checkedRelease ? [] : corrections;
}

const inUse = new Map(correctionsFor(process.versions["tz"]).map((correction) => [correction.zone, correction]));

/** True for every zone that `formatIn` and the others take. */
export function isTimeZone(zone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return true;
  } catch {
    return false;
  }
}

/** Date and time with the offset that is in force there and then. Good for reading, not for calculating further. */
function zoned(instant: Temporal.Instant, zone: string): Temporal.ZonedDateTime {
  const local = instant.toZonedDateTimeISO(zone);
  const correction = inUse.get(local.timeZoneId);
  if (!correction || before(instant, correction.from) || !before(instant, correction.until)) return local;
  return instant.toZonedDateTimeISO(correction.offset);
}

const before = (a: Temporal.Instant, b: Temporal.Instant) => Temporal.Instant.compare(a, b) < 0;

/** Minutes that wall clocks there are ahead of UTC: -210 in St. John's in winter. */
export function offsetMinutes(instant: Temporal.Instant, zone: string): number {
  return zoned(instant, zone).offsetNanoseconds / 60e9;
}

export function wallTime(instant: Temporal.Instant, zone: string): Temporal.PlainDateTime {
  return zoned(instant, zone).toPlainDateTime();
}

/**
 * What a wall time means there. In a gap (clocks go forward) it does not exist: `earlier` and `later` are what clocks
 * that were not changed would mean. In a fold (clocks go back) it happens twice.
 */
export function readWallTime(
  plain: Temporal.PlainDateTime,
  zone: string,
): { readonly kind: "plain" | "gap" | "fold"; readonly earlier: Temporal.Instant; readonly later: Temporal.Instant } {
  const asUtc = plain.toZonedDateTime("UTC").toInstant();
  const offsets = [asUtc.subtract({ hours: 24 }), asUtc.add({ hours: 24 })].map(
    (near) => zoned(near, zone).offsetNanoseconds,
  );
  const earlier = asUtc.subtract({ nanoseconds: Math.max(...offsets) });
  const later = asUtc.subtract({ nanoseconds: Math.min(...offsets) });
  const [early, late] = [earlier, later].map((candidate) => wallTime(candidate, zone).equals(plain));
  if (early && late) return { kind: earlier.equals(later) ? "plain" : "fold", earlier, later };
  if (!early && !late) return { kind: "gap", earlier, later };
  const only = early ? earlier : later;
  return { kind: "plain", earlier: only, later: only };
}

/**
 * The moment a wall time names. One that does not exist becomes the first moment after the gap; one that happens twice
 * is the first of the two where something starts and the last where it ends, so that nothing falls between.
 */
export function toInstant(
  plain: Temporal.PlainDateTime,
  zone: string,
  edge: "start" | "end" = "start",
): Temporal.Instant {
  const { kind, earlier, later } = readWallTime(plain, zone);
  if (kind !== "gap") return edge === "start" ? earlier : later;
  return earlier.toZonedDateTimeISO(zone).getTimeZoneTransition("next")?.toInstant() ?? later;
}

export function startOfDay(date: Temporal.PlainDate, zone: string): Temporal.Instant {
  return toInstant(date.toPlainDateTime(), zone);
}

export interface CivilDay {
  readonly date: Temporal.PlainDate;
  readonly from: Temporal.Instant;
  /** The first moment of the next day; 23, 24 or 25 hours later. */
  readonly to: Temporal.Instant;
}

/** Every civil day that has a part in [from, to), whole, oldest first. */
export function civilDays(zone: string, from: Temporal.Instant, to: Temporal.Instant): readonly CivilDay[] {
  const days: CivilDay[] = [];
  let date = wallTime(from, zone).toPlainDate();
  let start = startOfDay(date, zone);
  while (before(start, to)) {
    const next = date.add({ days: 1 });
    const end = startOfDay(next, zone);
    days.push({ date, from: start, to: end });
    date = next;
    start = end;
  }
  return days;
}

/**
 * A moment as text for people, always with the city and its distance from UTC, because "CST" means two things since
 * 2026: "03:12 Vancouver (UTC-7)", "3 h 12, Vancouver (UTC−7)".
 */
export function formatIn(
  instant: Temporal.Instant,
  zone: string,
  language: Language,
  style: "time" | "date-time" | "short-date-time",
): string {
  const wall = wallTime(instant, zone);
  const time = formatTime(wall, formatPlace(zone, offsetMinutes(instant, zone), language), language);
  return style === "time" ? time : formatDated(wall, time, language, style === "date-time" ? "long" : "short");
}

/**
 * Beginning and end of a stretch, to be joined by a word: "Nov 23, 11:27" and "11:42 Vancouver (UTC-7)". The place stands
 * once when it holds for both, the day when they are on the same one.
 */
export function formatStretch(
  from: Temporal.Instant,
  to: Temporal.Instant,
  zone: string,
  language: Language,
): { readonly from: string; readonly to: string; readonly sameDay: boolean } {
  const [began, ended] = [wallTime(from, zone), wallTime(to, zone)];
  const sameDay = began.toPlainDate().equals(ended.toPlainDate());
  if (offsetMinutes(from, zone) !== offsetMinutes(to, zone)) {
    const whole = (at: Temporal.Instant) => formatIn(at, zone, language, "short-date-time");
    return { from: whole(from), to: whole(to), sameDay: false };
  }
  return {
    from: formatDated(began, formatClock(began, language), language, "short"),
    to: formatIn(to, zone, language, sameDay ? "time" : "short-date-time"),
    sameDay,
  };
}

function formatTime(wall: Temporal.PlainDateTime, place: string, language: Language): string {
  return formsOf(language).timeAndPlace(formatClock(wall, language), place);
}

function formatDated(
  wall: Temporal.PlainDateTime,
  time: string,
  language: Language,
  style: keyof typeof dateFormats,
): string {
  return formsOf(language).dateAndTime(formatDate(wall.toPlainDate(), language, style), time);
}

/** "03:12", "3 h 12" (with no-break spaces). */
function formatClock(wall: Temporal.PlainDateTime | Temporal.PlainTime, language: Language): string {
  return formsOf(language).clock(wall.hour, wall.minute);
}

function formatPlace(zone: string, offset: number, language: Language): string {
  const city = cityOf(zone);
  if (city === undefined && offset === 0) return "UTC";
  return city === undefined ? `(${formatOffset(offset, language)})` : `${city} (${formatOffset(offset, language)})`;
}

/** "UTC-7", "UTC-3:30", "UTC+0"; a true minus sign in French. */
export function formatOffset(minutes: number, language: Language): string {
  const sign = minutes < 0 ? formsOf(language).minus : "+";
  const rest = Math.round(Math.abs(minutes)) % 60;
  const hours = Math.floor(Math.round(Math.abs(minutes)) / 60);
  return `UTC${sign}${hours}${rest === 0 ? "" : `:${String(rest).padStart(2, "0")}`}`;
}

const cityNames = new Map([
  ["St_Johns", "St. John's"],
  ["Montreal", "Montréal"],
]);

/** "America/St_Johns" → "St. John's"; nothing for zones that name no place. */
function cityOf(zone: string): string | undefined {
  const id = Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone).timeZoneId;
  if (!id.includes("/") || id.startsWith("Etc/")) return undefined;
  const last = id.slice(id.lastIndexOf("/") + 1);
  return cityNames.get(last) ?? last.replaceAll("_", " ");
}

const dateFormats = {
  long: { day: "numeric", month: "long", year: "numeric" },
  short: { day: "numeric", month: "short" },
  "short-year": { day: "numeric", month: "short", year: "numeric" },
  month: { month: "long", year: "numeric" },
  "month-only": { month: "short" },
  weekday: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
} as const;

const dateFormat = memoise((language: Language, style: keyof typeof dateFormats) => {
  return new Intl.DateTimeFormat(tagOf(language), { ...dateFormats[style], timeZone: "UTC" });
});

/** Formats are dear to make and cheap to use. */
function memoise<A extends string, B extends string, T>(make: (a: A, b: B) => T): (a: A, b: B) => T {
  const made = new Map<string, T>();
  return (a, b) => {
    const found = made.get(`${a} ${b}`) ?? make(a, b);
    made.set(`${a} ${b}`, found);
    return found;
  };
}

/** "November 23, 2026", "23 novembre 2026"; short: "Nov 23"; weekday: "Monday, November 23, 2026". */
export function formatDate(date: Temporal.PlainDate, language: Language, style: keyof typeof dateFormats): string {
  const text = dateFormat(language, style).format(date.toZonedDateTime("UTC").epochMilliseconds);
  return formsOf(language).date(text);
}
