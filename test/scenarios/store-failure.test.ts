/** The real program, whose store cannot be written as an outage begins: the page leaves, and afterwards all stands in it. */
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import type { CaughtMail } from "../../practice/servers/mail.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { startCoop } from "../helpers/co-op.ts";
import { until } from "../helpers/program.ts";

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
