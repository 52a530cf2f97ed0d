/**
 * A real Redis for tests and practice: the one on PATH, else the distribution's package, unpacked without root into a
 * cache.
 */
import { randomBytes } from "node:crypto";
import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { debianProgram, type Program } from "./debian.ts";
import { onPort } from "./ports.ts";
import { dataFolder, serverUser, startGuarded } from "./process.ts";

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
  const program = await redisProgram(options.signal);
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

/** A newcomer must not be kept waiting by a network that swallows everything: the practice then goes without queues. */
const downloadSeconds = 45;

const redisProgram = (signal: AbortSignal | undefined): Promise<Program> =>
  debianProgram({
    package: "redis-server",
    program: "usr/bin/redis-server",
    alsoNamed: ["valkey-server"],
    withinSeconds: downloadSeconds,
    remedy:
      process.platform === "darwin"
        ? "Install it with `brew install redis`."
        : "Install Redis or Valkey with the system's package manager (`sudo apt-get install redis-server`, `sudo dnf install redis`, `sudo apk add redis`).",
    signal,
  });
