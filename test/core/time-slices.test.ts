import { expect, test } from "vitest";
import { inSlices, mapInSlices } from "../../core/time-slices.ts";

/** How often the event loop ran before the work was done. */
async function roundsDuring(work: Promise<unknown>): Promise<number> {
  let [rounds, isDone] = [0, false];
  void work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    rounds++;
  }
  return rounds;
}

function holdFor(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

test("long work lets the event loop run now and then, and comes to the same result", async () => {
  const steps = function* () {
    let sum = 0;
    for (let step = 1; step <= 100; step++) {
      yield;
      holdFor(2);
      sum += step;
    }
    return sum;
  };
  const work = inSlices(steps());
  expect(await roundsDuring(work)).toBeGreaterThan(10);
  expect(await work).toBe(5050);
});

test("short steps are not slowed down by it", async () => {
  const list = Array.from({ length: 1000 }, (_, index) => index);
  const work = mapInSlices(list, (one) => one + 1);
  expect(await roundsDuring(work)).toBeLessThan(100);
  expect(await work).toEqual(list.map((one) => one + 1));
});

test("what fails in the middle fails as a whole", async () => {
  const work = mapInSlices([1, 2, 3], (one) => {
    if (one === 2) throw new Error("our own bug");
    return one;
  });
  await expect(work).rejects.toThrow("our own bug");
});
