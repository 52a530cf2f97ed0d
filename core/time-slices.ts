/** Time slices: long work stops now and then and lets the event loop run, so that no visitor and no check waits for it. */

const sliceMilliseconds = 8;
/** One for all: several pieces of work that go on side by side share a slice. */
let began = Number.NEGATIVE_INFINITY;
/** Those that wait for a slice, the first one first. */
const waiting: (() => void)[] = [];

/** Between two steps of long work: goes on at once while the slice lasts, else after everything that waits. */
export async function pause(): Promise<void> {
  if (performance.now() - began < sliceMilliseconds) return;
  await new Promise<void>((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(goOn);
  });
  began = performance.now();
}

/** One of them only: all at once would hold the event loop for as many slices. */
function goOn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(goOn);
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
