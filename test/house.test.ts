/** Who may import whom, and no import cycle: Biome is shown each arrow between two folders, in a house of tiny files. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtempDisposable, readdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";

const root = join(import.meta.dirname, "..");
const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");

const parts = ["probes", "collector", "store", "alerts", "reports", "dashboards"];
/** From each folder, what it may import beside itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ...Object.fromEntries(parts.map((part) => [part, ["core"]])),
  program: ["core", ...parts],
  practice: ["core", ...parts, "program"],
  bench: ["core", ...parts, "program", "practice"],
  docs: ["core", ...parts, "program", "practice", "bench"],
  commands: ["core", "reports", "program"],
  test: ["core", ...parts, "program", "practice", "bench", "commands", "main.ts.js"],
};
const folders = Object.keys(mayImport);

/** A file in each, near the top and deeper in. */
const inside = (folder: string): readonly string[] => {
  if (folder === "main.ts.js") return ["main.ts.js"];
  // What is in store/ itself are folders, one for each engine.
  return folder === "store" ? ["store/sqlite/a.ts"] : [`${folder}/a.ts`, `${folder}/deep/a.ts`];
};

const specifier = (from: string, to: string): string => `${"../".repeat(from.split("/").length - 1)}${to}`;

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly allowed: boolean;
}

const arrows: readonly Arrow[] = folders.flatMap((folder) =>
  [...folders, "main.ts.js"]
    .filter((other) => other !== folder && other !== "docs")
    .flatMap((other) => {
      const allowed = mayImport[folder]?.includes(other) ?? false;
      return inside(folder).flatMap((from) => inside(other).map((to) => ({ from, to, allowed })));
    }),
);

test("a folder imports what is below it, and nothing else", async () => {
  const files = Object.fromEntries(
    arrows.map((arrow, index) => [
      arrow.from.replace(/a\.ts$/, `from-${index}.ts`),
      `import "${specifier(arrow.from, arrow.to)}";\n`,
    ]),
  );
  await using house = await houseOf(files);
  const faults = await house.faults("lint", "--only=style/noRestrictedImports");
  const refused = new Set(faults.map(({ path }) => path));
  const told = Object.keys(files).map((file, index) => ({ ...arrows[index], allowed: !refused.has(file) }));
  expect(told).toEqual(arrows);
});

test("run alone of all commands starts the practice co-op", async () => {
  const practice = 'import "../practice/co-op.ts";\n';
  await using house = await houseOf({
    "commands/run.ts": practice,
    "commands/probe.ts": practice,
    "commands/lib/practice.ts": 'import "../../practice/co-op.ts";\nimport "../../dashboards/server.ts";\n',
  });
  expect(await house.faults("lint", "--only=style/noRestrictedImports")).toEqual([
    { rule: "lint/style/noRestrictedImports", path: "commands/lib/practice.ts", line: 2 },
    { rule: "lint/style/noRestrictedImports", path: "commands/probe.ts", line: 1 },
  ]);
});

test.each([
  'import type { A } from "../collector/a.ts";\n\nexport const b = (a: A): A => a;\n',
  'export * from "../collector/a.ts";\n',
  'export { a } from "../collector/a.ts";\n',
  'export const a = await import("../collector/a.ts");\n',
])("npm run check sees %j", async (text) => {
  await using house = await houseOf({ "probes/a.ts": text });
  expect(await house.faults("check")).toEqual([
    expect.objectContaining({ rule: "lint/style/noRestrictedImports", path: "probes/a.ts" }),
  ]);
});

test("npm run check sees a cycle of imports, also of types alone", async () => {
  const one = 'import type { B } from "./b.ts";\n\nexport interface A {\n  readonly b?: B;\n}\n';
  const other = one.replaceAll("B", "C").replaceAll("A", "B").replaceAll("C", "A").replace("./b.ts", "./a.ts");
  await using cycle = await houseOf({ "core/a.ts": one, "core/b.ts": other.replace("b?", "a?") });
  expect((await cycle.faults("check")).map(({ rule, path }) => [rule, path])).toEqual([
    ["lint/suspicious/noImportCycles", "core/a.ts"],
    ["lint/suspicious/noImportCycles", "core/b.ts"],
  ]);
  await using line = await houseOf({
    "core/a.ts": one,
    "core/b.ts": "export interface B {\n  readonly a: string;\n}\n",
  });
  expect(await line.faults("check")).toEqual([]);
});

test("every folder of ours has its place in the rule, and each engine of the store a folder", async () => {
  const entries = await readdir(root, { withFileTypes: true });
  const ours = entries
    .filter((entry) => entry.isDirectory() && !/^\.|^(node_modules|data|deploy|coverage|secrets)$/.test(entry.name))
    .map(({ name }) => name);
  expect(ours.toSorted()).toEqual(folders.toSorted());
  const store = await readdir(join(root, "store"), { withFileTypes: true });
  expect(store.filter((entry) => !entry.isDirectory())).toEqual([]);
});

const Report = z.object({
  diagnostics: z.array(
    z.object({
      category: z.string(),
      location: z.object({ path: z.string(), start: z.object({ line: z.number() }) }),
    }),
  ),
});

/** Files in a folder of their own, under our rules; gone when the test is over. */
async function houseOf(files: Readonly<Record<string, string>>) {
  const folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-house-"));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), text);
  }
  for (const name of ["biome.jsonc", ".gitignore"]) await copyFile(join(root, name), join(folder.path, name));
  return {
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    async faults(...command: readonly string[]) {
      const options = ["--reporter=json", "--max-diagnostics=none", "."];
      const { diagnostics } = Report.parse(JSON.parse(await output([...command, ...options], folder.path)));
      return diagnostics
        .map(({ category, location: { path, start } }) => ({ rule: category, path, line: start.line }))
        .toSorted((a, b) => a.path.localeCompare(b.path));
    },
  };
}

/** What Biome prints, whether or not it found something. */
function output(args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [biome, ...args], { cwd, maxBuffer: 2 ** 26 }, (_error, stdout) => resolve(stdout));
  });
}
