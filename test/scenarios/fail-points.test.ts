/** A sample of the proof by kill -9 at chosen points; all of them, five times and more: `npm run proof -- fail-points`. */
import { expect, test } from "vitest";
import { type Course, killAtPoints } from "../proofs/fail-points.ts";

test("killed as a copy of a page leaves, after it was accepted and after its end was written, it loses and repeats nothing more", async ({
  signal,
}) => {
  const course: Course = {
    outage: ["commit-after", "copy-counted", "send-after", "settle"],
    end: ["resolve-commit", "send-after"],
  };
  const kills = await killAtPoints([course], signal);
  expect(Object.fromEntries(kills)).toMatchObject({ "copy-counted": 1, "send-after": 2, "resolve-commit": 1 });
}, 600_000);
