/** Debian packages (apt) without installing them: a program that is on PATH, else packages unpacked into a cache. */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { basename, delimiter, dirname, join } from "node:path";
import { Refused } from "../../core/errors.ts";
import { cacheFolder, prepared } from "./cache.ts";
import { answerOf, serverUser } from "./process.ts";

export interface WantedProgram {
  /** The package that has it: "prometheus". */
  readonly package: string;
  /** Where it lies in there: "usr/bin/promtool". */
  readonly program: string;
  /** Names under which PATH may have the same, besides the file's own. */
  readonly alsoNamed?: readonly string[];
  /** Arguments with which it ends at once and well; usually it is asked for its version. */
  readonly greeting?: readonly string[];
  /** What it says then, for a program that does not end with code 0 whatever it is asked. */
  readonly says?: RegExp;
  /** How long the download may take. */
  readonly withinSeconds?: number;
  /** For those who have neither: how to install it. */
  readonly remedy?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Program {
  /** The file to run. */
  readonly path: string;
  /** To be added to its environment: where its libraries are, when it was unpacked. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Needs no root. Throws `Refused` with the command that installs it when it is not here and cannot be fetched. */
export async function debianProgram(wanted: WantedProgram): Promise<Program> {
  const installed = await onPath(wanted);
  if (installed) return installed;
  if (process.platform !== "linux" || (await answerOf(["apt-get", "--version"])) === undefined) {
    throw missing(wanted, "");
  }
  const folder = await unpacked(wanted);
  const program = folder === undefined ? undefined : await programIn(folder, wanted);
  if (!program || !(await runs(program, wanted))) {
    throw missing(wanted, ", and the one from the system's packages does not run here");
  }
  return program;
}

function missing(wanted: WantedProgram, detail: string): Refused {
  return new Refused(
    `There is no ${basename(wanted.program)} on PATH${detail}.`,
    wanted.remedy ?? `Install it with \`sudo apt-get install ${wanted.package}\`.`,
  );
}

async function onPath(wanted: WantedProgram): Promise<Program | undefined> {
  // A server's folder, /usr/sbin, is not on everybody's PATH.
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), join("/", dirname(wanted.program))];
  for (const folder of new Set(folders.filter((entry) => entry.startsWith("/")))) {
    for (const name of [basename(wanted.program), ...(wanted.alsoNamed ?? [])]) {
      const program = { path: join(folder, name), environment: {} };
      if (await runs(program, wanted)) return program;
    }
  }
  return undefined;
}

/** Whether it really runs, as those whom servers run as: a library may be missing, or the folder closed to them. */
function runs(program: Program, { greeting = ["--version"], says }: WantedProgram): Promise<boolean> {
  const env = { ...process.env, ...program.environment };
  return new Promise((resolve) => {
    execFile(program.path, greeting, { cwd: "/", env, timeout: 10_000, ...serverUser() }, (error, stdout, stderr) =>
      resolve(says ? says.test(stdout + stderr) : error === null),
    );
  });
}

/** Each package is unpacked at most once in this process at a time; other processes are `prepared`'s concern. */
const unpacking = new Map<string, Promise<string | undefined>>();

async function unpacked(wanted: WantedProgram): Promise<string | undefined> {
  const under = unpacking.get(wanted.package);
  if (under) return under;
  const work = unpack(wanted).finally(() => unpacking.delete(wanted.package));
  unpacking.set(wanted.package, work);
  return work;
}

async function unpack(wanted: WantedProgram): Promise<string | undefined> {
  const works = async (folder: string) => runs(await programIn(folder, wanted), wanted);
  return prepared(`${wanted.package}-${await systemName()}`, (draft) => download(draft, wanted), works);
}

async function programIn(folder: string, { program }: WantedProgram): Promise<Program> {
  const libraries = await Promise.all(
    ["usr/lib", "lib"].map(async (lib) => {
      const inside = await readdir(join(folder, lib)).catch(() => []);
      return inside.filter((name) => name.includes("-linux-")).map((name) => join(folder, lib, name));
    }),
  );
  const found = libraries.flat().join(delimiter);
  return { path: join(folder, program), environment: found === "" ? {} : { LD_LIBRARY_PATH: found } };
}

/** "debian-12-x64": what is unpacked for one system does not run on the next. */
async function systemName(): Promise<string> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  const field = (name: string) => new RegExp(`^${name}="?([\\w.-]+)"?$`, "m").exec(release)?.[1];
  return `${field("ID") ?? "linux"}-${field("VERSION_ID") ?? "0"}-${process.arch}`;
}

const usualDownloadSeconds = 120;

/** apt checks the signatures; first with the system's package lists, then with fresh ones of our own. */
async function download(folder: string, wanted: WantedProgram): Promise<void> {
  const { signal: caller, withinSeconds = usualDownloadSeconds } = wanted;
  const limit = AbortSignal.timeout(withinSeconds * 1000);
  const apt = { folder, withinSeconds, signal: caller ? AbortSignal.any([limit, caller]) : limit };
  const own = await ownPackageLists();
  for (const lists of [[], own]) {
    if (lists === own && !(await runApt(["update"], lists, apt))) break;
    const packages = await neededPackages(wanted.package, lists, apt);
    if (packages.length === 0 || !(await runApt(["download", ...packages], lists, apt))) continue;
    if (await extractAll(apt)) return;
  }
  caller?.throwIfAborted();
  throw missing(wanted, ", and it could not be downloaded from the system's package archive");
}

/** Where a download goes, and how long it may take. */
interface Apt {
  readonly folder: string;
  readonly withinSeconds: number;
  readonly signal: AbortSignal;
}

async function extractAll({ folder, signal }: Apt): Promise<boolean> {
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".deb"))) {
    const command = ["dpkg-deb", "--extract", join(folder, file), folder];
    if ((await answerOf(command, { timeoutSeconds: 60, signal })) === undefined) return false;
    await rm(join(folder, file));
  }
  return true;
}

async function runApt(command: readonly string[], lists: readonly string[], apt: Apt): Promise<boolean> {
  const limits = ["-o", "Acquire::http::Timeout=15", "-o", "Acquire::Retries=1"];
  const { folder: cwd, withinSeconds: timeoutSeconds, signal } = apt;
  const answer = await answerOf(["apt-get", ...lists, ...limits, ...command], { cwd, timeoutSeconds, signal });
  return answer !== undefined;
}

/** Options that make apt keep lists and downloads in our cache, where no root is needed. */
async function ownPackageLists(): Promise<readonly string[]> {
  const state = join(await cacheFolder(), "apt");
  await mkdir(join(state, "lists", "partial"), { recursive: true });
  await mkdir(join(state, "cache", "archives", "partial"), { recursive: true });
  return ["-o", `Dir::State::lists=${join(state, "lists")}`, "-o", `Dir::Cache=${join(state, "cache")}`];
}

/** What an installation would add to this system, as apt itself works it out; upgrades are left out. */
async function neededPackages(name: string, lists: readonly string[], { signal }: Apt): Promise<readonly string[]> {
  const plan = await answerOf(["apt-get", ...lists, "--simulate", "--no-install-recommends", "install", name], {
    environment: { LC_ALL: "C" },
    timeoutSeconds: 30,
    signal,
  });
  return (plan ?? "").split("\n").flatMap((line) => /^Inst (\S+) \((?!\[)/.exec(line)?.[1] ?? []);
}
