import { join } from "node:path";
import { expect, test } from "vitest";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { startCoop, target } from "../helpers/co-op.ts";
import { type RunningProgram, until } from "../helpers/program.ts";
import { watchStarvation } from "../helpers/starvation.ts";

const runs = (name: string, outcome = "up") =>
  `tidewatch_check_runs_total{target="${name}",check="web",vantage_point="here",outcome="${outcome}"}`;

/** SIGHUP, and how it went. */
async function reload(program: RunningProgram): Promise<void> {
  const after = program.log().length;
  program.signal("SIGHUP");
  await program.logged(({ message }) => /^configuration (not )?reloaded$/.test(message), { after });
}

test("a broken file changes nothing, and every fault is logged with its line", async () => {
  await using coop = await startCoop(["mastodon"]);
  const program = await coop.installation.start();
  await until(async () => expect((await program.metrics()).get(runs("mastodon"))).toBeGreaterThan(0));
  const broken = coop
    .yaml({ targets: [target("podcasts", "not an address", "nonsense")] })
    .replace("successes: 2", "sucesses: 2");
  await coop.installation.configure(broken);
  await reload(program);

  const read = () => program.log().filter(({ message }) => message === "configuration not reloaded");
  // Each fault is a line of its own, and the last ones may be on their way still.
  await until(() => expect(read().length).toBeGreaterThanOrEqual(3));
  const faults = read();
  const lineOf = (text: string) => broken.split("\n").findIndex((line) => line.includes(text)) + 1;
  const file = join(coop.installation.folder, "tidewatch.yaml");
  for (const [text, sentence] of [
    ["not an address", /not an address/],
    ["nonsense", /not a duration/],
    ["sucesses", /successes/],
  ] as const) {
    expect(faults).toContainEqual(
      expect.objectContaining({
        where: expect.stringContaining(`${file}:${lineOf(text)}:`),
        fault: expect.stringMatching(sentence),
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      }),
    );
  }
  const before = (await program.metrics()).get(runs("mastodon")) ?? 0;
  await until(async () => expect((await program.metrics()).get(runs("mastodon"))).toBeGreaterThan(before));
  expect(await program.health()).toMatchObject({ status: 200 });
  expect(await program.page()).not.toContain("podcasts");
});

test("a reload brings new targets, ends what is not watched any more, and keeps everything else", async () => {
  await using coop = await startCoop(["mastodon", "podcasts", "photos"]);
  await coop.installation.configure(coop.yaml({ watched: ["mastodon", "podcasts"] }));
  for (const name of ["mastodon", "podcasts"]) await coop.service(name).become("errors");
  const program = await coop.installation.start();
  await until(() => expect(coop.mail.mails()).toHaveLength(2));
  await until(async () => expect(await program.page()).toContain("podcasts is down"));

  await coop.installation.configure(coop.yaml({ watched: ["mastodon", "photos"] }));
  await reload(program);
  await until(async () => {
    const page = await program.page();
    expect(page).toContain("photos");
    expect(page).toContain("mastodon is down");
    expect(page).not.toContain("podcasts is down");
    const metrics = await program.metrics();
    expect(metrics.get(runs("photos"))).toBeGreaterThan(0);
    expect([...metrics.keys()].filter((series) => series.includes('"podcasts"'))).toEqual([]);
    expect(metrics.get('tidewatch_incidents_open{target="mastodon"}')).toBe(1);
  });
  // Podcasts' incident is over because nobody looks any more, and its reader is told so; Mastodon's is still open.
  const ended = await until(() => {
    const mail = coop.mail.mails()[2];
    if (!mail) throw new Error("no mail about the end yet");
    return mail;
  });
  expect(ended.subject).toMatch(/^Re: .*podcasts/);
  expect(ended.text).toMatch(/not watched any more|no longer watched/i);
  expect(coop.mail.mails()).toHaveLength(3);

  await coop.service("mastodon").become("healthy");
  await until(() => expect(coop.mail.mails()).toHaveLength(4));
  expect(coop.mail.mails()[3]?.subject).toMatch(/^Re: .*mastodon/);
  expect(await program.stop()).toMatchObject({ code: 0 });
  await using store = await openSqliteStore(coop.installation.store);
  const incidents = await store.incidents.list({});
  expect(incidents.map(({ target, state }) => `${target} ${state}`).toSorted()).toEqual([
    "mastodon resolved",
    "podcasts resolved",
  ]);
});

test("the schedule keeps its phase over a reload, and signals in a row are safe", async () => {
  await using coop = await startCoop(["mastodon", "podcasts"]);
  await coop.installation.configure(coop.yaml({ watched: ["mastodon"] }));
  const program = await coop.installation.start();
  using starvation = watchStarvation(program.process.pid);
  await until(async () => expect((await program.metrics()).get(runs("mastodon"))).toBeGreaterThan(1));
  await coop.installation.configure(coop.yaml());
  for (let signals = 0; signals < 2; signals++) program.signal("SIGHUP");
  await until(async () => {
    const metrics = await program.metrics();
    expect(metrics.get(runs("podcasts"))).toBeGreaterThan(1);
    expect(metrics.get(runs("mastodon"))).toBeGreaterThan(3);
  });
  expect(await program.stop()).toMatchObject({ code: 0 });
  expect(program.log().filter(({ level }) => level === "error")).toEqual([]);

  await using store = await openSqliteStore(coop.installation.store);
  const stored = await store.samples.since(Temporal.Instant.fromEpochMilliseconds(0));
  const begun = stored.filter(({ target }) => target === "mastodon").map(({ at }) => at.epochMilliseconds);
  // The first run of all may come early; after it each begins on the same grid of two seconds, reload or not.
  const gaps = begun.slice(2).map((at, index) => at - (begun[index + 1] ?? at));
  const most = 500 + starvation.worstSeconds() * 1000;
  for (const gap of gaps) expect(Math.abs(gap - 2000), `gaps ${gaps}`).toBeLessThan(most);
});

test("a signal before it watches does not end it", async () => {
  await using coop = await startCoop(["mastodon"]);
  const program = coop.installation.spawn();
  await until(() => expect(program.log().map(({ message }) => message)).toContain("configuration"));
  program.signal("SIGHUP");
  const watching = await program.watching();
  await program.logged("configuration reloaded");
  expect(await watching.health()).toMatchObject({ status: 200 });
});
