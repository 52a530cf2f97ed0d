/** The options the program is started with: its configuration, the plug-ins, a clock and a log. */
import type { Hono } from "hono";
import type { ProbingStart } from "../collector/probing/worker-messages.ts";
import type { Clock } from "../core/clock.ts";
import type { Config, Plugins } from "../core/config/config.ts";
import type { Log } from "../core/log.ts";
import type { Store } from "../core/store/store.ts";

/** What a configuration was read from: the probing thread reads it again. */
export type ConfigSource = Omit<ProbingStart, "version">;

export interface StartOptions {
  readonly config: Config;
  readonly source: ConfigSource;
  /** After a reload there may be more of them. */
  readonly plugins: Plugins;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes a past into a new store; for practice. */
  readonly seed?: (store: Store) => Promise<void>;
  /** More for the private listener; for practice. */
  readonly privately?: (store: Store) => Hono;
}
