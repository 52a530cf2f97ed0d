import { Agent, get } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import type { Sample } from "../../core/sample.ts";
import { systemClock } from "../../program/system-clock.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { type Coop, startCoop, target } from "../helpers/co-op.ts";
import { FaultyMailServer, mailFaults } from "../helpers/faulty-mail-server.ts";
import { type RunningProgram, until } from "../helpers/program.ts";
import { silentServer } from "../helpers/silent-server.ts";
import { smallServer } from "../helpers/small-server.ts";
import { watchStarvation } from "../helpers/starvation.ts";

test("40 targets that hang and a mail server that hangs delay no other check by more than a second", async () => {
  await using undo = new AsyncDisposableStack();
  // Each on an address of its own: those of one machine would be told together.
  const silent = await Promise.all(
    Array.from({ length: 40 }, async (_, index) =>
      undo.use(await silentServer(() => {}, { at: `127.0.1.${index + 1}` })),
    ),
  );
  await using coop = await startCoop(["mastodon", "podcasts"]);
  const hanging = silent.map(({ host }, index) => target(`hanging-${index}`, `http://${host}/`, "2s", "1900ms"));
  await coop.installation.configure(coop.yaml({ targets: hanging }));
  coop.mail.block("hang");
  const program = await coop.installation.start();
  await using lag = watchLag(program);
  await until(async () => expect((await program.metrics()).get("tidewatch_outbox_pending")).toBeGreaterThan(20));
  await coop.service("podcasts").become("errors");
  await program.logged(({ message, ["key"]: key }) => message === "incident opened" && key === "podcasts");
  await runsOnce(program, "mastodon", 8);
  expectNoDelay(lag);
  expect((await program.stop()).code).toBe(0);
  const stored = await samplesOf(coop, "mastodon");
  expectOnTime(stored, lag);
  expect(new Set(stored.map(({ outcome }) => outcome))).toEqual(new Set(["up"]));
});

test("a mail server with every fault in turn delays no check by more than a second", async () => {
  await using server = await FaultyMailServer.start(systemClock);
  server.inTurn = mailFaults.map(([, fault]) => fault);
  await using coop = await startCoop(["mastodon"], { smtp: `smtp://127.0.0.1:${server.port}` });
  const broken = Array.from({ length: 30 }, (_, index) => target(`broken-${index}`, `http://127.0.1.${index + 1}:1/`));
  await coop.installation.configure(coop.yaml({ targets: broken }));
  const program = await coop.installation.start();
  await using lag = watchLag(program);
  await until(() => expect(server.conversations).toBeGreaterThan(2 * mailFaults.length));
  await runsOnce(program, "mastodon", 8);
  expectNoDelay(lag);
  expect((await program.stop()).code).toBe(0);
  expectOnTime(await samplesOf(coop, "mastodon"), lag);
});

test("a locked store delays no check and loses nothing: /healthz names it, the heartbeat stops, and both come back", async () => {
  await using listener = await smallServer({ "*": {} });
  await using coop = await startCoop(["mastodon"]);
  await coop.installation.configure(coop.yaml({ more: `heartbeat: { url: "${listener.url}/alive", every: 1s }` }));
  const program = await coop.installation.start();
  await using lag = watchLag(program);
  await runsOnce(program, "mastodon", 2);
  await until(() => expect(listener.requests.length).toBeGreaterThan(0));

  using other = new DatabaseSync(coop.installation.store);
  other.exec("begin immediate");
  await coop.service("mastodon").become("errors");
  await until(async () => {
    const { status, body } = await program.health();
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ ok: false, parts: { store: false, scheduler: true, outbox: true } });
  });
  await program.logged(({ message, ["stuck"]: stuck }) => message === "heartbeat withheld" && /store/.test(`${stuck}`));
  expect(await program.page()).toContain("mastodon");
  // The page leaves past the store, and not once more when it is back.
  await until(() => expect(coop.mail.mails()).toHaveLength(1));
  const beats = listener.requests.length;

  other.exec("rollback");
  await until(async () => expect((await program.health()).status).toBe(200));
  await program.logged("what was told past the store stands in it now");
  expect(coop.mail.mails()).toHaveLength(1);
  await until(() => expect(listener.requests.length).toBeGreaterThan(beats));
  expectNoDelay(lag);
  expect((await program.stop()).code).toBe(0);
  expectOnTime(await samplesOf(coop, "mastodon"), lag);
});

test("a storm of visitors delays no check", async () => {
  await using coop = await startCoop(["mastodon"]);
  const program = await coop.installation.start();
  await using lag = watchLag(program);
  await runsOnce(program, "mastodon", 2);
  await using storm = visitors(`${program.publicUrl}/en/`, 300);
  await runsOnce(program, "mastodon", 6);
  expect(storm.served()).toBeGreaterThan(300);
  expectNoDelay(lag);
  expect((await program.stop()).code).toBe(0);
  expectOnTime(await samplesOf(coop, "mastodon"), lag);
});

interface Lag extends AsyncDisposable {
  worstSeconds(): number;
  /** What the machine kept the program waiting for a core, at worst: no fault of anything that hangs. */
  starvedSeconds(): number;
}

/** Asks for /metrics all the time, and remembers the worst delay of a check. */
function watchLag(program: RunningProgram): Lag {
  const starvation = watchStarvation(program.process.pid);
  let worst = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      const lag = (await program.metrics().catch(() => undefined))?.get("tidewatch_schedule_lag_seconds");
      worst = Math.max(worst, lag ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return {
    worstSeconds: () => worst,
    starvedSeconds: () => starvation.worstSeconds(),
    async [Symbol.asyncDispose]() {
      starvation[Symbol.dispose]();
      over = true;
      await watching;
    },
  };
}

async function runsOnce(program: RunningProgram, name: string, times: number): Promise<void> {
  const series = `tidewatch_check_runs_total{target="${name}",check="web",vantage_point="here",outcome="up"}`;
  await until(async () => expect((await program.metrics()).get(series)).toBeGreaterThanOrEqual(times));
}

async function samplesOf(coop: Coop, name: string): Promise<readonly Sample[]> {
  await using store = await openSqliteStore(coop.installation.store);
  const all = await store.samples.since(Temporal.Instant.fromEpochMilliseconds(0));
  return all.filter((sample) => sample.target === name);
}

function expectNoDelay(lag: Lag): void {
  expect(lag.worstSeconds()).toBeLessThan(1 + lag.starvedSeconds());
}

/** No two runs are further apart than the interval and a second. */
function expectOnTime(samples: readonly Sample[], lag: Lag): void {
  expect(samples.length).toBeGreaterThan(2);
  const begun = samples.map(({ at }) => at.epochMilliseconds / 1000);
  const gaps = begun.slice(1).map((at, index) => at - (begun[index] ?? at));
  const most = 2 + 1 + lag.starvedSeconds();
  for (const gap of gaps) expect(gap, `seconds between the runs: ${gaps.join(" ")}`).toBeLessThan(most);
}

/** So many people on connections of their own, each reading the page over and over. */
function visitors(url: string, count: number): AsyncDisposable & { served(): number } {
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  let served = 0;
  let over = false;
  const read = () =>
    new Promise<void>((resolve) => {
      get(url, { agent, headers: { "accept-encoding": "gzip" } }, (answer) => {
        answer.resume();
        answer.once("close", () => {
          served += answer.statusCode === 200 ? 1 : 0;
          resolve();
        });
      }).once("error", () => resolve());
    });
  const crowd = Array.from({ length: count }, async () => {
    while (!over) await read();
  });
  return {
    served: () => served,
    async [Symbol.asyncDispose]() {
      over = true;
      await Promise.all(crowd);
      agent.destroy();
    },
  };
}
