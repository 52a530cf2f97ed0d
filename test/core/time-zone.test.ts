import fc from "fast-check";
import { expect, test } from "vitest";
import {
  civilDays,
  correctionsFor,
  formatDate,
  formatIn,
  formatStretch,
  isTimeZone,
  offsetMinutes,
  readWallTime,
  startOfDay,
  toInstant,
  wallTime,
} from "../../core/time-zone.ts";
import canadian from "../fixtures/time/canadian-zones-2026f.json" with { type: "json" };
import localToUtc from "../fixtures/time/local-to-utc.json" with { type: "json" };

const { Instant, PlainDate, PlainDateTime } = Temporal;
const plain = (text: string) => PlainDateTime.from(text);
const date = (text: string) => PlainDate.from(text);

const rows = canadian.rows.flatMap(({ utc, local }) =>
  Object.entries(local).map(([zone, expected]) => ({ utc, zone, ...expected })),
);

test("the fixture has its 153 rows", () => {
  expect(rows).toHaveLength(153);
});

test.each(rows)("$utc is $wall in $zone", ({ utc, zone, wall, offset_minutes }) => {
  expect(offsetMinutes(Instant.from(utc), zone)).toBe(offset_minutes);
  expect(wallTime(Instant.from(utc), zone).toString()).toBe(wall);
});

test.each(localToUtc.rows)("$wall in $zone is a $kind", ({ wall, zone, kind, earlier, later }) => {
  const read = readWallTime(plain(wall), zone);
  expect({ kind: read.kind, earlier: read.earlier.toString(), later: read.later.toString() }).toEqual({
    kind,
    earlier,
    later,
  });
});

test("something that starts in the missing hour starts right after it", () => {
  expect(toInstant(plain("2026-03-08T02:30"), "America/Toronto").toString()).toBe("2026-03-08T07:00:00Z");
  expect(toInstant(plain("2026-03-08T02:30"), "America/Toronto", "end").toString()).toBe("2026-03-08T07:00:00Z");
  expect(toInstant(plain("2027-03-14T02:15"), "America/St_Johns").toString()).toBe("2027-03-14T05:30:00Z");
});

test("a shift over the repeated hour starts at the first and ends at the last of the two", () => {
  expect(toInstant(plain("2026-11-01T01:30"), "America/Toronto", "start").toString()).toBe("2026-11-01T05:30:00Z");
  expect(toInstant(plain("2026-11-01T01:30"), "America/Toronto", "end").toString()).toBe("2026-11-01T06:30:00Z");
});

test("the provinces that stopped changing clocks have neither gap nor fold any more", () => {
  for (const zone of [
    "America/Vancouver",
    "America/Edmonton",
    "America/Inuvik",
    "America/Winnipeg",
    "Canada/Central",
  ]) {
    expect(readWallTime(plain("2026-11-01T01:30"), zone).kind).toBe("plain");
    expect(readWallTime(plain("2027-03-14T02:30"), zone).kind).toBe("plain");
    expect(readWallTime(plain("2031-11-02T01:30"), zone).kind).toBe("plain");
  }
});

test("Cuba's clocks go back to the runtime's rules after the one winter they were not changed", () => {
  const offsets = ["2026-11-15T12:00Z", "2027-03-20T12:00Z", "2027-12-01T12:00Z"].map((at) =>
    offsetMinutes(Instant.from(at), "America/Havana"),
  );
  expect(offsets).toEqual([-240, -240, -300]);
});

test("a runtime with the checked release or a newer one is believed, an older or silent one corrected", () => {
  expect(correctionsFor("2026f")).toEqual([]);
  expect(correctionsFor("2026g")).toEqual([]);
  expect(correctionsFor("2027a")).toEqual([]);
  expect(correctionsFor("2026c").map(({ zone }) => zone)).toContain("America/Winnipeg");
  expect(correctionsFor("2025b").map(({ zone }) => zone)).toContain("America/Vancouver");
  expect(correctionsFor(undefined)).not.toEqual([]);
});

test("a correction changes nothing before it begins", () => {
  for (const { zone, from } of correctionsFor("2026c")) {
    const before = from.subtract({ seconds: 1 });
    expect(offsetMinutes(before, zone)).toBe(before.toZonedDateTimeISO(zone).offsetNanoseconds / 60e9);
  }
});

test("every moment can be read back from its wall time", () => {
  const zones = [
    ...new Set([...canadian.zones, "America/Havana", "Europe/Paris", "Asia/Kolkata", "Pacific/Apia", "UTC"]),
  ];
  fc.assert(
    fc.property(
      fc.integer({ min: Date.UTC(2020, 0, 1) / 60_000, max: Date.UTC(2034, 0, 1) / 60_000 }),
      fc.constantFrom(...zones),
      (minute, zone) => {
        const instant = Instant.fromEpochMilliseconds(minute * 60_000);
        const { kind, earlier, later } = readWallTime(wallTime(instant, zone), zone);
        expect(kind).not.toBe("gap");
        expect([earlier.epochMilliseconds, later.epochMilliseconds]).toContain(instant.epochMilliseconds);
      },
    ),
    { numRuns: 2000 },
  );
});

test("March and November in Toronto have 743 and 721 hours; Winnipeg's November has 720", () => {
  const hours = (zone: string, from: string, to: string) =>
    startOfDay(date(to), zone)
      .since(startOfDay(date(from), zone))
      .total("hours");
  expect(hours("America/Toronto", "2026-03-01", "2026-04-01")).toBe(743);
  expect(hours("America/Toronto", "2026-11-01", "2026-12-01")).toBe(721);
  expect(hours("America/Winnipeg", "2026-11-01", "2026-12-01")).toBe(720);
});

test("civil days follow each other without gaps, 25 hours long where clocks go back", () => {
  const days = civilDays("America/Toronto", Instant.from("2026-10-31T12:00Z"), Instant.from("2026-11-03T05:00Z"));
  expect(days.map((day) => [String(day.date), String(day.from), day.to.since(day.from).total("hours")])).toEqual([
    ["2026-10-31", "2026-10-31T04:00:00Z", 24],
    ["2026-11-01", "2026-11-01T04:00:00Z", 25],
    ["2026-11-02", "2026-11-02T05:00:00Z", 24],
  ]);
});

test("a day that begins inside the missing hour begins right after it", () => {
  // Lebanon changes its clocks at midnight.
  expect(startOfDay(date("2026-03-29"), "Asia/Beirut").toString()).toBe("2026-03-28T22:00:00Z");
});

test("an empty span touches no day", () => {
  const midnight = Instant.from("2026-11-03T05:00Z");
  expect(civilDays("America/Toronto", midnight, midnight)).toEqual([]);
});

const morning = Instant.from("2026-11-23T10:12:00Z");

test.each([
  ["America/Vancouver", "en", "time", "03:12 Vancouver (UTC-7)"],
  ["America/Vancouver", "fr", "time", "3 h 12, Vancouver (UTC−7)"],
  ["America/Winnipeg", "en", "date-time", "November 23, 2026, 05:12 Winnipeg (UTC-5)"],
  ["America/Winnipeg", "fr", "date-time", "23 novembre 2026 à 5 h 12, Winnipeg (UTC−5)"],
  ["america/st_johns", "en", "short-date-time", "Nov 23, 06:42 St. John's (UTC-3:30)"],
  ["Asia/Kolkata", "fr", "time", "15 h 42, Kolkata (UTC+5:30)"],
  ["Europe/London", "en", "time", "10:12 London (UTC+0)"],
  ["UTC", "en", "time", "10:12 UTC"],
  ["-05:00", "en", "time", "05:12 (UTC-5)"],
] as const)("prints city and offset: %s, %s, %s", (zone, language, style, text) => {
  expect(formatIn(morning, zone, language, style).replaceAll("\u00a0", " ")).toBe(text);
});

test("French clocks never break over a line and leave out zero minutes", () => {
  expect(formatIn(Instant.from("2026-11-23T15:00Z"), "UTC", "fr", "time")).toBe("15\u00a0h, UTC");
  expect(formatIn(Instant.from("2026-11-23T15:05Z"), "UTC", "fr", "time")).toBe("15\u00a0h\u00a005, UTC");
});

test.each([
  ["a few minutes", "2026-11-23T18:27Z", "2026-11-23T18:42Z", "en", "Nov 23, 11:27 | 11:42 Vancouver (UTC-7)"],
  ["a few minutes", "2026-11-23T18:27Z", "2026-11-23T18:42Z", "fr", "23 nov. à 11 h 27 | 11 h 42, Vancouver (UTC−7)"],
  ["a night", "2026-11-23T18:27Z", "2026-11-24T15:00Z", "en", "Nov 23, 11:27 | Nov 24, 08:00 Vancouver (UTC-7)"],
  ["a night", "2026-11-23T18:27Z", "2026-11-24T15:00Z", "fr", "23 nov. à 11 h 27 | 24 nov. à 8 h, Vancouver (UTC−7)"],
  [
    "a change of clocks",
    "2026-03-08T09:30Z",
    "2026-03-08T10:30Z",
    "en",
    "Mar 8, 01:30 Vancouver (UTC-8) | Mar 8, 03:30 Vancouver (UTC-7)",
  ],
] as const)(
  "a stretch of %s says day and place once where that is enough: %s to %s, %s",
  (what, from, to, language, text) => {
    const said = formatStretch(Instant.from(from), Instant.from(to), "America/Vancouver", language);
    expect(`${said.from} | ${said.to}`.replaceAll("\u00a0", " ")).toBe(text);
    expect(said.sameDay).toBe(what === "a few minutes");
  },
);

test("the first of a month is an ordinal in French", () => {
  expect(formatDate(date("2026-12-01"), "fr", "long")).toBe("1er décembre 2026");
  expect(formatDate(date("2026-12-01"), "fr", "weekday")).toBe("mardi 1er décembre 2026");
  expect(formatDate(date("2026-12-11"), "fr", "long")).toBe("11 décembre 2026");
  expect(formatDate(date("2026-12-01"), "en", "short")).toBe("Dec 1");
});

test("an unknown zone is recognised as such", () => {
  expect(isTimeZone("America/Vancuver")).toBe(false);
  expect(isTimeZone("America/Vancouver")).toBe(true);
});
