/** A real Redis of one's own: the one on PATH, else the distribution's package, unpacked without root into a cache. */
import { randomBytes } from "node:crypto";
import { chown, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { Refused } from "../../core/errors.ts";
import { cacheFolder, prepared } from "./cache.ts";
import { onPort } from "./ports.ts";
import { answerOf, dataFolder, type ServerUser, serverUser, startGuarded } from "./process.ts";

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** With its password, which no other user of this machine knows. */
  readonly url: string;
}

/** @param options.configuration further lines of redis.conf. */
export async function startRedis(
  options: { readonly port?: number; readonly configuration?: readonly string[]; readonly signal?: AbortSignal } = {},
): Promise<RedisServer> {
  const user = serverUser();
  const program = await redisProgram(user, options.signal);
  const password = randomBytes(18).toString("base64url");
  const { port, server } = await onPort(options.port, async (port) => {
    const folder = await dataFolder("redis", user);
    const file = join(folder, "redis.conf");
    await writeFile(file, configuration(port, folder, password, options.configuration ?? []), { mode: 0o600 });
    if (user) await chown(file, user.uid, user.gid);
    const server = await startGuarded({
      name: "Redis",
      steps: [{ command: [program.path, file], stopSignal: "TERM" }],
      ready: /ready to accept connections/i,
      folder,
      user,
      environment: program.environment,
    });
    return { port, server };
  });
  return {
    port,
    url: `redis://:${password}@127.0.0.1:${port}/0`,
    [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
  };
}

function configuration(port: number, folder: string, password: string, more: readonly string[]): string {
  const lines = [
    "bind 127.0.0.1",
    `port ${port}`,
    `requirepass ${password}`,
    "daemonize no",
    `dir ${folder}`,
    'logfile ""',
    'save ""',
    "appendonly no",
    ...more,
  ];
  return `${lines.join("\n")}\n`;
}

interface Program {
  readonly path: string;
  /** Where its libraries are, when it was unpacked. */
  readonly environment: Readonly<Record<string, string>>;
}

const names = ["redis-server", "valkey-server"];
const runs = async (program: Program, user: ServerUser | undefined): Promise<boolean> =>
  (await answerOf([program.path, "--version"], { user, environment: program.environment })) !== undefined;

async function redisProgram(user: ServerUser | undefined, signal: AbortSignal | undefined): Promise<Program> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter).filter((entry) => entry.startsWith("/"))) {
    for (const name of names) {
      const program = { path: join(folder, name), environment: {} };
      if (await runs(program, user)) return program;
    }
  }
  if (process.platform !== "linux" || (await answerOf(["apt-get", "--version"])) === undefined) throw missing("");
  return unpackedProgram(user, signal);
}

function missing(detail: string): Refused {
  const remedy =
    process.platform === "darwin"
      ? "Install it with `brew install redis`."
      : "Install Redis or Valkey with the system's package manager (`sudo apt-get install redis-server`, `sudo dnf install redis`, `sudo apk add redis`).";
  return new Refused(`There is no redis-server on PATH${detail}.`, remedy);
}

/** Unpacked at most once in this process at a time; other processes are `prepared`'s concern. */
let unpacking: Promise<Program> | undefined;

async function unpackedProgram(user: ServerUser | undefined, signal: AbortSignal | undefined): Promise<Program> {
  unpacking ??= unpack(user, signal).finally(() => {
    unpacking = undefined;
  });
  return unpacking;
}

async function unpack(user: ServerUser | undefined, signal: AbortSignal | undefined): Promise<Program> {
  const works = async (folder: string) => runs(await programIn(folder), user);
  const place = await prepared(`redis-${await systemName()}`, (draft) => download(draft, signal), works);
  if (place === undefined) throw missing(", and the one from the system's packages does not run here");
  return programIn(place);
}

async function programIn(folder: string): Promise<Program> {
  const libraries = await Promise.all(
    ["usr/lib", "lib"].map(async (lib) => {
      const inside = await readdir(join(folder, lib)).catch(() => []);
      return inside.filter((name) => name.includes("-linux-")).map((name) => join(folder, lib, name));
    }),
  );
  return {
    path: join(folder, "usr/bin/redis-server"),
    environment: { LD_LIBRARY_PATH: libraries.flat().join(delimiter) },
  };
}

/** "debian-12-x64": what is unpacked for one system does not run on the next. */
async function systemName(): Promise<string> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  const field = (name: string) => new RegExp(`^${name}="?([\\w.-]+)"?$`, "m").exec(release)?.[1];
  return `${field("ID") ?? "linux"}-${field("VERSION_ID") ?? "0"}-${process.arch}`;
}

const downloadSeconds = 45;

/** apt checks the signatures; first with the system's package lists, then with fresh ones of our own. */
async function download(folder: string, caller: AbortSignal | undefined): Promise<void> {
  // A network that swallows everything must not keep a newcomer waiting: the practice then goes without queues.
  const signal = AbortSignal.any([AbortSignal.timeout(downloadSeconds * 1000), ...(caller ? [caller] : [])]);
  const own = await ownPackageLists();
  for (const lists of [[], own]) {
    if (lists === own && !(await apt(["update"], lists, folder, signal))) break;
    const packages = await neededPackages(lists, signal);
    if (packages.length === 0 || !(await apt(["download", ...packages], lists, folder, signal))) continue;
    for (const file of (await readdir(folder)).filter((name) => name.endsWith(".deb"))) {
      await answerOf(["dpkg-deb", "--extract", join(folder, file), folder], { timeoutSeconds: 60, signal });
      await rm(join(folder, file));
    }
    return;
  }
  caller?.throwIfAborted();
  throw missing(", and it could not be downloaded from the system's package archive");
}

const apt = async (
  command: readonly string[],
  lists: readonly string[],
  cwd: string,
  signal: AbortSignal | undefined,
): Promise<boolean> =>
  (await answerOf(["apt-get", ...lists, "-o", "Acquire::http::Timeout=15", "-o", "Acquire::Retries=1", ...command], {
    cwd,
    timeoutSeconds: 60,
    signal,
  })) !== undefined;

/** Options that make apt keep lists and downloads in our cache, where no root is needed. */
async function ownPackageLists(): Promise<readonly string[]> {
  const state = join(await cacheFolder(), "apt");
  await mkdir(join(state, "lists", "partial"), { recursive: true });
  await mkdir(join(state, "cache", "archives", "partial"), { recursive: true });
  return ["-o", `Dir::State::lists=${join(state, "lists")}`, "-o", `Dir::Cache=${join(state, "cache")}`];
}

/** What an installation would add to this system, as apt itself works it out; upgrades are left out. */
async function neededPackages(lists: readonly string[], signal: AbortSignal | undefined): Promise<readonly string[]> {
  const plan = await answerOf(
    ["apt-get", ...lists, "--simulate", "--no-install-recommends", "install", "redis-server"],
    { environment: { LC_ALL: "C" }, timeoutSeconds: 30, signal },
  );
  return (plan ?? "").split("\n").flatMap((line) => /^Inst (\S+) \((?!\[)/.exec(line)?.[1] ?? []);
}
