/** How `run` waits for its shutdown: by a signal, or because a part failed. */
import type { Log } from "../../core/log.ts";
import type { Tidewatch } from "../../program/start.ts";
import type { CommandContext } from "./command.ts";

/** Resolves with the exit code at the signal; what is open is closed by whoever holds it. */
export async function untilStopped(
  tidewatch: Tidewatch,
  { signal, stderr }: CommandContext,
  log: Log,
): Promise<number> {
  const stopped = new Promise<number>((resolve) => {
    if (signal.aborted) resolve(0);
    signal.addEventListener("abort", () => resolve(0), { once: true });
  });
  try {
    return await Promise.race([stopped, tidewatch.failed]);
  } finally {
    // A terminal shows ^C and stays on that line.
    if (signal.aborted && stderr.isTTY) stderr.write("\n");
    log.info("stopping");
    // A part that hangs must not keep the port: whoever restarts us waits for it.
    setTimeout(() => {
      log.error("not everything ended within 10 s");
      process.exit(1);
    }, 10_000).unref();
  }
}
