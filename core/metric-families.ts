/** Metric families: the metrics a probe declares for its readings (name, type, help, labels), and all of them in one list. */
import { Refused } from "./errors.ts";

export interface MetricFamily {
  /** Without the prefix `tidewatch_`. */
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  /**
   * What a reading may carry, beside its target. Two checks of a target that read the same name are one series, unless
   * `check` is among the labels: then each has its own, and the exporter fills in the check's id.
   */
  readonly labels: readonly string[];
  /** On /metrics: the name is an interface, guarded by a golden file. */
  readonly exported: boolean;
}

export const gauge = (name: string, help: string, labels: readonly string[] = []): MetricFamily => ({
  name,
  type: "gauge",
  help,
  labels,
  exported: true,
});

export const counter = (name: string, help: string, labels: readonly string[] = []): MetricFamily => ({
  ...gauge(name, help, labels),
  type: "counter",
});

/** A gauge that only our own thresholds and pages read: kept in the store, not on /metrics. */
export const unexported = (name: string, help: string, labels: readonly string[] = []): MetricFamily => ({
  ...gauge(name, help, labels),
  exported: false,
});

/** Read by the collector itself wherever a check speaks TLS; a probe that looks at certificates gives it on its own. */
export const certificateExpiry = gauge(
  "certificate_expiry_timestamp_seconds",
  "When the first certificate of the chain ends.",
  ["check"],
);

/** What may come from any check, beside what its probe declares. */
export const commonFamilies: readonly MetricFamily[] = [certificateExpiry];

type Declaring = Readonly<Record<string, { readonly readings?: readonly MetricFamily[] }>>;

/** Every family that a check may read, once, in the order of /metrics and of the documentation. */
export function readingFamilies(probes: Declaring): readonly MetricFamily[] {
  const all: Declared[] = commonFamilies.map((family) => ({ family, by: "core/metric-families.ts" }));
  for (const [name, { readings = [] }] of Object.entries(probes).toSorted(byName)) {
    include(all, readings, `probes/${name}.ts`);
  }
  return all.map(({ family }) => family).toSorted((a, b) => rank(a) - rank(b));
}

interface Declared {
  readonly family: MetricFamily;
  readonly by: string;
}

/** What nobody declared before stands behind what it follows here, so that queues of all kinds keep one order. */
function include(all: Declared[], readings: readonly MetricFamily[], by: string): void {
  let next = all.length;
  for (const family of readings) {
    const place = all.findIndex((known) => known.family.name === family.name);
    const known = all[place];
    if (known) refuseUnlike(known, { family, by });
    else all.splice(next, 0, { family, by });
    next = (known ? place : next) + 1;
  }
}

function refuseUnlike(known: Declared, another: Declared): void {
  const differing = (["type", "help", "labels", "exported"] as const).filter(
    (part) => JSON.stringify(known.family[part]) !== JSON.stringify(another.family[part]),
  );
  if (differing.length === 0) return;
  throw new Refused(
    `${another.by} declares the metric ${another.family.name} with other ${differing.join(" and ")} than ${known.by}.`,
    "Give it another name, or declare it once in a file that both import.",
  );
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** By the first word of a name, as /metrics has always had them; whatever is new comes after them. */
const subjects: readonly string[] = [
  "certificate",
  "mastodon",
  "castopod",
  "pixelfed",
  "lemmy",
  "discourse",
  "cloudron",
  "federation",
  "queue",
  "postgres",
  "redis",
  "mysql",
  "prometheus",
  "dns",
  "heartbeat",
  "residency",
  "storage",
];

function rank({ name }: MetricFamily): number {
  const place = subjects.indexOf(name.slice(0, name.indexOf("_")));
  return place < 0 ? subjects.length : place;
}
