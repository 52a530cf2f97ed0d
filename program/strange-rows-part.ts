/**
 * Rows of the store that this version cannot read, as a part of the program: looked for at the start and once an hour, each
 * told once in the log, all of them counted in the metrics.
 */
import type { Metrics } from "../collector/export/metrics.ts";
import type { Clock } from "../core/clock.ts";
import { StoreUnavailable } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Store } from "../core/store/store.ts";
import type { StrangeRow } from "../core/store/strange-rows.ts";
import type { Part } from "./part.ts";

const everySeconds = 3600;
const retrySeconds = 60;

export interface StrangeRows extends Part {
  /** What the last look found. */
  rows(): readonly StrangeRow[];
}

export function strangeRowsPart(parts: {
  readonly store: Pick<Store, "strangeRows">;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "setStrangeRows">;
  /** Those that this version has. */
  readonly channels: readonly string[];
}): StrangeRows {
  const { store, clock, log, metrics, channels } = parts;
  const told = new Set<string>();
  let strange: readonly StrangeRow[] = [];
  const look = async () => {
    strange = await store.strangeRows(channels);
    metrics.setStrangeRows(strange.length);
    for (const { table, key, why } of strange) {
      const name = JSON.stringify([table, key]);
      if (told.has(name)) continue;
      told.add(name);
      log.warn("a row of the store cannot be read by this version, and is left as it is", { table, key, why });
    }
  };
  return {
    name: "strange rows",
    rows: () => strange,
    async run(signal) {
      while (!signal.aborted) {
        const again = await look().then(
          () => everySeconds,
          (error: unknown) => {
            if (error instanceof StoreUnavailable) return retrySeconds;
            throw error;
          },
        );
        await clock.sleep(again, signal).catch(() => undefined);
      }
    },
  };
}
