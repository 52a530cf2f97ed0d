/**
 * How long the machine kept a process waiting for a core: what others take from it is no delay of its own, and a bound
 * grows by that much and no more. On a quiet machine that is nothing.
 */
import { readdirSync, readFileSync } from "node:fs";

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
  const first = look(pid);
  let looks: readonly Look[] = [first];
  let [whole, worst] = [0, 0];
  const note = () => {
    const now = look(pid);
    whole = Math.max(whole, between(first, now));
    worst = Math.max(worst, ...looks.map((earlier) => between(earlier, now)));
    looks = [...looks, now].filter(({ at }) => now.at - at < windowMs);
  };
  const timer = setInterval(note, everyMs);
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

function look(pid: number | undefined): Look {
  const at = performance.now();
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return { at, waited: new Map(threads.map((thread) => [thread, waitedSeconds(`/proc/${pid}/task/${thread}`)])) };
  } catch {
    // It is over, or this is no Linux: then nothing is known, and nothing is added to any bound.
    return { at, waited: new Map() };
  }
}

/** The kernel counts nanoseconds: on a core, waiting for one, and how often. */
const waitedSeconds = (task: string): number =>
  Number(readFileSync(`${task}/schedstat`, "utf8").split(" ")[1] ?? 0) / 1e9;
