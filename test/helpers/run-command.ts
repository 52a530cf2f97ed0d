/** Runs one command as the command line would, with its output in the hand. */
import type { Command, CommandContext } from "../../commands/lib/command.ts";

export interface CommandRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runCommand(
  command: Command,
  positionals: readonly string[],
  values: Readonly<Record<string, string | boolean>>,
  context: Partial<CommandContext> = {},
): Promise<CommandRun> {
  const output = { stdout: "", stderr: "" };
  const code = await command.run(
    { positionals, values },
    {
      env: {},
      cwd: process.cwd(),
      version: "0.0.0",
      signal: new AbortController().signal,
      ...context,
      stdout: { write: (text) => (output.stdout += text) },
      stderr: { write: (text) => (output.stderr += text) },
    },
  );
  return { code, ...output };
}
