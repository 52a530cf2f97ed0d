import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { keysAt } from "../core/config/faults.ts";
import { commonSettings } from "../core/config/schema.ts";
import { generate } from "../docs/generate.ts";
import { configJsonSchema, type JsonSchema } from "../docs/lib/json-schema.ts";
import { parseConfig } from "../program/config-file.ts";
import { loadPlugins } from "../program/plug-ins.ts";

const root = new URL("../", import.meta.url);
const read = (path: string) => readFile(new URL(path, root), "utf8");
const plugins = await loadPlugins();

test.each(Object.entries(await generate()))(
  "%s says what the schema says (npm run docs makes it anew)",
  async (path, content) => {
    expect(await read(path)).toBe(content);
  },
);

const env = {
  SMTP_URL: "smtp://tidewatch:secret@mail.example.org:587",
  MASTODON_REDIS_URL: "redis://127.0.0.1:6379/0",
  MASTODON_DATABASE_URL: "postgres://tidewatch@127.0.0.1/mastodon",
  CASTOPOD_DATABASE_URL: "mysql://tidewatch:secret@127.0.0.1/castopod",
  HEARTBEAT_URL: "https://heartbeat.example/1",
};

test("the example configuration is good, without a warning, and in the co-op's shape", async () => {
  const config = parseConfig(await read("tidewatch.example.yaml"), { file: "tidewatch.example.yaml", env, ...plugins });
  expect(config.warnings).toEqual([]);
  expect(config.targets.filter(({ planned }) => planned).map(({ id }) => id)).toEqual(["photos"]);
  const target = (wanted: string) => config.targets.find(({ id }) => id === wanted);
  expect(target("mastodon")?.checks.map(({ id, everySeconds }) => [id, everySeconds])).toContainEqual(["web", 30]);
  expect(target("mastodon")?.checks.every(({ dependsOn }) => dependsOn?.includes("database/growth"))).toBe(true);
  expect(target("database")?.capacity).toMatchObject([{ check: "growth", limitBytes: 100e9 }]);
  expect(config.onCall.escalation).toEqual([
    { afterSeconds: 0, notify: ["contractor"] },
    { afterSeconds: 900, notify: ["techops"] },
  ]);
});

test("the example configuration shows every section there is", async () => {
  const example = await read("tidewatch.example.yaml");
  for (const section of Object.keys(configJsonSchema(plugins).properties ?? {})) {
    expect(example).toMatch(new RegExp(`^(# )?${section}:`, "m"));
  }
});

test("the example configuration has a check by every probe that such a co-op has a use for", async () => {
  const config = parseConfig(await read("tidewatch.example.yaml"), { file: "tidewatch.example.yaml", env, ...plugins });
  const shown = new Set(config.targets.flatMap(({ checks }) => checks.map(({ probe }) => probe)));
  const noUse = ["cloudron", "lemmy", "horizon", "pixelfed", "disk", "tcp", "prometheus", "mastodon-search"];
  expect(Object.keys(plugins.probes).filter((probe) => !shown.has(probe) && !noUse.includes(probe))).toEqual([]);
});

/** Names of settings without a word on what they mean, anywhere below. */
function undescribed({ properties = {}, items, anyOf = [], oneOf = [] }: JsonSchema, path = ""): readonly string[] {
  const own = Object.entries(properties).filter(
    ([, setting]) => !setting.description && !setting.const && !setting.enum,
  );
  return [
    ...own.map(([name]) => `${path}.${name}`),
    ...Object.entries(properties).flatMap(([name, setting]) => undescribed(setting, `${path}.${name}`)),
    ...[items ?? {}, ...anyOf, ...oneOf].flatMap((inner) =>
      inner === items || inner.properties ? undescribed(inner, path) : [],
    ),
  ];
}

test("every setting is described, those of probes and channels too", () => {
  const schema = configJsonSchema(plugins);
  expect(undescribed(schema)).toEqual([]);
  expect(undescribed(schema.$defs?.["Check"] ?? {}, "check")).toEqual([]);
});

test("no probe has a setting with the name of one that every check has", () => {
  const common = Object.keys(commonSettings.shape);
  for (const [name, { options }] of Object.entries(plugins.probes)) {
    expect({ name, taken: keysAt(options).filter((key) => common.includes(key)) }).toEqual({ name, taken: [] });
  }
});

test("an editor that knows the JSON Schema agrees with us on the example and on plain slips", async () => {
  const schema = z.fromJSONSchema(JSON.parse(await read("tidewatch.schema.json")));
  const fits = async (path: string) => schema.safeParse(parse(await read(path))).success;
  expect(await fits("tidewatch.example.yaml")).toBe(true);
  for (const slip of ["unknown-probe", "unknown-key", "unknown-probe-setting", "secret-in-clear", "bad-duration"]) {
    expect({ slip, fits: await fits(`test/fixtures/config/${slip}.yaml`) }).toEqual({ slip, fits: false });
  }
});
