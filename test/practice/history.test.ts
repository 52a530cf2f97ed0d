/** The invented history of the practice co-op: its upgrades end at the versions that the stand-ins say today. */
import { expect, test } from "vitest";
import { seedHistory } from "../../practice/history.ts";
import { startCastopod } from "../../practice/stand-ins/castopod.ts";
import { startMastodon } from "../../practice/stand-ins/mastodon.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { ago, daySeconds, service } from "../helpers/status-scene.ts";

const now = Temporal.Instant.from("2026-11-23T18:42:10Z");

test("each invented upgrade ends at the version that its stand-in says today", async () => {
  await using store = await openSqliteStore(":memory:");
  await using mastodon = await startMastodon();
  await using castopod = await startCastopod();
  const targets = ["mastodon", "podcasts"].map((id) => service(id, []).target);
  await seedHistory({ store, config: { targets, vantagePoint: "practice" }, now, today: [] });
  const annotations = await store.annotations.list({ from: ago(now, 120 * daySeconds), to: now });
  const says = {
    mastodon: await (await fetch(`${mastodon.url}/api/v2/instance`)).text(),
    podcasts: await (await fetch(`${castopod.url}/.well-known/x-nodeinfo2`)).text(),
  };
  expect(annotations.map(({ text }) => text.en)).toEqual(["upgraded 4.4.22 → 4.5.15", "upgraded 1.15.4 → 1.15.5"]);
  expect(says.mastodon).toContain('"version":"4.5.15"');
  expect(says.podcasts).toContain('"version":"1.15.5"');
});
