import { expect, test } from "vitest";
import { Versions } from "../../core/upgrade.ts";

const at = (minutes: number) => Temporal.Instant.from("2026-11-23T12:00:00Z").add({ minutes });
const says = (minutes: number, version: string, metric = "mastodon_info") => ({
  target: "mastodon",
  at: at(minutes),
  readings: [{ metric, value: 1, labels: { version } }],
});
const noted = (...versions: readonly string[]) => {
  const known = new Versions();
  return versions.flatMap((version, minute) => known.note(says(minute, version)));
};

test("the first version ever seen is nothing to note", () => {
  expect(noted("4.3.2", "4.3.2", "4.3.2")).toEqual([]);
});

test("another version is noted once it was seen twice in a row, dated to the first time", () => {
  expect(noted("4.3.2", "4.4.0", "4.4.0", "4.4.0")).toEqual([
    {
      target: "mastodon",
      at: at(1),
      text: { en: "upgraded 4.3.2 → 4.4.0", fr: "mis à niveau 4.3.2 → 4.4.0" },
    },
  ]);
});

test("a cache that tells the old version now and then makes one note, not many", () => {
  expect(noted("4.3.2", "4.4.0", "4.3.2", "4.4.0", "4.3.2", "4.4.0", "4.4.0", "4.3.2", "4.4.0")).toHaveLength(1);
});

test.each([
  ["4.9.0", "4.10.0", "upgraded"],
  ["4.4.0", "4.3.9", "went back"],
  ["4.4", "4.4.0", "changed"],
  ["4.5.0-rc.1", "4.5.0", "changed"],
  ["4.5.15", "4.5.15+glitch", "changed"],
  ["unknown", "4.5.0", "upgraded"],
])("%s → %s: %s", (from, to, word) => {
  expect(noted(from, to, to)[0]?.text.en).toBe(`${word} ${from} → ${to}`);
});

test("samples without a version, and those of other things, change nothing", () => {
  const known = new Versions();
  known.note(says(0, "4.3.2"));
  known.note(says(1, "4.4.0"));
  expect(known.note({ target: "mastodon", at: at(2) })).toEqual([]);
  expect(known.note({ ...says(3, "4.4.0"), target: "other" })).toEqual([]);
  expect(known.note(says(4, "4.4.0", "castopod_info"))).toEqual([]);
  expect(known.note(says(5, "4.4.0", "queue_jobs"))).toEqual([]);
  expect(known.note(says(6, "4.4.0"))).toHaveLength(1);
});

test("what a service runs on is named, so that nobody takes it for the service", () => {
  const known = new Versions();
  for (const version of ["7.0.15", "7.2.4"]) known.note(says(0, version, "redis_info"));
  expect(known.note(says(1, "7.2.4", "redis_info"))).toMatchObject([
    { target: "mastodon", text: { en: "Redis upgraded 7.0.15 → 7.2.4", fr: "Redis mis à niveau 7.0.15 → 7.2.4" } },
  ]);
});
