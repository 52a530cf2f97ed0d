/** Programs that are not installed: found on PATH, or unpacked once; a sentence with the remedy where neither works. */
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { Refused } from "../../core/errors.ts";
import { debianProgram } from "../../practice/servers/debian.ts";
import { prometheus, promtool, tool } from "../deploy/tools.ts";

/** A program of the name that ends with the code, in a folder of its own that everybody may read. */
async function folderWith(name: string, script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tidewatch-path-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return folder;
}

/** With an empty cache: nothing was unpacked before. */
async function emptyCache(): Promise<void> {
  const cache = await mkdtemp(join(tmpdir(), "tidewatch-cache-"));
  onTestFinished(() => rm(cache, { recursive: true, force: true }));
  await chmod(cache, 0o755);
  vi.stubEnv("TIDEWATCH_CACHE", cache);
  onTestFinished(() => void vi.unstubAllEnvs());
}

test("a program on PATH is taken as it is, under another name too", async () => {
  const folder = await folderWith("tide-tables-ng", "exit 0");
  vi.stubEnv("PATH", folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const wanted = { package: "tide-tables", program: "usr/bin/tide-tables", alsoNamed: ["tide-tables-ng"] };
  expect(await debianProgram(wanted)).toEqual({ path: join(folder, "tide-tables-ng"), environment: {} });
});

test("a program on PATH that does not run is passed over for the next", async () => {
  const broken = await folderWith("tide-tables", "exit 1");
  const good = await folderWith("tide-tables", "echo tide-tables 1.0 >&2; exit 1");
  vi.stubEnv("PATH", `${broken}:${good}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const wanted = { package: "tide-tables", program: "usr/bin/tide-tables", says: /^tide-tables / };
  expect((await debianProgram(wanted)).path).toBe(join(good, "tide-tables"));
});

test("a package nobody has is refused with the command that would install it", async () => {
  await emptyCache();
  const refusal = await debianProgram({ package: "no-such-package-of-ours", program: "usr/bin/none" }).catch((e) => e);
  expect(refusal).toBeInstanceOf(Refused);
  expect(refusal.message).toMatch(/^There is no none on PATH/);
  expect(refusal.remedy).toContain("apt-get install no-such-package-of-ours");
});

const server = await tool(prometheus);

server.test("what was unpacked once is used again, by another program of the same package too", async () => {
  const before = await stat(server.program.path);
  const [again, tool] = await Promise.all([debianProgram(prometheus), debianProgram(promtool)]);
  expect(again.path).toBe(server.program.path);
  expect((await stat(tool.path)).mode & 0o111).not.toBe(0);
  expect((await stat(again.path)).ino).toBe(before.ino);
});
