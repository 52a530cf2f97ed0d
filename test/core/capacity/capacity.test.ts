import fc from "fast-check";
import { expect, test } from "vitest";
import { type CapacityInput, capacityModel } from "../../../core/capacity/capacity.ts";

const gigabyte = 1e9;
const now = Temporal.Instant.from("2026-11-23T18:00:00Z");
const midnight = Temporal.Instant.from("2026-11-23T00:00:00Z");
const sizes = [
  { name: "250 GB", bytes: 250 * gigabyte, monthly: 290 },
  { name: "60 GB", bytes: 60 * gigabyte, monthly: 75 },
  { name: "100 GB", bytes: 100 * gigabyte, monthly: 120 },
  { name: "160 GB", bytes: 160 * gigabyte, monthly: 185 },
];

/** Gigabytes by day, the last one today. */
const daily = (gigabytes: readonly number[]) =>
  gigabytes.map((value, index) => ({
    at: midnight.subtract({ hours: 24 * (gigabytes.length - 1 - index) }),
    value: value * gigabyte,
  }));
const line = (days: number, last: number, growth: number) =>
  Array.from({ length: days }, (_, index) => last - growth * (days - 1 - index));

function modelOf(gigabytes: readonly number[], change: Partial<CapacityInput> = {}) {
  const points = daily(gigabytes);
  const last = points.at(-1);
  return capacityModel({
    target: { id: "database", name: { en: "Database", fr: "Base de données" } },
    plan: { check: "growth", limitBytes: 100 * gigabyte, usableFraction: 0.9, leadDays: 14, sizes },
    store: "cluster",
    daily: points,
    ...(last && { newest: { at: now, value: last.value } }),
    parts: [],
    now,
    ...change,
  });
}

test("counts to the usable part, not to the limit, and orders by the early edge less the lead time", () => {
  const { outlook, usableBytes } = modelOf(line(60, 70, 0.2));
  expect(usableBytes).toBe(90 * gigabyte);
  expect(outlook?.days.mid).toBeCloseTo(100, 6);
  const early = Math.floor(outlook?.days.early ?? 0);
  expect(early).toBeGreaterThan(80);
  expect(early).toBeLessThan(100);
  const today = Temporal.PlainDate.from("2026-11-23");
  expect(String(outlook?.full.mid)).toBe(String(today.add({ days: 100 })));
  expect(String(outlook?.full.early)).toBe(String(today.add({ days: early })));
  expect(String(outlook?.orderBy)).toBe(String(today.add({ days: early - 14 })));
});

test.each([
  ["calm", line(60, 50, 0.1)],
  ["plan", line(60, 75, 0.2)],
  ["order", line(60, 87, 0.2)],
  ["page", line(60, 88.5, 0.2)],
  ["page", line(60, 84, 2.5)],
  ["insufficient", line(7, 50, 0.1)],
] as const)("is %s", (state, gigabytes) => {
  expect(modelOf(gigabytes).state).toBe(state);
});

test("wakes somebody when it is nearly full, also when nothing can be foreseen", () => {
  expect(modelOf([88, 88.1]).state).toBe("page");
  expect(modelOf([87.9, 87.9]).state).toBe("insufficient");
});

test("one odd day does not ask for an order, nor does one take it back", () => {
  const calm = line(60, 68, 0.1);
  expect(modelOf([...calm, 86]).state).not.toBe("order");
  const due = line(60, 87, 0.2);
  expect(modelOf(due).state).toBe("order");
  expect(modelOf([...due, 60]).state).toBe("order");
  expect(modelOf([...due, ...line(3, 60, 0.2)]).state).not.toBe("order");
});

test("an order that is late is due now, never in the past", () => {
  expect(modelOf(line(60, 87, 0.2)).outlook?.orderBy).toBe("now");
  expect(modelOf(line(60, 95, 0.2)).outlook).toMatchObject({ orderBy: "now", days: { early: 0, mid: 0, late: 0 } });
});

test("a store that does not grow has no date, only more than two years", () => {
  const { outlook, state } = modelOf(line(60, 50, 0));
  expect(state).toBe("calm");
  expect(outlook?.full).toEqual({ early: "beyond", mid: "beyond", late: "beyond" });
  expect(outlook?.orderBy).toBeUndefined();
});

test("without a reading of the last 36 hours it is stale, and the old forecast counts from its own day", () => {
  const fresh = modelOf(line(60, 70, 0.2));
  const points = daily(line(60, 70, 0.2)).map(({ at, value }) => ({ at: at.subtract({ hours: 72 }), value }));
  const { newest: _, ...without } = { newest: undefined, daily: points };
  const stale = capacityModel({
    target: fresh.target,
    plan: { check: "growth", limitBytes: 100 * gigabyte, usableFraction: 0.9, leadDays: 14, sizes },
    store: "cluster",
    parts: [],
    now,
    ...without,
  });
  expect(stale.state).toBe("stale");
  expect(stale.used?.value).toBe(70 * gigabyte);
  expect(String(stale.outlook?.asOf)).toBe("2026-11-20");
  expect(stale.outlook?.days.mid).toBeCloseTo(97, 6);
});

test("a resize that was done takes the alarm back at once", () => {
  const plan = { check: "growth", limitBytes: 160 * gigabyte, usableFraction: 0.9, leadDays: 14, sizes };
  expect(modelOf(line(60, 87, 0.2), { plan }).state).toBe("calm");
});

test("a disk that knows its own size needs no limit in the plan; with neither nothing can be said", () => {
  const plan = { check: "growth", usableFraction: 0.9, leadDays: 14, sizes: [] };
  expect(modelOf(line(60, 75, 0.2), { plan, measuredLimitBytes: 100 * gigabyte }).state).toBe("plan");
  const unknown = modelOf(line(60, 75, 0.2), { plan });
  expect(unknown).toMatchObject({ state: "insufficient", sizes: [] });
  expect(unknown.outlook).toBeUndefined();
});

test("readings from a time when the clock was ahead are left out", () => {
  const ahead = { at: now.add({ hours: 24 * 400 }), value: 5 * gigabyte };
  const model = modelOf(line(60, 70, 0.2), { daily: [...daily(line(60, 70, 0.2)), ahead] });
  expect(model.outlook?.days.mid).toBeCloseTo(100, 6);
});

test("recommends the cheapest size that lasts 270 days, smallest first in the list", () => {
  const model = modelOf(line(60, 70, 0.2));
  expect(model.sizes.map(({ name }) => name)).toEqual(["60 GB", "100 GB", "160 GB", "250 GB"]);
  expect(model.recommended).toBe("160 GB");
  const [small, current, next] = model.sizes;
  expect(small).toMatchObject({ fits: false, current: false });
  expect(current).toMatchObject({ fits: true, current: true });
  expect(next).toMatchObject({ fits: true, extraMonthly: 65 });
  // 160 GB lasts 74 / 0.2 = 370 days, 100 GB lasts 100: 270 days more for 65 a month.
  expect(next?.runway?.mid).toBeCloseTo(370, 6);
  expect(next?.extraPerMonthGained).toBeCloseTo(65 / (270 / (365.25 / 12)), 6);
});

test("stays with what we have when that is enough", () => {
  expect(modelOf(line(60, 30, 0.01)).recommended).toBe("100 GB");
});

test("recommends nothing when no size lasts long enough", () => {
  expect(modelOf(line(60, 80, 1.2)).recommended).toBeUndefined();
});

test("without prices the smallest that is enough is recommended", () => {
  const bare = sizes.map(({ name, bytes }) => ({ name, bytes }));
  const plan = { check: "growth", limitBytes: 100 * gigabyte, usableFraction: 0.9, leadDays: 14, sizes: bare };
  expect(modelOf(line(60, 70, 0.2), { plan }).recommended).toBe("160 GB");
});

test("a size without room to rewrite the biggest table is not recommended", () => {
  const table = { kind: "table" as const, name: "statuses", points: daily(line(40, 38, 0.1)) };
  const others = { kind: "others" as const, name: "(others)", points: daily(line(40, 500, 0.1)) };
  const model = modelOf(line(60, 70, 0.2), { parts: [table, others] });
  expect(model.sizes.find(({ name }) => name === "160 GB")?.roomToWork).toBe(false);
  expect(model.recommended).toBe("250 GB");
});

test("shows what grows most first, over a month, and leaves out what was dropped", () => {
  const model = modelOf(line(60, 70, 0.2), {
    parts: [
      { kind: "table", name: "statuses", points: daily(line(60, 20, 0.15)) },
      { kind: "table", name: "dropped", points: daily(line(60, 20, 0.5)).slice(0, -3) },
      { kind: "database", name: "mastodon", points: daily(line(60, 65, 0.2)) },
      { kind: "table", name: "shrinking", points: daily(line(60, 3, -0.1)) },
      { kind: "table", name: "empty", points: [] },
    ],
  });
  expect(model.parts.map(({ name, overDays }) => [name, overDays])).toEqual([
    ["mastodon", 31],
    ["statuses", 31],
    ["shrinking", 31],
  ]);
  expect(model.parts[0]?.growthBytesPerDay).toBeCloseTo(0.2 * gigabyte, 0);
});

test("whatever is measured, dates are in order and none is before today", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.5, max: 120, noNaN: true }), { maxLength: 60 }),
      fc.boolean(),
      (gigabytes, hasParts) => {
        const parts = hasParts ? [{ kind: "table" as const, name: "t", points: daily(gigabytes) }] : [];
        const { outlook, sizes: found } = modelOf(gigabytes, { parts });
        for (const { runway } of found) if (runway) expect(runway.early).toBeLessThanOrEqual(runway.mid);
        if (!outlook) return;
        expect(outlook.days.early).toBeGreaterThanOrEqual(0);
        expect(outlook.days.early).toBeLessThanOrEqual(outlook.days.mid);
        expect(outlook.days.mid).toBeLessThanOrEqual(outlook.days.late);
        if (outlook.orderBy && outlook.orderBy !== "now") {
          expect(Temporal.PlainDate.compare(outlook.orderBy, "2026-11-23")).toBe(1);
        }
      },
    ),
    { numRuns: 60 },
  );
});
