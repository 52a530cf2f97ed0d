/** What a command of the program is: a file in commands/ with an export named `command`. */
import type { ParseArgsConfig } from "node:util";

export interface Command {
  /** One line for `tidewatch --help`. */
  readonly summary: string;
  /** What follows `tidewatch`: "backup FILE [--config FILE]". */
  readonly usage: string;
  /** One command line that really works, for `--help`. */
  readonly example: string;
  /** `--help` is always there; `--config FILE` only where it is named here: use `configOption`. */
  readonly options?: NonNullable<ParseArgsConfig["options"]>;
  /** How many words may follow. Default none. */
  readonly positionals?: { readonly least: number; readonly most: number };
  /** For a command whose exit code says what it found, so that 1 and 2 are taken. */
  readonly exits?: Exits;
  /** @returns the exit code. Throw `Refused` or `ConfigError` for anything a person can mend. */
  run(args: Arguments, context: CommandContext): Promise<number>;
}

/** Exit codes of a command that tells by them what it found. */
export interface Exits {
  /** Each code it has for what it found, and what it means, for `--help`. */
  readonly found: readonly (readonly [code: number, meaning: string])[];
  /** Words on the command line that cannot be meant so; everywhere else 1 or 2. */
  readonly usage: number;
  /** A configuration with a fault; everywhere else 2. */
  readonly config: number;
}

export interface Arguments {
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;
  readonly positionals: readonly string[];
}

export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly version: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborted on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

interface Output {
  write(text: string): unknown;
  /** True on a terminal: colours and progress lines are welcome. */
  readonly isTTY?: boolean;
  /** How wide the terminal is. */
  readonly columns?: number;
}

/** By https://no-color.org. */
export const hasColour = ({ isTTY }: Output, env: CommandContext["env"]): boolean => isTTY === true && !env["NO_COLOR"];

export const configOption = {
  config: { type: "string", default: "tidewatch.yaml" },
} as const satisfies Command["options"];

/** The text value of an option; undefined when it was not given. */
export function text(args: Arguments, name: string): string | undefined {
  const value = args.values[name];
  return typeof value === "string" ? value : undefined;
}
