/** `./tidewatch` in the checkout, and that nothing of ours names a command which could leave it. */
import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdtempDisposable, readFile, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const ours = join(root, "tidewatch");

/** Words by which a package manager runs or installs what a registry has under our name; a line may end between them. */
const fetching =
  /\b(?:npx|bunx|pnpx|(?:npm|pnpm|yarn|bun) +(?:exec|x|dlx|install|i|add|create|init))(?:[\s#*>]+-[\w=-]*)*[\s#*>]+tidewatch\b/g;
const couldLeave = (text: string): readonly string[] =>
  [...text.matchAll(fetching)].map(([words]) => words).filter((words) => !/ --no(?:-install)? /.test(words));

test("the search knows every way in which our name reaches a registry", () => {
  for (const runner of [
    "npx",
    "npx -y",
    "npx --",
    "npm exec",
    "npm exec --",
    "npm x",
    "npm i -g",
    "pnpm dlx",
    "bunx",
  ]) {
    expect(couldLeave(`then \`${runner} tidewatch probe\``)).toEqual([`${runner} tidewatch`]);
  }
  expect(couldLeave("# `npx\n# tidewatch probe`")).toEqual(["npx\n# tidewatch"]);
  expect(couldLeave("`npm exec --no -- tidewatch probe`, `./tidewatch probe`, `npm install && ./tidewatch`")).toEqual(
    [],
  );
});

test("nothing that we print, document or mail can fetch a stranger's package under our name", async () => {
  const { stdout } = await promisify(execFile)("git", ["ls-files", "-z"], { cwd: root, maxBuffer: 64e6 });
  const files = stdout.split("\0").filter((file) => /(^|\/)[^.]+$|\.(?!png$|db$|gz$)\w+$/.test(file));
  expect(files.length).toBeGreaterThan(500);
  const itself = "test/tidewatch.test.ts";
  const found = await Promise.all(
    files
      .filter((file) => file !== itself)
      .map(async (file) => {
        const text = await readFile(join(root, file), "utf8").catch(() => "");
        return couldLeave(text).map((words) => `${file}: ${words}`);
      }),
  );
  expect(found.flat()).toEqual([]);
});

test("./tidewatch runs from any folder, by a link too, and hands over words and exit code as they are", async () => {
  await using elsewhere = await mkdtempDisposable(join(tmpdir(), "tidewatch-elsewhere-"));
  const link = join(elsewhere.path, "watch");
  await symlink(ours, link);
  for (const path of [ours, link]) {
    const { stdout, status } = spawnSync(path, ["--version"], { cwd: elsewhere.path, encoding: "utf8" });
    expect({ stdout, status }).toEqual({ stdout: "tidewatch 0.1.0\n", status: 0 });
  }
  const { stderr, status } = spawnSync(ours, ["two words"], { cwd: elsewhere.path, encoding: "utf8" });
  expect({ stderr, status }).toEqual({ stderr: expect.stringContaining('no command "two words"'), status: 64 });
});

test("./tidewatch before `npm ci` says so in one sentence", async () => {
  await using clone = await mkdtempDisposable(join(tmpdir(), "tidewatch-clone-"));
  await copyFile(ours, join(clone.path, "tidewatch"));
  const { stdout, stderr, status } = spawnSync(join(clone.path, "tidewatch"), ["probe"], { encoding: "utf8" });
  expect({ stdout, stderr, status }).toEqual({
    stdout: "",
    stderr: `tidewatch: nothing is installed yet: run \`npm ci\` in ${clone.path} first.\n`,
    status: 69,
  });
});

test("`node main.ts` on an old Node.js says in one sentence what to do", async () => {
  // What the entry reads of its Node.js is the version, which an older one says here.
  const old = `data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.20.2"})`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--import", old, join(root, "main.ts"), "run"], {
    encoding: "utf8",
  });
  expect({ stdout, stderr, status }).toEqual({
    stdout: "",
    stderr:
      "tidewatch: this is Node.js 20.20.2, too old for Tidewatch: after `npm ci`, `npm start` and `./tidewatch …` use Node.js 26, which comes along.\n",
    status: 69,
  });
});

test("`node main.ts` before `npm ci` says so in one sentence", async () => {
  await using clone = await mkdtempDisposable(join(tmpdir(), "tidewatch-clone-"));
  for (const path of ["package.json", "main.ts.js", "commands", "core", "program", "reports"]) {
    await cp(join(root, path), join(clone.path, path), { recursive: true });
  }
  const words = [join(clone.path, "main.ts"), "check-config"];
  const { stderr, status } = spawnSync(process.execPath, words, { cwd: clone.path, encoding: "utf8" });
  expect({ stderr, status }).toEqual({
    stderr: expect.stringMatching(/^tidewatch: nothing is installed yet.*\n$/),
    status: 69,
  });
});

test("what an old Node.js must read is plain JavaScript, under a name that it opens for `node main.ts`", async () => {
  expect(existsSync(join(root, "main.ts"))).toBe(false);
  const found = ["/usr/bin/node", "/usr/local/bin/node"].filter((node) => existsSync(node));
  for (const node of found) {
    const { stderr, status } = spawnSync(node, ["main.ts", "--version"], { cwd: root, encoding: "utf8" });
    expect(stderr).toMatch(status === 0 ? /^$/ : /^tidewatch: this is Node\.js [^\n]*\n$/);
  }
});

test("an install warns of nothing, stops for no old Node.js, and is told of no registry", async () => {
  const settings = (await readFile(join(root, ".npmrc"), "utf8")).split("\n").filter((line) => /^[^;]/.test(line));
  expect(settings).toEqual(["loglevel=error", "engine-strict=false", "audit=false", "fund=false"]);
});
