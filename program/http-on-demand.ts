/** The HTTP client of the main thread, for channels and the outgoing heartbeat: loaded with the first request. */
import { userAgent } from "../collector/network/user-agent.ts";
import type { Config } from "../core/config/config.ts";
import type { Http } from "../core/probe.ts";

/** Most programs never make a request in this thread, and the client takes several megabytes of it. */
export function httpOnDemand(config: Config, version: string): (signal: AbortSignal) => Http {
  const open = async () => {
    const { openHttp } = await import("../collector/network/http-client.ts");
    return openHttp({ userAgent: userAgent(config, version) });
  };
  let client: ReturnType<typeof open> | undefined;
  return (signal) => ({
    async get(url, request) {
      client ??= open();
      return (await client).forRun(signal).get(url, request);
    },
  });
}
