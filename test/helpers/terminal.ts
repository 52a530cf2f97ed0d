/** A command at a real terminal: a pseudo-terminal that `script` of util-linux opens, which every Debian has. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { test } from "vitest";
import { until } from "./program.ts";

const missing = !/util-linux/.test(spawnSync("script", ["--version"], { encoding: "utf8" }).stdout ?? "");
if (missing) console.warn("skipped, because there is no terminal: `script` of util-linux is not installed");

/** Skipped, with the reason printed, where no pseudo-terminal can be had. */
export const terminalTest = test.skipIf(missing);

export interface Terminal extends AsyncDisposable {
  /** All that came to the screen: lines end by "\n", and an escape character is "<ESC>". */
  shown(): string;
  /** Waits for these words, and for what fits. */
  shows(fits: string | RegExp): Promise<void>;
  /** Keys as the terminal sends them: Ctrl-C is "\u0003". */
  press(keys: string): void;
  /** The exit code of the command. */
  ended(): Promise<number | null>;
}

export function openTerminal(
  command: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Terminal {
  // Without `exec` a shell stays between, which Ctrl-C ends as well, and its exit code would be the one we get.
  const words = `exec ${command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ")}`;
  const child = spawn("script", ["--quiet", "--return", "--flush", "--command", words, "/dev/null"], {
    cwd,
    env: { PATH: process.env["PATH"], TERM: "xterm", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text.replaceAll("\r", "").replaceAll("\u001b", "<ESC>");
  });
  const closed = once(child, "close").then(([code]: unknown[]) => (typeof code === "number" ? code : null));
  return {
    shown: () => output,
    shows: (fits) =>
      until(() => {
        if (!(typeof fits === "string" ? output.includes(fits) : fits.test(output)))
          throw new Error(`not on the terminal yet: ${fits}\n${output}`);
      }),
    press: (keys) => void child.stdin.write(keys),
    ended: () => closed,
    async [Symbol.asyncDispose]() {
      // The terminal is gone then, and SIGHUP ends what runs in it.
      if (child.exitCode === null) child.kill("SIGKILL");
      await closed;
    },
  };
}
