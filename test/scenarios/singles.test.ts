/** A sample of the proof by single failures: three hours, with the one run of three that its dice make. More: `npm run proof -- singles`. */
import { expect, test } from "vitest";
import { failByChance } from "../proofs/singles.ts";

test("of twenty failures by chance in three hours the three in a row are told, and their end, and nothing else", async ({
  signal,
}) => {
  expect(await failByChance(1447, { days: 3 / 24, stop: signal })).toBe(
    "3627 tries, 20 failures, 1 runs of three, 2 notices",
  );
});
