import { expect, test } from "vitest";
import { openMetrics } from "../../collector/metrics.ts";
import type { Live } from "../../core/live.ts";
import { outcomes, type Sample } from "../../core/sample.ts";
import { noVerdict } from "../../core/verdict.ts";

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

function setup(samples: readonly Sample[] = [web, queues, growth, beside]) {
  const last = new Map(samples.map((sample) => [`${sample.target}/${sample.check}`, sample]));
  const live: Live = {
    checks: () =>
      [...last.values()].map((sample) => ({
        target: sample.target,
        check: sample.check,
        vantagePoint: sample.vantagePoint,
        verdict: noVerdict,
        last: sample,
      })),
  };
  const metrics = openMetrics({ version: "0.1.0", live, targets: [], channels: ["email"] });
  metrics.observe(samples);
  metrics.setFigures([
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
  metrics.setOutboxPending(2);
  metrics.countPage();
  metrics.countNotice("email", true);
  return { metrics, last };
}

/** Ours, without the figures of the process, which differ each time. */
const ours = (body: string) =>
  body
    .split("\n")
    .filter((line) => !/tidewatch_(process|nodejs)_/.test(line))
    .join("\n");

test("the metrics are those of the golden file: a change here is a change of an interface", async () => {
  const { metrics } = setup();
  const { body, contentType } = await metrics.render(undefined);
  expect(contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  await expect(ours(body)).toMatchFileSnapshot("../fixtures/metrics/golden.prom");
});

test("a scraper that asks for OpenMetrics gets it, ended by # EOF, counters named without _total", async () => {
  const { metrics } = setup();
  const { body, contentType } = await metrics.render("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
  expect(contentType).toMatch(/^application\/openmetrics-text/);
  expect(body.endsWith("# EOF\n")).toBe(true);
  expect(body).toContain("# TYPE tidewatch_pages counter\ntidewatch_pages_total 1\n");
});

test("no series stands twice, even when two checks of a target read the same thing", async () => {
  const { metrics } = setup([queues, { ...queues, check: "queues-again" }]);
  const { body } = await metrics.render(undefined);
  const names = body
    .split("\n")
    .flatMap((line) => (line === "" || line.startsWith("#") ? [] : [line.replace(/ [^ ]+$/, "")]));
  expect(names.length).toBe(new Set(names).size);
});

test("readings of a check that no longer answers disappear instead of growing old", async () => {
  const { metrics } = setup();
  metrics.observe([{ ...queues, outcome: "down", readings: [] }]);
  expect((await metrics.render(undefined)).body).not.toContain("tidewatch_queue_latency_seconds{");
});

test("what is read only now and then stays between two readings", async () => {
  const { metrics } = setup();
  metrics.observe([{ ...growth, readings: [] }]);
  expect((await metrics.render(undefined)).body).toContain("tidewatch_storage_used_bytes{");
});

test("what a reload took out disappears, also when a late sample of it is stored afterwards", async () => {
  const { metrics, last } = setup();
  last.delete("mastodon/queues");
  metrics.reconfigure([]);
  metrics.observe([web, queues]);
  const { body } = await metrics.render(undefined);
  expect(body).toContain('tidewatch_check_runs_total{target="mastodon",check="web"');
  expect(body).not.toContain('check="queues"');
  expect(body).not.toContain("tidewatch_queue_latency_seconds{");
});

test("each outcome is a state set: exactly one is 1", async () => {
  const { metrics } = setup();
  const { body } = await metrics.render(undefined);
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
  const { body } = await metrics.render(undefined);
  const lag = /^tidewatch_nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(body)?.[1];
  expect(Number(lag)).toBeGreaterThan(0.1);
});

test("the figures of the process are a chosen few, named by the rules of Prometheus", async () => {
  const { metrics } = setup();
  const { body } = await metrics.render(undefined);
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
