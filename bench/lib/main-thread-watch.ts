/**
 * Loaded into the program that is measured (`NODE_OPTIONS=--import=…`): how long its main thread was held, and how large its
 * heap may grow. Each SIGUSR2 writes a report since the one before. Before the first one nothing is timed.
 */
import { renameSync, writeFileSync } from "node:fs";
import { getHeapStatistics } from "node:v8";
import { isMainThread } from "node:worker_threads";

/** One stretch in which nothing else could run. */
export interface Hold {
  readonly ms: number;
  /** CPU of the main thread in it; the rest it waited: for a core, or for the disk. */
  readonly cpuMs: number;
  /** Epoch milliseconds of its end. */
  readonly at: number;
}

export interface MainThreadReport {
  readonly heapLimitBytes: number;
  readonly cpuMs: number;
  /** The longest first. */
  readonly holds: readonly Hold[];
  /** The most CPU in one of all holds: what it would have been at most on a machine that does nothing else. */
  readonly mostCpuMs: number;
}

const tickMs = 1;
const keptHolds = 10;

function watchMainThread(file: string): void {
  let holds: Hold[] = [];
  let mostCpuMs = 0;
  let since = moment();
  let last = since;
  const look = () => {
    const now = moment();
    const [ms, cpuMs] = [Math.max(0, now.wallMs - last.wallMs - tickMs), now.cpuMs - last.cpuMs];
    mostCpuMs = Math.max(mostCpuMs, cpuMs);
    if (holds.length < keptHolds || ms > (holds.at(-1)?.ms ?? 0)) {
      holds.push({ ms, cpuMs, at: Date.now() });
      holds = holds.toSorted((a, b) => b.ms - a.ms).slice(0, keptHolds);
    }
    last = now;
  };
  const write = () => {
    const { heap_size_limit: heapLimitBytes } = getHeapStatistics();
    const report: MainThreadReport = { heapLimitBytes, cpuMs: last.cpuMs - since.cpuMs, holds, mostCpuMs };
    writeFileSync(`${file}.new`, JSON.stringify(report));
    renameSync(`${file}.new`, file);
  };
  let clock: NodeJS.Timeout | undefined;
  process.on("SIGUSR2", () => {
    if (clock) look();
    write();
    clock ??= setInterval(look, tickMs).unref();
    holds = [];
    mostCpuMs = 0;
    since = moment();
    last = since;
  });
  write();
}

function moment(): { readonly wallMs: number; readonly cpuMs: number } {
  const { user, system } = process.threadCpuUsage();
  return { wallMs: performance.now(), cpuMs: (user + system) / 1000 };
}

const file = process.env["TIDEWATCH_BENCH_REPORT"];
if (isMainThread && file !== undefined) watchMainThread(file);
