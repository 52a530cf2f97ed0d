/** A sample of the proof by kill -9: the same moments at every run. Others: `npm run proof -- kills`. */
import { expect, test } from "vitest";
import { seedOf } from "../helpers/random.ts";
import { killAmidOutages } from "../proofs/kills.ts";

test("20 kills in the middle of outages: one incident each, told until it is noted that it was, and nothing lost that was stored", async ({
  signal,
}) => {
  expect(await killAmidOutages(seedOf(20_261_123), signal)).toBe(20);
}, 600_000);
