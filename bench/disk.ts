/** The bytes written to disk for each stored check: hours of commits, one a second, with rollups and packing, at full speed. */
import { join } from "node:path";
import { openSqliteStore } from "../store/sqlite/sqlite.ts";
import { writtenBytes } from "./lib/child-process.ts";
import type { Measurement } from "./lib/measurement.ts";
import { refuseMemoryFolder, sampleOf, vantagePoint } from "./lib/seeded-history.ts";

const checks = 500;
const everySeconds = 60;
const hours = 6;
const maintainEverySeconds = 120;
const selfTestEverySeconds = 30;

export const measurement: Measurement = {
  summary: "Bytes written per stored check, hours of commits simulated through the store",
  limitSeconds: 120,
  async run(bench) {
    await refuseMemoryFolder(bench.folder);
    const before = await writtenBytes(process.pid);
    let stored = 0;
    {
      // Closing brings the last of the write-ahead log into the file.
      await using store = await openSqliteStore(join(bench.folder, "tidewatch.db"));
      const start = Math.floor(Temporal.Now.instant().epochMilliseconds / 3_600_000) * 3_600_000 - hours * 3_600_000;
      for (let second = 0; second < hours * 3600; second++) {
        if (second % 3600 === 0) {
          bench.progress(`hour ${second / 3600 + 1}/${hours}`);
          bench.signal.throwIfAborted();
        }
        const samples = samplesOf(start, second);
        await store.commit({ samples });
        stored += samples.length;
        if (second % selfTestEverySeconds === 0) await store.selfTest();
        if (second % maintainEverySeconds === 0) {
          await store.maintain(Temporal.Instant.fromEpochMilliseconds(start + second * 1000));
        }
      }
    }
    return [
      {
        what: "written per stored check, store alone",
        unit: "B",
        ours: ((await writtenBytes(process.pid)) - before) / stored,
        target: { of: "value", atMost: 1000 },
        note: `${stored} checks: ${checks} every ${everySeconds} s for ${hours} simulated hours, one commit for each second`,
      },
    ];
  },
};

/** Those of the checks, spread over the interval, whose turn is in this second. */
function samplesOf(start: number, second: number) {
  const place = second % everySeconds;
  const turns = Array.from({ length: checks }, (_, index) => index).filter(
    (index) => Math.floor((index * everySeconds) / checks) === place,
  );
  return turns.map((index) => {
    const check = { target: `service-${index % 50}`, check: `web-${Math.floor(index / 50)}`, vantagePoint };
    return sampleOf(check, index, start + second * 1000 + index);
  });
}
