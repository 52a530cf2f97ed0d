import fc from "fast-check";
import { expect, test } from "vitest";
import { CheckMetrics } from "../../../collector/export/check-metrics.ts";
import { exposition } from "../../../collector/export/exposition.ts";
import { noConfirmation } from "../../../core/confirmation.ts";
import type { CheckState } from "../../../core/live-state.ts";
import { counter, gauge, type MetricFamily, unexported } from "../../../core/metric-families.ts";
import { checkKey, outcomes, phaseNames, type Reading, type Sample } from "../../../core/sample.ts";

const families: readonly MetricFamily[] = [
  gauge("certificate_expiry_timestamp_seconds", "When it ends.", ["check"]),
  counter("jobs_total", "Jobs.", ["queue", "state"]),
  unexported("secret", "Not shown.", ["queue"]),
  gauge("jobs", "Waiting.", ["queue", "state"]),
];
const at = Temporal.Instant.from("2026-11-23T12:00:00Z");

const states = (samples: readonly Sample[]): readonly CheckState[] =>
  [...new Map(samples.map((sample) => [checkKey(sample), sample])).values()].map((last) => ({
    target: last.target,
    check: last.check,
    vantagePoint: last.vantagePoint,
    confirmation: noConfirmation,
    last,
  }));

async function written(metrics: CheckMetrics, checks: readonly CheckState[]): Promise<string> {
  const all = [...metrics.runFamilies(checks), ...(await metrics.readingFamilies(checks))];
  return Buffer.from((await exposition(all, undefined)).body).toString();
}

const label = fc.string({ maxLength: 3, unit: fc.constantFrom("a", "b", '"', "\\", "\n", "{", "é") });
const anySample: fc.Arbitrary<Sample> = fc.record({
  target: fc.constantFrom("mastodon", "podcasts"),
  check: fc.constantFrom("web", "queues"),
  vantagePoint: fc.constant("here"),
  at: fc.constant(at),
  durationSeconds: fc.integer({ min: 0, max: 9 }),
  outcome: fc.constantFrom(...outcomes),
  phases: fc.dictionary(fc.constantFrom(...phaseNames), fc.double({ min: 0, max: 9, noNaN: true })),
  readings: fc.array(
    fc.record({
      metric: fc.constantFrom("certificate_expiry_timestamp_seconds", "jobs_total", "secret", "jobs", "unheard_of"),
      value: fc.constantFrom(0, 1, 2.5, 1e21, Number.POSITIVE_INFINITY),
      labels: fc.dictionary(fc.constantFrom("queue", "state", "target"), label),
    }),
    { maxLength: 4 },
  ),
});

type Row = readonly [name: string, type: string, help: string, series: readonly Series[]];
type Series = readonly [labels: Readonly<Record<string, string>>, value: number];

/** The plainest way: every family looks through all samples. */
function plainly(samples: readonly Sample[], watched: readonly CheckState[]): string {
  const isWatched = (key: string) => watched.some((state) => checkKey(state) === key);
  const observed = [...new Set(samples.map(checkKey))].filter(isWatched);
  const place = ({ target, check, vantagePoint }: Sample) => ({ target, check, vantage_point: vantagePoint });
  const newest = watched.flatMap(({ last }) => (last ? [last] : []));
  const outcomeSeries = newest.flatMap((sample) =>
    outcomes.map((outcome): Series => [{ ...place(sample), outcome }, sample.outcome === outcome ? 1 : 0]),
  );
  const runs = observed.flatMap((key) => {
    const own = samples.filter((sample) => checkKey(sample) === key);
    return outcomes.flatMap((outcome): Series[] => {
      const [first] = own;
      return first ? [[{ ...place(first), outcome }, own.filter((one) => one.outcome === outcome).length]] : [];
    });
  });
  const durations = newest.flatMap((sample) =>
    phaseNames.flatMap((phase): Series[] => {
      const value = phase === "total" ? (sample.phases?.total ?? sample.durationSeconds) : sample.phases?.[phase];
      return value === undefined ? [] : [[{ ...place(sample), phase }, value]];
    }),
  );
  const exported = families.filter((family) => family.exported);
  const rows: readonly Row[] = [
    ["check_outcome", "gauge", "Outcome of the newest run: 1 for the one it has, 0 for the others.", outcomeSeries],
    ["check_runs_total", "counter", "Runs that were stored, by outcome.", runs],
    ["probe_duration_seconds", "gauge", "Duration of the newest run, by phase.", durations],
    ...exported.map((one): Row => [one.name, one.type, one.help, readSeries(one, samples, observed)]),
  ];
  return rows.map(rowText).join("");
}

/** What stays of the readings of each check, the first check of a target that reads the same thing first. */
function readSeries(family: MetricFamily, samples: readonly Sample[], observed: readonly string[]): readonly Series[] {
  const shown = new Map<string, Series>();
  for (const key of observed) {
    let known = new Map<string, Series>();
    for (const { target, check, outcome, readings = [] } of samples.filter((sample) => checkKey(sample) === key)) {
      if (outcome === "down" || outcome === "unknown") known = new Map();
      for (const { labels, value } of readings.filter(({ metric }) => metric === family.name)) {
        const all = { target, ...(family.labels.includes("check") && { check }), ...labels };
        known.set(JSON.stringify(all), [all, value]);
      }
    }
    for (const [name, series] of known) if (!shown.has(name)) shown.set(name, series);
  }
  return [...shown.values()];
}

function rowText([name, type, help, series]: Row): string {
  if (series.length === 0) return "";
  const lines = series.map(([labels, value]) => `tidewatch_${name}{${text(labels)}} ${number(value)}\n`);
  return `# HELP tidewatch_${name} ${help}\n# TYPE tidewatch_${name} ${type}\n${lines.join("")}`;
}

const text = (labels: Series[0]) =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`)
    .join(",");
const number = (value: number) => (value === Number.POSITIVE_INFINITY ? "+Inf" : String(value));

test("whatever is observed, in whatever order, the series and their order are those of looking through everything", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anySample, { maxLength: 12 }),
      fc.array(anySample, { maxLength: 3 }),
      async (early, late) => {
        const metrics = new CheckMetrics(families);
        for (const sample of early) metrics.observe(sample);
        expect(await written(metrics, states(early))).toBe(plainly(early, states(early)));
        for (const sample of late) metrics.observe(sample);
        // Something may have been stored of a check that nobody watches any more, or not yet.
        const watched = states([...early.slice(1), ...late.slice(0, 1)]);
        expect(await written(metrics, watched)).toBe(plainly([...early, ...late], watched));
      },
    ),
  );
});

test("a scrape holds whole families and no series twice, whatever is stored and reloaded while it is written", async () => {
  const reading = (queue: string): Reading => ({ metric: "jobs", value: 1, labels: { queue, state: "late" } });
  const sampleOf = (index: number, outcome: Sample["outcome"]): Sample => ({
    target: `service-${index}`,
    check: "web",
    vantagePoint: "here",
    at,
    durationSeconds: 1,
    outcome,
    readings: outcome === "up" ? [reading("a"), reading("b")] : [],
  });
  const samples = Array.from({ length: 10_000 }, (_, index) => sampleOf(index, "up"));
  const metrics = new CheckMetrics(families);
  for (const sample of samples) metrics.observe(sample);
  let [isWritten, rounds] = [false, 0];
  const scrape = written(metrics, states(samples)).finally(() => {
    isWritten = true;
  });
  while (!isWritten) {
    for (let index = rounds % 7; index < samples.length; index += 7)
      metrics.observe(sampleOf(index, rounds % 2 ? "down" : "up"));
    if (rounds === 1) metrics.reconfigure(samples.slice(3000).map(checkKey), families);
    rounds++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(rounds).toBeGreaterThan(2);
  const lines = (await scrape).trimEnd().split("\n");
  const series = lines.filter((line) => !line.startsWith("#")).map((line) => line.replace(/ \S+$/, ""));
  expect(new Set(series).size).toBe(series.length);
  const count = (name: string) => series.filter((one) => one.startsWith(`${name}{`)).length;
  expect(count("tidewatch_check_outcome")).toBe(4 * samples.length);
  expect(count("tidewatch_check_runs_total")).toBe(4 * samples.length);
  expect(count("tidewatch_probe_duration_seconds")).toBe(samples.length);
  expect(lines.filter((line) => line.startsWith("# TYPE"))).toHaveLength(4);
});
