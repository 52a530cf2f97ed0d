/** Time slices: long work stops now and then and lets the event loop run, so that no visitor and no check waits for it. */
import { setImmediate } from "node:timers/promises";

const sliceMilliseconds = 8;
/** One for all: several pieces of work that go on side by side share a slice. */
let began = Number.NEGATIVE_INFINITY;

/** Between two steps of long work: goes on at once while the slice lasts, else after everything that waits. */
export async function pause(): Promise<void> {
  if (performance.now() - began < sliceMilliseconds) return;
  await setImmediate();
  began = performance.now();
}

/** @param steps work that yields wherever it may pause. */
export async function inSlices<Result>(steps: Generator<void, Result>): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await pause();
  }
}

export async function mapInSlices<From, To>(list: readonly From[], work: (one: From) => To): Promise<To[]> {
  const done: To[] = [];
  for (const one of list) {
    await pause();
    done.push(work(one));
  }
  return done;
}
