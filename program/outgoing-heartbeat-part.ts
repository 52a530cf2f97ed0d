/**
 * The outgoing heartbeat as a part of the program: calls a dead man's switch outside while every other part is healthy.
 */
import { sendHeartbeats } from "../collector/export/outgoing-heartbeat.ts";
import { httpOnDemand } from "./http-on-demand.ts";
import type { Part } from "./part.ts";
import type { StartOptions } from "./start-options.ts";

/** Nothing when the configuration names nobody. @param fault what is wrong with the program, as a sentence. */
export function outgoingHeartbeat(
  { config, version, clock, log }: Pick<StartOptions, "config" | "version" | "clock" | "log">,
  fault: () => string | undefined,
): readonly Part[] {
  if (!config.heartbeat) return [];
  const { url, everySeconds } = config.heartbeat;
  const tools = { clock, log, healthy: fault, http: httpOnDemand(config, version) };
  const run = (signal: AbortSignal) => sendHeartbeats({ url: url.reveal(), everySeconds }, tools, signal);
  return [{ name: "heartbeat", run }];
}
