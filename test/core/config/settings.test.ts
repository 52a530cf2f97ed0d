import { inspect } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";
import { readSettings } from "../../../core/config/faults.ts";
import {
  bytes,
  duration,
  identifier,
  localised,
  ratio,
  resolveSecrets,
  secret,
  slug,
  webAddress,
} from "../../../core/config/settings.ts";
import { nearest } from "../../../core/config/spelling-suggestion.ts";
import { Secret } from "../../../core/secret.ts";

const told = (schema: z.ZodType, value: unknown) =>
  readSettings(z.object({ setting: schema }), { setting: value }).faults.map(({ message }) => message);

test("what people write becomes base units", () => {
  const schema = z.object({
    every: duration().prefault("30s"),
    capacity: bytes(),
    goal: ratio(),
    name: localised(),
    id: identifier(),
    url: webAddress(),
  });
  const written = { capacity: "100 GiB", goal: "99.9%", name: "Podcasts", id: "web-2", url: "https://a.example/x?y" };
  expect(schema.parse(written)).toEqual({
    every: 30,
    capacity: 107_374_182_400,
    goal: 0.999,
    name: { en: "Podcasts", fr: "Podcasts" },
    id: "web-2",
    url: "https://a.example/x?y",
  });
});

test.each([
  [duration(), 30, "30 has no unit: write 30s, 30m or 30h"],
  [duration({ atLeast: 1 }), "500ms", "500ms is too short: at least 1s"],
  [duration({ atMost: 60 }), "5m", "5m is too long: at most 1m"],
  [duration(), null, "found nothing"],
  [bytes(), 100, "100 has no unit: write 100 GB (1000³ bytes) or 100 GiB (1024³ bytes)"],
  [bytes({ atMost: 1e9 }), "2 GB", "2 GB is too large: at most 1 GB"],
  [ratio(), 0.95, "0.95 has no percent sign: write 95%"],
  [ratio(), "120%", "is not a percentage between 0% and 100%"],
  [identifier(), "Café Social", 'perhaps "cafe-social"'],
  [identifier(), "__proto__", "cannot be used as a name"],
  [webAddress(), "social.example/about", "perhaps https://social.example/about"],
  [webAddress(), "redis://:hunter2@127.0.0.1", "must begin with https:// or http://"],
  [webAddress(), "javascript:alert(1)", "must begin with https:// or http://"],
  [webAddress(), "https://", "is not a web address"],
  [webAddress(), "https://a:b@social.example", "must not carry a user name or password"],
  [localised(), { en: "Podcasts", fr: "" }, "this text is empty"],
  [localised(), 5, "expected a text, found 5"],
  [secret(), "postgres://reader:hunter2@db", "write { env: NAME }"],
  [secret(), { env: "A", file: "b" }, "expected a secret as { env: NAME } or { file: PATH }"],
])("a slip is told with how to mend it (%#)", (schema, value, words) => {
  const faults = told(schema, value);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(words);
  expect(faults[0]).not.toContain("hunter2");
});

test("secrets are put in wherever they are written, and print as [secret] from then on", () => {
  const written = { url: { env: "URL" }, list: [{ file: "pw" }, { env: 5 }], plain: { env: "A", other: 1 } };
  const asked: unknown[] = [];
  const settings = resolveSecrets(written, (reference, path) => {
    asked.push([reference, path.join(".")]);
    return "hunter2";
  });
  expect(asked).toEqual([
    [{ env: "URL" }, "url"],
    [{ file: "pw" }, "list.0"],
  ]);
  expect(settings).toMatchObject({ list: [{}, { env: 5 }], plain: { env: "A", other: 1 } });
  const { url } = z.object({ url: secret() }).parse(settings);
  expect(url.reveal()).toBe("hunter2");
  expect(`${url} ${JSON.stringify(settings)} ${inspect(settings, { depth: 9 })}`).not.toContain("hunter2");
});

test("a secret that was not looked up is refused, not taken as it is", () => {
  expect(z.object({ url: secret() }).safeParse({ url: { env: "URL" } }).success).toBe(false);
  expect(secret().parse(new Secret("x")).reveal()).toBe("x");
});

test("an editor learns the form of every piece", () => {
  const schema = z.strictObject({ every: duration().prefault("30s"), url: secret() });
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  expect(json.properties?.["every"]).toMatchObject({ type: "string", default: "30s" });
  expect(json.properties?.["url"]).toMatchObject({ oneOf: [{ required: ["env"] }, { required: ["file"] }] });
  expect(json.required).toEqual(["url"]);
});

test("an unknown key names the nearest one, at any depth; a missing one says what it is for", () => {
  const schema = z.strictObject({
    expect: z.strictObject({ status: z.number().describe("The status that is right.") }).optional(),
    either: z.union([z.string(), z.strictObject({ en: z.string(), fr: z.string() })]),
  });
  const faults = readSettings(schema, { expect: { staus: 200 }, either: { en: "a", fr: "b", de: "c" } }).faults;
  expect(faults).toEqual([
    { path: ["expect", "status"], at: "value", message: '"status" is missing. The status that is right.' },
    { path: ["expect", "staus"], at: "key", message: 'there is no setting "staus" here: did you mean "status"?' },
    { path: ["either", "de"], at: "key", message: expect.stringContaining('no setting "de" here') },
  ]);
});

test("the word that was meant is found through slips of the fingers, and nothing is made up", () => {
  expect(nearest("mastadon", ["http", "mastodon"])).toBe("mastodon");
  expect(nearest("evrey", ["every", "probe"])).toBe("every");
  expect(nearest("time_zone", ["timeZone"])).toBe("timeZone");
  expect(nearest("country", ["countries"])).toBe("countries");
  expect(nearest("R", ["_", "X", "PS"])).toBeUndefined();
  expect(nearest("zebra", ["every", "probe"])).toBeUndefined();
  expect(nearest("", ["a"])).toBeUndefined();
  expect(nearest("x".repeat(10_000), ["x"])).toBeUndefined();
});

test("any text gives a name or nothing", () => {
  expect(slug("Café Social!")).toBe("cafe-social");
  expect(slug("127.0.0.1")).toBe("");
  expect(slug(`a${"-b".repeat(50)}`)).toMatch(/^[a-z][a-z0-9-]{0,39}$/);
});
