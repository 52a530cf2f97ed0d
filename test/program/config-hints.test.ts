import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ConfigError } from "../../core/errors.ts";
import { parseConfig } from "../../program/config-file.ts";
import { loadPlugins } from "../../program/plug-ins.ts";

const plugins = await loadPlugins();

/** What is told of a configuration with this one target, or with this one check in it. */
function told(target: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  const text = `organisation: { name: Co-op }\ntargets:\n  - ${target}\n`;
  try {
    return parseConfig(text, { ...plugins, file: "t.yaml", env }).warnings.map(({ message }) => `warning: ${message}`);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(({ message }) => message);
    throw error;
  }
}
const ofCheck = (check: string, env = {}) => told(`{ id: a, checks: [{ id: one, ${check} }] }`, env);
const redis = { R: "redis://127.0.0.1" };
const queues = (settings: string) => ofCheck(`probe: sidekiq, url: { env: R }, queues: { ${settings} }`, redis);
const residency = (settings: string) =>
  ofCheck(`probe: residency, hosts: [a.example], countries: [CA], ${settings}`).filter((line) =>
    /residency|file|countr/.test(line),
  );

test("one and many of a thing are near to each other", () => {
  expect(ofCheck("probe: residency, hosts: [a.example], country: [CA], rdap: { url: https://r.example }")).toContain(
    'there is no setting "country" here: did you mean "countries"?',
  );
});

test.each([
  [
    "a metric beside the values",
    'probe: prometheus, url: "http://127.0.0.1:1", metric: up',
    "metric",
    "values: [{ metric: … }]",
  ],
  [
    "a query beside the values",
    'probe: prometheus, url: "http://127.0.0.1:1", query: up',
    "query",
    "values: [{ query: … }]",
  ],
  [
    "a status beside what is expected",
    "probe: http, url: https://a.example, status: 200",
    "status",
    "expect: { status: … }",
  ],
])("%s is told where it belongs", (_what, check, key, place) => {
  expect(ofCheck(check)).toContain(`there is no setting "${key}" here: it belongs further in, like ${place}`);
});

test("a level beside the queues is told that it belongs to one of them", () => {
  expect(ofCheck("probe: sidekiq, url: { env: R }, page: 3m", redis)).toContain(
    'there is no setting "page" here: it belongs further in, like queues: { NAME: { page: … } }',
  );
});

test("a setting of checks at a target is told so", () => {
  expect(told("{ id: a, kind: mastodon, url: https://a.example, every: 30s }")).toEqual([
    'there is no setting "every" here: it belongs further in, like checks: [{ every: … }]',
  ]);
});

test.each(["icmp", "ping"])("probe: %s is told why there is none and what to take", (name) => {
  expect(ofCheck(`probe: ${name}, host: a.example`)).toEqual([
    `there is no probe "${name}": take tcp, which measures the same round trip to a port (why: docs/decisions/008-no-ping.md)`,
  ]);
});

test.each([
  ["R", { _: "/usr/bin/npx", PS: "1", X: "1" }],
  ["PATCH", { PATH: "/bin" }],
  ["HOMES", { HOME: "/root" }],
])("the shell's own variables are no guess for { env: %s }", (name, env) => {
  expect(ofCheck(`probe: sidekiq, url: { env: ${name} }`, env)).toEqual([
    `the environment variable ${name} is not set: set it where Tidewatch is started`,
  ]);
});

test("a value where settings belong is told their names", () => {
  expect(queues("default: 14m")).toEqual(['default: expected settings like { ticket: …, page: … }, found "14m"']);
});

test("what is wrong in a list is told with the list's name", () => {
  expect(
    ofCheck("probe: residency, hosts: [a.example], countries: [Canada], rdap: { url: https://r.example }"),
  ).toEqual(["countries: write a country as two capital letters, like CA"]);
});

test("a ticket that comes after the page, or with it, is refused", () => {
  const message =
    "default: a ticket at 10m would never be: somebody is woken at 3m already. Let it be less than the page";
  expect(queues("default: { ticket: 10m, page: 3m }")).toEqual([message]);
  expect(queues("default: { ticket: 3m, page: 3m }")).toHaveLength(1);
  expect(queues("default: { ticket: 1m, page: 3m }").filter((line) => line.startsWith("default"))).toEqual([]);
});

test("a file that a check reads and that is not there is a warning: it may still come", async () => {
  expect(residency("databases: [/nonexistent.mmdb]")).toEqual([
    'warning: there is no file "/nonexistent.mmdb" (yet): what this check needs it for is not measured',
  ]);
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-hints-"));
  const file = join(folder.path, "countries.mmdb");
  await writeFile(file, "");
  expect(residency(`databases: ["${file}"]`)).toEqual([]);
});

test.each([
  ["lemmy", "https://lem.example/c/main", "https://lem.example"],
  ["mastodon", "http://127.0.0.1:3000/about?x=1", "http://127.0.0.1:3000"],
])("kind: %s with more than the address of the service is refused, and told the address", (kind, url, origin) => {
  expect(told(`{ id: a, kind: ${kind}, url: "${url}" }`)).toEqual([
    `url: kind: ${kind} asks several places of the whole server: write its address without a path, ${origin}`,
  ]);
  expect(told(`{ id: a, kind: ${kind}, url: "${origin}/" }`).filter((line) => line.startsWith("url"))).toEqual([]);
});
