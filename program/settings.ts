/** Which settings of the configuration each part gets, and which settings take effect only after a restart. */
import type { Config } from "../core/config/config.ts";
import type { Log } from "../core/log.ts";
import type { Check } from "../core/target.ts";

export const checksOf = (config: Config): readonly Check[] => config.targets.flatMap((target) => target.checks);

export const pageSettings = ({ organisation, targets }: Config) => ({ organisation, targets });

export const publicSettings = ({ organisation, onCall, server }: Config) => ({
  organisation,
  contacts: onCall.contacts,
  baseUrl: server.url,
});

export const judgeSettings = ({ organisation, targets, onCall, flapping, channels, server }: Config) => ({
  organisation,
  targets,
  onCall,
  flapping,
  channels: Object.keys(channels),
  baseUrl: server.url,
});

/** What the listeners, the file of the store and the folder beside it are cannot change while the program runs. */
export function warnOfRestart(before: Config, after: Config, log: Log): void {
  const fixed = (config: Config) => ({
    "server.public": config.server.public,
    "server.private": config.server.private,
    "server.metrics": config.server.metrics,
    store: config.store,
    data: config.data,
    fallback: config.fallback,
    heartbeat: config.heartbeat && { every: config.heartbeat.everySeconds, url: config.heartbeat.url.reveal() },
    telemetry: config.telemetry,
    vantagePoint: config.vantagePoint,
  });
  const now: Readonly<Record<string, unknown>> = fixed(after);
  for (const [setting, value] of Object.entries(fixed(before))) {
    if (JSON.stringify(value) !== JSON.stringify(now[setting]))
      log.warn("a changed setting needs a restart to take effect", { setting });
  }
}
