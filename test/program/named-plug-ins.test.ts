import { expect, test } from "vitest";
import { readingFamilies } from "../../core/metric-families.ts";
import { parseConfig } from "../../program/config-file.ts";
import { NamedPlugins } from "../../program/named-plug-ins.ts";
import { loadPlugins } from "../../program/plug-ins.ts";

const all = await loadPlugins();
const sources = { file: "t.yaml", env: { R: "redis://127.0.0.1", P: "postgres://127.0.0.1/m", S: "smtp://127.0.0.1" } };
const withTarget = (target: string, more = "") => `organisation: { name: Co-op }\ntargets:\n  - ${target}\n${more}`;
const http = '{ id: forum, checks: [{ id: web, probe: http, url: "https://forum.example" }] }';
const mastodon = '{ id: m, kind: mastodon, url: "https://m.example", queues: { env: R }, database: { env: P } }';
const alerts = `alerts:
  contacts: [{ id: a, name: A, email: a@coop.example }]
  email: { from: t@coop.example, smtp: { env: S } }
  escalation: [{ after: 0m, notify: [a] }]`;

async function named(...texts: readonly string[]) {
  const plugins = new NamedPlugins();
  for (const text of texts) await plugins.read(text, sources);
  return { probes: Object.keys(plugins.probes).toSorted(), channels: Object.keys(plugins.channels) };
}

test("what no check and no contact needs is not loaded", async () => {
  expect(await named(withTarget(http))).toEqual({ probes: ["http"], channels: [] });
  expect(await named(withTarget(http, alerts))).toEqual({ probes: ["http"], channels: ["email"] });
});

test("a kind brings what its checks need, and a reload what it names beside that", async () => {
  const brought = [
    "http",
    "mastodon",
    "mastodon-federation",
    "mastodon-media",
    "mastodon-sign-up",
    "mastodon-streaming",
    "mastodon-timeline",
    "postgres",
    "sidekiq",
  ];
  expect(await named(withTarget(mastodon))).toEqual({ probes: brought, channels: [] });
  expect(await named(withTarget(http), withTarget(mastodon, alerts))).toEqual({ probes: brought, channels: ["email"] });
});

test.each([
  withTarget(http),
  withTarget(mastodon, alerts),
  withTarget("{ id: later, planned: true, kind: pixelfed, checks: [{ id: files, probe: disk, path: / }] }"),
])("it reads the same as with all of them", async (text) => {
  const config = await new NamedPlugins().read(text, sources);
  expect(JSON.stringify(config)).toBe(JSON.stringify(parseConfig(text, { ...sources, ...all })));
});

test.each([
  ["an unknown probe", withTarget('{ id: a, checks: [{ id: web, probe: htpt, url: "https://a.example" }] }')],
  ["an unknown kind", withTarget('{ id: a, kind: mastadon, url: "https://a.example" }')],
  ["a name that leads out of the folder", withTarget("{ id: a, checks: [{ id: web, probe: ../core/errors }] }")],
  ["an unknown channel", withTarget(http, "alerts: { emial: { from: a@b.example } }")],
  [
    "an address for an unknown channel",
    withTarget(http, "alerts: { contacts: [{ id: a, name: A, emial: a@b.example }] }"),
  ],
  ["a setting that belongs to a channel", withTarget(http, "alerts: { smtp: smtp://b.example }")],
  ["no list of targets", "organisation: { name: Co-op }\ntargets: 7\nalerts: []"],
])("a fault is told in the same words as with all of them: %s", async (_what, text) => {
  const told = (read: () => unknown) => Promise.try(read).then(() => "nothing", String);
  const expected = await told(() => parseConfig(text, { ...sources, ...all }));
  expect(expected).not.toBe("nothing");
  expect(await told(() => new NamedPlugins().read(text, sources))).toBe(expected);
});

test("/metrics has one order of families, whichever probes are loaded", () => {
  const names = (probes: typeof all.probes) => readingFamilies(probes).map(({ name }) => name);
  const every = names(all.probes);
  for (const [one, first] of Object.entries(all.probes)) {
    for (const [other, second] of Object.entries(all.probes)) {
      const some = names({ [one]: first, [other]: second });
      expect(some).toEqual(every.filter((name) => some.includes(name)));
    }
  }
});
