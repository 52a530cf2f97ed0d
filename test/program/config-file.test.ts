import { readdirSync } from "node:fs";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { type Config, type Plugins, readConfig } from "../../core/config/config.ts";
import { secret } from "../../core/config/settings.ts";
import { ConfigError, type ConfigFault } from "../../core/errors.ts";
import { defineProbe, type Probe } from "../../core/probe.ts";
import { Secret } from "../../core/secret.ts";
import { loadConfig, parseConfig } from "../../program/config-file.ts";
import { loadPlugins } from "../../program/plug-ins.ts";

const folder = join(import.meta.dirname, "../fixtures/config");
const env = { SMTP_URL: "smtp://tidewatch@mail.social.example:587", REDIS_URL: "redis://127.0.0.1", EMPTY_URL: "" };
const plugins = await loadPlugins();

/** File → where its one fault stands, and words that must be in the sentence. */
const broken: Readonly<Record<string, readonly [line: number, column: number, words: string]>> = {
  "address-without-scheme": [8, 40, "perhaps https://social.example"],
  "alias-bomb": [1, 1, "repeat far too much"],
  "alias-inside-itself": [1, 1, "inside what it repeats"],
  "bad-anchor": [
    3,
    25,
    '"anchor.example" is not an anchor: write an address like https://www.example.ca, or host:port',
  ],
  "bad-duration": [8, 71, 'every: "1 minute" is not a duration'],
  "bad-email": [12, 44, '"techops at social.example" is not an e-mail address'],
  "bad-listen-address": [2, 19, '"8080" is not an address to listen on: write host:port'],
  "check-the-kind-does-not-bring": [9, 15, 'brings no check "wep": did you mean "web"?'],
  "check-without-probe": [8, 9, 'check "front" has no probe: add one'],
  "confirm-with-no-failures": [10, 24, "failures: 0 is too small: at least 1"],
  "contact-without-address": [16, 30, "give the contact an address for email"],
  "crooked-indent": [6, 1, "not indented like its neighbours"],
  "duplicate-check": [9, 15, 'two checks "front" in this target'],
  "duplicate-contact": [12, 13, 'two contacts "contractor"'],
  "duplicate-key": [6, 5, "name is written twice in the same place"],
  "duplicate-target": [9, 9, 'two targets "website"'],
  "duration-without-unit": [8, 71, "60 has no unit: write 60s"],
  empty: [1, 1, "the file is empty"],
  "escalation-names-nobody": [16, 30, 'no contact "techop": did you mean "techops"?'],
  "escalation-out-of-order": [16, 16, "after: 15m comes before the step above it"],
  "goal-of-100-percent": [6, 24, "100% would leave nothing that may ever fail"],
  "goal-without-percent-sign": [6, 24, "99.9 has no percent sign: write 99.9%"],
  "heartbeat-without-address": [3, 1, '"url" is missing'],
  "id-with-capitals": [4, 9, 'perhaps "web-site"'],
  "interval-too-short": [8, 71, "100ms is too short: at least 1s"],
  "kind-without-queues": [8, 5, "kind: castopod has no checks for it"],
  "kind-without-url": [6, 11, "needs the address of the service: add url"],
  "latin-1": [1, 1, "not UTF-8 (perhaps Latin-1)"],
  "missing-anchor": [5, 11, "a text that begins with * must stand in quotes"],
  "missing-organisation": [1, 1, '"organisation" is missing. Whose monitor this is.'],
  "missing-targets": [3, 1, "targets: expected a list (lines that begin with - ), found nothing"],
  "more-anchors-required-than-there-are": [3, 60, "2 anchors must answer, and there is only 1"],
  "name-in-one-language": [5, 5, '"fr" is missing. The text in French.'],
  "no-channel-configured": [14, 29, "no channel is set up; add one, like alerts.email"],
  "nothing-to-check": [4, 5, 'nothing would be checked of "website": add kind: or checks:, or planned: true'],
  "only-a-list": [1, 1, "must hold settings of the form key: value"],
  "password-in-address": [8, 40, "must not carry a user name or password"],
  "postgres-store": [3, 10, "PostgreSQL cannot be the store yet"],
  "queues-in-clear": [8, 13, "this is a secret and must not stand in the file: write { env: NAME }"],
  "queues-without-kind": [7, 5, "queues only means something beside kind"],
  "same-port-twice": [2, 20, "both listen on port 8080"],
  "secret-empty": [13, 44, "environment variable EMPTY_URL is empty"],
  "secret-file-missing": [13, 44, "there is no file"],
  "secret-in-clear": [13, 50, "this is a secret and must not stand in the file: write { env: NAME }"],
  "secret-not-set": [13, 44, "environment variable SMPT_URL is not set: did you mean SMTP_URL, which is?"],
  "tab-indent": [5, 1, "a tab cannot indent: use spaces"],
  "targets-not-a-list": [3, 1, "expected a list (lines that begin with - )"],
  "timeout-longer-than-interval": [8, 84, "timeout 1m 30s is not shorter than every 1m"],
  "two-documents": [9, 1, "take out the line ---"],
  "unclosed-bracket": [16, 38, "opened and not closed: ] is missing"],
  "unknown-channel": [13, 3, 'no setting "e_mail" here: did you mean "email"?'],
  "unknown-key": [1, 38, 'no setting "time_zone" here: did you mean "timeZone"?'],
  "unknown-kind": [6, 11, 'no kind "mastadon": did you mean "mastodon"?'],
  "unknown-language": [1, 54, '"de" is not possible here: write en or fr'],
  "unknown-probe": [8, 29, 'no probe "htpp": did you mean "http"?'],
  "unknown-probe-setting": [8, 64, 'no setting "expct" here: did you mean "expect"?'],
  "unknown-section": [9, 1, 'no setting "alarms" here: did you mean "alerts"?'],
  "unknown-tag": [5, 11, "!secret means nothing here"],
  "unknown-time-zone": [1, 48, "did you mean America/Vancouver?"],
  "unquoted-at-sign": [5, 11, "a text that begins with @ must stand in quotes"],
  "unquoted-colon": [5, 11, "two settings in one line"],
  "utf-16": [1, 1, "written in UTF-16: save it as UTF-8"],
  "yes-instead-of-true": [6, 13, 'expected true or false, found "yes"'],
};

async function faultsOf(config: () => Config | Promise<Config>): Promise<readonly ConfigFault[]> {
  try {
    await config();
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

const load = (file: string) => loadConfig(file, { ...plugins, env, cwd: folder });

test.each(Object.entries(broken))("%s is refused once, at its place, with a helpful sentence", async (name, fault) => {
  const [line, column, words] = fault;
  const faults = await faultsOf(() => load(`${name}.yaml`));
  expect(faults).toEqual([{ file: `${name}.yaml`, line, column, message: expect.stringContaining(words) }]);
  expect(faults[0]?.message).not.toContain("hunter2");
});

test("every broken file is in the table, and the one they are made from is good", async () => {
  const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
  expect(files.toSorted()).toEqual([...Object.keys(broken), "good"].map((name) => `${name}.yaml`).toSorted());
  await expect(load("good.yaml")).resolves.toMatchObject({ organisation: { name: { fr: "Example Co-op" } } });
});

const noPlugins: Plugins = { probes: {}, channels: {} };
const parse = (text: string, more: Partial<Parameters<typeof parseConfig>[1]> = {}) =>
  parseConfig(text, { file: "t.yaml", env, ...plugins, ...more });

test("every fault of a file is told at once, from top to bottom, whatever part of us finds it", async () => {
  const text = [
    "organisation: { name: Co-op, timezone: UTC }",
    "targets:",
    "  - { id: a, kind: mastodn, url: https://a.example }",
    "  - { id: b, checks: [ { id: web, probe: http, url: nowhere, every: 5 } ] }",
    "  - { id: b, name: B, name: B, kind: mastodon, url: https://b.example, queues: { env: NOT_THERE } }",
    "alerts:",
    "  escalation: [ { after: 0m, notify: [ghost] } ]",
  ].join("\n");
  const faults = await faultsOf(() => parse(text));
  expect(faults.map(({ line, column }) => `${line}:${column}`)).toEqual([
    "1:30",
    "3:20",
    "4:53",
    "4:69",
    "5:11",
    "5:23",
    "5:72",
    "7:39",
  ]);
});

test("an unset secret is one fault, even where a probe wants it in a certain form", async () => {
  const text = [
    "organisation: { name: Co-op }",
    "targets: [ { id: m, kind: mastodon, url: https://m.example, queues: { env: NOT_THERE } } ]",
  ].join("\n");
  expect(await faultsOf(() => parse(text))).toMatchObject([{ line: 2, message: expect.stringContaining("NOT_THERE") }]);
});

test("a planned target needs no secrets yet, and has no checks that anything could run", () => {
  const text = [
    "organisation: { name: Co-op }",
    "targets:",
    "  - { id: photos, kind: pixelfed, url: https://p.example, planned: true }",
    "  - { id: m, planned: true, kind: mastodon, url: https://m.example, queues: { env: NOT_THERE } }",
  ].join("\n");
  const { targets } = parse(text);
  expect(targets).toMatchObject([
    { id: "photos", planned: true, checks: [], capacity: [] },
    { id: "m", planned: true, checks: [] },
  ]);
});

test("a fault in what a kind was given points at the line that gave it", async () => {
  const queues = defineProbe({
    summary: "Wants a Redis address.",
    options: z.strictObject({
      url: secret().refine((url) => url.reveal().startsWith("redis://"), { error: "not redis://" }),
    }),
    example: { url: { env: "REDIS_URL" } },
    run: async () => ({ outcome: "up" }),
  });
  const server: Probe = {
    ...queues,
    kind: {
      name: { en: "S", fr: "S" },
      checks: ({ queues: url }) => (url === undefined ? [] : [{ id: "queues", probe: "queues", url }]),
    },
  };
  const text = [
    "organisation: { name: Co-op }",
    "targets:",
    "  - id: m",
    "    kind: server",
    "    url: https://m.example",
    "    queues: { env: SMTP_URL }",
  ].join("\n");
  const faults = await faultsOf(() => parse(text, { probes: { queues, server }, channels: {} }));
  expect(faults).toEqual([
    { file: "t.yaml", line: 6, column: 5, message: 'check "queues" of this kind: url: not redis://' },
  ]);
});

test("positions are found through aliases", async () => {
  const text = [
    "organisation: { name: &name { en: Co-op, de: Genossenschaft, fr: Coop } }",
    "targets: [ { id: a, name: *name, planned: true } ]",
  ].join("\n");
  const faults = await faultsOf(() => parse(text));
  expect(faults.map(({ line, column }) => [line, column])).toEqual([[1, 42]]);
});

test("secrets come from the environment or a file beside the configuration, and never print", async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), "tidewatch-config-"));
  await writeFile(join(place.path, "smtp"), "smtp://mail.example:587\n");
  const good = [
    "organisation: { name: Co-op }",
    "targets: [ { id: a, planned: true } ]",
    "alerts: { email: { from: t@social.example, smtp: { file: smtp } } }",
  ].join("\n");
  await writeFile(join(place.path, "tidewatch.yaml"), good);
  const config = await loadConfig("tidewatch.yaml", { ...plugins, env, cwd: place.path });
  const { smtp } = z.object({ smtp: z.instanceof(Secret) }).parse(config.channels["email"]);
  expect(smtp.reveal()).toBe("smtp://mail.example:587");
  expect(JSON.stringify(config)).not.toContain("mail.example");
  expect(config.store.sqlite).toBe(join(place.path, "data/tidewatch.db"));
  expect(config.data).toBe(join(place.path, "data"));
});

test("a folder, a missing file and a huge file are told in words", async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), "tidewatch-config-"));
  await writeFile(join(place.path, "huge.yaml"), "x".repeat(1_000_001));
  const told = async (file: string) =>
    (await faultsOf(() => loadConfig(file, { ...plugins, env, cwd: place.path })))[0]?.message;
  expect(await told(".")).toContain("this is a folder");
  expect(await told("none.yaml")).toContain("there is no such file");
  expect(await told("huge.yaml")).toContain("larger than 1 MB");
});

test.each([
  ["nested without end", "[".repeat(50_000)],
  ["mappings without end", "{a: ".repeat(5000)],
  [
    "keys of every object",
    "__proto__: {x: 1}\nconstructor: 1\ntargets: [{id: a, kind: __proto__, url: 'https://a.example'}]",
  ],
  ["a probe that every object has", "organisation: {name: a}\ntargets: [{id: a, checks: [{id: a, probe: toString}]}]"],
  ["a mapping as a key", "? {a: b}\n: 3"],
  ["a NUL byte", "a\0b: 1"],
  ["aliases without number", `a: &a 1\nb: [${"*a, ".repeat(100_000)}]`],
  ["nothing", ""],
])("hostile text is refused and nothing else happens: %s", async (_name, text) => {
  const faults = await faultsOf(() => parse(text, noPlugins));
  expect(faults.length).toBeGreaterThan(0);
  expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
});

test("control characters of a file do not reach the terminal", async () => {
  const faults = await faultsOf(() => parse("\u001b[31mred: 1\n\u009b2J: 2"));
  expect(faults.length).toBeGreaterThan(0);
  for (const { message } of faults) expect(message).not.toMatch(/\p{Cc}/u);
});

test("a byte order mark and Windows line ends do not move the place of a fault", async () => {
  const faults = await faultsOf(() => parse("\uFEFForganisation:\r\n  name: x\r\n  timezone: UTC\r\ntargets: []\r\n"));
  expect(faults.map(({ line, column }) => [line, column])).toEqual([
    [3, 3],
    [4, 1],
  ]);
});

test("what is read never depends on what was read before", () => {
  const settings = { organisation: { name: "Co-op" }, targets: [{ id: "a", planned: true }] };
  expect(readConfig(settings, noPlugins)).toEqual(readConfig(settings, noPlugins));
});
