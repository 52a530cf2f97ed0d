/** A memory cgroup as the benchmark uses it: what is charged, who is killed, and that nothing of it stays. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { start } from "../../../bench/lib/child-process.ts";
import { openMemoryCgroup } from "../../../bench/lib/memory-cgroup.ts";

const limitBytes = 100_000_000;
const eats = "const all = []; setInterval(() => all.push(Buffer.alloc(10_000_000, 1)), 1)";

test("a process that wants more than the limit is killed, and counted", async ({ skip }) => {
  const made = await openMemoryCgroup(limitBytes);
  // Not everybody may make one.
  if (typeof made === "string") return skip(made);
  const folder = made.folder;
  {
    await using cgroup = made;
    await using hungry = await start({ name: "hungry", command: [...cgroup.enter, process.execPath, "--eval", eats] });
    expect(await hungry.ended).toBe("was killed by SIGKILL");
    expect(await cgroup.kills()).toBe(1);
    expect(await cgroup.peakBytes()).toBeGreaterThan(0.9 * limitBytes);
  }
  expect(existsSync(folder)).toBe(false);
});
