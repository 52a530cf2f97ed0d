/** `npm run docs`: writes tidewatch.schema.json, docs/configuration.md and docs/probes.md from the schema and plug-ins. */
import { readFile, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import type { Channel } from "../core/channel.ts";
import type { Plugins } from "../core/config/config.ts";
import { resolveSecrets } from "../core/config/settings.ts";
import { type MetricFamily, readingFamilies } from "../core/metric-families.ts";
import type { Kind, Probe, StandardCheck } from "../core/probe.ts";
import { Secret } from "../core/secret.ts";
import type { Threshold } from "../core/threshold.ts";
import { formatBytes, formatDuration, formatRatio } from "../core/units.ts";
import { loadPlugins } from "../program/plug-ins.ts";
import { configJsonSchema, type JsonSchema, jsonSchemaOf } from "./lib/json-schema.ts";
import { settingsTable, table } from "./lib/tables.ts";

const root = new URL("../", import.meta.url);
const generated = "<!-- Made by `npm run docs` from the schema; edit the descriptions there. -->";

/** Path → content, of every file that is made. */
export async function generate(): Promise<Readonly<Record<string, string>>> {
  const plugins = await loadPlugins();
  const schema = configJsonSchema(plugins);
  const example = await readFile(new URL("tidewatch.example.yaml", root), "utf8");
  return {
    "tidewatch.schema.json": `${JSON.stringify({ title: "tidewatch.yaml", ...schema }, null, 2)}\n`,
    "docs/configuration.md": configurationPage(schema, plugins, example),
    "docs/probes.md": probesPage(plugins),
  };
}

function configurationPage(schema: JsonSchema, plugins: Plugins, example: string): string {
  const { properties: { alerts, ...sections } = {} } = schema;
  const names = Object.entries(sections);
  return [
    "# Configuration",
    generated,
    `Everything stands in one file, \`tidewatch.yaml\`. \`./tidewatch check-config\` says everything that is wrong with it
at once, with line and column; \`./tidewatch init ADDRESS…\` writes a first one. The examples below are the sections of
[tidewatch.example.yaml](../tidewatch.example.yaml). With the first line
\`# yaml-language-server: $schema=./tidewatch.schema.json\` an editor completes and explains while you type.`,
    "## How values are written",
    table(
      ["what", "written", "note"],
      [
        ["duration", "`500ms`, `30s`, `5m`, `2h`, `30d`, `1h 30m`", "never without a unit"],
        ["size", "`100 GB`, `100 GiB`", "1 GB is 1000³ bytes, 1 GiB is 1024³"],
        ["share", "`99.9%`", "never without the percent sign"],
        ["text for members", "`Podcasts` or `{ en: Podcasts, fr: Balados }`", "a plain text serves every language"],
        [
          "secret",
          "`{ env: NAME }` or `{ file: PATH }`",
          "never in the file itself; a line break at the end is dropped",
        ],
        ["path", "`./data/tidewatch.db`", "a relative one starts at the folder of the configuration"],
      ],
    ),
    ...names.flatMap(([name, section]) => sectionOf(name, section, example, plugins)),
    ...alertsSection(alerts ?? {}, plugins, example),
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

function sectionOf(name: string, section: JsonSchema, example: string, plugins: Plugins): readonly string[] {
  const item = section.items ?? section;
  const settings = item.properties ? [settingsTable(name === "targets" ? withoutChecks(item) : item)] : [];
  const fallback = item.properties || section.default === undefined ? "" : ` Default: \`${String(section.default)}\`.`;
  return [
    `## \`${name}\``,
    `${section.description ?? ""}${section.items ? " A list." : ""}${fallback}`,
    ...settings,
    ...(name === "targets" ? checksPart(plugins) : []),
    ...exampleOf(name, example),
  ];
}

/** Checks are explained apart, with what each probe adds in docs/probes.md. */
function withoutChecks(target: JsonSchema): JsonSchema {
  const { checks, ...properties } = target.properties ?? {};
  const { items: _, ...bare } = checks ?? {};
  return { ...target, properties: { ...properties, checks: { ...bare, items: { properties: {} } } } };
}

function checksPart(plugins: Plugins): readonly string[] {
  const check = configJsonSchema(plugins).$defs?.["Check"]?.anyOf?.at(-1);
  const kinds = Object.entries(plugins.probes).filter(([, probe]) => probe.kind);
  const { probe: _, ...common } = check?.properties ?? {};
  const probe: JsonSchema = {
    description: "What looks. Left out to change a check that the kind brings.",
    enum: Object.keys(plugins.probes),
  };
  const { id = {}, ...others } = common;
  return [
    "### `targets[].checks[]`",
    `Every check has these settings, and flat beside them those of its probe: [probes.md](probes.md). With a \`kind\`
(${kinds.map(([name]) => `\`${name}\``).join(", ")}) the standard checks for that software are there without being written.
One with the same id changes their settings one by one; one with another \`probe\` takes their place.`,
    settingsTable({ properties: { id, probe, ...others }, required: ["id"] }),
  ];
}

function alertsSection(alerts: JsonSchema, { channels }: Plugins, example: string): readonly string[] {
  const { contacts, escalation, confirm, flapping, ...options } = alerts.properties ?? {};
  const own = {
    ...(contacts && { contacts }),
    ...(escalation && { escalation }),
    ...(confirm && { confirm }),
    ...(flapping && { flapping }),
  };
  return [
    "## `alerts`",
    alerts.description ?? "",
    settingsTable({ properties: own }),
    ...Object.entries(channels).flatMap(([name, channel]) => channelPart(name, channel, options[name] ?? {})),
    ...exampleOf("alerts", example),
  ];
}

const residencies = {
  own: "Notices travel over servers of your own choice.",
  canada: "Notices are kept by a service in Canada.",
  abroad: "Notices leave Canada.",
};

function channelPart(name: string, channel: Channel, options: JsonSchema): readonly string[] {
  return [
    `### \`alerts.${name}\``,
    `${channel.summary} A contact has its address under \`${name}\`. ${residencies[channel.residency]}`,
    settingsTable(options),
    yamlBlock(stringify({ alerts: { [name]: channel.example } })),
  ];
}

/** The section of the example file with the comments above it. */
function exampleOf(name: string, example: string): readonly string[] {
  const lines = example.split("\n");
  const start = lines.findIndex((line) => new RegExp(`^(# )?${name}:`).test(line));
  if (start < 0) return [];
  const first = lines.findLastIndex((line, index) => index < start && line === "") + 1;
  const next = lines.findIndex((line, index) => index > start && /^(# )?[a-z]\w*:/i.test(line));
  const end = next < 0 ? lines.length : lines.findLastIndex((line, index) => index < next && line === "");
  return [yamlBlock(lines.slice(first, end).join("\n"))];
}

const yamlBlock = (yaml: string): string => `\`\`\`yaml\n${yaml.trimEnd()}\n\`\`\``;

function probesPage({ probes }: Plugins): string {
  return [
    "# Probes",
    generated,
    `A probe is the code that knows how to look at one kind of thing; a check uses it. These are the settings each adds to
those that every check has (\`id\`, \`probe\`, \`every\`, \`timeout\`, \`required\`, \`confirm\`: see
[configuration.md](configuration.md)). Writing one is a file and a test: [CONTRIBUTING.md](../CONTRIBUTING.md).`,
    ...Object.entries(probes).flatMap(([name, probe]) => probePart(name, probe)),
    "## Readings",
    "What probes measure beside the outcome. On `/metrics` each name begins with `tidewatch_`.",
    table(
      ["metric", "what it is"],
      readingFamilies(probes)
        .filter(({ exported }) => exported)
        .map(({ name, help }) => [`\`${name}\``, help]),
    ),
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

function probePart(name: string, probe: Probe): readonly string[] {
  const { everySeconds = 60, timeoutSeconds = 10 } = probe.defaults ?? {};
  const example = typeof probe.example === "object" && probe.example !== null ? probe.example : {};
  return [
    `## \`${name}\``,
    `${probe.summary} Runs every ${formatDuration(everySeconds)} and waits ${formatDuration(timeoutSeconds)}, unless told otherwise.${probe.internal ? " It looks behind a service: that it finds all well does not yet make the service “up” on the status page." : ""}`,
    ...(probe.kind ? [kindPart(name, probe.kind)] : []),
    settingsTable(jsonSchemaOf(probe.options)),
    yamlBlock(stringify({ checks: [{ id: "example", probe: name, ...example }] })),
    ...thresholdPart(probe),
    ...readingsPart(probe),
  ];
}

/** Names and labels; what each means stands once, for all probes, at the end of the page. */
function readingsPart({ readings = [] }: Probe): readonly string[] {
  const names = readings.filter(({ exported }) => exported).map(inWords);
  return names.length === 0 ? [] : [`On \`/metrics\` ([what they mean](#readings)): ${names.join(", ")}.`];
}

const inWords = ({ name, labels }: MetricFamily): string =>
  `\`${name}\`${labels.length > 0 ? ` by ${labels.map((label) => `\`${label}\``).join(" and ")}` : ""}`;

function kindPart(name: string, kind: Kind): string {
  const url = "https://service.example";
  const plain = kind.checks({ url });
  const brought = plain.map(({ id, probe }) => `\`${id}\` (${probe})`).join(", ");
  const known = new Set(plain.map(({ id }) => id));
  const more = (["queues", "database"] as const).flatMap((field) => {
    return broughtBy(kind, { url, [field]: new Secret("") })
      .filter(({ id }) => !known.has(id))
      .map(({ id, probe }) => `\`${field}\` adds \`${id}\` (${probe})`);
  });
  return `\`kind: ${name}\` on a target brings ${[brought, ...more].join("; ")}.`;
}

/** Nothing where the kind has no use for what is given. */
function broughtBy(kind: Kind, given: Parameters<Kind["checks"]>[0]): readonly StandardCheck[] {
  try {
    return kind.checks(given);
  } catch {
    return [];
  }
}

function thresholdPart(probe: Probe): readonly string[] {
  const options = exampleSecrets
    .map((address) => probe.options.safeParse(resolveSecrets(probe.example, () => address)))
    .find(({ success }) => success);
  const thresholds = (options?.success && probe.thresholds?.(options.data)) || [];
  if (thresholds.length === 0) return [];
  const rows = thresholds.map((rule) => [
    `${rule.title.en} (\`${rule.id}\`)`,
    `\`${rule.metric}\` at ${level(rule, rule.raiseAt)}${lasting(rule.raiseAfterSeconds)}`,
    `below ${level(rule, rule.clearAt)}${lasting(rule.clearAfterSeconds)}`,
    rule.urgency === "page" ? "wakes somebody" : "this week",
    `[${rule.runbook}](runbooks/${rule.runbook}.md)`,
  ]);
  return [
    "Levels at which somebody is told, with the settings of the example:",
    table(["what it means", "raised", "over", "urgency", "what to do"], rows),
  ];
}

/** Examples name secrets that nobody has; one of these is of the form each probe wants. */
const exampleSecrets = ["https://service.example", "redis://service.example", "postgres://reader@service.example/db"];

const lasting = (seconds: number): string => (seconds > 0 ? ` for ${formatDuration(seconds)}` : "");

function level({ unit }: Threshold, value: number): string {
  if (unit === "seconds") return formatDuration(value);
  if (unit === "bytes") return formatBytes(value);
  return unit === "ratio"
    ? formatRatio(value)
    : String(value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
}

if (import.meta.main) {
  for (const [path, content] of Object.entries(await generate())) await writeFile(new URL(path, root), content);
}
