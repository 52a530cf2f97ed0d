/** Tidewatch as a process, started as `npm start` starts it, with a configuration and a folder of its own. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve as resolvePath } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { z } from "zod";
import { type Started, start, whileRunning } from "./child-process.ts";
import type { MainThreadReport } from "./main-thread-watch.ts";
import type { Bench } from "./measurement.ts";

export interface TidewatchProcess extends Started {
  readonly publicUrl: string;
  readonly publicPort: number;
  readonly privateUrl: string;
  readonly database: string;
  /** Of the main thread. */
  readonly heapLimitBytes: number;
  /** What happened in its main thread since it was last asked; the first answer has no holds. */
  mainThread(): Promise<MainThreadReport>;
}

export interface CheckSettings {
  readonly id: string;
  /** "http" where it is absent. */
  readonly probe?: string;
  readonly url: string;
  readonly every: string;
  readonly timeout?: string;
  readonly confirm?: { readonly failures?: number; readonly successes?: number };
  /** What the probe "prometheus" reads. */
  readonly values?: readonly { readonly name: string; readonly metric: string }[];
}

export interface TargetSettings {
  readonly id: string;
  readonly name?: { readonly en: string; readonly fr: string };
  readonly public?: boolean;
  readonly objective?: { readonly goal: string; readonly over: string };
  readonly checks: readonly CheckSettings[];
}

export const databaseIn = (folder: string): string => join(folder, "tidewatch.db");

export interface TidewatchSettings {
  readonly folder: string;
  readonly targets: readonly TargetSettings[];
  /** An address that answers: with it a failure is theirs and not ours. */
  readonly anchor: string;
  readonly core?: number;
  /** The folder of another Tidewatch to start; this one where it is absent. */
  readonly checkout?: string;
  /** Put before the command: it starts within. */
  readonly enter?: readonly string[];
}

export async function startTidewatch(bench: Bench, settings: TidewatchSettings): Promise<TidewatchProcess> {
  const { folder, core, checkout } = settings;
  await mkdir(folder, { recursive: true });
  const file = configurationIn(folder);
  await writeConfiguration(settings);
  bench.progress("starting Tidewatch");
  const { promise: watching, resolve, reject } = Promise.withResolvers<Ports>();
  const report = join(folder, "main-thread.json");
  const { command, environment } = await asNpmStarts(
    ["--config", file],
    checkout === undefined ? root : pathToFileURL(`${resolvePath(checkout)}/`),
  );
  const started = await start({
    name: "Tidewatch",
    command: [...(settings.enter ?? []), ...command],
    // In the environment, where it is still there after the program has replaced itself.
    environment: { ...environment, NODE_OPTIONS: `--import=${watch}`, TIDEWATCH_BENCH_REPORT: report },
    heard: listenFor(resolve),
    ...(core !== undefined && { core }),
  });
  const late = setTimeout(() => reject(new Error("Tidewatch did not start within 60 s")), 60_000);
  try {
    const ports = await whileRunning(started, watching);
    return {
      ...started,
      publicPort: ports.public,
      publicUrl: `http://127.0.0.1:${ports.public}`,
      privateUrl: `http://127.0.0.1:${ports.private}`,
      database: databaseIn(folder),
      heapLimitBytes: (await readReport(report)).heapLimitBytes,
      mainThread: () => reportOf(started, report, bench),
    };
  } catch (error) {
    await started[Symbol.asyncDispose]();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

const watch = new URL("main-thread-watch.ts", import.meta.url).href;

async function reportOf({ pid }: Started, file: string, bench: Bench): Promise<MainThreadReport> {
  await rm(file, { force: true });
  process.kill(pid, "SIGUSR2");
  for (let tries = 0; tries < 200; tries++) {
    await bench.sleep(0.05);
    if (existsSync(file)) return readReport(file);
  }
  throw new Error("Tidewatch's main thread gave no report within 10 s");
}

const readReport = async (file: string): Promise<MainThreadReport> => JSON.parse(await readFile(file, "utf8"));

const configurationIn = (folder: string): string => join(folder, "tidewatch.yaml");

// JSON is YAML.
const writeConfiguration = (settings: TidewatchSettings): Promise<void> =>
  writeFile(configurationIn(settings.folder), JSON.stringify(configuration(settings)));

/** Goes on with other checks, as after an operator's SIGHUP. */
export async function reconfigure(settings: TidewatchSettings, { pid }: TidewatchProcess): Promise<void> {
  await writeConfiguration(settings);
  process.kill(pid, "SIGHUP");
}

const root = new URL("../../", import.meta.url);
const Package = z.object({ scripts: z.object({ start: z.string() }) });

/** The script `start` of package.json, with its variables and options, but with this Node and from another folder. */
async function asNpmStarts(
  more: readonly string[],
  root: URL,
): Promise<{ environment: Record<string, string>; command: string[] }> {
  const { scripts } = Package.parse(JSON.parse(await readFile(new URL("package.json", root), "utf8")));
  const words = scripts.start.split(" ");
  const node = words.indexOf("node");
  const environment = Object.fromEntries(words.slice(0, node).map((pair) => pair.split("=", 2)));
  const rest = words.slice(node + 1).map((word) => (word === "main.ts" ? fileURLToPath(new URL(word, root)) : word));
  return { environment, command: [process.execPath, ...rest, ...more] };
}

interface Ports {
  readonly public: number;
  readonly private: number;
}

/** The line of its log that says where it listens. */
function listenFor(found: (ports: Ports) => void): (text: string) => void {
  let text = "";
  return (more) => {
    text = (text + more).slice(-20_000);
    const line = text.split("\n").find((line) => line.includes('"message":"watching"'));
    const port = (name: string) => Number(new RegExp(`"${name}":"[^"]*:(\\d+)"`).exec(line ?? "")?.[1]);
    if (line !== undefined && port("private") > 0) found({ public: port("public"), private: port("private") });
  };
}

function configuration({ folder, targets, anchor }: TidewatchSettings) {
  return {
    organisation: { name: "Benchmark", languages: ["en", "fr"], timeZone: "America/Vancouver" },
    server: { public: "127.0.0.1:0", private: "127.0.0.1:0" },
    store: { sqlite: databaseIn(folder) },
    selfCheck: { anchors: [anchor] },
    targets: targets.map(({ checks, ...target }) => ({
      ...target,
      checks: checks.map((check) => ({ probe: "http", ...check })),
    })),
  };
}

/** `count` checks spread over `targets` targets. */
export function manyTargets(
  shape: { readonly targets: number; readonly checksEach: number },
  check: Omit<CheckSettings, "id">,
): readonly TargetSettings[] {
  return Array.from({ length: shape.targets }, (_, target) => ({
    id: `service-${target + 1}`,
    name: { en: serviceName(target, "en"), fr: serviceName(target, "fr") },
    objective: { goal: "99.9%", over: "30d" },
    checks: Array.from({ length: shape.checksEach }, (_, index) => ({ id: `web-${index + 1}`, ...check })),
  }));
}

const kinds = {
  en: ["Mastodon", "Podcasts", "Photos", "Forum", "Chat", "Files", "Wiki", "Calendar", "Newsletter", "Video"],
  fr: ["Mastodon", "Balados", "Photos", "Forum", "Clavardage", "Fichiers", "Wiki", "Calendrier", "Infolettre", "Vidéo"],
} as const;
const towns = ["Vancouver", "Winnipeg", "Toronto", "Montréal", "Halifax"] as const;

function serviceName(index: number, language: "en" | "fr"): string {
  const names = kinds[language];
  const town = towns[Math.floor(index / names.length) % towns.length] ?? "";
  return `${names[index % names.length] ?? ""} ${town}`;
}

/** Samples that were stored since it began, as /metrics counts them. */
export async function storedChecks(tidewatch: TidewatchProcess): Promise<number> {
  const counted = await runsByCheck(tidewatch);
  return [...counted.values()].reduce((sum, runs) => sum + runs, 0);
}

/** By the labels of the check. */
export async function runsByCheck({ privateUrl }: TidewatchProcess): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${privateUrl}/metrics`)).text();
  const counted = new Map<string, number>();
  for (const [, labels = "", value] of text.matchAll(/^tidewatch_check_runs_total\{([^}]*)\} (\d+)/gm)) {
    const check = labels.replace(/,?outcome="[^"]*"/, "");
    counted.set(check, (counted.get(check) ?? 0) + Number(value));
  }
  return counted;
}
