/** A memory cgroup (control group) of Linux, version 1 or 2: a limit for one process, and what the kernel charges it with. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface Charged {
  readonly bytes: number;
  /** Of them; the kernel takes it away before it kills. */
  readonly fileCacheBytes: number;
}

export interface MemoryCgroup extends AsyncDisposable {
  readonly folder: string;
  /** Put before a command: it runs inside from its first instruction on, under the same process id. */
  readonly enter: readonly string[];
  charged(): Promise<Charged>;
  /** The most that was ever charged; undefined where the kernel does not keep it. */
  peakBytes(): Promise<number | undefined>;
  /** How many processes the kernel killed because the limit was reached. */
  kills(): Promise<number>;
}

/** The files of one version. */
interface Layout {
  readonly parent: string;
  /** A file of the parent by which the version is known. */
  readonly mark: string;
  readonly limit: string;
  /** Written where it is there: nothing may go to swap instead. */
  readonly swap: { readonly file: string; readonly value: (limit: number) => string };
  readonly charged: string;
  readonly fileCache: RegExp;
  readonly peak: string;
  readonly kills: string;
}

const version1: Layout = {
  parent: "/sys/fs/cgroup/memory",
  mark: "memory.limit_in_bytes",
  limit: "memory.limit_in_bytes",
  swap: { file: "memory.memsw.limit_in_bytes", value: String },
  charged: "memory.usage_in_bytes",
  fileCache: /^total_cache (\d+)$/m,
  peak: "memory.max_usage_in_bytes",
  kills: "memory.oom_control",
};

const version2: Layout = {
  parent: "/sys/fs/cgroup",
  mark: "cgroup.controllers",
  limit: "memory.max",
  swap: { file: "memory.swap.max", value: () => "0" },
  charged: "memory.current",
  fileCache: /^file (\d+)$/m,
  peak: "memory.peak",
  kills: "memory.events",
};

/** @returns why, where none can be made here. */
export async function openMemoryCgroup(limitBytes: number): Promise<MemoryCgroup | string> {
  const layout = [version1, version2].find(({ parent, mark }) => existsSync(join(parent, mark)));
  if (layout === undefined) return "this machine has no memory cgroups";
  const folder = join(layout.parent, `tidewatch-bench-${process.pid}`);
  await using undo = new AsyncDisposableStack();
  try {
    await mkdir(folder);
    undo.defer(() => removeCgroup(folder));
    await writeFile(join(folder, layout.limit), String(limitBytes));
    const swap = join(folder, layout.swap.file);
    if (existsSync(swap)) await writeFile(swap, layout.swap.value(limitBytes));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const made = undo.move();
  return { ...readings(folder, layout), [Symbol.asyncDispose]: () => made.disposeAsync() };
}

function readings(folder: string, layout: Layout): Omit<MemoryCgroup, keyof AsyncDisposable> {
  const read = (name: string) => readFile(join(folder, name), "utf8");
  return {
    folder,
    enter: ["sh", "-c", 'echo $$ > "$0" && exec "$@"', join(folder, "cgroup.procs")],
    async charged() {
      const [bytes, details] = await Promise.all([read(layout.charged), read("memory.stat")]);
      return { bytes: Number(bytes), fileCacheBytes: Number(layout.fileCache.exec(details)?.[1]) };
    },
    peakBytes: async () => (existsSync(join(folder, layout.peak)) ? Number(await read(layout.peak)) : undefined),
    kills: async () => Number(/^oom_kill (\d+)$/m.exec(await read(layout.kills))?.[1]),
  };
}

/** The kernel takes a moment to let go of a process that has ended. */
async function removeCgroup(folder: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await rmdir(folder);
    } catch (error) {
      if (tries >= 50) throw error;
      await sleep(100);
    }
  }
}
