/** The capacity report: reads from our store the readings of every database and disk with a capacity plan. */
import { type CapacityModel, capacityModel } from "../core/capacity/capacity.ts";
import type { Point } from "../core/capacity/full-date.ts";
import type { StorePart } from "../core/capacity/table-growth.ts";
import type { ReadingSeries, SampleStore } from "../core/store/samples.ts";
import type { Store } from "../core/store/store.ts";
import type { CapacityPlan, Target } from "../core/target.ts";
import { type Annotation, named } from "../core/upgrade.ts";

/** The forecast looks back 180 days. */
const historyHours = 24 * 185;
const partsHours = 24 * 35;
/** A newer reading than this, or what is known is stale. */
const freshHours = 36;

/** One model for each plan, in the order of the configuration. */
export async function capacityModels(
  store: { readonly samples: Pick<SampleStore, "readings"> },
  targets: readonly Target[],
  now: Temporal.Instant,
): Promise<readonly CapacityModel[]> {
  const plans = targets
    .filter(({ planned }) => !planned)
    .flatMap((target) => target.capacity.map((plan) => ({ target, plan })));
  const models: CapacityModel[] = [];
  for (const { target, plan } of plans) models.push(await planModel(store, target, plan, now));
  return models;
}

/** What happened to any target as far back as the charts go, with the target's name before it: "Mastodon upgraded …". */
export async function namedAnnotations(
  store: Pick<Store, "annotations">,
  targets: readonly Target[],
  now: Temporal.Instant,
): Promise<readonly Annotation[]> {
  const annotations = await store.annotations.list({ from: now.subtract({ hours: historyHours }), to: now });
  return annotations.flatMap(({ target, at, text }) => {
    const name = targets.find(({ id }) => id === target)?.name;
    return name ? [{ target, at, text: named(name, text) }] : [];
  });
}

async function planModel(
  store: { readonly samples: Pick<SampleStore, "readings"> },
  target: Target,
  plan: CapacityPlan,
  now: Temporal.Instant,
): Promise<CapacityModel> {
  const read = (metric: string, per: "raw" | "day", hours: number) =>
    store.samples.readings({ metric, target: target.id, check: plan.check }, per, {
      from: now.subtract({ hours }),
      to: now,
    });
  const [daily, fresh, limits, databases, relations] = await Promise.all([
    read("storage_used_bytes", "day", historyHours),
    read("storage_used_bytes", "raw", freshHours),
    read("storage_limit_bytes", "day", historyHours),
    read("postgres_database_size_bytes", "day", partsHours),
    read("postgres_relation_size_bytes", "day", partsHours),
  ]);
  const used = newestSeries(daily);
  const newest = newestSeries(fresh)?.points.at(-1);
  const limit = newestSeries(limits)?.points.at(-1);
  return capacityModel({
    target,
    plan,
    store: used?.labels["store"] ?? plan.check,
    daily: used?.points ?? [],
    ...(newest && { newest }),
    ...(limit && { measuredLimitBytes: limit.value }),
    parts: [...databases.map(asPart("database")), ...relations.map(asPart("table"))],
    now,
  });
}

/** A check that was pointed at another store has left the readings of the old one behind. */
function newestSeries(series: readonly ReadingSeries[]): ReadingSeries | undefined {
  const newest = (points: readonly Point[]) => points.at(-1)?.at.epochMilliseconds ?? 0;
  return series.toSorted((a, b) => newest(b.points) - newest(a.points))[0];
}

/** What the probe calls the tables it does not name. */
const others = "(others)";

function asPart(kind: "database" | "table"): (series: ReadingSeries) => StorePart {
  return ({ labels, points }) => {
    const name = labels["database"] ?? labels["relation"] ?? "";
    return { kind: name === others ? "others" : kind, name, points };
  };
}
