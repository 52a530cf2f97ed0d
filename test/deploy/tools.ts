/** Debian's own programs as judges of our files; tests of one that cannot be had are skipped, with the reason printed. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "vitest";
import { parse } from "yaml";
import { Refused } from "../../core/errors.ts";
import { debianProgram, type Program, type WantedProgram } from "../../practice/servers/debian.ts";

export interface Verdict {
  readonly code: number;
  /** Both streams. */
  readonly said: string;
}

/** @returns the program, a `test` that needs it, and a way to run it. */
export async function tool(wanted: WantedProgram) {
  const found = await programOrReason(wanted);
  const missing = typeof found === "string";
  if (missing) console.warn(`skipped: ${found}`);
  const program: Program = missing ? { path: wanted.program, environment: {} } : found;
  return {
    program,
    test: test.skipIf(missing),
    run: (args: readonly string[], input = "") => run(program, args, input),
  };
}

async function programOrReason(wanted: WantedProgram): Promise<Program | string> {
  try {
    return await debianProgram(wanted);
  } catch (error) {
    if (error instanceof Refused) return `${error.message} ${error.remedy}`;
    throw error;
  }
}

function run(program: Program, args: readonly string[], input: string): Promise<Verdict> {
  const env = { ...process.env, ...program.environment };
  return new Promise((resolve, reject) => {
    const child = execFile(program.path, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === "number") resolve({ code, said: stdout + stderr });
      else reject(error);
    });
    // A program that has seen enough closes its end.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

export const promtool = { package: "prometheus", program: "usr/bin/promtool" };
export const prometheus = { package: "prometheus", program: "usr/bin/prometheus" };
export const nginx = { package: "nginx-light", program: "usr/sbin/nginx", greeting: ["-v"] };
export const amtool = { package: "prometheus-alertmanager", program: "usr/bin/amtool" };

const root = new URL("../../", import.meta.url);
/** A file of the project by its path from the root. */
export const projectFile = (path: string): URL => new URL(path, root);
export const projectText = (path: string): Promise<string> => readFile(projectFile(path), "utf8");
export const projectYaml = async (path: string): Promise<unknown> => parse(await projectText(path));
