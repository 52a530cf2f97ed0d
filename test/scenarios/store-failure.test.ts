/**
 * The real program, whose store cannot be written as an outage begins: that is said, the page leaves, and afterwards all
 * stands in it.
 */
import { execFileSync } from "node:child_process";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import type { CaughtMail } from "../../practice/servers/mail.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { startCoop } from "../helpers/co-op.ts";
import { until } from "../helpers/program.ts";
import { smallServer } from "../helpers/small-server.ts";

const whatIsSaid = ({ subject, text }: CaughtMail) => (text.includes("RESOLVED") ? "resolved" : subject);

test("a lock that nobody gives back: page and end arrive, a kill in between loses and doubles nothing", async () => {
  await using coop = await startCoop(["mastodon"]);
  const mails = () => coop.mail.mails().map(whatIsSaid);
  const first = await coop.installation.start();
  await until(async () => expect((await first.health()).status).toBe(200));

  const lock = new DatabaseSync(coop.installation.store);
  lock.exec("begin immediate");
  await coop.service("mastodon").become("errors");
  await until(() => expect(mails()).toEqual(["[Tidewatch] mastodon is down"]));
  // Nobody outside is told that all is well.
  await until(async () => expect((await first.health()).status).toBe(503));
  await first.kill();
  lock.close();

  const second = await coop.installation.start();
  await until(async () => expect((await second.health()).status).toBe(200));
  lock.open();
  lock.exec("begin immediate");
  await coop.service("mastodon").become("healthy");
  await until(() => expect(mails()).toEqual(["[Tidewatch] mastodon is down", "resolved"]));
  const counted = (await second.metrics()).get(runs) ?? 0;
  lock.close();
  await second.logged("what was told past the store stands in it now", { after: second.log().length - 5 });
  await until(async () => expect((await second.metrics()).get(runs)).toBeGreaterThan(counted));
  expect(await second.stop()).toMatchObject({ code: 0 });
  expect(mails()).toHaveLength(2);

  await using store = await openSqliteStore(coop.installation.store);
  expect(await store.incidents.list({})).toMatchObject([{ id: 1, target: "mastodon", state: "resolved" }]);
  const notices = await store.outbox.of(1);
  expect(notices.map(({ kind, state }) => `${kind} ${state}`)).toEqual(["page sent", "resolve sent"]);
});

const runs = 'tidewatch_check_runs_total{target="mastodon",check="web",vantage_point="here",outcome="up"}';

const shell = (script: string, file: string) => execFileSync("sh", ["-c", script, "sh", file]);

test("a store that is emptied is said, nobody outside hears that all is well, and nothing is missing afterwards", async () => {
  await using outside = await smallServer({ "*": { body: "heard" } });
  const heartbeats = () => outside.requests.length;
  await using coop = await startCoop(["mastodon"], { more: `heartbeat: { url: "${outside.url}", every: 1s }` });
  const mails = () => coop.mail.mails().map(whatIsSaid);
  const { store } = coop.installation;
  const program = await coop.installation.start();
  await until(() => expect(heartbeats()).toBeGreaterThan(0));
  shell('cp "$1" "$1.saved"; truncate -s 0 "$1"', store);
  await coop.service("mastodon").become("errors");

  const why = "tidewatch.db is empty: move it away and restore the last backup with";
  await program.logged(({ message, ...fields }) => message.includes("store") && JSON.stringify(fields).includes(why));
  await until(async () => expect((await program.health()).status).toBe(503));
  const heard = heartbeats();
  await until(() => expect(mails()).toEqual(["[Tidewatch] mastodon is down"]));
  expect(heartbeats()).toBe(heard);
  const down = 'tidewatch_check_runs_total{target="mastodon",check="web",vantage_point="here",outcome="down"}';
  expect((await program.metrics()).get(down) ?? 0).toBe(0);

  shell('cat "$1.saved" > "$1"', store);
  await program.logged("the store can be used again");
  await until(async () => expect((await program.health()).status).toBe(200));
  await until(() => expect(heartbeats()).toBeGreaterThan(heard));
  await coop.service("mastodon").become("healthy");
  await until(() => expect(mails()).toEqual(["[Tidewatch] mastodon is down", "resolved"]));
  const counted = [...(await program.metrics())].filter(([series]) => series.startsWith("tidewatch_check_runs_total"));
  expect(await program.stop()).toMatchObject({ code: 0 });
  expect(program.printed()).not.toMatch(/givenUp":[1-9]|samples are lost/);
  await using kept = await openSqliteStore(store);
  const rows = await kept.samples.since(Temporal.Instant.fromEpochMilliseconds(0));
  expect(rows.length).toBeGreaterThanOrEqual(counted.reduce((sum, [, runs]) => sum + runs, 0));
  expect(await kept.incidents.list({})).toMatchObject([{ id: 1, target: "mastodon", state: "resolved" }]);
});

const zeros = 'dd if=/dev/zero of="$1" bs=1024 seek=4 count=3 conv=notrunc status=none';

test.each([
  ["damaged", zeros, /is damaged \(.*\)\n.*restore the last backup/],
  ["emptied", 'truncate -s 0 "$1"', /is empty, but was a store: .*\n.*restore the last backup/],
  ["gone", 'rm "$1"', /is gone, but was a store: .*\n.*restore the last backup/],
])(
  "over a store that was %s after a clean end nothing starts, and a sentence says why",
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
