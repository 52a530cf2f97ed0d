/** What a stored check costs in CPU: of the whole process, probing, judging, storing and exporting included. */

import { cpuSeconds } from "./child-process.ts";
import type { Bench } from "./measurement.ts";
import { storedChecks, type TidewatchProcess } from "./tidewatch-process.ts";

/** As Prometheus would ask. */
const scrapeEverySeconds = 15;

/** Of the whole process, scraped as Prometheus would. */
export async function costOf(
  tidewatch: TidewatchProcess,
  seconds: number,
  bench: Bench,
): Promise<{ perCheck: number }> {
  const [cpu, stored] = [await cpuSeconds(tidewatch.pid), await storedChecks(tidewatch)];
  for (let left = seconds; left > 0; left -= scrapeEverySeconds) {
    await bench.sleep(Math.min(left, scrapeEverySeconds));
    if (left > scrapeEverySeconds) await storedChecks(tidewatch);
  }
  const spent = (await cpuSeconds(tidewatch.pid)) - cpu;
  const checks = (await storedChecks(tidewatch)) - stored;
  if (checks === 0) throw new Error("Tidewatch stored no check");
  return { perCheck: spent / checks };
}
