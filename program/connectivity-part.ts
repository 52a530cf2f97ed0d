/**
 * Our own connection as a part of the program: after five minutes in which we reached nobody, somebody outside has to learn of
 * it by our silence; and afterwards a note says what was not seen.
 */
import { blindNotices } from "../alerts/escalation/blind-notice.ts";
import { Policy, type PolicyOptions } from "../alerts/escalation/policy.ts";
import type { Recorder } from "../collector/recorder/recorder.ts";
import type { Part } from "./part.ts";
import { judgeSettings } from "./settings.ts";
import type { StartOptions } from "./start-options.ts";

const blindSeconds = 300;

export interface Connectivity extends Part {
  /** It begins, or ends, that we reach nobody. */
  changed(online: boolean): void;
}

interface Parts {
  readonly alerts: PolicyOptions;
  readonly recorder: Pick<Recorder, "include">;
}

export async function openConnectivity(
  { clock, log }: Pick<StartOptions, "clock" | "log">,
  { alerts, recorder }: Parts,
): Promise<Connectivity> {
  const policy = await Policy.open(alerts);
  let lost: { readonly at: Temporal.Instant; readonly seconds: number } | undefined;
  const lostFor = () => (lost ? clock.monotonicSeconds() - lost.seconds : 0);
  return {
    name: "connection",
    reconfigure: (config) => policy.reconfigure(judgeSettings(config)),
    fault: () =>
      lostFor() > blindSeconds ? `we have reached nobody for ${Math.floor(lostFor())} s ourselves` : undefined,
    changed(online) {
      if (!online) {
        lost ??= { at: clock.now(), seconds: clock.monotonicSeconds() };
        return;
      }
      const [since, seconds] = [lost?.at, lostFor()];
      lost = undefined;
      if (!since || seconds <= blindSeconds) return;
      // As long as it really was, also where the wall clock was set meanwhile.
      const to = clock.now();
      const from = to.subtract({ milliseconds: Math.round(seconds * 1000) });
      log.warn("nothing was seen for a while", { from: from.toString(), to: to.toString() });
      recorder.include({ notices: blindNotices(policy, { from, to }) });
    },
  };
}
