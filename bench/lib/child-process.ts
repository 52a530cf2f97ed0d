/** Starts and ends a child process, and reads its CPU time, memory and written bytes from /proc. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { DidNotStart } from "../../practice/servers/process.ts";

export interface Started extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** How it ended, as soon as it has: "was killed by SIGKILL". */
  readonly ended: Promise<string>;
}

interface Wanted {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The port on 127.0.0.1 at which it takes connections once it is ready. */
  readonly answersAt?: number;
  /** The only core it may use. */
  readonly core?: number;
  /** Each line that it writes to standard error. */
  readonly heard?: (text: string) => void;
}

/** The process ended while something was wanted of it. */
export class Ended extends Error {
  override readonly name = "Ended";
  readonly how: string;

  constructor(program: string, how: string) {
    super(`${program} ${how}`);
    this.how = how;
  }
}

const startSeconds = 20;
const stopSeconds = 12;

export async function start({ name, command, environment, answersAt, core, heard }: Wanted): Promise<Started> {
  const [program = "", ...args] = core === undefined ? command : ["taskset", "-c", String(core), ...command];
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"], TZ: "UTC", LC_ALL: "C.UTF-8", ...environment },
  });
  const lines: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    lines.push(text);
    if (lines.length > 50) lines.shift();
    heard?.(text);
  });
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) =>
      resolve(signal === null ? `ended with code ${code}` : `was killed by ${signal}`),
    );
  });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async () => {
    process.off("exit", kill);
    await end(child);
  };
  try {
    await once(child, "spawn");
    if (answersAt !== undefined) await answers(child, answersAt);
  } catch (error) {
    await stop();
    throw new DidNotStart(name, error instanceof Error ? error.message : String(error), lines.join(""));
  }
  return { name, pid: child.pid ?? 0, ended, [Symbol.asyncDispose]: stop };
}

/** @throws Ended when it ends before `work` does. */
export function whileRunning<Result>({ name, ended }: Started, work: Promise<Result>): Promise<Result> {
  const broken = work.catch(async (error: unknown) => {
    // Its connections break a moment before we hear of its end.
    await sleep(1000);
    throw error;
  });
  return Promise.race([ended.then((how) => Promise.reject(new Ended(name, how))), broken]);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const patience = setTimeout(() => child.kill("SIGKILL"), stopSeconds * 1000);
  await exited;
  clearTimeout(patience);
}

async function answers(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < startSeconds * 10; tries++) {
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}`);
    if (await takesConnections(port)) return;
    await sleep(100);
  }
  throw new Error(`it took no connection within ${startSeconds} s`);
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

const ticksPerSecond = 100;

/** Of all its threads and of the processes it started, since they began. */
export async function cpuSeconds(pid: number): Promise<number> {
  const [stat, children] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "utf8"),
    readFile(`/proc/${pid}/task/${pid}/children`, "utf8"),
  ]);
  // The name in brackets may hold anything; fields are counted after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const theirs = await Promise.all(
    children
      .split(" ")
      .filter(Boolean)
      .map((child) => cpuSeconds(Number(child))),
  );
  return theirs.reduce((sum, seconds) => sum + seconds, (Number(fields[11]) + Number(fields[12])) / ticksPerSecond);
}

export interface ProcessMemory {
  readonly residentBytes: number;
  /** What no file stands behind: it cannot be taken away while the process runs. */
  readonly anonymousBytes: number;
}

/** Of all its threads. */
export async function memoryOf(pid: number): Promise<ProcessMemory> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
  return { residentBytes: bytes("VmRSS"), anonymousBytes: bytes("RssAnon") };
}

/** What it caused to be written to disk, as the kernel counts it. */
export async function writtenBytes(pid: number): Promise<number> {
  const io = await readFile(`/proc/${pid}/io`, "utf8");
  return Number(/^write_bytes: (\d+)$/m.exec(io)?.[1]);
}

/** Paused until disposed of. */
export function paused({ pid }: { readonly pid: number }): Disposable {
  process.kill(pid, "SIGSTOP");
  return { [Symbol.dispose]: () => void process.kill(pid, "SIGCONT") };
}
