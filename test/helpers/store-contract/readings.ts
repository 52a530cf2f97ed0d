/** The port of samples, seen by what was read: raw, and as hours and days. */
import { expect, test } from "vitest";
import type { Store } from "../../../core/store/store.ts";
import { after, day, everything, maintained, noon, sampleAt } from "./scene.ts";

export function readingsContract(open: () => Promise<Store>): void {
  const used = (value: number, labels?: Record<string, string>) => ({
    readings: [{ metric: "storage_used_bytes", value, ...(labels && { labels }) }],
  });
  const of = { metric: "storage_used_bytes" };
  const values = [100, 200, 600, 1000, 1e12 + 0.5];
  const expected = [
    { at: noon, mean: 300 },
    { at: after(3600), mean: (1000 + 1e12 + 0.5) / 2 },
  ];

  async function filled(): Promise<Store> {
    const store = await open();
    await store.commit({ samples: values.map((value, index) => sampleAt(index * 1200, used(value))) });
    return store;
  }

  test("are there raw, as the mean of each hour and the median of each day, running or over", async () => {
    await using store = await filled();
    for (const now of [after(5000), after(7000), after(11_000), after(30 * 3600), after(60 * 3600)]) {
      await maintained(store, now);
      const [raw] = await store.samples.readings(of, "raw", everything);
      expect(raw).toEqual({
        target: "mastodon",
        check: "web",
        metric: "storage_used_bytes",
        labels: {},
        points: values.map((value, index) => ({ at: after(index * 1200), value })),
      });
      const [hours] = await store.samples.readings(of, "hour", everything);
      expect(hours?.points).toEqual(expected.map(({ at, mean }) => ({ at, value: mean })));
      const [days] = await store.samples.readings(of, "day", everything);
      expect(days?.points).toEqual([{ at: after(-12 * 3600), value: 600 }]);
    }
  });

  test("of days stay when the samples are gone", async () => {
    await using store = await filled();
    await maintained(store, after(20 * 86_400));
    await maintained(store, after(60 * 86_400));
    expect(await store.samples.readings(of, "raw", everything)).toEqual([]);
    expect(await store.samples.readings(of, "day", everything)).toMatchObject([{ points: [{ value: 600 }] }]);
  });

  test("are told apart by their labels, in whatever order those are written", async () => {
    await using store = await open();
    await store.commit({
      samples: [
        sampleAt(0, used(1, { store: "a", kind: "x" })),
        sampleAt(60, used(2, { kind: "x", store: "a" })),
        sampleAt(120, used(3, { store: "b", kind: "x" })),
        sampleAt(0, { ...used(4), target: "castopod" }),
      ],
    });
    const found = await store.samples.readings({ ...of, target: "mastodon" }, "raw", day);
    expect(found.map(({ labels, points }) => [labels["store"], points.map(({ value }) => value)])).toEqual([
      ["a", [1, 2]],
      ["b", [3]],
    ]);
    expect(await store.samples.readings(of, "raw", day)).toHaveLength(3);
    expect(await store.samples.readings({ ...of, target: "mastodon", check: "none" }, "raw", day)).toEqual([]);
    expect(await store.samples.readings({ metric: "none" }, "hour", day)).toEqual([]);
  });
}
