import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openUpgrades } from "../../../collector/recorder/upgrades.ts";
import { gauge } from "../../../core/metric-families.ts";
import type { Sample } from "../../../core/sample.ts";
import { openSqliteStore } from "../../../store/sqlite/sqlite.ts";

const families = [gauge("mastodon_info", "Version the Mastodon server says it runs.", ["version"])];
const noon = Temporal.Instant.from("2026-11-23T12:00:00Z");
const says = (minutes: number, version: string): Sample => ({
  target: "mastodon",
  check: "service",
  vantagePoint: "here",
  at: noon.add({ minutes }),
  durationSeconds: 0.1,
  outcome: "up",
  readings: [{ metric: "mastodon_info", value: 1, labels: { version } }],
});

test("an upgrade that is half seen at a restart is noted after it, beside what was decided", async () => {
  await using store = await openSqliteStore(":memory:");
  await store.commit({ samples: [says(0, "4.3.2"), says(1, "4.3.2"), says(2, "4.4.0")] });
  const upgrades = openUpgrades(store);
  await upgrades.lookBack(families, noon.add({ minutes: 10 }));
  const decided = upgrades.noted(says(11, "4.4.0"), { notices: [] });
  expect(decided).toMatchObject({
    notices: [],
    annotations: [{ target: "mastodon", at: noon.add({ minutes: 2 }), text: { en: "upgraded 4.3.2 → 4.4.0" } }],
  });
  expect(upgrades.noted(says(12, "4.4.0"), undefined)).toBeUndefined();
});

test("an upgrade from before a restart is not noted again", async () => {
  await using store = await openSqliteStore(":memory:");
  await store.commit({ samples: [says(0, "4.3.2"), says(1, "4.4.0"), says(2, "4.4.0")] });
  const upgrades = openUpgrades(store);
  await upgrades.lookBack(families, noon.add({ minutes: 10 }));
  expect(upgrades.noted(says(11, "4.4.0"), undefined)).toBeUndefined();
});

test("a store of the first schema gets its place for annotations", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-upgrades-"));
  const file = join(folder.path, "tidewatch.db");
  const first = new URL("../../../store/sqlite/migrations/001-first.sql", import.meta.url);
  const old = new DatabaseSync(file);
  old.exec(`${await readFile(first, "utf8")}; pragma application_id = 0x54696465; pragma user_version = 1;`);
  old.close();
  await using store = await openSqliteStore(file);
  expect(await store.annotations.list({ from: noon, to: noon.add({ hours: 1 }) })).toEqual([]);
});
