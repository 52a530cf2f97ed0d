/** A sample of the proof of failures that come and go: the same at every run. More: `npm run proof -- intermittent`. */
import { expect, test } from "vitest";
import { seedOf } from "../helpers/random.ts";
import { calm, everyCase } from "../proofs/intermittent.ts";

test("failures that come and go, and refusals among them, are told in time at 60 s and at 30 s", async ({ signal }) => {
  expect(await everyCase(seedOf(1), { services: 20, stop: signal })).toContain("503-503-429 in turn at 60 s: 5 of 5");
});

test("of single failures nothing is told but three in a row", async ({ signal }) => {
  expect(await calm(seedOf(1), { everySeconds: 60, days: 0.5, stop: signal })).toMatch(/nothing else told$/);
});
