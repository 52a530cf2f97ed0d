/** Runs some checks once, now and without the schedule: for the command `probe`. */
import { openHttp } from "../collector/network/http-client.ts";
import { userAgent } from "../collector/network/user-agent.ts";
import { ConcurrencyLimit } from "../collector/probing/concurrency.ts";
import { Runner } from "../collector/probing/runner.ts";
import { openSelfCheck } from "../collector/probing/self-check.ts";
import type { Config, Plugins } from "../core/config/config.ts";
import type { Log } from "../core/log.ts";
import type { Sample } from "../core/sample.ts";
import type { Check } from "../core/target.ts";
import { systemClock } from "./system-clock.ts";

export interface OnceParts {
  readonly config: Config;
  readonly probes: Plugins["probes"];
  readonly version: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** After each run. */
  onSample?(sample: Sample): void;
}

/** The samples in the order of the checks. Rejects with the signal's reason when it is aborted. */
export function runOnce(checks: readonly Check[], parts: OnceParts): Promise<readonly Sample[]> {
  const { config, probes, version, log, signal, onSample } = parts;
  const clock = systemClock;
  const http = openHttp({ userAgent: userAgent(config, version) });
  const selfCheck = openSelfCheck({ ...config.selfCheck, http, clock, log });
  const runner = new Runner({ probes, http, selfCheck, vantagePoint: config.vantagePoint }, { clock, log });
  const concurrency = new ConcurrencyLimit({ clock });
  if (signal.aborted) concurrency.end(signal.reason);
  else signal.addEventListener("abort", () => concurrency.end(signal.reason), { once: true });
  return Promise.all(
    checks.map(async (check) => {
      const sample = await concurrency.use((own) => runner.run(check, own));
      onSample?.(sample);
      return sample;
    }),
  );
}
