/** The memory of 500 and of 5,000 checks with 90 days of history, in a cgroup of 512 MB, and the bytes they write to disk. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Bench, Figure, Measurement } from "./lib/measurement.ts";
import { openMemoryCgroup } from "./lib/memory-cgroup.ts";
import { type MemoryOverTime, watchMemory } from "./lib/memory-over-time.ts";
import { refuseMemoryFolder, writeHistory } from "./lib/seeded-history.ts";
import { databaseIn, manyTargets, startTidewatch } from "./lib/tidewatch-process.ts";
import { startTinyServer } from "./lib/tiny-server.ts";

const serverBytes = 512 * 1024 * 1024;

interface Size {
  readonly checks: number;
  readonly minutes: number;
  readonly mostAnonymous?: number;
  readonly mostCharged?: number;
}

export const measurement: Measurement = {
  summary: "Memory with 500 and 5,000 checks and 90 days of history, in a cgroup of 512 MB; bytes written per check",
  limitSeconds: 1500,
  async run(bench) {
    await refuseMemoryFolder(bench.folder);
    const few = { checks: 500, minutes: Math.min(3, bench.minutes), mostAnonymous: 150, mostCharged: 180 };
    const many = { checks: 5000, minutes: bench.minutes };
    return [...(await measureSize(few, bench)), ...(await measureSize(many, bench))];
  },
};

async function measureSize(size: Size, bench: Bench): Promise<readonly Figure[]> {
  const folder = join(bench.folder, `checks-${size.checks}`);
  await using tinyServer = await startTinyServer();
  const targets = manyTargets({ targets: size.checks / 10, checksEach: 10 }, { url: tinyServer.url, every: "60s" });
  await writeHistory(databaseIn(folder), targets, { days: 90, samples: true }, bench.progress);
  const { size: databaseBytes } = await stat(databaseIn(folder));
  const made = await openMemoryCgroup(serverBytes);
  const why = typeof made === "string" ? ` No cgroup could be made, so nothing limits it: ${made}.` : "";
  await using cgroup = typeof made === "string" ? undefined : made;
  const settings = { folder, targets, anchor: tinyServer.url, ...(cgroup && { enter: cgroup.enter }) };
  const memory = await watchMemory(() => startTidewatch(bench, settings), size.minutes * 60, cgroup, bench);
  const database = `database ${Math.round(databaseBytes / 1e6)} MB, page and /metrics being read.`;
  return figuresOf(size, memory, `${memory.died ? `It ${memory.died}. ` : ""}${database}${why}`);
}

/** Without a cgroup nothing is charged; what died early has not said everything. */
function figuresOf(size: Size, memory: MemoryOverTime, note: string): readonly Figure[] {
  const { checks, minutes, mostAnonymous, mostCharged } = size;
  const { readings, seconds, written, heapLimitBytes } = memory;
  const fullest = readings.flatMap(({ charged }) => charged ?? []).toSorted((a, b) => b.bytes - a.bytes)[0];
  const highest = (values: readonly number[]) => (values.length === 0 ? undefined : Math.max(...values));
  const megabytes = (what: string, bytes: number | undefined, atMost?: number): readonly Figure[] => {
    if (bytes === undefined) return [];
    const target = atMost === undefined ? {} : { target: { of: "value", atMost } as const };
    return [{ what: `${checks} checks, ${what}`, unit: "MB", ours: bytes / 1e6, ...target }];
  };
  return [
    {
      what: memory.peakBytes === undefined ? `${checks} checks, lives` : `${checks} checks in 512 MB, lives`,
      unit: "s",
      ours: seconds,
      target: { of: "value", atLeast: minutes * 60 },
      note,
    },
    ...megabytes("anonymous memory, highest", highest(readings.map((of) => of.anonymousBytes)), mostAnonymous),
    ...megabytes("charged to the cgroup, highest", memory.peakBytes ?? fullest?.bytes, mostCharged),
    ...megabytes("file cache in that", fullest?.fileCacheBytes),
    ...megabytes("resident memory, highest", highest(readings.map((of) => of.residentBytes))),
    ...megabytes("heap limit of V8, main thread", heapLimitBytes),
    ...(written === undefined
      ? []
      : [
          {
            what: `${checks} checks, written per stored check`,
            unit: "B",
            ours: written.bytes / written.checks,
            target: { of: "value", atMost: 1000 } as const,
            note: `${written.checks} checks, page copies on disk included; few hours are packed in so short a time`,
          },
        ]),
  ];
}
