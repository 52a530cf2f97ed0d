import { expect, test } from "vitest";
import { sameInAll } from "../../../core/language.ts";
import { type HistoryInput, historyBegin, historyModel } from "../../../core/status/history.ts";
import { ago, daySeconds, outage, service, vancouver } from "../../helpers/status-scene.ts";

const now = Temporal.Instant.from("2026-11-23T18:42:10Z");
const forum = service("forum", []);
const secret = service("database", [], { target: { public: false } });
const at = (text: string) => Temporal.Instant.from(text);
const stretch = (from: string, to: string) => ({ from: at(from).epochMilliseconds, to: at(to).epochMilliseconds });
const since = (from: string) => ({ from: at(from).epochMilliseconds, to: now.epochMilliseconds });
const over = (id: number, days: number, lastedDays = 0.01, of = forum) =>
  outage(now, id, of, { startedSecondsAgo: days * daySeconds, resolvedSecondsAgo: (days - lastedDays) * daySeconds });
const upgrade = (days: number, version: string) => ({
  target: "forum",
  at: ago(now, days * daySeconds),
  text: sameInAll(`upgraded to ${version}`),
});

const model = (given: Partial<HistoryInput>) =>
  historyModel({
    now,
    zone: vancouver,
    targets: [forum.target, secret.target],
    incidents: [],
    annotations: [],
    measured: [since("2026-09-10T12:00Z")],
    ...given,
  });

/** "2026-11: incident 3, upgrade" */
const told = (given: Partial<HistoryInput>) =>
  model(given).months.map(({ first, events }) => {
    const names = events.map((event) =>
      event.kind === "incident" ? `incident ${event.status.incident.id}` : event.upgrade.text.en,
    );
    return `${first.toPlainYearMonth()}: ${names.join(", ")}`;
  });

test("each month since the oldest record is there, newest first, with its incidents and upgrades in order", () => {
  const incidents = [over(2, 30), over(3, 3), over(1, 31)];
  expect(told({ incidents, annotations: [upgrade(30.5, "4.4"), upgrade(1, "4.5")] })).toEqual([
    "2026-11: upgraded to 4.5, incident 3",
    "2026-10: incident 2, upgraded to 4.4, incident 1",
    "2026-09: ",
  ]);
  expect(model({}).oldest?.toString()).toBe("2026-09-10T12:00:00Z");
});

test("months are those of the organisation's calendar", () => {
  const begins = (text: string) => {
    const startedSecondsAgo = at(text).until(now).total("seconds");
    return outage(now, 1, forum, { startedSecondsAgo, resolvedSecondsAgo: startedSecondsAgo - 60 });
  };
  expect(told({ incidents: [begins("2026-11-01T06:59:59Z")] })[1]).toBe("2026-10: incident 1");
  expect(told({ incidents: [begins("2026-11-01T07:00:00Z")] })[0]).toBe("2026-11: incident 1");
});

test("it goes back to the first of the eleventh month before, and then says that there is more", () => {
  expect(historyBegin(now, vancouver).toString()).toBe("2025-12-01T08:00:00Z");
  const long = model({ measured: [since("2025-12-01T08:00Z")] });
  expect(long.months).toHaveLength(12);
  expect(long.oldest).toBeUndefined();
  const exactly = model({ measured: [since("2025-12-01T08:00:01Z")] });
  expect([exactly.months.length, exactly.oldest?.toString()]).toEqual([12, "2025-12-01T08:00:01Z"]);
});

test("a month is calm only as far as it was measured", () => {
  const measured = [
    stretch("2026-07-20T00:00Z", "2026-08-31T20:00Z"),
    // A restart of five minutes is no gap; four hours are.
    stretch("2026-10-01T12:00Z", "2026-10-10T00:00Z"),
    stretch("2026-10-10T00:05Z", "2026-10-20T00:00Z"),
    since("2026-10-20T04:00Z"),
  ];
  const months = model({ measured }).months.map(({ first, isMeasured, unmeasuredSeconds }) => [
    first.month,
    isMeasured,
    unmeasuredSeconds / 3600,
  ]);
  expect(months).toEqual([
    [11, true, 0],
    [10, true, 4 + 5],
    [9, false, 30 * 24],
    [8, true, 11],
    [7, true, 0],
  ]);
});

test("an incident that goes on into the next month keeps it from being called calm", () => {
  const { months } = model({ incidents: [over(1, 50, 10)] });
  expect(months.map(({ first, continued }) => [first.month, continued])).toEqual([
    [11, false],
    [10, false],
    [9, false],
  ]);
  const long = model({ incidents: [over(1, 60, 30)] });
  expect(long.months.map(({ continued }) => continued)).toEqual([false, true, false]);
  const still = model({ incidents: [outage(now, 1, forum, { startedSecondsAgo: 60 * daySeconds })] });
  expect(still.months.map(({ continued, events }) => [continued, events.length])).toEqual([
    [true, 0],
    [true, 0],
    [false, 1],
  ]);
});

test("nobody reads of what members do not see, nor the notes of the team", () => {
  const note = { incident: 2, at: now, kind: "note", text: sameInAll("root password"), public: false } as const;
  const open = over(2, 3);
  const incidents = [{ ...open, updates: [...open.updates, note] }, over(1, 4, 0.01, secret)];
  const { months } = model({ incidents, annotations: [{ ...upgrade(1, "18"), target: "database" }] });
  const [november] = months;
  expect(november?.events).toHaveLength(1);
  const [event] = november?.events ?? [];
  expect(event?.kind === "incident" && event.status.updates.map(({ kind }) => kind)).toEqual(["confirmed", "resolved"]);
});

test("of a year of nothing but trouble the newest two hundred incidents are told, and no month is called calm for that", () => {
  const measured = [since("2026-01-10T12:00Z")];
  const incidents = Array.from({ length: 300 }, (_, index) => over(300 - index, 0.3 * (index + 1)));
  const { months, oldest } = model({ measured, incidents, annotations: [upgrade(80, "4.4")] });
  expect(months.flatMap(({ events }) => events.filter(({ kind }) => kind === "incident"))).toHaveLength(200);
  expect(months.map(({ first }) => first.month)).toEqual([11, 10, 9]);
  expect(oldest).toBeUndefined();
});

test("a month of which not all incidents are known is told only with what is known", () => {
  const given = { measured: [since("2026-01-10T12:00Z")], completeSince: at("2026-09-15T00:00Z") };
  expect(told(given)).toEqual(["2026-11: ", "2026-10: "]);
  expect(told({ ...given, incidents: [over(1, 65)] })).toEqual(["2026-11: ", "2026-10: ", "2026-09: incident 1"]);
  expect(model(given).oldest).toBeUndefined();
});

test("a server that says another version every hour does not fill the page", () => {
  const annotations = Array.from({ length: 500 }, (_, index) => upgrade(index / 24, String(index)));
  expect(model({ annotations }).months.flatMap(({ events }) => events)).toHaveLength(100);
});

test("without any record there is no month to speak of", () => {
  expect(model({ measured: [] })).toEqual({ now, months: [] });
});
