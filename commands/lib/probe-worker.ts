/** The probing thread: started by collector/probing.ts, never by hand. */
import { parentPort, workerData } from "node:worker_threads";
import { parseConfig } from "../../collector/config-file.ts";
import { probeUntilStopped } from "../../collector/probing-thread.ts";
import { openTelemetry } from "../../collector/telemetry.ts";
import { loadPlugins } from "./plug-ins.ts";
import { userAgent } from "./user-agent.ts";

if (!parentPort) throw new Error("probe-worker.ts is no program: start tidewatch with `npm start`");

let telemetry: AsyncDisposable | undefined;

// Its logs go through the main thread, and so do signals: this thread ends when it is told to.
await probeUntilStopped(parentPort, workerData, async ({ text, version, ...place }) => {
  const plugins = await loadPlugins();
  const config = parseConfig(text, { ...place, ...plugins, env: process.env });
  // The spans are made in this thread; where they go can only be said once.
  telemetry ??= await openTelemetry(config.telemetry, { version, env: process.env });
  const { targets, vantagePoint, selfCheck } = config;
  const checks = targets.filter((target) => !target.planned).flatMap((target) => target.checks);
  return { checks, probes: plugins.probes, vantagePoint, selfCheck, userAgent: userAgent(config, version) };
});
await telemetry?.[Symbol.asyncDispose]();
process.exit();
