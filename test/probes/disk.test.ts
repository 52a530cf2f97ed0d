/** The disk probe, compared with df. */
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import type { Sample } from "../../core/sample.ts";
import probe from "../../probes/disk.ts";
import { runProbe } from "../helpers/run-probe.ts";

test.each(["/", tmpdir()])("%s is as full as df says", async (path) => {
  const [before = Number.NaN] = df("--output=used", path);
  const sample = await runProbe(probe, { path });
  const [used = Number.NaN, available = Number.NaN] = df("--output=used,avail", path);
  const { bytes, limit, share } = figures(sample);
  expect(sample.outcome).toBe("up");
  // Others write to this disk meanwhile: as much as they did between two looks of df, and a little.
  const others = Math.abs(used - before) * 1024 + 64_000_000;
  expect(Math.abs(bytes - used * 1024)).toBeLessThan(others);
  expect(Math.abs(limit - (used + available) * 1024)).toBeLessThan(others);
  const [percent] = df("--output=pcent", path);
  expect(Math.abs(Math.ceil(share * 100) - (percent ?? 0))).toBeLessThanOrEqual(1);
});

test("inodes are counted as df counts them, where there are any", async () => {
  const sample = await runProbe(probe, { path: "/" });
  const [all = 0, used = 0] = df("--output=itotal,iused", "/");
  const share = sample.readings?.find(({ metric }) => metric === "storage_inodes_ratio")?.value;
  if (all === 0) expect(share).toBeUndefined();
  else expect(share).toBeCloseTo(used / all, 2);
});

test("a path that does not exist is not measured, and says what to check", async () => {
  const sample = await runProbe(probe, { path: "/nowhere/at/all" });
  expect(sample).toMatchObject({
    outcome: "unknown",
    reason: "there is no /nowhere/at/all here: check the path, and whether the disk is mounted",
  });
  expect(sample.readings).toBeUndefined();
});

test("a file system without a size is not measured", async () => {
  const sample = await runProbe(probe, { path: "/proc" });
  expect(sample).toMatchObject({ outcome: "unknown", reason: expect.stringContaining("no size of its own") });
});

test("it is named by its path, or as configured", async () => {
  const store = (sample: Sample) => sample.readings?.[0]?.labels?.["store"];
  expect(store(await runProbe(probe, { path: "/" }))).toBe("/");
  expect(store(await runProbe(probe, { path: "/", store: "root" }))).toBe("root");
});

test("somebody is woken well before it is full, and before the host stops writes", () => {
  const levels = (options: object) =>
    (probe.thresholds?.(probe.options.parse({ path: "/", ...options })) ?? [])
      .filter(({ metric }) => metric === "storage_used_ratio")
      .map(({ urgency, raiseAt, clearAt }) => ({ urgency, raiseAt, clearAt }));
  expect(levels({})).toEqual([
    { urgency: "ticket", raiseAt: 0.8, clearAt: 0.77 },
    { urgency: "page", raiseAt: 0.92, clearAt: 0.89 },
  ]);
  expect(levels({ usableFraction: "90%" })).toEqual([
    { urgency: "ticket", raiseAt: 0.8, clearAt: 0.77 },
    { urgency: "page", raiseAt: 0.88, clearAt: 0.85 },
  ]);
  expect(levels({ usableFraction: "50%" })).toEqual([
    { urgency: "ticket", raiseAt: 0.4, clearAt: 0.37 },
    { urgency: "page", raiseAt: 0.48, clearAt: 0.45 },
  ]);
  expect(probe.options.safeParse({ path: "/", usableFraction: "9%" }).success).toBe(false);
});

test("its plan takes the limit from what is measured", () => {
  const options = probe.options.parse({ path: "/", sizes: [{ name: "big", capacity: "1 TB", monthly: 20 }] });
  expect(probe.capacity?.(options, "root")).toEqual({
    check: "root",
    usableFraction: 1,
    leadDays: 14,
    sizes: [{ name: "big", bytes: 1e12, monthly: 20 }],
  });
});

test("a path must be whole", () => {
  expect(probe.options.safeParse({ path: "data" }).error?.message).toContain("beginning with /");
});

function df(output: string, path: string): readonly number[] {
  const text = execFileSync("df", ["-k", output, path], { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  return (text.trim().split("\n").at(-1) ?? "")
    .trim()
    .split(/\s+/)
    .map((word) => Number.parseInt(word, 10));
}

function figures(sample: Sample) {
  const value = (metric: string) => sample.readings?.find((reading) => reading.metric === metric)?.value ?? Number.NaN;
  return {
    bytes: value("storage_used_bytes"),
    limit: value("storage_limit_bytes"),
    share: value("storage_used_ratio"),
  };
}
