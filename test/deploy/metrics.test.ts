/** The metrics of the real program, as Prometheus, its dashboards and its rules see them. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { type Practice, startPractice } from "../helpers/practice.ts";
import { askedMetrics, exportedMetrics, groupedLabels } from "./exported.ts";
import { startScraper } from "./scraper.ts";
import { projectText, projectYaml, prometheus, promtool, tool } from "./tools.ts";

const prometheusTool = await tool(promtool);
const prometheusServer = await tool(prometheus);

let practice: Practice;
let host: string;
beforeAll(async () => {
  practice = await startPractice();
  host = new URL(practice.practiceUrl).host;
  // Until each check has run once and the figures were worked out.
  await vi.waitFor(
    async () => {
      const names = exportedMetrics(await scraped())
        .keys()
        .toArray();
      expect(names).toEqual(expect.arrayContaining([...awaited, ...(withoutQueues() ? [] : ["tidewatch_queue_jobs"])]));
    },
    { timeout: 60_000, interval: 200 },
  );
});
afterAll(() => practice[Symbol.asyncDispose]());

/** One of each kind of check, and a figure that is worked out afterwards. */
const awaited = ["tidewatch_mastodon_info", "tidewatch_postgres_wal_bytes", "tidewatch_storage_full_timestamp_seconds"];
/** Why the practice has no queues, where Redis cannot be had. */
const withoutQueues = () => /Without queues: (.+)/.exec(practice.printed())?.[1];

async function scraped(accept = "text/plain"): Promise<string> {
  const answer = await fetch(`http://${host}/metrics`, { headers: { accept } });
  expect(answer.status).toBe(200);
  return answer.text();
}

prometheusTool.test("promtool has nothing to say about /metrics, and would about a badly named one", async () => {
  const text = await scraped();
  expect(await prometheusTool.run(["check", "metrics"], text)).toEqual({ code: 0, said: "" });
  const bad = `${text}# TYPE tidewatch_queueLatency_total gauge\ntidewatch_queueLatency_total 1\n`;
  expect((await prometheusTool.run(["check", "metrics"], bad)).said).toContain("_total");
});

test("both formats say the same series", async () => {
  const open = exportedMetrics(await scraped("application/openmetrics-text;version=1.0.0"));
  expect(open).toEqual(exportedMetrics(await scraped()));
});

prometheusServer.test("a real Prometheus scrapes it without a word of complaint", async () => {
  await using scraper = await startScraper(prometheusServer.program, host);
  await vi.waitFor(
    async () => expect((await scraper.query('count_over_time(up{job="tidewatch"}[1m])'))[0]?.value).toBeGreaterThan(3),
    { timeout: 60_000, interval: 200 },
  );
  expect(await scraper.target()).toMatchObject({ health: "up", lastError: "" });
  expect((await scraper.query('min_over_time(up{job="tidewatch"}[1m])'))[0]?.value).toBe(1);
  const log = await scraper.log();
  // So that silence means something: at this level it does report what it does.
  expect(log).toContain("level=debug");
  const complaints = log
    .split("\n")
    .filter((line) => /level=(warn|error)|duplicate|out of order|out of bounds|append failed/i.test(line));
  expect(complaints).toEqual([]);
});

prometheusServer.test("what Prometheus kept is what the program said", async () => {
  await using scraper = await startScraper(prometheusServer.program, host);
  const kept = async (query: string) => {
    const result = await vi.waitFor(
      async () => {
        const found = await scraper.query(query);
        expect(found.length).toBeGreaterThan(0);
        return found;
      },
      { timeout: 60_000, interval: 200 },
    );
    return result;
  };
  expect(await kept('tidewatch_target_outcome{target="mastodon",outcome="up"} == 1')).toMatchObject([
    { labels: { outcome: "up" }, value: 1 },
  ]);
  const [runs] = await kept('sum(tidewatch_check_runs_total{outcome="up"})');
  expect(runs?.value).toBeGreaterThan(3);
  const full = await kept("tidewatch_storage_full_timestamp_seconds");
  expect(full.map(({ labels }) => labels["quantile"]).toSorted()).toEqual(["0.1", "0.5", "0.9"]);
  const [database] = await kept("sum by (target) (tidewatch_postgres_database_size_bytes)");
  expect(database?.value).toBeGreaterThan(5_000_000);
});

const Dashboard = z.object({
  uid: z.string(),
  __inputs: z.array(z.object({ name: z.string(), type: z.string(), pluginId: z.string() })),
  templating: z.object({
    list: z.array(
      z.discriminatedUnion("type", [
        z.object({
          type: z.literal("query"),
          name: z.string(),
          datasource: z.object({ uid: z.string() }),
          query: z.object({ query: z.string() }),
        }),
        z.object({ type: z.literal("datasource"), name: z.string(), query: z.string() }),
      ]),
    ),
  }),
  panels: z.array(
    z.object({
      title: z.string(),
      description: z.string(),
      fieldConfig: z.object({ defaults: z.object({ unit: z.string() }) }),
      datasource: z.object({ type: z.string(), uid: z.string() }),
      targets: z.array(z.object({ expr: z.string(), legendFormat: z.string().default("") })),
    }),
  ),
});

async function dashboard() {
  const {
    panels,
    templating,
    __inputs: inputs,
  } = Dashboard.parse(JSON.parse(await projectText("deploy/grafana/dashboards/tidewatch.json")));
  const queries = panels.flatMap(({ title, targets }) =>
    targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
  );
  const variables = templating.list.filter((variable) => variable.type === "query");
  const sources = templating.list.filter((variable) => variable.type === "datasource");
  return { panels, queries, variables, inputs, sources };
}

/** Labels that Prometheus itself puts on everything it scrapes. */
const scrapeLabels = ["job", "instance"];

test("every metric and label the dashboard asks for is exported", async ({ skip }) => {
  skip(withoutQueues() !== undefined, withoutQueues());
  const exported = exportedMetrics(await scraped());
  const { queries, variables } = await dashboard();
  expect(queries.length).toBeGreaterThan(10);
  for (const { title, expr, legendFormat } of queries) {
    const asked = askedMetrics(expr);
    expect([title, asked.length > 0]).toEqual([title, true]);
    const known = asked.flatMap(({ name }) => [...(exported.get(name) ?? [])]);
    for (const { name, labels } of asked) {
      expect([title, exported.has(name) && name]).toEqual([title, name]);
      for (const label of labels) expect([title, name, ...(exported.get(name) ?? [])]).toContain(label);
    }
    const shown = [...legendFormat.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label = ""]) => label);
    for (const label of [...shown, ...groupedLabels(expr)]) expect([title, ...known, ...scrapeLabels]).toContain(label);
    for (const [, variable] of expr.matchAll(/\$(\w+)/g))
      expect([title, ...variables.map(({ name }) => name)]).toContain(variable);
  }
  for (const { query } of variables) {
    const [, metric = "", label = ""] = /^label_values\((\w+), (\w+)\)$/.exec(query.query) ?? [];
    expect([...(exported.get(metric) ?? [])]).toContain(label);
  }
});

const RuleFile = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string().optional(),
          record: z.string().optional(),
          expr: z.string(),
          annotations: z.record(z.string(), z.string()).default({}),
        }),
      ),
    }),
  ),
});

test("every metric and label the rules ask for is exported", async () => {
  const exported = exportedMetrics(await scraped());
  const { groups } = RuleFile.parse(await projectYaml("deploy/prometheus/tidewatch.rules.yml"));
  for (const { alert = "", expr, annotations } of groups.flatMap(({ rules }) => rules)) {
    const asked = askedMetrics(expr);
    const known = asked.flatMap(({ name }) => [...(exported.get(name) ?? [])]);
    for (const { name, labels } of asked) {
      expect([alert, exported.has(name) && name]).toEqual([alert, name]);
      for (const label of labels) expect([alert, name, ...(exported.get(name) ?? [])]).toContain(label);
    }
    const shown = Object.values(annotations).flatMap((text) =>
      [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label = ""]) => label),
    );
    for (const label of [...shown, ...groupedLabels(expr)]) expect([alert, ...known, ...scrapeLabels]).toContain(label);
  }
});

prometheusTool.test("every query of the dashboard is PromQL, by promtool", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tidewatch-queries-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "queries.yml");
  const { queries } = await dashboard();
  const rules = queries.map(({ expr }, index) => ({
    record: `query:number_${index}`,
    expr: expr.replaceAll("$target", ".*"),
  }));
  const check = async (more: readonly unknown[]) => {
    await writeFile(file, stringify({ groups: [{ name: "dashboard", rules: [...rules, ...more] }] }));
    return prometheusTool.run(["check", "rules", file]);
  };
  expect(await check([])).toMatchObject({ code: 0, said: expect.stringContaining(`${rules.length} rules found`) });
  expect((await check([{ record: "query:broken", expr: "sum by (phase tidewatch_outbox_pending" }])).code).not.toBe(0);
});

test("each panel says what it shows, and sizes count in thousands, like the pages and what providers sell", async () => {
  const { panels } = await dashboard();
  for (const { title, description, fieldConfig, targets } of panels) {
    expect([title, description]).toEqual([title, expect.stringMatching(/^[A-Z].{40,}\.$/)]);
    const sizes = targets.every(({ expr }) => /^tidewatch_\w+_bytes\b/.test(expr));
    expect([title, fieldConfig.defaults.unit === "decbytes"]).toEqual([title, sizes]);
    expect(["bytes", "kbytes"]).not.toContain(fieldConfig.defaults.unit);
  }
});

test("the dashboard, its provisioning and its data source know each other", async () => {
  const Sources = z.object({ datasources: z.array(z.object({ uid: z.string(), type: z.string(), url: z.string() })) });
  const { datasources } = Sources.parse(await projectYaml("deploy/grafana/provisioning/datasources/prometheus.yml"));
  expect(datasources).toMatchObject([{ uid: "prometheus", type: "prometheus", url: "http://prometheus:9090" }]);
  const { panels, variables, inputs, sources } = await dashboard();
  // Who imports it by hand is asked for the data source (__inputs); the one of compose is found by the variable.
  expect(inputs).toMatchObject([{ name: "DS_PROMETHEUS", type: "datasource", pluginId: "prometheus" }]);
  expect(sources).toMatchObject([{ name: "DS_PROMETHEUS", query: "prometheus" }]);
  for (const { datasource } of [...panels, ...variables]) expect(datasource.uid).toMatch(/^\$\{DS_PROMETHEUS\}$/);
  const Providers = z.object({ providers: z.array(z.object({ options: z.object({ path: z.string() }) })) });
  const { providers } = Providers.parse(await projectYaml("deploy/grafana/provisioning/dashboards/tidewatch.yml"));
  const compose = await projectText("docker-compose.yml");
  for (const { options } of providers) expect(compose).toContain(`./deploy/grafana/dashboards:${options.path}:ro`);
});
