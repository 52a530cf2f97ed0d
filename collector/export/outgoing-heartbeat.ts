/**
 * Sends our own heartbeat to a dead man's switch outside, which pages somebody when it stops: only while every part of
 * the program is healthy.
 */
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Http } from "../../core/probe.ts";

export interface HeartbeatSettings {
  readonly url: string;
  readonly everySeconds: number;
}

/** Runs until the signal is aborted. @param healthy what /healthz says: undefined when all is well, else what stands still. */
export async function sendHeartbeats(
  { url, everySeconds }: HeartbeatSettings,
  parts: {
    readonly clock: Clock;
    readonly log: Log;
    readonly http: (signal: AbortSignal) => Http;
    healthy(): string | undefined;
  },
  signal: AbortSignal,
): Promise<void> {
  let refused = false;
  for (;;) {
    await parts.clock.sleep(everySeconds, signal);
    const stuck = parts.healthy();
    if (stuck !== undefined) {
      parts.log.warn("heartbeat withheld", { stuck });
      continue;
    }
    const problem = await beat(url, parts.http, signal);
    if (problem !== undefined && !refused) parts.log.warn("heartbeat not accepted", { problem });
    if (problem === undefined && refused) parts.log.info("heartbeat accepted again");
    refused = problem !== undefined;
  }
}

async function beat(
  url: string,
  http: (signal: AbortSignal) => Http,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const answer = await http(AbortSignal.any([signal, AbortSignal.timeout(10_000)])).get(url);
    return answer.status < 300 ? undefined : `answered ${answer.status}`;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return error instanceof Error ? error.message : String(error);
  }
}
