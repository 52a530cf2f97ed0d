import { expect, test } from "vitest";
import { inSlices, mapInSlices, pause } from "../../core/time-slices.ts";

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

test("of all that wait one goes on at a time, in order, and one that fails keeps back no other", async () => {
  const seen: string[] = [];
  let isDone = false;
  const round = () => {
    seen.push("round");
    if (!isDone) setImmediate(round);
  };
  holdFor(10);
  setImmediate(round);
  const works = ["first", "second", "third"].map(async (name) => {
    await pause();
    seen.push(name);
    holdFor(10);
    if (name === "second") throw new Error("our own bug");
    await pause();
    seen.push(`${name} again`);
    holdFor(10);
  });
  const ended = await Promise.allSettled(works);
  isDone = true;
  expect(ended.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(seen.filter((one) => one !== "round")).toEqual(["first", "second", "third", "first again", "third again"]);
  const side = seen.filter((one, index) => one !== "round" && seen[index + 1] !== "round" && index + 1 < seen.length);
  expect(side).toEqual([]);
});
