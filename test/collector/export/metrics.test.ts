import { expect, test, vi } from "vitest";
import { type Metrics, openMetrics } from "../../../collector/export/metrics.ts";
import { noConfirmation } from "../../../core/confirmation.ts";
import type { Live } from "../../../core/live-state.ts";
import { readingFamilies } from "../../../core/metric-families.ts";
import { outcomes, type Sample } from "../../../core/sample.ts";
import { loadProbes } from "../../../program/plug-ins.ts";
import { exportedMetrics } from "../../deploy/exported.ts";

const at = Temporal.Instant.from("2026-11-23T12:00:00Z");
const place = { vantagePoint: "here", at, durationSeconds: 0.25 };
const web: Sample = {
  ...place,
  target: "mastodon",
  check: "web",
  outcome: "up",
  phases: { resolve: 0.001, connect: 0.012, tls: 0.03, processing: 0.2, transfer: 0.007, total: 0.25 },
  readings: [
    { metric: "certificate_expiry_timestamp_seconds", value: 1800000000 },
    { metric: "not_in_the_interface", value: 1 },
  ],
};
const queues: Sample = {
  ...place,
  target: "mastodon",
  check: "queues",
  outcome: "degraded",
  readings: [
    { metric: "queue_latency_seconds", value: 840.5, labels: { queue: "default" } },
    { metric: "queue_jobs", value: 1200, labels: { queue: "default", state: "enqueued" } },
  ],
};
const growth: Sample = {
  ...place,
  target: "database",
  check: "growth",
  outcome: "up",
  readings: [
    { metric: "postgres_database_size_bytes", value: 61e9, labels: { database: 'quo"te\\back\nline' } },
    { metric: "postgres_wal_bytes", value: 1e9 },
    { metric: "postgres_connections_ratio", value: 0.25 },
    { metric: "storage_used_bytes", value: 62e9, labels: { store: "cluster" } },
    { metric: "storage_limit_bytes", value: 100e9, labels: { store: "cluster" } },
  ],
};
const beside: Sample = {
  ...place,
  target: "podcasts",
  check: "beside",
  outcome: "up",
  readings: [
    { metric: "mysql_database_size_bytes", value: 2e9, labels: { database: "castopod" } },
    { metric: "mysql_log_bytes", value: 8e6, labels: { log: "redo" } },
    { metric: "mysql_connections_ratio", value: 0.1 },
    { metric: "prometheus_value", value: 43, labels: { name: "streaming-clients" } },
    { metric: "dns_name_servers", value: 2, labels: { state: "answering" } },
    { metric: "heartbeat_success_timestamp_seconds", value: 1800000000 },
    { metric: "heartbeat_run_seconds", value: 90 },
  ],
};
const families = readingFamilies(await loadProbes());
const byHand = [web, queues, growth, beside];
const shownByHand = new Set(byHand.flatMap(({ readings = [] }) => readings.map(({ metric }) => metric)));
/** Everything else that any probe reads, each label with its own name for a value. */
const others: Sample = {
  ...place,
  target: "others",
  check: "rest",
  outcome: "up",
  readings: families
    .filter(({ name }) => !shownByHand.has(name))
    .map(({ name: metric, labels }) => ({
      metric,
      value: 1,
      labels: Object.fromEntries(labels.filter((label) => label !== "check").map((label) => [label, label])),
    })),
};

function setup(samples: readonly Sample[] = [...byHand, others]) {
  const last = new Map(samples.map((sample) => [`${sample.target}/${sample.check}`, sample]));
  const live: Pick<Live, "checks"> = {
    checks: () =>
      [...last.values()].map((sample) => ({
        target: sample.target,
        check: sample.check,
        vantagePoint: sample.vantagePoint,
        confirmation: noConfirmation,
        last: sample,
      })),
  };
  const metrics = openMetrics({ version: "0.1.0", live, targets: [], channels: ["email"], families });
  metrics.observe(samples);
  metrics.setTargetMetrics([
    {
      target: "mastodon",
      outcome: "degraded",
      uptime: { "30d": 0.9991 },
      errorBudgetRemaining: 0.82,
      openIncidents: 1,
      storageFull: [
        { store: "cluster", quantile: "0.1", at: 1806000000 },
        { store: "cluster", quantile: "0.5", at: 1809000000 },
        { store: "cluster", quantile: "0.9", at: Number.POSITIVE_INFINITY },
      ],
    },
  ]);
  metrics.setScheduleLag(0.02);
  metrics.setOutboxDue(2, 75);
  metrics.setStrangeRows(1);
  metrics.countPage();
  metrics.countNotice("email", true);
  return { metrics, last };
}

async function render(metrics: Metrics, accept?: string) {
  const { contentType, body } = await metrics.render(accept);
  return { contentType, body: Buffer.from(body).toString() };
}

const ofProcess = /tidewatch_(?:process|nodejs)_/;

/** Ours, without the figures of the process, which differ each time. */
const ours = (body: string) =>
  body
    .split("\n")
    .filter((line) => !ofProcess.test(line))
    .join("\n");

/** Those of the process, without what differs each time. */
const processes = (body: string) => {
  const lines = body.split("\n").filter((line) => ofProcess.test(line));
  const bare = lines.map((line) =>
    line.startsWith("#") ? line : line.replaceAll(/"[^"]*"/g, '""').replace(/ \S+$/, " 0"),
  );
  return [...new Set(bare), ""].join("\n");
};

// One that is meant is written with `npx vitest run test/collector/export/metrics.test.ts -u`, and its name goes into the
// changelog.
test("the metrics are those of the golden file: a change here is a change of an interface", async () => {
  const { metrics } = setup();
  const { body, contentType } = await render(metrics);
  expect(contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  await expect(ours(body)).toMatchFileSnapshot("../../fixtures/metrics/golden.prom");
});

test.runIf(process.platform === "linux")("so are those of the process, some of which only Linux tells", async () => {
  const { metrics } = setup();
  const { body } = await vi.waitFor(async () => {
    // Garbage, until some of it was collected.
    Array.from({ length: 100_000 }, (_, index) => ({ index }));
    const rendered = await render(metrics);
    expect(rendered.body).toContain("tidewatch_nodejs_gc_duration_seconds_count");
    return rendered;
  }, 10_000);
  await expect(processes(body)).toMatchFileSnapshot("../../fixtures/metrics/golden-process.prom");
});

test("every metric that a probe declares for export stands in the golden file, with its labels", async () => {
  const { metrics } = setup();
  const exported = exportedMetrics((await render(metrics)).body);
  for (const { name, labels, exported: isExported } of families) {
    const expected = isExported ? new Set(["target", ...labels]) : undefined;
    expect([name, exported.get(`tidewatch_${name}`)]).toEqual([name, expected]);
  }
});

test("a scraper that asks for OpenMetrics gets it, ended by # EOF, counters named without _total", async () => {
  const { metrics } = setup();
  const { body, contentType } = await render(metrics, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
  expect(contentType).toMatch(/^application\/openmetrics-text/);
  expect(body.endsWith("# EOF\n")).toBe(true);
  expect(body).toContain("# TYPE tidewatch_pages counter\ntidewatch_pages_total 1\n");
});

test("no series stands twice, even when two checks of a target read the same thing", async () => {
  const { metrics } = setup([queues, { ...queues, check: "queues-again" }]);
  const { body } = await render(metrics);
  const names = body
    .split("\n")
    .flatMap((line) => (line === "" || line.startsWith("#") ? [] : [line.replace(/ [^ ]+$/, "")]));
  expect(names.length).toBe(new Set(names).size);
});

test("readings of a check that no longer answers disappear instead of growing old", async () => {
  const { metrics } = setup();
  metrics.observe([{ ...queues, outcome: "down", readings: [] }]);
  expect((await render(metrics)).body).not.toContain("tidewatch_queue_latency_seconds{");
});

test("what is read only now and then stays between two readings", async () => {
  const { metrics } = setup();
  metrics.observe([{ ...growth, readings: [] }]);
  expect((await render(metrics)).body).toContain("tidewatch_storage_used_bytes{");
});

test("what a reload took out disappears, also when a late sample of it is stored afterwards", async () => {
  const { metrics, last } = setup();
  last.delete("mastodon/queues");
  metrics.reconfigure([], families);
  metrics.observe([web, queues]);
  const { body } = await render(metrics);
  expect(body).toContain('tidewatch_check_runs_total{target="mastodon",check="web"');
  expect(body).not.toContain('check="queues"');
  expect(body).not.toContain("tidewatch_queue_latency_seconds{");
});

test("each outcome is a state set: exactly one is 1", async () => {
  const { metrics } = setup();
  const { body } = await render(metrics);
  for (const outcome of outcomes) {
    const value = outcome === "up" ? 1 : 0;
    expect(body).toContain(
      `tidewatch_check_outcome{target="mastodon",check="web",vantage_point="here",outcome="${outcome}"} ${value}\n`,
    );
  }
});

test("a blocked event loop shows in its lag", async () => {
  const { metrics } = setup();
  for (let times = 0; times < 4; times++) {
    const until = performance.now() + 250;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const { body } = await render(metrics);
  const lag = /^tidewatch_nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(body)?.[1];
  expect(Number(lag)).toBeGreaterThan(0.1);
});

test("the figures of the process are a chosen few, named by the rules of Prometheus", async () => {
  const { metrics } = setup();
  const { body } = await render(metrics);
  const kinds = [...body.matchAll(/^# TYPE (tidewatch_(?:process|nodejs)_\w+) (\w+)$/gm)];
  const names = kinds.map(([, name]) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      "tidewatch_process_cpu_seconds_total",
      "tidewatch_process_resident_memory_bytes",
      "tidewatch_nodejs_eventloop_lag_p99_seconds",
      "tidewatch_nodejs_version_info",
    ]),
  );
  expect(names.length).toBeLessThan(20);
  for (const [, name = "", kind] of kinds) expect([name, kind === "counter"]).toEqual([name, name.endsWith("_total")]);
});
