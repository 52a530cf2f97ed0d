/** The real program as a process of its own, with a configuration of the test's; killed, stopped and started again at will. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { KillPoint } from "./kill-points.ts";
import { watchStarvation } from "./starvation.ts";

const LogLine = z.looseObject({ at: z.string(), level: z.enum(["info", "warn", "error"]), message: z.string() });
type LogLine = z.infer<typeof LogLine>;

/** What stays when the process dies: the folder with the configuration and the store. */
export interface Installation extends AsyncDisposable {
  readonly folder: string;
  readonly store: string;
  /** Writes the configuration; a running program reads it at SIGHUP. */
  configure(yaml: string): Promise<void>;
  /** Begins a process and waits for nothing. @param killAt where it ends itself by kill -9 (test/helpers/kill-at.ts). */
  spawn(killAt?: KillPoint): Program;
  /** Resolves once it watches; rejects when it ends before. */
  start(): Promise<RunningProgram>;
}

export interface Program {
  readonly process: ChildProcess;
  /** All it printed so far, both streams. */
  printed(): string;
  /** The lines of its log so far. */
  log(): readonly LogLine[];
  /** The first line that fits, as soon as it is there; `after` leaves so many lines out. */
  logged(fits: string | ((line: LogLine) => boolean), options?: { readonly after?: number }): Promise<LogLine>;
  /** Resolves with its ports as soon as it listens; rejects when it ended before. */
  watching(): Promise<RunningProgram>;
  /** kill -9, and its death awaited. */
  kill(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Its exit code; null when a signal ended it. */
  exited(): Promise<number | null>;
  /** SIGTERM, its exit code, and how long that took, without what the machine kept it waiting for a core. */
  stop(): Promise<{ readonly code: number | null; readonly seconds: number }>;
}

export interface RunningProgram extends Program {
  readonly publicUrl: string;
  readonly privateUrl: string;
  page(): Promise<string>;
  health(): Promise<{ readonly status: number; readonly body: string }>;
  /** Values of all series by how they stand in /metrics. */
  metrics(): Promise<ReadonlyMap<string, number>>;
}

const ours = fileURLToPath(new URL("../../main.ts", import.meta.url));
const patienceMs = 120_000;

/** Waits until what is asked for is so: until it throws no more. In a test and out of one, where `vi` is not at hand. */
export async function until<T>(holds: () => T | Promise<T>, timeout = patienceMs): Promise<T> {
  const end = performance.now() + timeout;
  for (;;) {
    try {
      return await inTime(holds(), end);
    } catch (error) {
      if (performance.now() >= end) throw error;
    }
    await wait(25);
  }
}

async function inTime<T>(asked: T | Promise<T>, end: number): Promise<T> {
  const over = new AbortController();
  const late = wait(Math.max(0, end - performance.now()), undefined, { signal: over.signal }).then(() => {
    throw new Error("no answer in time");
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    over.abort();
    late.catch(() => {});
  }
}

interface InstallWishes {
  readonly env?: Readonly<Record<string, string>>;
  readonly main?: string;
  /** Words before the program's own: a command that becomes what it is told to run. */
  readonly through?: readonly string[];
}

export async function install(
  yaml: string,
  { env = {}, main = ours, through = [] }: InstallWishes = {},
): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), "tidewatch-scenario-"));
  await mkdir(join(folder, "data"));
  const file = join(folder, "tidewatch.yaml");
  await writeFile(file, yaml);
  const programs: Program[] = [];
  const spawnOne = (killAt?: KillPoint) => {
    const program = startProcess({ main, file, folder, env, through, killAt });
    programs.push(program);
    return program;
  };
  return {
    folder,
    store: join(folder, "data", "tidewatch.db"),
    configure: (text) => writeFile(file, text),
    spawn: spawnOne,
    start: () => spawnOne().watching(),
    async [Symbol.asyncDispose]() {
      await Promise.all(programs.map((program) => program.kill()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface ProcessWishes {
  readonly main: string;
  readonly file: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly through: readonly string[];
  readonly killAt: KillPoint | undefined;
}

function startProcess({ main, file, folder, env, through, killAt }: ProcessWishes): Program {
  const preload = killAt ? ["--import", new URL("./kill-at.ts", import.meta.url).href] : [];
  const [command = "", ...words] = [...through, process.execPath, ...preload, main, "run", "--config", file];
  const child = spawn(command, words, {
    cwd: folder,
    env: { PATH: process.env["PATH"], TIDEWATCH_DEBUG: "1", ...env, ...(killAt && { KILL_AT: killAt }) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const lines: LogLine[] = [];
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    const whole = (rest + text).split("\n");
    rest = whole.pop() ?? "";
    lines.push(...whole.flatMap(parseLine));
  });
  // "close" comes when the streams have been read to their end, too.
  const closed = once(child, "close").then(([code]: unknown[]) => (typeof code === "number" ? code : null));
  let ended = false;
  closed.then(() => {
    ended = true;
  });
  const program: Program = {
    process: child,
    printed: () => output,
    log: () => lines,
    logged: (fits, { after = 0 } = {}) => until(() => found(lines.slice(after), fits, output)),
    async watching() {
      const line = await until(() => {
        if (ended) return undefined;
        return found(lines, "watching", output);
      });
      if (!line) throw new Error(`the program ended before it watched:\n${output}`);
      return { ...program, ...addressed(z.object({ public: z.string(), private: z.string() }).parse(line)) };
    },
    async kill() {
      if (!ended) child.kill("SIGKILL");
      await closed;
    },
    signal: (name) => void child.kill(name),
    exited: () => closed,
    async stop() {
      using starvation = watchStarvation(child.pid);
      const began = performance.now();
      child.kill("SIGTERM");
      const code = await closed;
      return { code, seconds: (performance.now() - began) / 1000 - starvation.seconds() };
    },
  };
  return program;
}

function parseLine(line: string): readonly LogLine[] {
  try {
    const parsed = LogLine.safeParse(JSON.parse(line));
    return parsed.success ? [parsed.data] : [];
  } catch {
    // A sentence for a person, not a line of the log.
    return [];
  }
}

function found(lines: readonly LogLine[], fits: string | ((line: LogLine) => boolean), output: string): LogLine {
  const line = lines.find(typeof fits === "string" ? ({ message }) => message === fits : fits);
  if (!line) throw new Error(`no such line in the log yet:\n${output}`);
  return line;
}

function addressed(at: { readonly public: string; readonly private: string }) {
  const publicUrl = `http://${at.public}`;
  const privateUrl = `http://${at.private}`;
  return {
    publicUrl,
    privateUrl,
    page: async () => (await fetch(`${publicUrl}/en/`)).text(),
    async health() {
      const answer = await fetch(`${privateUrl}/healthz`);
      return { status: answer.status, body: await answer.text() };
    },
    async metrics() {
      const text = await (await fetch(`${privateUrl}/metrics`)).text();
      return new Map(
        text.split("\n").flatMap((line): [string, number][] => {
          const [, series, value] = /^([^#\s].*) (\S+)$/.exec(line) ?? [];
          return series !== undefined && value !== undefined ? [[series, Number(value)]] : [];
        }),
      );
    },
  };
}
