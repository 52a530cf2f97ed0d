/** Hours and days as a store derives them from samples and transitions; the port of samples stands on them. */
import { expect, test } from "vitest";
import { countOf, percentile } from "../../../core/histogram.ts";
import type { Sample } from "../../../core/sample.ts";
import { after, day, everything, maintained, noon, sampleAt, transitionAt, web } from "./scene.ts";
import type { StoreToTest } from "./store-to-test.ts";

export function rollupsContract(open: () => Promise<StoreToTest>): void {
  const hour = 3600;
  const minutes = (from: number, to: number, fields: Partial<Sample> = {}) =>
    Array.from({ length: to - from }, (_, index) => sampleAt((from + index) * 60, fields));

  /** Up from 11:30, down from 12:50 to 13:10, measured until 13:30. */
  async function outage(open: () => Promise<StoreToTest>): Promise<StoreToTest> {
    const store = await open();
    await store.commit({
      samples: [...minutes(-30, 50), ...minutes(50, 70, { outcome: "down", durationSeconds: 10 }), ...minutes(70, 91)],
      transitions: [transitionAt(-1800, "up"), transitionAt(50 * 60, "down"), transitionAt(70 * 60, "up")],
    });
    return store;
  }
  const seconds = (up: number, down: number, unknown = 0) => ({ up, degraded: 0, down, unknown });
  const expectedHours = [
    { from: after(-hour), seconds: seconds(1800, 0), runs: 30, failures: 0 },
    { from: noon, seconds: seconds(3000, 600), runs: 60, failures: 10 },
    { from: after(hour), seconds: seconds(1200, 600), runs: 31, failures: 10 },
  ];

  test("sum what was measured, the running ones too, and count the same once they are over", async () => {
    await using store = await outage(open);
    expect(await store.rollups(web, "hour", day)).toMatchObject(expectedHours);
    expect(await store.rollups(web, "day", everything)).toMatchObject([
      { seconds: seconds(6000, 1200), runs: 121, failures: 20, from: after(-12 * hour) },
    ]);
    for (const now of [after(1.6 * hour), after(2.1 * hour), after(3 * hour), after(30 * hour), after(60 * hour)]) {
      await maintained(store, now);
      expect(await store.rollups(web, "hour", day)).toMatchObject(expectedHours);
      expect(await store.rollups(web, "day", everything)).toMatchObject([
        { seconds: seconds(6000, 1200), runs: 121, failures: 20 },
      ]);
    }
  });

  test("have a latency of the runs that were answered", async () => {
    await using store = await outage(open);
    await maintained(store, after(60 * hour));
    const [one] = await store.rollups(web, "day", everything);
    const latency = one?.latency ?? new Uint8Array();
    expect(countOf(latency)).toBe(101);
    expect(Math.abs((percentile(latency, 0.99) ?? 0) / 0.1234 - 1)).toBeLessThan(0.05);
  });

  test("begin in the span", async () => {
    await using store = await outage(open);
    const span = { from: after(-0.5 * hour), to: after(hour) };
    expect(await store.rollups(web, "hour", span)).toMatchObject([{ from: noon }]);
    expect(await store.rollups(web, "hour", { from: span.to, to: span.to })).toEqual([]);
    expect(await store.rollups({ target: "mastodon", check: "none" }, "hour", day)).toEqual([]);
  });

  test("are mended when a transition, or a sample, comes late", async () => {
    await using store = await outage(open);
    await maintained(store, after(40 * hour));
    await store.commit({
      samples: [sampleAt(45 * 60 + 30, { outcome: "down" })],
      transitions: [transitionAt(75 * 60, "unknown")],
    });
    await maintained(store, after(41 * hour));
    expect(await store.rollups(web, "hour", day)).toMatchObject([
      expectedHours[0],
      { seconds: seconds(3000, 600), runs: 61, failures: 11 },
      { seconds: seconds(300, 600, 900), runs: 31, failures: 10 },
    ]);
    expect(await store.rollups(web, "day", everything)).toMatchObject([
      { seconds: seconds(5100, 1200, 900), runs: 122, failures: 21 },
    ]);
    expect(await store.samples.list(web, { ...day, limit: 1000 })).toHaveLength(122);
  });

  test("of a night without us are not there, and what was known before it stays", async () => {
    await using store = await outage(open);
    await maintained(store, after(1.6 * hour));
    await maintained(store, after(10 * hour));
    await store.commit({
      samples: [sampleAt(10 * hour)],
      transitions: [transitionAt(91 * 60, "unknown")],
    });
    await store.commit({ samples: [sampleAt(10 * hour + 60)], transitions: [transitionAt(10 * hour, "up")] });
    await maintained(store, after(12 * hour));
    expect(await store.rollups(web, "hour", day)).toMatchObject([
      ...expectedHours.slice(0, 2),
      { seconds: seconds(1260, 600, 1740) },
      { from: after(10 * hour), seconds: seconds(60, 0), runs: 2 },
    ]);
  });

  test("of a check that runs every six hours cover the hours between", async () => {
    await using store = await open();
    await store.commit({ samples: [sampleAt(0)] });
    await store.commit({ transitions: [transitionAt(0, "up")] });
    await maintained(store, after(3 * hour));
    await store.commit({ samples: [sampleAt(6 * hour)] });
    await maintained(store, after(9 * hour));
    const hours = await store.rollups(web, "hour", day);
    expect(hours.map((one) => one.seconds.up)).toEqual([3600, 3600, 3600, 3600, 3600, 3600, 0]);
    expect(hours.map((one) => one.runs)).toEqual([1, 0, 0, 0, 0, 0, 1]);
  });

  test("of hours go after two years, of days never", async () => {
    await using store = await outage(open);
    await maintained(store, after(24 * hour));
    await maintained(store, after(3 * 366 * 24 * hour));
    expect(await store.rollups(web, "hour", everything)).toEqual([]);
    expect(await store.rollups(web, "day", everything)).toMatchObject([{ runs: 121 }]);
    expect(await store.judgements.transitions({ from: noon, to: noon })).toHaveLength(1);
  });

  test("are right again after the clock was a year ahead for a while", async () => {
    await using store = await outage(open);
    await maintained(store, after(365 * 24 * hour));
    await maintained(store, after(91 * 60));
    await store.commit({ samples: minutes(91, 121) });
    await maintained(store, after(4 * hour));
    expect(await store.rollups(web, "hour", day)).toMatchObject([
      ...expectedHours.slice(0, 2),
      { seconds: seconds(3000, 600), runs: 60 },
      { seconds: seconds(0, 0), runs: 1 },
    ]);
  });
}
