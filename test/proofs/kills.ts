/**
 * The real program, killed with kill -9 at random moments of outages and started again: one incident each, told until it
 * is noted that it was, and nothing lost that was reported as stored.
 */
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "vitest";
import type { Sample } from "../../core/sample.ts";
import { mostCopies } from "../../core/store/outbox.ts";
import type { CaughtMail } from "../../practice/servers/mail.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { type Coop, startCoop } from "../helpers/co-op.ts";
import { type Program, until } from "../helpers/program.ts";
import { randomFrom } from "../helpers/random.ts";
import type { Proof } from "./lib/proof.ts";

/** Longer than any start and any confirmation takes, also where a machine has better things to do. */
const lifetimeMs = 120_000;
const services = ["mastodon", "podcasts", "photos", "wiki"];

/** One process from its start to its kill, what it reported as stored, and what it noted. */
interface Life {
  readonly from: Temporal.Instant;
  readonly to: Temporal.Instant;
  readonly reported: ReadonlyMap<string, number>;
  readonly log: ReturnType<Program["log"]>;
}

export const proof: Proof = {
  summary: "kill -9 of the real program at random moments of outages",
  async round(seed, stop) {
    const kills = await killAmidOutages(seed, stop);
    return `${kills} kills, nothing lost, doubled or told anew`;
  },
};

/** @returns how often it was killed. */
export async function killAmidOutages(seed: number, stop: AbortSignal): Promise<number> {
  const random = randomFrom(seed);
  await using coop = await startCoop(services);
  const lives: Life[] = [];
  const die = async (moment: (program: Program) => Promise<unknown>) => {
    stop.throwIfAborted();
    lives.push(await live(coop, moment));
  };

  for (const [index, name] of services.entries()) {
    await coop.service(name).become("errors");
    const mended = services[index - 2];
    if (mended !== undefined) await coop.service(mended).become("healthy");
    // While it is noticed and made sure of; between the commit and the mail; at the start; while the mail goes out; whenever.
    await die(async (program) => wait(random() * 1500, await program.watching()));
    await die(async (program) => wait(random() * 1500, await program.watching()));
    await die(async (program) => wait(random() * 60, await soon(program.logged("incident opened"))));
    await die(() => wait(random() * 1500));
    const told = pages(coop, name).length > 0;
    await die(async () => wait(random() * (told ? 3000 : 15), await paged(coop, name)));
  }
  expect(lives).toHaveLength(20);

  const last = await coop.installation.start();
  for (const name of services) await coop.service(name).become("healthy");
  await until(() => {
    for (const name of services) expect(recoveries(coop, name), name).not.toEqual([]);
  });
  expect(await last.stop()).toMatchObject({ code: 0 });

  await using store = await openSqliteStore(coop.installation.store);
  const incidents = await store.incidents.list({});
  const logs = [...lives.map(({ log }) => log), last.log()];
  const sent = logs.flat().flatMap(({ message, ["notice"]: notice }) => (message === "notice sent" ? [notice] : []));
  expect(sent.length, "what was noted as sent is not sent again").toBe(new Set(sent).size);
  for (const [index, name] of services.entries()) {
    const id = incidents.find(({ target }) => target === name)?.id ?? 0;
    const [broke, mended] = [5 * index, Math.min(5 * (index + 2), lives.length)];
    expect(pages(coop, name).length, `pages about ${name}`).toBeLessThanOrEqual(
      livesUntilNoted(logs, broke, id, "page"),
    );
    expect(recoveries(coop, name).length, `recoveries of ${name}`).toBeLessThanOrEqual(
      livesUntilNoted(logs, mended, id, "resolve"),
    );
    expect(Math.max(pages(coop, name).length, recoveries(coop, name).length)).toBeLessThanOrEqual(mostCopies);
    expect(pages(coop, name)).not.toEqual([]);
    // A second copy is recognisable as one, and nobody hears the end before the beginning.
    const order = about(coop, name).map(({ messageId }) => messageId);
    expect(new Set(order).size, `messages about ${name}`).toBe(2);
    expect(order.toSorted((a, b) => order.indexOf(a) - order.indexOf(b))).toEqual(order);
  }
  expect(incidents.map(({ target, state }) => `${target} ${state}`).toSorted()).toEqual(
    services.map((name) => `${name} resolved`).toSorted(),
  );
  const stored = await store.samples.since(Temporal.Instant.fromEpochMilliseconds(0));
  expect(lives.some(({ reported }) => reported.size > 0)).toBe(true);
  for (const life of lives) expectNothingLost(life, stored);
  return lives.length;
}

async function live(coop: Coop, moment: (program: Program) => Promise<unknown>): Promise<Life> {
  const from = Temporal.Now.instant();
  const program = coop.installation.spawn();
  const over = new AbortController();
  const reported = keepScraping(program, over.signal);
  await moment(program);
  await program.kill();
  over.abort();
  return { from, to: Temporal.Now.instant(), reported: await reported, log: program.log() };
}

/** @returns the last counts of stored runs that it told anybody. */
async function keepScraping(program: Program, over: AbortSignal): Promise<ReadonlyMap<string, number>> {
  let reported: ReadonlyMap<string, number> = new Map();
  try {
    const watching = await Promise.race([program.watching(), program.exited()]);
    while (!over.aborted && typeof watching === "object" && watching !== null) {
      reported = counted(await watching.metrics());
      await wait(50, undefined, { signal: over });
    }
  } catch {
    // Killed in the middle of it: what came before counts.
  }
  return reported;
}

function counted(metrics: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [series, value] of metrics) {
    const target = /^tidewatch_check_runs_total\{target="(\w+)"/.exec(series)?.[1];
    if (target !== undefined) counts.set(target, (counts.get(target) ?? 0) + value);
  }
  return counts;
}

/** Each life may tell it once, up to and with the one that lives long enough to note that it did. */
function livesUntilNoted(logs: readonly Life["log"][], from: number, incident: number, kind: string): number {
  const noted = logs.findIndex((log) =>
    log.some(
      (line) =>
        line.message === "notice sent" &&
        line["kind"] === kind &&
        String(line["notice"]).startsWith(`incident-${incident}-`),
    ),
  );
  return (noted < 0 ? logs.length : noted + 1) - from;
}

function expectNothingLost({ from, to, reported }: Life, stored: readonly Sample[]): void {
  for (const [target, count] of reported) {
    const rows = stored.filter(
      (sample) =>
        sample.target === target &&
        Temporal.Instant.compare(sample.at, from) >= 0 &&
        Temporal.Instant.compare(sample.at, to) <= 0,
    );
    expect(rows.length, `samples of ${target} from ${from} to ${to}`).toBeGreaterThanOrEqual(count);
  }
}

/** In the very moment in which the mail server has taken it: the program may not even know yet. */
async function paged(coop: Coop, name: string): Promise<void> {
  const taken = Promise.withResolvers<void>();
  const look = () => {
    if (pages(coop, name).length > 0) taken.resolve();
  };
  using _ = coop.mail.onMail(look);
  look();
  await Promise.race([taken.promise, late(`no page about ${name}`)]);
}

/** @throws when a whole life went by. */
async function late(what: string): Promise<never> {
  await wait(lifetimeMs, undefined, { ref: false });
  throw new Error(`${what} within ${lifetimeMs / 1000} s`);
}

/** What happened in an earlier life does not happen again: some seconds are enough. */
const soon = (event: Promise<unknown>): Promise<unknown> => Promise.race([event.catch(() => {}), wait(3000)]);

const about = ({ mail }: Coop, name: string): readonly CaughtMail[] =>
  mail.mails().filter(({ subject }) => subject.includes(name));
const isRecovery = ({ text }: CaughtMail) => text.includes("RESOLVED");
const pages = (coop: Coop, name: string) => about(coop, name).filter((mail) => !isRecovery(mail));
const recoveries = (coop: Coop, name: string) => about(coop, name).filter(isRecovery);
