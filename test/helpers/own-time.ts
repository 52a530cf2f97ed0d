/** What this thread spends by itself: whoever else wants the cores at the same time decides no test. */
import { performance } from "node:perf_hooks";
import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../../program/system-clock.ts";

export function workedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Stands still while this thread would work and has no core. */
export const ownClock: Clock = {
  ...systemClock,
  monotonicSeconds: () => (performance.eventLoopUtilization().idle + workedMs()) / 1000,
};
