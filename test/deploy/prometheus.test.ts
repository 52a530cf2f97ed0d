/** The files of Prometheus and Alertmanager, judged by their own tools. */
import { access, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { amtool, projectFile, projectText, projectYaml, promtool, tool } from "./tools.ts";

const prometheusTool = await tool(promtool);
const alertmanagerTool = await tool(amtool);
const path = (file: string) => fileURLToPath(projectFile(file));

/** What the container sees as /etc/prometheus: the mounted folder, and nothing around it. */
async function mountedCopy(folder: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "tidewatch-deploy-"));
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  await mkdir(copy, { recursive: true });
  await cp(projectFile(folder), copy, { recursive: true });
  return copy;
}

prometheusTool.test("promtool accepts the configuration, with the rules it mounts", async () => {
  const folder = await mountedCopy("deploy/prometheus");
  const { code, said } = await prometheusTool.run(["check", "config", join(folder, "prometheus.yml")]);
  expect({ code, said }).toMatchObject({ code: 0, said: expect.stringMatching(/SUCCESS: 1 rule files found/) });
  expect(said).toContain("rules found");
  expect(said).not.toMatch(/FAILED|WARNING/i);
});

prometheusTool.test("promtool finds no fault with the rules, and would find one", async () => {
  const rules = path("deploy/prometheus/tidewatch.rules.yml");
  const strict = ["check", "rules", "--lint=all", "--lint-fatal"];
  expect(await prometheusTool.run([...strict, rules])).toMatchObject({ code: 0 });
  const copy = join(await mountedCopy("deploy/prometheus"), "broken.yml");
  await writeFile(copy, (await readFile(rules, "utf8")).replace("absent(", "abscent("));
  expect((await prometheusTool.run([...strict, copy])).code).not.toBe(0);
});

prometheusTool.test("each alert speaks when it should, and not before", async () => {
  const timetable = path("test/deploy/rules-in-time.yml");
  const { code, said } = await prometheusTool.run(["test", "rules", timetable]);
  expect({ code, said }).toMatchObject({ code: 0, said: expect.stringContaining("SUCCESS") });
});

alertmanagerTool.test("amtool accepts the configuration of Alertmanager, and would refuse a wrong one", async () => {
  const folder = await mountedCopy("deploy/alertmanager");
  const file = join(folder, "alertmanager.yml");
  const { code, said } = await alertmanagerTool.run(["check-config", file]);
  expect({ code, said }).toMatchObject({ code: 0, said: expect.stringContaining("SUCCESS") });
  await writeFile(file, (await readFile(file, "utf8")).replace("receiver: techops", "receiver: nobody"));
  expect((await alertmanagerTool.run(["check-config", file])).code).not.toBe(0);
});

alertmanagerTool.test("a page goes to the contractor, everything else to TechOps", async () => {
  const routes = ["config", "routes", "test", `--config.file=${path("deploy/alertmanager/alertmanager.yml")}`];
  const receiver = async (severity: string) => {
    const { said } = await alertmanagerTool.run([...routes, `severity=${severity}`]);
    return said.split("\n", 1)[0];
  };
  expect(await receiver("page")).toBe("contractor");
  expect(await receiver("ticket")).toBe("techops");
});

const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string().optional(),
          labels: z.record(z.string(), z.string()).default({}),
          annotations: z.record(z.string(), z.string()).default({}),
        }),
      ),
    }),
  ),
});

test("who is woken is told what to do, and every runbook that is named exists", async () => {
  const { groups } = Rules.parse(await projectYaml("deploy/prometheus/tidewatch.rules.yml"));
  const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);
  expect(alerts.length).toBeGreaterThan(5);
  for (const { alert, labels, annotations } of alerts) {
    expect([alert, labels["severity"]]).toEqual([alert, expect.stringMatching(/^(page|ticket)$/)]);
    if (labels["severity"] === "page") expect([alert, annotations["runbook"]]).toEqual([alert, expect.any(String)]);
    for (const [file] of (annotations["runbook"] ?? "").matchAll(/docs\/[\w/-]+\.md/g)) await access(projectFile(file));
  }
});

test("each alert has its timetable", async () => {
  const { groups } = Rules.parse(await projectYaml("deploy/prometheus/tidewatch.rules.yml"));
  const timetable = await projectText("test/deploy/rules-in-time.yml");
  for (const { alert } of groups.flatMap(({ rules }) => rules))
    if (alert) expect(timetable).toContain(`alertname: ${alert}`);
});

const ScrapeConfig = z.object({
  scrape_configs: z.array(z.object({ static_configs: z.array(z.object({ targets: z.array(z.string()) })) })),
  alerting: z.object({
    alertmanagers: z.array(z.object({ static_configs: z.array(z.object({ targets: z.array(z.string()) })) })),
  }),
});

test("everything Prometheus calls is a service of docker-compose.yml, or itself", async () => {
  const { services } = z
    .object({ services: z.record(z.string(), z.unknown()) })
    .parse(await projectYaml("docker-compose.yml"));
  const config = ScrapeConfig.parse(await projectYaml("deploy/prometheus/prometheus.yml"));
  const called = [...config.scrape_configs, ...config.alerting.alertmanagers].flatMap(({ static_configs: list }) =>
    list.flatMap(({ targets }) => targets),
  );
  expect(called).toContain("tidewatch:9464");
  for (const address of called) expect([...Object.keys(services), "localhost"]).toContain(address.split(":")[0]);
});
