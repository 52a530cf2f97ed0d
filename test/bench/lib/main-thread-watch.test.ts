/** The watch inside a measured program: it knows how long the main thread was held, also after the program replaced itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { MainThreadReport } from "../../../bench/lib/main-thread-watch.ts";

/** Spins for so many milliseconds of CPU whenever it hears a number. */
const spins = `
  process.stdin.on("data", (text) => {
    const until = process.threadCpuUsage().user / 1000 + Number(text);
    while (process.threadCpuUsage().user / 1000 < until);
    console.log("done");
  });
  console.log("ready");
`;

/** As main.ts.js may: the same process, begun anew. */
const replacesItself = `
  if (process.env.BEGUN) { ${spins} } else process.execve(process.execPath, [process.execPath, ...process.execArgv], { ...process.env, BEGUN: "1" });
`;

async function watched(script: string) {
  const folder = await mkdtemp(join(tmpdir(), "tidewatch-watch-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "report.json");
  const watch = new URL("../../../bench/lib/main-thread-watch.ts", import.meta.url).href;
  const child = spawn(process.execPath, ["--eval", script], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { NODE_OPTIONS: `--import=${watch} --disable-warning=ExperimentalWarning`, TIDEWATCH_BENCH_REPORT: file },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return { child, report: () => reportOf(child, file) };
}

async function reportOf(child: ChildProcess, file: string): Promise<MainThreadReport> {
  await rm(file, { force: true });
  child.kill("SIGUSR2");
  return vi.waitFor(async () => JSON.parse(await readFile(file, "utf8")), { timeout: 60_000, interval: 20 });
}

test.for([
  ["a program", spins],
  ["a program that has replaced itself", replacesItself],
])("the longest hold of %s is what it computed at a stretch", async ([, script = ""]) => {
  const { child, report } = await watched(script);
  const first = await report();
  expect(first.holds).toEqual([]);
  expect(first.heapLimitBytes).toBeGreaterThan(10_000_000);

  child.stdin.write("150");
  await once(child.stdout, "data");
  const { holds, cpuMs, mostCpuMs } = await report();
  expect(holds[0]?.ms).toBeGreaterThan(149);
  expect(mostCpuMs).toBeGreaterThan(149);
  expect(cpuMs).toBeGreaterThan(149);

  // Each report begins anew.
  expect((await report()).mostCpuMs).toBeLessThan(149);
});
