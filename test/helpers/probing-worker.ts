/** A probing thread for tests: checks that answer, hang, crash or spin, as the "configuration" says. */
import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { type ProbingPlan, probeUntilStopped } from "../../collector/probing/worker.ts";
import type { ProbingStart } from "../../collector/probing/worker-messages.ts";
import { ConfigError } from "../../core/errors.ts";
import { defineProbe, type Probe } from "../../core/probe.ts";
import { systemClock } from "../../program/system-clock.ts";
import { aCheck } from "./checks.ts";

if (!parentPort) throw new Error("started by tests only");

const settings = z.object({
  checks: z.array(
    z.object({ id: z.string(), probe: z.string(), everySeconds: z.number(), url: z.string().optional() }),
  ),
  broken: z.boolean().optional(),
});

const probe = (run: Probe["run"]): Probe => defineProbe({ summary: "", options: z.unknown(), example: {}, run });

const probes = {
  good: probe(async () => ({ outcome: "up", readings: [{ metric: "answer", value: 42, labels: { of: "all" } }] })),
  bad: probe(async () => ({ outcome: "down", reason: "answered 502" })),
  crashing: probe(async () => {
    process.nextTick(() => {
      throw new Error("out of the blue");
    });
    return { outcome: "up" };
  }),
  spinning: probe(async () => {
    for (;;);
  }),
  web: probe(async (options, { http }) => {
    const { status } = await http.get(z.object({ url: z.string() }).parse(options).url);
    return { outcome: "up", reason: `answered ${status}` };
  }),
};

const load = async ({ text, file }: ProbingStart): Promise<ProbingPlan> => {
  const { checks, broken } = settings.parse(JSON.parse(text));
  if (broken) throw new ConfigError([{ file, line: 3, column: 1, message: "this is broken" }]);
  return {
    checks: checks.map(({ url, ...check }) => aCheck({ ...check, options: { url } })),
    probes,
    vantagePoint: "thread",
    userAgent: "Tidewatch/test",
    selfCheck: { anchors: [] },
  };
};

await probeUntilStopped(parentPort, workerData, load, systemClock);
process.exit();
