/**
 * How long the machine kept a process waiting for a core: what others take from it is no delay of its own, and a bound
 * grows by that much and no more. On a quiet machine that is nothing.
 */
import { readdirSync, readFileSync } from "node:fs";
import { workedMs } from "./own-time.ts";

export interface Starvation extends Disposable {
  /** Of the thread that waited longest, since the beginning. */
  seconds(): number;
  /** Of the thread that waited longest within any two seconds. */
  worstSeconds(): number;
}

interface Look {
  readonly at: number;
  readonly waited: ReadonlyMap<string, number>;
}

const everyMs = 50;
const windowMs = 2000;

export function watchStarvation(pid: number | undefined): Starvation {
  // Of ourselves we know everywhere, by how late we look; what we did ourselves meanwhile is no waiting.
  let [late, lookedAt, worked] = [0, performance.now(), workedMs()];
  const look = (): Look => ({ at: performance.now(), waited: new Map([["us", late], ...threadsOf(pid)]) });
  const first = look();
  let looks: readonly Look[] = [first];
  let [whole, worst] = [0, 0];
  const note = () => {
    const now = look();
    whole = Math.max(whole, between(first, now));
    worst = Math.max(worst, ...looks.map((earlier) => between(earlier, now)));
    looks = [...looks, now].filter(({ at }) => now.at - at < windowMs);
  };
  const timer = setInterval(() => {
    const [now, workedNow] = [performance.now(), workedMs()];
    late += Math.max(0, now - lookedAt - everyMs - (workedNow - worked)) / 1000;
    [lookedAt, worked] = [now, workedNow];
    note();
  }, everyMs);
  return {
    seconds() {
      note();
      return whole;
    },
    worstSeconds() {
      note();
      return worst;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

const between = (before: Look, after: Look): number =>
  Math.max(0, ...[...after.waited].map(([thread, seconds]) => seconds - (before.waited.get(thread) ?? 0)));

/** Seconds that each thread has waited so far. */
function threadsOf(pid: number | undefined): readonly (readonly [thread: string, seconds: number])[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.map((thread) => [thread, waitedSeconds(`/proc/${pid}/task/${thread}`)]);
  } catch {
    // It is over, or this kernel does not tell.
    return [];
  }
}

/** The kernel counts nanoseconds: on a core, waiting for one, and how often. */
const waitedSeconds = (task: string): number =>
  Number(readFileSync(`${task}/schedstat`, "utf8").split(" ")[1] ?? 0) / 1e9;
