/** The entry file of the probing thread (a worker thread): collector/probing/supervisor.ts starts it, nobody else. */
import { parentPort, workerData } from "node:worker_threads";
import { openTelemetry } from "../collector/export/telemetry.ts";
import { userAgent } from "../collector/network/user-agent.ts";
import { type ProbingPlan, probeUntilStopped } from "../collector/probing/worker.ts";
import type { ProbingStart } from "../collector/probing/worker-messages.ts";
import { NamedPlugins } from "./named-plug-ins.ts";
import { systemClock } from "./system-clock.ts";

if (!parentPort) throw new Error("probe-worker.ts is no program: start tidewatch with `npm start`");

const plugins = new NamedPlugins();
let telemetry: AsyncDisposable | undefined;

const load = async ({ text, version, ...place }: ProbingStart): Promise<ProbingPlan> => {
  const config = await plugins.read(text, { ...place, env: process.env });
  // The spans are made in this thread; where they go can only be said once.
  telemetry ??= await openTelemetry(config.telemetry, { version, env: process.env });
  const { targets, vantagePoint, selfCheck } = config;
  const checks = targets.filter((target) => !target.planned).flatMap((target) => target.checks);
  return { checks, probes: plugins.probes, vantagePoint, selfCheck, userAgent: userAgent(config, version) };
};

// Its logs go through the main thread, and so do signals: this thread ends when it is told to.
await probeUntilStopped(parentPort, workerData, load, systemClock);
await telemetry?.[Symbol.asyncDispose]();
process.exit();
