import { expect, test } from "vitest";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { startCoop, target } from "../helpers/co-op.ts";
import { until } from "../helpers/program.ts";
import { silentServer } from "../helpers/silent-server.ts";

test("a restart in the middle of an outage doubles nothing and loses nothing", async () => {
  await using coop = await startCoop(["mastodon", "podcasts"]);
  await coop.service("mastodon").become("errors");
  const first = await coop.installation.start();
  await until(() => expect(coop.mail.mails()).toHaveLength(1));
  expect(await first.stop()).toMatchObject({ code: 0 });

  const second = await coop.installation.start();
  const series = 'tidewatch_check_runs_total{target="mastodon",check="web",vantage_point="here",outcome="down"}';
  await until(async () => expect((await second.metrics()).get(series)).toBeGreaterThan(1));
  await until(async () => expect((await second.metrics()).get('tidewatch_incidents_open{target="mastodon"}')).toBe(1));
  expect(coop.mail.mails()).toHaveLength(1);
  await coop.service("mastodon").become("healthy");
  await until(() => expect(coop.mail.mails()).toHaveLength(2));
  expect(await second.stop()).toMatchObject({ code: 0 });

  const [page, recovery] = coop.mail.mails();
  expect(recovery).toMatchObject({ subject: `Re: ${page?.subject}`, inReplyTo: page?.inReplyTo });
  await using store = await openSqliteStore(coop.installation.store);
  expect(await store.incidents.list({})).toMatchObject([{ target: "mastodon", state: "resolved" }]);
});

test("a confirmation goes on where a restart interrupted it", async () => {
  await using coop = await startCoop(["mastodon"]);
  const { url } = coop.service("mastodon");
  // So far apart that the third try cannot come before the restart: what is known of the first two must survive it.
  const confirm = "confirm: { failures: 3, retryEvery: 8s }";
  const slow = `  - { id: wiki, checks: [{ id: web, probe: http, url: "${url}/health", every: 10s, timeout: 7s, ${confirm} }] }`;
  await coop.service("mastodon").become("errors");
  await coop.installation.configure(coop.yaml({ watched: [], targets: [slow] }));
  const first = await coop.installation.start();
  const down = 'tidewatch_check_runs_total{target="wiki",check="web",vantage_point="here",outcome="down"}';
  await until(async () => expect((await first.metrics()).get(down)).toBe(2));
  expect(await first.stop()).toMatchObject({ code: 0 });
  expect(coop.mail.mails()).toEqual([]);

  const second = await coop.installation.start();
  await until(() => expect(coop.mail.mails()).toHaveLength(1));
  expect(await second.stop()).toMatchObject({ code: 0 });
  await using store = await openSqliteStore(coop.installation.store);
  const [incident] = await store.incidents.list({});
  const tries = await store.samples.since(Temporal.Instant.fromEpochMilliseconds(0));
  // However many have followed since, the third one was enough: the first of the second process.
  expect(tries.findIndex(({ at }) => incident && at.equals(incident.confirmedAt))).toBe(2);
});

test("the status page is there at once after a restart, from disk, though nothing has been measured yet", async () => {
  await using coop = await startCoop(["mastodon"]);
  const { url } = coop.service("mastodon");
  // So rare that the restart, however slow, is no gap in what was measured.
  const rare = `  - { id: mastodon, checks: [{ id: web, probe: http, url: "${url}/health", every: 60s }] }`;
  await coop.installation.configure(coop.yaml({ watched: [], targets: [rare] }));
  const first = await coop.installation.start();
  await until(async () => expect(await first.page()).toContain("All services are working"));
  await first.stop();

  const second = await coop.installation.start();
  const page = await second.page();
  expect(page).toContain("mastodon");
  expect(page).toContain("All services are working");
  expect(await second.health()).toMatchObject({ status: 200 });
});

test("SIGTERM ends it within 10 s with 0 although a target and the mail server hang and a visitor stays", async () => {
  const asked = Promise.withResolvers<void>();
  await using silent = await silentServer(() => asked.resolve());
  await using coop = await startCoop(["mastodon"]);
  const hanging = target("hanging", `http://${silent.host}/`, "60s", "50s");
  await coop.installation.configure(coop.yaml({ watched: ["mastodon"], targets: [hanging] }));
  coop.mail.block("hang");
  await coop.service("mastodon").become("errors");
  const program = await coop.installation.start();
  await program.logged("incident opened");
  await asked.promise;
  await until(async () => expect((await program.metrics()).get("tidewatch_outbox_pending")).toBe(1));
  const visitor = new AbortController();
  const stays = fetch(`${program.publicUrl}/en/`, { signal: visitor.signal });
  await stays;

  const { code, seconds } = await program.stop();
  expect(code).toBe(0);
  expect(seconds).toBeLessThan(10);
  visitor.abort();

  // And the page is not lost: the next start delivers it.
  coop.mail.block("none");
  await coop.installation.start();
  await until(() => expect(coop.mail.mails()).toHaveLength(1));
});
