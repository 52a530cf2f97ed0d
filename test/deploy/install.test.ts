/** `npm ci` as an operator runs it: with the machine's own npm and Node.js, however old, and into an empty folder. */
import { execFile } from "node:child_process";
import { access, copyFile, mkdtempDisposable, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { projectFile } from "./tools.ts";

const execute = promisify(execFile);

/** The machine's own, without what `npm test` added: folders of packages that come first, settings as npm_…. */
const environment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"))),
  PATH: (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => !folder.includes("node_modules"))
    .join(delimiter),
};

/** @returns the lines that it prints. */
async function install(folder: string, ...options: readonly string[]): Promise<readonly string[]> {
  for (const file of ["package.json", "package-lock.json", ".npmrc"]) {
    await copyFile(projectFile(file), join(folder, file));
  }
  const { stdout, stderr } = await execute("npm", ["ci", "--prefer-offline", ...options], {
    cwd: folder,
    env: environment,
  });
  return (stdout + stderr).split("\n").filter((line) => line !== "");
}

test("an installation for production prints a few lines and brings Node.js, no practice co-op and 300 MB at most", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-install-"));
  const said = await install(folder.path, "--omit=dev");
  expect(said.length, said.join("\n")).toBeLessThanOrEqual(10);
  const packages = join(folder.path, "node_modules");
  const node = join(packages, ".bin", "node");
  await access(node);
  // As npm 9 and 10 leave it: with the Node.js of the other platforms they remove the link to ours, of the same name.
  await rm(node);
  await execute("npm", ["run", "postinstall"], { cwd: folder.path, env: environment });
  const { stdout: version } = await execute(node, ["--version"]);
  expect(version).toBe(`${process.version}\n`);
  expect(await readdir(packages)).not.toEqual(expect.arrayContaining([expect.stringMatching(/postgres$|smtp-server/)]));
  const whole = await megabytes([packages]);
  expect(whole).toBeLessThan(300);
  // What an image needs, which has a Node.js already.
  const nodes = (await readdir(packages)).filter((name) => name.startsWith("node-"));
  expect(whole - (await megabytes(nodes.map((name) => join(packages, name))))).toBeLessThan(60);
});

async function megabytes(folders: readonly string[]): Promise<number> {
  const { stdout } = await execute("du", ["-scm", ...folders]);
  return Number(/^(\d+)\ttotal$/m.exec(stdout)?.[1]);
}

test("a whole installation prints a few lines beside the packages that a dry run lists", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-install-"));
  const said = (await install(folder.path, "--dry-run")).filter((line) => !line.startsWith("add "));
  expect(said.length, said.join("\n")).toBeLessThanOrEqual(10);
});
