/** `npm run bench [NAME…] [--minutes N] [--before FOLDER] [--json]`: ratios, taken in one run against a named yardstick. Never a test: machines differ. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Bench, Figure, Measurement } from "./lib/measurement.ts";
import { Progress } from "./lib/progress.ts";
import { asJson, asMarkdown, machine, type Result } from "./lib/results-table.ts";

const measurements: Readonly<Record<string, () => Promise<{ readonly measurement: Measurement }>>> = {
  check: () => import("./check.ts"),
  page: () => import("./page.ts"),
  bytes: () => import("./bytes.ts"),
  memory: () => import("./memory.ts"),
  disk: () => import("./disk.ts"),
  storm: () => import("./storm.ts"),
  metrics: () => import("./metrics.ts"),
  before: () => import("./before.ts"),
};

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const read = readArguments(argv);
  if (typeof read === "string") {
    process.stderr.write(`${read}\n`);
    return 2;
  }
  if (read.help) {
    process.stdout.write(await usage());
    return 0;
  }
  if (process.platform !== "linux") {
    process.stderr.write("bench: CPU, memory and bytes are read from /proc, which only Linux has.\n");
    return 2;
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(signal)));
  const on = machine();
  const results: Result[] = [];
  for (const name of read.names) {
    if (!stop.signal.aborted) results.push(...(await measure(name, read, stop.signal)));
  }
  process.stdout.write(read.json ? asJson(results, on) : asMarkdown(results, on));
  if (stop.signal.aborted) return 130;
  return results.some(({ failed }) => failed !== undefined) ? 1 : 0;
}

interface Arguments {
  readonly names: readonly string[];
  /** Another checkout to compare with. */
  readonly before?: string | undefined;
  readonly minutes: number;
  readonly json: boolean;
  readonly help: boolean;
}

function readArguments(argv: readonly string[]): string | Arguments {
  try {
    const no = { type: "boolean", default: false } as const;
    const options = {
      json: no,
      help: no,
      before: { type: "string" },
      minutes: { type: "string", default: "10" },
    } as const;
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    const all = Object.keys(measurements);
    const unknown = positionals.find((name) => !all.includes(name));
    if (unknown !== undefined) return `bench: there is no measurement "${unknown}"; there are ${all.join(", ")}`;
    const minutes = Number(values.minutes);
    if (!(minutes > 0 && minutes <= 10)) return `bench: --minutes "${values.minutes}" is not between 0 and 10`;
    const usual = all.filter((name) => name !== "before" || values.before !== undefined);
    return { ...values, minutes, names: positionals.length > 0 ? positionals : usual };
  } catch (error) {
    return `bench: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function usage(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(measurements).map(
      async ([name, load]) => `  ${name.padEnd(8)}${(await load()).measurement.summary}\n`,
    ),
  );
  return `Usage: npm run bench -- [NAME…] [--minutes N] [--before FOLDER] [--json]\n\n${lines.join("")}\nWithout a name, all of them, one after the other; "before" only with a folder.\n--minutes: how long "memory" watches 5,000 checks, 10 where it is not given.\n`;
}

/** One that fails says why, and the next one has its turn. */
async function measure(
  name: string,
  { before, minutes }: Pick<Arguments, "before" | "minutes">,
  stopped: AbortSignal,
): Promise<readonly Result[]> {
  const load = measurements[name];
  if (!load) return [];
  const { measurement } = await load();
  const folder = await mkdtemp(join(tmpdir(), "tidewatch-bench-"));
  using progress = new Progress(name);
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(measurement.limitSeconds * 1000)]);
  const bench: Bench = {
    folder,
    signal,
    before,
    minutes,
    progress: (doing) => progress.show(doing),
    sleep: (seconds) => sleep(seconds * 1000, undefined, { signal }),
  };
  try {
    const figures: readonly Figure[] = await measurement.run(bench);
    return figures.map((figure) => ({ name, figure }));
  } catch (error) {
    return [{ name, failed: reasonOf(error, signal) }];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  const told: unknown = signal.aborted ? signal.reason : error;
  if (!(told instanceof Error)) return String(told);
  const remedy = "remedy" in told ? ` ${String(told.remedy)}` : "";
  const cause = told.cause instanceof Error && told !== told.cause ? ` (${told.cause.message})` : "";
  return `${told.message}${cause}${remedy}`;
}
