/** What the tests and the process that runs the checks say to each other. */
import { type ChildProcess, fork } from "node:child_process";
import { z } from "zod";

export const Order = z.object({
  id: z.int(),
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
    durationSeconds: z.number(),
    accidents: z.array(z.string()),
  }),
  z.object({ thrown: z.string() }),
]);
const Report = z.object({ id: z.int(), ended: Ended, highestBytes: z.number() });
export type Report = z.output<typeof Report>;

export interface Prober extends AsyncDisposable {
  run(order: Omit<Order, "id">): Promise<Report["ended"]>;
  /** The most memory that it ever had. */
  readonly highestBytes: number;
}

/** Its heap is as small as that of a small server's thread: what needs more ends it. */
export async function startProber(heapMegabytes = 160): Promise<Prober> {
  const child = fork(new URL("./prober.ts", import.meta.url), {
    execArgv: [
      `--max-old-space-size=${heapMegabytes}`,
      "--max-semi-space-size=3",
      "--disable-warning=ExperimentalWarning",
    ],
  });
  const waiting = new Map<number, PromiseWithResolvers<Report["ended"]>>();
  const exited = exitOf(child);
  let highestBytes = 0;
  let next = 0;
  const ready = Promise.withResolvers<void>();
  child.on("message", (message) => {
    const report = Report.safeParse(message).data;
    if (!report) return ready.resolve();
    highestBytes = Math.max(highestBytes, report.highestBytes);
    waiting.get(report.id)?.resolve(report.ended);
    waiting.delete(report.id);
  });
  exited.then((how) => {
    const error = new Error(`the process that runs the checks ended: ${how}`);
    ready.reject(error);
    for (const one of waiting.values()) one.reject(error);
  });
  await ready.promise;
  return {
    get highestBytes() {
      return highestBytes;
    },
    run(order) {
      const id = next++;
      const answer = Promise.withResolvers<Report["ended"]>();
      waiting.set(id, answer);
      child.send({ ...order, id });
      return answer.promise;
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
