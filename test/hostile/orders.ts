/** Messages between the hostile tests and the processes that run the checks. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";

export const Order = z.object({
  probe: z.string(),
  /** As written in the configuration; every secret in it is `token`. */
  settings: z.unknown(),
  token: z.string(),
  timeoutSeconds: z.number(),
});
export type Order = z.output<typeof Order>;

const Ended = z.union([
  z.object({
    outcome: z.enum(["up", "degraded", "down", "unknown"]),
    reason: z.string(),
    evidence: z.string(),
    /** Without the time in which others had the cores. */
    durationSeconds: z.number(),
    /** The longest stretch of work without a turn for anybody else. */
    loopDelaySeconds: z.number(),
    internalErrors: z.array(z.string()),
  }),
  z.object({ thrown: z.string() }),
]);
const Report = z.object({ ended: Ended, highestBytes: z.number() });
export type Report = z.output<typeof Report>;

/** Beyond the timeout of a check. Who says nothing for so long hangs, and is ended. */
const longestSilenceSeconds = 60;

export interface Prober extends AsyncDisposable {
  /** After those that were ordered before: there is never more than one at a time. */
  run(order: Order): Promise<Report>;
}

/**
 * A process with a heap as small as that of a small server's thread: what needs more ends it, and that run with it.
 * Those who come later find a new one.
 * @param authority PEM to trust beside the public authorities.
 */
export async function startProber(authority = ""): Promise<Prober> {
  let one = await startProcess(authority);
  let last: Promise<unknown> = Promise.resolve();
  const run = async (order: Order) => {
    if (one.isDead()) one = await startProcess(authority);
    return one.run(order);
  };
  return {
    run(order) {
      const report = last.then(() => run(order));
      last = report.catch(() => {});
      return report;
    },
    [Symbol.asyncDispose]: () => one[Symbol.asyncDispose](),
  };
}

async function startProcess(authority: string) {
  const child = fork(new URL("./prober.ts", import.meta.url), [authority], {
    execArgv: [
      "--max-old-space-size=160",
      "--max-semi-space-size=3",
      "--expose-gc",
      "--disable-warning=ExperimentalWarning",
    ],
  });
  const exited = exitOf(child);
  let isDead = false;
  const died = exited.then((how) => {
    isDead = true;
    throw new Error(`the process that runs the checks ended: ${how}`);
  });
  died.catch(() => {});
  const answer = () => Promise.race([once(child, "message").then(([message]) => message), died]);
  await answer();
  return {
    isDead: () => isDead,
    async run(order: Order): Promise<Report> {
      child.send(order);
      const tooLate = setTimeout(() => child.kill("SIGKILL"), 1000 * (order.timeoutSeconds + longestSilenceSeconds));
      return Report.parse(await answer().finally(() => clearTimeout(tooLate)));
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.once("exit", (code, signal) => resolve(`${code ?? signal}`)));
}
