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
}

/** An upgrade while we were away is noted too, when it was not for longer than this. */
const lookBackHours = 48;

/** @param families of all probes; those that end in `_info` tell versions. */
export async function openUpgrades(
  store: Pick<Store, "samples">,
  families: readonly MetricFamily[],
  now: Temporal.Instant,
): Promise<Upgrades> {
  const versions = new Versions();
  const span = { from: now.subtract({ hours: lookBackHours }), to: now };
  for (const { name: metric } of families.filter(({ name }) => name.endsWith("_info"))) {
    // What these made sure was noted then; it only has to be known again.
    for (const seen of inOrder(await store.samples.readings({ metric }, "raw", span))) versions.note(seen);
  }
  return {
    noted(sample, decided) {
      const annotations = versions.note(sample);
      return annotations.length === 0 ? decided : mergeChanges([decided ?? {}, { annotations }]);
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
