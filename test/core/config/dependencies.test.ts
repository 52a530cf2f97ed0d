/** What a check may depend on, and what the configuration says when that cannot be. */
import { expect, test } from "vitest";
import { z } from "zod";
import { type Plugins, readConfig } from "../../../core/config/config.ts";
import { webAddress } from "../../../core/config/settings.ts";
import { defineProbe } from "../../../core/probe.ts";

const page = defineProbe({
  summary: "Asks for a page.",
  options: z.strictObject({ url: webAddress() }),
  example: { url: "https://social.example" },
  run: async () => ({ outcome: "up" }),
});
const server = defineProbe({
  ...page,
  kind: {
    name: { en: "Server", fr: "Serveur" },
    checks: ({ url }) => [
      { id: "web", probe: "page", url },
      { id: "service", probe: "server", url },
      { id: "mail", probe: "page", url: "https://mail.example" },
    ],
  },
});
const plugins: Plugins = { probes: { page, server }, channels: {} };

const url = "https://social.example";
const one = (id: string, dependsOn?: readonly unknown[]) => ({ id, probe: "page", url, dependsOn });

function read(...targets: readonly object[]) {
  const reading = readConfig({ organisation: { name: "Co-op" }, targets }, plugins);
  if ("config" in reading) {
    const checks = reading.config.targets.flatMap((target) => target.checks);
    return Object.fromEntries(checks.map((check) => [`${check.target}/${check.id}`, check.dependsOn]));
  }
  return reading.faults.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

test("a dependency is a check of the same target, or of another by its whole name", () => {
  const targets = [
    { id: "database", checks: [one("growth")] },
    { id: "social", checks: [one("web", ["database/growth"]), one("about", ["web", "social/web"])] },
  ];
  expect(read(...targets)).toEqual({
    "database/growth": undefined,
    "social/web": ["database/growth"],
    "social/about": ["social/web"],
  });
});

test("what a kind asks at the address of its service depends on its web check, unless somebody says otherwise", () => {
  const social = { id: "social", kind: "server", url };
  expect(read(social)).toEqual({ "social/web": undefined, "social/service": ["social/web"], "social/mail": undefined });
  expect(read({ ...social, checks: [{ id: "service", dependsOn: [] }] })).toMatchObject({
    "social/service": undefined,
  });
});

test("what a whole target depends on is said once, beside what its checks name themselves", () => {
  const database = { id: "database", checks: [one("port")] };
  const social = { id: "social", kind: "server", url, dependsOn: ["database/port", "web"] };
  expect(read(database, social)).toEqual({
    "database/port": undefined,
    "social/web": ["database/port"],
    "social/service": ["social/web", "database/port"],
    "social/mail": ["database/port", "social/web"],
  });
  expect(read(database, { ...social, dependsOn: ["database/prot"] })).toEqual([
    'targets.1.dependsOn.0: there is no check "database/prot": did you mean "database/port"?',
  ]);
  expect(read({ id: "database", checks: [one("port", ["social/web"])] }, social)).toEqual([
    expect.stringContaining("depends on itself"),
  ]);
});

test.each([
  ["a mistyped check", ["wbe"], 'there is no check "wbe": did you mean "web"?'],
  ["a mistyped target", ["databse/growth"], 'there is no check "databse/growth": did you mean "database/growth"?'],
  [
    "a whole target",
    ["database"],
    'there is no check "database": it is a target; name one of its checks, database/growth',
  ],
  [
    "something else",
    ["the weather"],
    'there is no check "the weather": name one of this target (web, about), or one of another as target/check',
  ],
])("%s is refused where it stands, with the nearest one", (_what, dependsOn, message) => {
  const database = { id: "database", checks: [one("growth")] };
  expect(read(database, { id: "social", checks: [one("web"), one("about", dependsOn)] })).toEqual([
    `targets.1.checks.1.dependsOn.0: ${message}`,
  ]);
});

test("a check with another fault is there all the same", () => {
  const broken = { id: "web", probe: "page", url: 7 };
  expect(read({ id: "social", checks: [broken, one("about", ["web"])] })).toHaveLength(1);
});

test("a ring is told once, with all that is in it, where it was written", () => {
  expect(read({ id: "a", checks: [one("x", ["x"])] })).toEqual([
    "targets.0.checks.0.dependsOn.0: a/x depends on itself (a/x → a/x): take one of these out, since none could ever be the cause",
  ]);
  const ring = read(
    { id: "a", checks: [one("x", ["b/y"])] },
    { id: "b", checks: [one("y", ["z"]), one("z", ["a/x"]), one("w", ["y"])] },
  );
  expect(ring).toEqual([expect.stringContaining("b/z depends on itself (b/z → a/x → b/y → b/z)")]);
  expect(read({ id: "s", kind: "server", url, checks: [{ id: "web", dependsOn: ["service"] }] })).toEqual([
    expect.stringMatching(/^targets\.0\.checks\.0\.dependsOn\.0: s\/web depends on itself/),
  ]);
});

test("settings of any shape are refused with sentences", () => {
  for (const dependsOn of ["web", [1], [[]], [""], ["/"], ["a/b/c"], [{}], { web: true }, 3]) {
    const found = read({ id: "social", checks: [one("web"), { ...one("about"), dependsOn }] });
    expect(found, JSON.stringify(dependsOn)).toEqual(expect.arrayContaining([expect.stringMatching(/\S/)]));
  }
});
