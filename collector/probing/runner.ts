/**
 * The runner of checks: finds the probe of a check, and keeps its memory and the heartbeats of its job between runs.
 */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { NotMeasured } from "../../core/errors.ts";
import type { ReceivedHeartbeat } from "../../core/heartbeat.ts";
import type { Log } from "../../core/log.ts";
import type { Probe } from "../../core/probe.ts";
import { type CheckKey, checkKey, type Sample } from "../../core/sample.ts";
import type { Check } from "../../core/target.ts";
import type { HttpClient } from "../network/http-client.ts";
import { InternalErrors } from "./internal-errors.ts";
import { LoopDelay } from "./loop-delay.ts";
import { runCheck } from "./run-check.ts";
import type { SelfCheck } from "./self-check.ts";

export interface RunnerSettings {
  readonly probes: Readonly<Record<string, Probe>>;
  readonly http: HttpClient;
  readonly selfCheck: SelfCheck;
  readonly vantagePoint: string;
}

export class Runner {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #internalErrors: InternalErrors;
  readonly #received = new Map<CheckKey, ReceivedHeartbeat>();
  readonly #loopDelay = new LoopDelay();
  readonly #memories = new Map<CheckKey, { readonly check: Check; readonly memory: Map<string, unknown> }>();
  #settings: RunnerSettings;

  constructor(settings: RunnerSettings, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
    this.#internalErrors = new InternalErrors(log);
  }

  /** Other settings for the runs to come; checks that stay the same remember. */
  reconfigure(settings: RunnerSettings, checks: readonly Check[]): void {
    this.#settings = settings;
    const kept = new Set(checks.map((check) => checkKey({ target: check.target, check: check.id })));
    for (const key of this.#memories.keys()) if (!kept.has(key)) this.#memories.delete(key);
  }

  /** What became known of a job that calls us. */
  heard(key: CheckKey, heartbeat: ReceivedHeartbeat): void {
    this.#received.set(key, heartbeat);
  }

  run(check: Check, signal: AbortSignal): Promise<Sample> {
    const { probes, ...settings } = this.#settings;
    return runCheck(check, {
      ...settings,
      probe: probes[check.probe] ?? missing(check.probe),
      clock: this.#clock,
      log: this.#log,
      signal,
      memory: this.#memoryOf(check),
      heartbeat: this.#received.get(checkKey({ target: check.target, check: check.id })),
      internalErrors: this.#internalErrors,
      loopDelay: this.#loopDelay,
    });
  }

  #memoryOf(check: Check): Map<string, unknown> {
    const key = checkKey({ target: check.target, check: check.id });
    const known = this.#memories.get(key);
    const same = known && (known.check === check || isDeepStrictEqual(known.check, check));
    const memory = same ? known.memory : new Map<string, unknown>();
    if (known?.check !== check) this.#memories.set(key, { check, memory });
    return memory;
  }
}

/** The configuration was read with other plug-ins than are here: never seen, but better `unknown` than silence. */
function missing(name: string): Probe {
  const run = () => Promise.reject(new NotMeasured(`there is no probe "${name}"`, { localFault: true }));
  return { summary: "", options: z.unknown(), example: undefined, run };
}
