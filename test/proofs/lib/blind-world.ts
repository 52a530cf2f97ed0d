/**
 * Everybody else, for one set-up of the proof `blind`: a process in the network namespace that is away. It serves what is
 * watched, mail, names and the receiver of heartbeats, starts the real program here, loses the packets between them for ten
 * minutes, and says what was seen. Arguments: the set-up, the line, a seed.
 */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import type { Sample } from "../../../core/sample.ts";
import { type MailCatcher, startMailCatcher } from "../../../practice/servers/mail.ts";
import { openSqliteStore } from "../../../store/sqlite/sqlite.ts";
import { nameServer } from "../../helpers/name-server.ts";
import { type Installation, install, type RunningProgram, until } from "../../helpers/program.ts";
import { randomFrom } from "../../helpers/random.ts";
import { httpServer, tcpServer } from "../../helpers/servers.ts";
import { hosts, names, overIPv6Alone, type SetUp, setUps, targets } from "./blind-set-ups.ts";
import { farEnd, find, type Line, lineNamed, lose } from "./line.ts";

const blindSeconds = 600;
const heartbeatsEndAfterSeconds = 300;
const everySeconds = 10;
/** A run, and the beat after it, may have begun just before. */
const slackSeconds = 2 * everySeconds;

const stop = new AbortController();

interface World extends AsyncDisposable {
  readonly installation: Installation;
  readonly mail: MailCatcher;
  /** When each came, in milliseconds. */
  readonly heartbeats: readonly number[];
  /** Of the targets. */
  neverAsked(): readonly string[];
}

async function goBlind(setUp: SetUp, line: Line, random: () => number): Promise<string> {
  await using world = await beginWorld(setUp, line);
  const program = await world.installation.start();
  try {
    return await seeNothing({ setUp, line, random, world, program });
  } catch (error) {
    process.stderr.write(`${program.printed().split("\n").slice(-60).join("\n")}\n`);
    throw error;
  }
}

interface Scene {
  readonly setUp: SetUp;
  readonly line: Line;
  readonly random: () => number;
  readonly world: World;
  readonly program: RunningProgram;
}

async function seeNothing({ setUp, line, random, world, program }: Scene): Promise<string> {
  const { installation, mail, heartbeats } = world;
  await until(() => expect(world.neverAsked()).toEqual([]));
  await until(() => expect(heartbeats).not.toEqual([]));
  await pause((1 + random()) * everySeconds);

  const from = Temporal.Now.instant();
  for (const network of setUp.lost) lose(line.line, network);
  await pause((heartbeatsEndAfterSeconds + blindSeconds) / 2);
  const health = await healthOf(line, program.privateUrl);
  await pause((blindSeconds - heartbeatsEndAfterSeconds) / 2);
  for (const network of setUp.lost) find(line.line, network);
  const to = Temporal.Now.instant();

  const isWhollyBlind = setUp.lost.length > 1;
  const notes = isWhollyBlind ? 1 : 0;
  const subjects = () => mail.mails().map(({ subject }) => subject);
  await until(() => expect(mail.mails().length, "the note").toBeGreaterThanOrEqual(notes));
  await until(() => expect(heartbeats.at(-1)).toBeGreaterThan(to.epochMilliseconds));
  // Long enough that a second note, or an outage that was never one, had come.
  await pause(60);
  expect(subjects(), "mails about the time in which nothing was seen").toEqual(
    Array.from({ length: notes }, () => expect.stringMatching(/We saw nothing for (9|10|11) minutes/)),
  );
  const beats = expectHeartbeats(heartbeats, { from, to, isWhollyBlind });
  expect(health, "/healthz after seven minutes and a half").toBe(isWhollyBlind ? 503 : 200);

  // And what vanishes alone is not our own connection: it is told.
  const began = performance.now();
  lose(line.line, `${hosts.git}/32`);
  await until(() => expect(subjects().slice(notes)).toEqual([expect.stringContaining("git")]));
  const told = Math.round((performance.now() - began) / 1000);
  expect(await program.stop()).toMatchObject({ code: 0 });
  const runs = expectRuns(await samplesIn(installation), { from, to, isWhollyBlind });
  await using store = await openSqliteStore(installation.store);
  expect((await store.incidents.list({})).map(({ target }) => target)).toEqual(["git"]);
  return `${runs}; ${beats}; ${notes} note; 0 incidents, and one of a service that vanished alone, told after ${told} s`;
}

async function beginWorld({ anchors, resolver, swallowsTcp }: SetUp, { here }: Line): Promise<World> {
  await using undo = new AsyncDisposableStack();
  const asked = new Set<string | undefined>();
  const web = undo.use(
    await httpServer(
      (request, response) => {
        asked.add(request.headers.host);
        response.end("here");
      },
      { host: "::" },
    ),
  );
  const git = undo.use(await tcpServer(() => void asked.add(hosts.git), { host: hosts.git }));
  const mail = undo.use(await startMailCatcher({ host: hosts.mail }));
  const resolves = undo.use(await nameServer({ host: hosts.nameServer, port: 53, names }));
  if (swallowsTcp) resolves.trouble = "silent over TCP";
  const heartbeats: number[] = [];
  const receiver = undo.use(
    await httpServer(
      (_request, response) => {
        heartbeats.push(Date.now());
        response.end();
      },
      { host: farEnd },
    ),
  );
  const at = (host: string) => `http://${host}:${web.port}/`;
  const check = { probe: "http", every: `${everySeconds}s`, timeout: "4s" };
  const watched = [
    { id: "forum", ...check, url: at("forum.example") },
    { id: "photos", ...check, url: at(hosts.photos) },
    { id: "git", ...check, probe: "tcp", host: hosts.git, port: git.port },
    { id: "both", ...check, url: at("both.example") },
    { id: "six-by-name", ...check, url: at("six.example") },
    { id: "six-by-address", ...check, url: at(`[${hosts.six}]`) },
  ];
  const config = {
    organisation: { name: "Blind Co-op", languages: ["en"], timeZone: "America/Vancouver" },
    server: { public: "127.0.0.1:0", private: "127.0.0.1:0", url: "https://status.example" },
    store: { sqlite: "./data/tidewatch.db" },
    selfCheck: { anchors: anchors ? [at(hosts.anchor), `${hosts.otherAnchor}:${web.port}`] : [] },
    targets: watched.map(({ id, ...rest }) => ({ id, name: id, checks: [{ id: "check", ...rest }] })),
    alerts: {
      contacts: [{ id: "techops", name: "TechOps", email: "techops@coop.example", timeZone: "America/Toronto" }],
      email: { from: "tidewatch@coop.example", smtp: { env: "SMTP_URL" } },
      escalation: [{ after: "0s", notify: ["techops"] }],
      confirm: { failures: 3, retryEvery: "2s", successes: 2, recoverEvery: "2s" },
    },
    heartbeat: { url: receiver.url, every: `${everySeconds}s` },
  };
  const through = [...enter(here), "sh", "-c", withResolver, "sh"];
  // JSON is YAML.
  const installation = undo.use(
    await install(JSON.stringify(config), { env: { SMTP_URL: mail.url }, through: [...through, "resolv.conf"] }),
  );
  const first = resolver === "stub" ? "127.0.0.53" : hosts.nameServer;
  await writeFile(join(installation.folder, "resolv.conf"), `nameserver ${first}\n`);
  if (resolver === "stub") undo.use(startStub(here));
  const held = undo.move();
  const neverAsked = () =>
    watched.filter((one) => !asked.has("url" in one ? new URL(one.url).host : one.host)).map(({ id }) => id);
  return { installation, mail, heartbeats, neverAsked, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

const enter = (namespace: string) => ["ip", "netns", "exec", namespace];

/** In a mount namespace of its own, which `ip netns exec` makes: nothing is known of name servers but this file. */
const withResolver = `
mount --bind "$1" /etc/resolv.conf || exit 1
for known in /run/systemd/resolve /run/NetworkManager; do [ ! -d $known ] || mount -t tmpfs tmpfs $known; done
shift
exec "$@"`;

function startStub(here: string): Disposable {
  const script = fileURLToPath(new URL("./stub-resolver.ts", import.meta.url));
  const [command = "", ...rest] = [...enter(here), process.execPath, script, hosts.nameServer];
  const stub = execFile(command, rest);
  return { [Symbol.dispose]: () => void stub.kill() };
}

/** @returns its status; the program listens where only this machine can ask. */
async function healthOf({ here }: Line, privateUrl: string): Promise<number> {
  const ask = `fetch("${privateUrl}/healthz").then(({ status }) => console.log(status))`;
  const [command = "", ...rest] = [...enter(here), process.execPath, "--eval", ask];
  const { stdout } = await promisify(execFile)(command, rest);
  return Number(stdout);
}

async function samplesIn({ store: file }: Installation): Promise<readonly Sample[]> {
  await using store = await openSqliteStore(file);
  return await store.samples.since(Temporal.Instant.fromEpochMilliseconds(0));
}

interface Blindness {
  readonly from: Temporal.Instant;
  readonly to: Temporal.Instant;
  /** IPv4 is lost as well. */
  readonly isWhollyBlind: boolean;
}

/** What began and ended while it lasted. @returns the counts. */
function expectRuns(samples: readonly Sample[], { from, to, isWhollyBlind }: Blindness): string {
  const [first, last] = [from.add({ seconds: slackSeconds / 2 }), to.subtract({ seconds: slackSeconds / 2 })];
  const counts = new Map<string, number>();
  for (const target of targets) {
    const seen = samples.filter(
      ({ at, ...sample }) =>
        sample.target === target && Temporal.Instant.compare(at, first) > 0 && Temporal.Instant.compare(at, last) < 0,
    );
    expect(seen.length, `runs of ${target}`).toBeGreaterThanOrEqual((0.8 * blindSeconds) / everySeconds);
    const outcome = isWhollyBlind || overIPv6Alone.includes(target) ? "unknown" : "up";
    const others = seen.filter((sample) => sample.outcome !== outcome);
    expect(
      others.map((sample) => `${sample.outcome}: ${sample.reason}\n${sample.evidence}`),
      target,
    ).toEqual([]);
    counts.set(outcome, (counts.get(outcome) ?? 0) + seen.length);
  }
  return [...counts].map(([outcome, count]) => `${count} runs ${outcome}`).join(", ");
}

/** @returns the counts. */
function expectHeartbeats(heartbeats: readonly number[], { from, to, isWhollyBlind }: Blindness): string {
  const end = from.add({ seconds: heartbeatsEndAfterSeconds });
  const between = (a: Temporal.Instant, b: Temporal.Instant) =>
    heartbeats.filter((at) => at > a.epochMilliseconds && at < b.epochMilliseconds).length;
  const [early, late] = [between(from, end), between(end.add({ seconds: slackSeconds }), to)];
  expect(early, "heartbeats of the first five minutes").toBeGreaterThanOrEqual(
    (0.8 * heartbeatsEndAfterSeconds) / everySeconds,
  );
  if (isWhollyBlind) expect(late, "heartbeats later").toBe(0);
  else expect(late, "heartbeats later").toBeGreaterThanOrEqual((0.8 * heartbeatsEndAfterSeconds) / everySeconds);
  return `${early} heartbeats in five minutes and ${late} later`;
}

const pause = (seconds: number): Promise<void> => wait(seconds * 1000, undefined, { signal: stop.signal });

const [name = "", lineName = "", seed = ""] = process.argv.slice(2);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(signal)));
const setUp = setUps[name];
if (!setUp) throw new Error(`there is no set-up "${name}"`);
process.stdout.write(`${await goBlind(setUp, lineNamed(lineName), randomFrom(Number(seed)))}\n`);
