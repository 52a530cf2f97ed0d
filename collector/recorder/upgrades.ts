/** Notes upgrades: when a watched program changed its version, in the transaction of the sample that confirmed it. */
import type { MetricFamily } from "../../core/metric-families.ts";
import type { Sample } from "../../core/sample.ts";
import { type Changes, mergeChanges } from "../../core/store/changes.ts";
import type { ReadingSeries } from "../../core/store/samples.ts";
import type { Store } from "../../core/store/store.ts";
import { Versions } from "../../core/upgrade.ts";

export interface Upgrades {
  /** @returns what was decided about this sample, with what is to be noted beside it. */
  noted(sample: Sample, decided: Changes | undefined): Changes | undefined;
  /**
   * An upgrade while nobody looked is noted too, when that was not for long: for the start, and for a reload.
   * @param families of the probes that are in use; those that end in `_info` tell versions.
   */
  lookBack(families: readonly MetricFamily[], now: Temporal.Instant): Promise<void>;
}

const lookBackHours = 48;

export function openUpgrades(store: Pick<Store, "samples">): Upgrades {
  const versions = new Versions();
  const known = new Set<string>();
  return {
    noted(sample, decided) {
      const annotations = versions.note(sample);
      return annotations.length === 0 ? decided : mergeChanges([decided ?? {}, { annotations }]);
    },
    async lookBack(families, now) {
      const span = { from: now.subtract({ hours: lookBackHours }), to: now };
      for (const { name: metric } of families) {
        if (!metric.endsWith("_info") || known.has(metric)) continue;
        known.add(metric);
        // What these made sure was noted then; it only has to be known again.
        for (const seen of inOrder(await store.samples.readings({ metric }, "raw", span))) versions.note(seen);
      }
    },
  };
}

function inOrder(series: readonly ReadingSeries[]) {
  return series
    .flatMap(({ target, metric, labels, points }) =>
      points.map(({ at, value }) => ({ target, at, readings: [{ metric, value, labels }] })),
    )
    .sort((a, b) => Temporal.Instant.compare(a.at, b.at));
}
