/** The memory that 500 checks with 90 days of history hold, and the bytes they write to disk, in the real program. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { residentBytes, writtenBytes } from "./lib/child-process.ts";
import type { Measurement } from "./lib/measurement.ts";
import { refuseMemoryFolder, writeHistory } from "./lib/seeded-history.ts";
import { databaseIn, manyTargets, startTidewatch, storedChecks } from "./lib/tidewatch-process.ts";
import { startTinyServer } from "./lib/tiny-server.ts";

const settleSeconds = 20;
const watchSeconds = 60;
const megabyte = 1_000_000;

export const measurement: Measurement = {
  summary: "Memory with 500 checks and 90 days of history, and bytes written per check, in the real program",
  limitSeconds: 300,
  async run(bench) {
    await refuseMemoryFolder(bench.folder);
    await using tinyServer = await startTinyServer();
    const folder = join(bench.folder, "tidewatch");
    const targets = manyTargets({ targets: 50, checksEach: 10 }, { url: tinyServer.url, every: "60s" });
    await writeHistory(databaseIn(folder), targets, { days: 90, sampleEveryHours: 3 }, bench.progress);
    const { size } = await stat(databaseIn(folder));
    await using tidewatch = await startTidewatch(bench, { folder, targets, anchor: tinyServer.url });
    await bench.sleep(settleSeconds);
    const [written, stored] = [await writtenBytes(tidewatch.pid), await storedChecks(tidewatch)];
    const resident: number[] = [];
    for (let second = 0; second < watchSeconds; second++) {
      if (second % 15 === 0) bench.progress(`watching its memory, ${watchSeconds - second} s left`);
      // Somebody looks now and then, and Prometheus does.
      if (second % 5 === 0) await (await fetch(tidewatch.publicUrl)).arrayBuffer();
      if (second % 15 === 0) await storedChecks(tidewatch);
      resident.push(await residentBytes(tidewatch.pid));
      await bench.sleep(1);
    }
    const checks = (await storedChecks(tidewatch)) - stored;
    const perCheck = ((await writtenBytes(tidewatch.pid)) - written) / checks;
    return [
      {
        what: "resident memory, highest",
        unit: "MB",
        ours: Math.max(...resident) / megabyte,
        target: { of: "value", atMost: 150 },
        note: `over ${watchSeconds} s at 500 checks a minute, page and /metrics being read; database ${Math.round(size / megabyte)} MB`,
      },
      {
        what: "written per stored check, real program",
        unit: "B",
        ours: perCheck,
        target: { of: "value", atMost: 1000 },
        note: `${checks} checks in ${watchSeconds} s, page copies on disk included; hours are not packed in so short a time`,
      },
    ];
  },
};
