/** Starts a server as a child process that ends whenever we do, even by SIGKILL. */
import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, chown, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** Whom a server runs as when we are root, who must not run PostgreSQL and need not run Redis: "nobody". */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

export const serverUser = (): ServerUser | undefined =>
  process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;

interface Step {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly stopSignal: "INT" | "TERM";
}

export interface GuardedServer {
  /** For messages: "PostgreSQL". */
  readonly name: string;
  /** One after the other; the last one is the server. */
  readonly steps: readonly Step[];
  /** A line of its output that says it takes connections. */
  readonly ready: RegExp;
  /** Removed when it ends. */
  readonly folder?: string | undefined;
  readonly user?: ServerUser | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/** The server ended, or said nothing, before it was ready. */
export class DidNotStart extends Error {
  override readonly name = "DidNotStart";
  /** The last lines it wrote. */
  readonly output: string;

  constructor(server: string, why: string, output: string) {
    super(`${server} did not start: ${why}${output && `\n${output}`}`);
    this.output = output;
  }

  /** Somebody else took the port between the moment it was found free and now. */
  get portTaken(): boolean {
    return /address already in use|could not (?:bind|create any TCP)|EADDRINUSE/i.test(this.output);
  }
}

const guard = readFileSync(new URL("guard.sh", import.meta.url), "utf8");
const startSeconds = 30;
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Resolves when the server takes connections; disposing of it waits until it is gone. */
export async function startGuarded(server: GuardedServer): Promise<AsyncDisposable> {
  const steps = server.steps.flatMap(({ stopSignal, command }) => [stopSignal, command.map(quoted).join(" ")]);
  const child = spawn("/bin/sh", ["-c", guard, "guard", server.folder ?? "", ...steps], {
    // Its own session: Ctrl-C in our terminal reaches us, and we decide when the servers go.
    detached: true,
    cwd: "/",
    stdio: ["pipe", "pipe", "pipe"],
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C", TZ: "UTC", ...server.environment },
    ...server.user,
  });
  const stop = stopper(child, server.folder);
  try {
    await ready(child, server);
  } catch (error) {
    await stop();
    throw error;
  }
  return { [Symbol.asyncDispose]: stop };
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

function stopper(child: Child, folder: string | undefined): () => Promise<void> {
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  // The guard may be gone already; then there is nobody to tell.
  child.stdin.on("error", () => {});
  return async () => {
    child.stdin.end();
    await exited;
    child.stdout.destroy();
    child.stderr.destroy();
    if (folder) await rm(folder, { recursive: true, force: true });
  };
}

async function ready(child: Child, server: GuardedServer): Promise<void> {
  const tail: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (why: string) => reject(new DidNotStart(server.name, why, tail.join("\n")));
  const heard = (line: string) => {
    tail.push(line.slice(0, 500));
    if (tail.length > 20) tail.shift();
    if (server.ready.test(line)) resolve();
  };
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", heard);
  child.once("error", (error) => fail(error.message));
  // Not "exit": "close" comes after the last line was read.
  child.once("close", (code, signal) => fail(`it ended with ${signal ?? `code ${code}`}`));
  const timer = setTimeout(() => fail(`it was not ready after ${startSeconds} s`), startSeconds * 1000);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** What a program printed; undefined when it could not be run or failed. */
export function answerOf(
  command: readonly string[],
  options: {
    readonly user?: ServerUser | undefined;
    readonly environment?: NodeJS.ProcessEnv | undefined;
    readonly cwd?: string;
    readonly timeoutSeconds?: number;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<string | undefined> {
  const [program = "", ...args] = command;
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      {
        cwd: options.cwd ?? "/",
        env: { ...process.env, ...options.environment },
        timeout: (options.timeoutSeconds ?? 10) * 1000,
        maxBuffer: 4_000_000,
        ...options.user,
        ...(options.signal && { signal: options.signal }),
      },
      (error, stdout) => resolve(error ? undefined : stdout),
    );
  });
}

/** A new folder for a server's data that belongs to whom it runs as, and to nobody else. */
export async function dataFolder(name: string, user: ServerUser | undefined): Promise<string> {
  const base = !user || (await openToAll(tmpdir())) ? tmpdir() : "/tmp";
  const folder = await mkdtemp(join(base, `tidewatch-${name}-`));
  await own(folder, user);
  return folder;
}

export async function own(folder: string, user: ServerUser | undefined): Promise<void> {
  await chmod(folder, 0o700);
  if (user) await chown(folder, user.uid, user.gid);
}

/** Whether everybody may write in this folder and reach it. */
async function openToAll(folder: string): Promise<boolean> {
  const { mode } = await stat(folder);
  if ((mode & 0o003) !== 0o003) return false;
  for (let above = dirname(folder); above !== dirname(above); above = dirname(above)) {
    if (((await stat(above)).mode & 0o001) === 0) return false;
  }
  return true;
}
