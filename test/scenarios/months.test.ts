/** A sample of the proof by simulated months: some days, the same at every run. More: `npm run proof -- months`. */
import { expect, test } from "vitest";
import { seedOf } from "../helpers/random.ts";
import { simulate } from "../proofs/months.ts";

test("four days of a co-op: every confirmed outage is told to whose turn came, once, and its end to the same people", async ({
  signal,
}) => {
  expect(await simulate(seedOf(1), { days: 4, stop: signal })).toMatch(/^[1-9]\d* outages/);
});
