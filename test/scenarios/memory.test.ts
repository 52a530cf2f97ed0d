/** What keeps a running program small: how its process begins, and that nothing is loaded that its configuration does not need. */
import { spawnSync } from "node:child_process";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { type Installation, install } from "../helpers/program.ts";
import { smallServer } from "../helpers/small-server.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const linux = process.platform === "linux";

async function watching(url: string, env: Readonly<Record<string, string>> = {}): Promise<Installation> {
  const yaml = `
organisation: { name: Co-op, languages: [en], timeZone: UTC }
server: { public: "127.0.0.1:0", private: "127.0.0.1:0" }
store: { sqlite: ./data/tidewatch.db }
selfCheck: { anchors: ["${url}"] }
targets: [{ id: forum, name: Forum, checks: [{ id: web, probe: http, url: "${url}", every: 1s, timeout: 900ms }] }]
`;
  return install(yaml, { env });
}

/** What the kernel keeps of how a process was begun: its words, its variables. */
async function begun(pid: number | undefined, what: "cmdline" | "environ"): Promise<readonly string[]> {
  return (await readFile(`/proc/${pid}/${what}`, "utf8")).split("\0");
}

test.runIf(linux)("`run` begins in little memory, in the process that was started, and leaves no other", async () => {
  await using server = await smallServer({ "*": { body: "here" } });
  await using installation = await watching(server.url);
  const program = await installation.start();
  const { pid } = program.process;
  expect(await begun(pid, "environ")).toEqual(
    expect.arrayContaining(["MALLOC_ARENA_MAX=1", "MALLOC_MMAP_THRESHOLD_=65536", "MALLOC_TRIM_THRESHOLD_=131072"]),
  );
  expect((await begun(pid, "cmdline"))[1]).toBe("--max-semi-space-size=1");
  expect(await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).toBe("");
  expect(program.printed()).not.toContain("Warning");
  expect(await program.stop()).toMatchObject({ code: 0 });
});

test.runIf(linux)("what the operator sets for the allocator or for V8 stays as it is", async () => {
  await using server = await smallServer({ "*": { body: "here" } });
  await using installation = await watching(server.url, {
    MALLOC_ARENA_MAX: "4",
    NODE_OPTIONS: "--max_semi_space_size=8",
  });
  const program = await installation.start();
  const { pid } = program.process;
  const environ = await begun(pid, "environ");
  expect(environ).toEqual(expect.arrayContaining(["MALLOC_ARENA_MAX=4", "MALLOC_TRIM_THRESHOLD_=131072"]));
  expect(environ).not.toContain("MALLOC_ARENA_MAX=1");
  expect((await begun(pid, "cmdline")).join(" ")).not.toContain("--max-semi-space-size");
});

test.runIf(linux)("who has set all of the allocator gets V8's option too", async () => {
  await using server = await smallServer({ "*": { body: "here" } });
  const allocator = { MALLOC_ARENA_MAX: "2", MALLOC_MMAP_THRESHOLD_: "65536", MALLOC_TRIM_THRESHOLD_: "131072" };
  await using installation = await watching(server.url, allocator);
  const program = await installation.start();
  const { pid } = program.process;
  expect((await begun(pid, "cmdline"))[1]).toBe("--max-semi-space-size=1");
  expect(await begun(pid, "environ")).toContain("MALLOC_ARENA_MAX=2");
});

test("where no process may be begun once more, it goes on without a word", () => {
  const words = ["--permission", "--allow-fs-read=*", join(root, "main.ts"), "run", "--config", "no-such.yaml"];
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { cwd: root, encoding: "utf8" });
  expect({ stdout, stderr, status }).toEqual({
    stdout: "",
    stderr: expect.stringMatching(
      /^no-such\.yaml:1:1: there is no such file[^\n]*\n1 fault in no-such\.yaml\.[^\n]*\n$/,
    ),
    status: 2,
  });
});

test("a configuration with nothing but http loads no other probe, no channel, and no library for them", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-loaded-"));
  const list = join(folder.path, "list");
  // In every thread: `import` and `require` both come by here.
  await writeFile(
    join(folder.path, "hooks.mjs"),
    `import { appendFileSync } from "node:fs";
     import { registerHooks } from "node:module";
     registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + "\\n"); return next(url, context); } });`,
  );
  await using server = await smallServer({ "*": { body: "here" } });
  await using installation = await watching(server.url, {
    NODE_OPTIONS: `--import=${pathToFileURL(join(folder.path, "hooks.mjs"))}`,
  });
  const program = await installation.start();
  await program.stop();
  const loaded = [...new Set((await readFile(list, "utf8")).trim().split("\n"))];
  const ours = loaded
    .filter((url) => url.startsWith(pathToFileURL(root).href))
    .map((url) => url.slice(pathToFileURL(root).href.length));
  expect(ours).toEqual(
    expect.arrayContaining(["program/start.ts", "program/probe-worker.ts", "store/sqlite/reader-thread.ts"]),
  );
  expect(ours.filter((path) => /^(?:probes|alerts\/channels)\/[^/]*$/.test(path))).toEqual(["probes/http.ts"]);
  expect(ours.filter((path) => /^(?:practice|bench|test)\//.test(path))).toEqual([]);
  const packages = new Set(ours.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []));
  expect([...packages].toSorted()).toEqual([
    "@hono/node-server",
    "@opentelemetry/api",
    "bintrees",
    "hono",
    "prom-client",
    "tdigest",
    "undici",
    "yaml",
    "zod",
  ]);
});
