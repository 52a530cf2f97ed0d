/** The port of samples: what every store must do with what was measured. */
import { expect, test } from "vitest";
import { after, day, everything, maintained, noon, sampleAt, web } from "./scene.ts";
import type { StoreToTest } from "./store-to-test.ts";

export function samplesContract(open: () => Promise<StoreToTest>): void {
  const full = sampleAt(0, {
    outcome: "down",
    reason: "answered 502",
    explanation: { en: "Pages do not load.", fr: "Les pages ne chargent pas." },
    evidence: "<h1>Bad gateway</h1>\u0000\u{1f525}",
    sinceLastSeconds: 60.001,
    loopDelaySeconds: 0.0013,
    phases: { resolve: 0.0012, connect: 0.02, total: 0.1234 },
    readings: [
      { metric: "queue_jobs", value: -3, labels: { queue: "default", state: "retry" } },
      { metric: "storage_used_bytes", value: 65_432_109_876 },
      { metric: "ratio", value: 0.1 },
    ],
  });

  test("come back as they were given, before and after they are packed", async () => {
    await using store = await open();
    await store.commit({ samples: [full, sampleAt(60)] });
    expect(await store.samples.list(web, { ...day, limit: 10 })).toEqual([sampleAt(60), full]);
    await maintained(store, after(7 * 3600));
    expect(await store.samples.list(web, { ...day, limit: 10 })).toEqual([sampleAt(60), full]);
  });

  test("are found newest first, within the span and the limit", async () => {
    await using store = await open();
    const samples = Array.from({ length: 300 }, (_, index) => sampleAt(index * 60));
    await store.commit({ samples });
    await maintained(store, after(3.5 * 3600));
    const found = await store.samples.list(web, { from: after(60), to: after(299 * 60), limit: 250 });
    expect(found).toEqual(samples.slice(49, 299).reverse());
  });

  test("of another check are another matter", async () => {
    await using store = await open();
    await store.commit({ samples: [sampleAt(0, { check: "feed" }), sampleAt(0, { target: "castopod" })] });
    expect(await store.samples.list(web, { ...day, limit: 10 })).toEqual([]);
  });

  test("since a moment are those that began after it, of all checks, oldest first", async () => {
    await using store = await open();
    const feed = { target: "castopod", check: "feed" };
    await store.commit({ samples: [sampleAt(0), sampleAt(120), sampleAt(60, feed), sampleAt(3700, feed)] });
    const expected = [sampleAt(60, feed), sampleAt(120), sampleAt(3700, feed)];
    expect(await store.samples.since(noon)).toEqual(expected);
    await maintained(store, after(5400));
    expect(await store.samples.since(noon)).toEqual(expected);
  });

  test("have a newest one for each check, with its readings, however old", async () => {
    await using store = await open();
    expect(await store.samples.latest()).toEqual([]);
    await store.commit({ samples: [sampleAt(-60), full, sampleAt(0, { check: "feed" })] });
    await maintained(store, after(20 * 86_400));
    const latest = await store.samples.latest();
    expect(latest).toHaveLength(2);
    expect(latest).toContainEqual(full);
  });

  test("that are committed twice are one", async () => {
    await using store = await open();
    await store.commit({ samples: [full] });
    await store.commit({ samples: [full] });
    await maintained(store, after(7 * 3600));
    await store.commit({ samples: [full] });
    expect(await store.samples.list(web, { ...day, limit: 10 })).toEqual([full]);
    await maintained(store, after(8 * 3600));
    expect(await store.samples.list(web, { ...day, limit: 10 })).toEqual([full]);
    expect(await store.rollups(web, "hour", day)).toMatchObject([{ runs: 1, failures: 1 }]);
  });

  test("are kept for 30 days, evidence and all", async () => {
    await using store = await open();
    await store.commit({ samples: [full] });
    await maintained(store, after(29.4 * 86_400));
    expect(await store.samples.list(web, { ...everything, limit: 10 })).toEqual([full]);
    await maintained(store, after(32 * 86_400));
    expect(await store.samples.list(web, { ...everything, limit: 10 })).toEqual([]);
    expect(await store.rollups(web, "day", everything)).toMatchObject([{ runs: 1, failures: 1 }]);
  });

  test("keep 2 kB of evidence, and no number that is none", async () => {
    await using store = await open();
    const readings = [
      { metric: "broken", value: Number.NaN },
      { metric: "endless", value: Number.POSITIVE_INFINITY },
      { metric: "huge", value: 1e300 },
    ];
    await store.commit({ samples: [sampleAt(0, { outcome: "down", evidence: "x".repeat(9999), readings })] });
    const [found] = await store.samples.list(web, { ...day, limit: 1 });
    expect(found?.evidence).toHaveLength(2048);
    expect(found?.readings).toEqual([{ metric: "huge", value: 1e300 }]);
  });
}
