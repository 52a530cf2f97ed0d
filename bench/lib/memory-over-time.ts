/** Watches the memory of the running program (RssAnon, cgroup, heap limit) for some minutes while it is used, or until it dies. */
import { Ended, memoryOf, type ProcessMemory, whileRunning, writtenBytes } from "./child-process.ts";
import type { Bench } from "./measurement.ts";
import type { Charged, MemoryCgroup } from "./memory-cgroup.ts";
import { storedChecks, type TidewatchProcess } from "./tidewatch-process.ts";

export interface MemoryOverTime {
  /** From its start to its death, or as long as it was watched. */
  seconds: number;
  /** How, where it did: "was killed by SIGKILL". */
  died?: string;
  readonly readings: Reading[];
  /** The most that was ever charged, as the kernel kept it. */
  peakBytes?: number | undefined;
  /** Of the main thread. */
  heapLimitBytes?: number;
  /** Since it had settled. */
  written?: { readonly bytes: number; readonly checks: number };
}

interface Reading extends ProcessMemory {
  readonly charged: Charged | undefined;
}

/** What is written at the start is not written per check. */
const settleSeconds = 20;
const [pageEverySeconds, scrapeEverySeconds] = [5, 15];

export async function watchMemory(
  start: () => Promise<TidewatchProcess>,
  seconds: number,
  cgroup: MemoryCgroup | undefined,
  bench: Bench,
): Promise<MemoryOverTime> {
  const began = performance.now();
  const memory: MemoryOverTime = { seconds: 0, readings: [] };
  try {
    await using tidewatch = await start();
    const until = began + seconds * 1000;
    await whileRunning(tidewatch, use(tidewatch, { memory, until, cgroup, bench }));
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    memory.died = error.how;
  }
  memory.seconds = Math.floor((performance.now() - began) / 1000);
  memory.peakBytes = await cgroup?.peakBytes();
  return memory;
}

interface Use {
  readonly memory: MemoryOverTime;
  /** On the clock of `performance.now`. */
  readonly until: number;
  readonly cgroup: MemoryCgroup | undefined;
  readonly bench: Bench;
}

/** Somebody looks now and then, and Prometheus does. */
async function use(tidewatch: TidewatchProcess, { memory, until, cgroup, bench }: Use): Promise<void> {
  const { pid, publicUrl } = tidewatch;
  memory.heapLimitBytes = tidewatch.heapLimitBytes;
  let settled: { readonly bytes: number; readonly checks: number } | undefined;
  for (let second = 0; performance.now() < until; second++) {
    const left = Math.round((until - performance.now()) / 1000);
    if (second % scrapeEverySeconds === 0) bench.progress(`watching its memory, ${left} s left`);
    if (second === settleSeconds) settled = await written(tidewatch);
    if (second % pageEverySeconds === 0) await (await fetch(publicUrl)).arrayBuffer();
    if (second % scrapeEverySeconds === 0) await storedChecks(tidewatch);
    memory.readings.push({ ...(await memoryOf(pid)), charged: await cgroup?.charged() });
    await bench.sleep(1);
  }
  if (settled === undefined) return;
  const { bytes, checks } = await written(tidewatch);
  memory.written = { bytes: bytes - settled.bytes, checks: checks - settled.checks };
}

async function written(tidewatch: TidewatchProcess) {
  return { bytes: await writtenBytes(tidewatch.pid), checks: await storedChecks(tidewatch) };
}
