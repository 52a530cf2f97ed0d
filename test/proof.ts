/** `npm run proof -- NAME [--seed N] [--minutes N] [--runs N]`: proofs that run for as long as one likes, round after round. */
import { readdir } from "node:fs/promises";
import { inspect, parseArgs } from "node:util";
import { z } from "zod";
import { CannotTry, type Proof } from "./proofs/lib/proof.ts";

const usualMinutes = 10;
const usage = "Usage: npm run proof -- NAME [--seed N] [--minutes N] [--runs N]";

interface Wishes {
  readonly name: string | undefined;
  /** Of the first round; each later one has the next number. */
  readonly seed: number;
  /** No round begins later than this. */
  readonly minutes: number;
  readonly runs: number;
}

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const names = await proofs();
  const wishes = read(argv);
  if (typeof wishes === "string" || (wishes.name !== undefined && !names.includes(wishes.name))) {
    const fault = typeof wishes === "string" ? wishes : `there is no proof "${wishes.name}"`;
    process.stderr.write(`proof: ${fault}; there are ${names.join(", ")}\n${usage}\n`);
    return 2;
  }
  if (wishes.name === undefined) {
    process.stdout.write(await list(names));
    return 0;
  }
  return run(wishes.name, wishes);
}

/** The folder is the list. */
async function proofs(): Promise<readonly string[]> {
  const files = await readdir(new URL("./proofs/", import.meta.url));
  return files
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => file.slice(0, -".ts".length))
    .toSorted();
}

function read(argv: readonly string[]): Wishes | string {
  const number = { type: "string" } as const;
  const options = { seed: number, minutes: number, runs: number };
  const above0 = z.coerce.number().positive().optional();
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    const numbers = z.object({ seed: z.coerce.number().int().positive().optional(), minutes: above0, runs: above0 });
    const read = numbers.safeParse(values);
    if (!read.success) return `${read.error.issues[0]?.path.join()} must be a number above 0`;
    const { seed, minutes, runs } = read.data;
    // A seed alone is there to see one round again.
    const once = seed !== undefined && minutes === undefined && runs === undefined;
    return {
      name: positionals[0],
      seed: seed ?? Math.floor(Math.random() * 1_000_000) + 1,
      minutes: minutes ?? (runs === undefined && !once ? usualMinutes : Number.POSITIVE_INFINITY),
      runs: runs ?? (once ? 1 : Number.POSITIVE_INFINITY),
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function list(names: readonly string[]): Promise<string> {
  const lines = await Promise.all(names.map(async (name) => `  ${name.padEnd(14)}${(await load(name)).summary}\n`));
  return `${usage}\n\n${lines.join("")}\nWithout a bound it ends after ${usualMinutes} minutes; --seed N alone repeats one round.\n`;
}

async function load(name: string): Promise<Proof> {
  const isProof = z.custom<Proof>((value) => typeof value === "object" && value !== null && "round" in value);
  const module: unknown = await import(new URL(`./proofs/${name}.ts`, import.meta.url).href);
  return z.object({ proof: isProof }).parse({ ...z.looseObject({}).parse({ ...Object(module) }) }).proof;
}

async function run(name: string, { seed: first, minutes, runs }: Wishes): Promise<number> {
  const proof = await load(name);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(signal)));
  const end = performance.now() + minutes * 60_000;
  for (let seed = first; seed < first + runs && (seed === first || performance.now() < end); seed++) {
    process.stdout.write(`${name}: seed ${seed}\n`);
    const began = performance.now();
    try {
      const seen = await proof.round(seed, stop.signal);
      process.stdout.write(`  held after ${Math.round((performance.now() - began) / 1000)} s: ${seen}\n`);
    } catch (error) {
      if (stop.signal.aborted) return 130;
      if (error instanceof CannotTry) {
        process.stdout.write(`${name}: nothing was tried, and nothing is claimed: ${error.message}\n`);
        return 69;
      }
      const repeat = `npm run proof -- ${name} --seed ${seed} repeats it`;
      process.stdout.write(`${inWords(error)}\n${name}: seed ${seed} FAILED; ${repeat}\n`);
      return 1;
    }
  }
  return 0;
}

/** With both sides of a comparison, which the message of an assertion only hints at. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const sides = "actual" in error && "expected" in error ? [error.actual, error.expected] : [];
  const [actual, expected] = sides.map((side) =>
    inspect(side, { depth: 4, maxArrayLength: 200, maxStringLength: 10_000 }),
  );
  const compared = actual === undefined ? "" : `\nwas: ${actual}\nexpected: ${expected}`;
  return `${error.stack ?? error.message}${compared}`;
}
