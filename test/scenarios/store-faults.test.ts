/** The whole program while something happens to its store's file: never green in silence, and nothing is lost when it is back. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { startCoop } from "../helpers/co-op.ts";
import { until } from "../helpers/program.ts";
import { smallServer } from "../helpers/small-server.ts";

const shell = (script: string, file: string) => execFileSync("sh", ["-c", script, "sh", file]);

test("a store that is emptied as an outage begins is said at once, and the page goes out when it is back", async () => {
  await using outside = await smallServer({ "*": { body: "heard" } });
  const heartbeats = () => outside.requests.length;
  const heartbeat = `heartbeat: { url: "${outside.url}", every: 1s }`;
  await using coop = await startCoop(["mastodon"], { more: heartbeat });
  const { store } = coop.installation;
  const program = await coop.installation.start();
  await until(() => expect(heartbeats()).toBeGreaterThan(0));
  shell('cp "$1" "$1.saved"; truncate -s 0 "$1"', store);
  await coop.service("mastodon").become("errors");

  const told = await program.logged("the store still cannot be used");
  expect(JSON.stringify(told)).toContain("tidewatch.db is empty: move it away and restore the last backup with");
  await until(async () => expect(await program.health()).toMatchObject({ status: 503 }));
  const silentFrom = heartbeats();
  const down = 'tidewatch_check_runs_total{target="mastodon",check="web",vantage_point="here",outcome="down"}';
  expect((await program.metrics()).get(down)).toBeUndefined();
  expect(coop.mail.mails()).toEqual([]);
  expect(heartbeats()).toBe(silentFrom);

  shell('cat "$1.saved" > "$1"', store);
  await program.logged("the store can be used again");
  await until(() => expect(coop.mail.mails()).toHaveLength(1));
  await until(async () => expect(await program.health()).toMatchObject({ status: 200 }));
  await until(() => expect(heartbeats()).toBeGreaterThan(silentFrom));
  const counted = [...(await program.metrics())].filter(([series]) => series.startsWith("tidewatch_check_runs_total"));
  expect(await program.stop()).toMatchObject({ code: 0 });
  await using kept = await openSqliteStore(store);
  const rows = await kept.samples.since(Temporal.Instant.fromEpochMilliseconds(0));
  expect(rows.length).toBeGreaterThanOrEqual(counted.reduce((sum, [, runs]) => sum + runs, 0));
  expect(program.printed()).not.toMatch(/givenUp":[1-9]|samples are lost/);
});

test.each([
  [
    "damaged",
    'dd if=/dev/zero of="$1" bs=1024 seek=4 count=3 conv=notrunc status=none',
    /is damaged \(.*\)\n.*restore the last/,
  ],
  ["emptied", 'truncate -s 0 "$1"', /is empty, but was a store: .*\n.*restore the last backup/],
  ["gone", 'rm "$1"', /is gone, but was a store: .*\n.*restore the last backup/],
])(
  "a start over a store that was %s after a clean end is a sentence and not a start",
  async (_name, script, sentence) => {
    await using coop = await startCoop(["mastodon"]);
    await (await coop.installation.start()).stop();
    shell(script, coop.installation.store);
    const program = coop.installation.spawn();
    expect(await program.exited()).toBe(1);
    expect(program.printed()).toMatch(sentence);
    expect(program.printed()).not.toMatch(/bug|\n\s+at |watching/);
  },
);
