/**
 * Reads a configuration and loads no plug-in but those that it names, for the program that runs for months: what is
 * loaded costs memory until it ends.
 */
import type { Channel } from "../core/channel.ts";
import { probeNames } from "../core/config/checks.ts";
import type { Config, Plugins } from "../core/config/config.ts";
import { valueAt } from "../core/config/faults.ts";
import { ConfigError } from "../core/errors.ts";
import type { Probe } from "../core/probe.ts";
import { type ConfigSources, readSettingsText } from "./config-file.ts";
import { loadPlugins } from "./plug-ins.ts";

/** Those that were named so far: after a reload there may be more. */
export class NamedPlugins implements Plugins {
  readonly probes: Record<string, Probe> = {};
  readonly channels: Record<string, Channel> = {};

  /** @throws ConfigError with every fault. */
  async read(text: string, sources: ConfigSources): Promise<Config> {
    const written = readSettingsText(text, sources);
    // What a kind brings, it says once it is loaded.
    while (this.#add(await loadPlugins(namesIn(written.settings, this))));
    try {
      return written.configWith(this);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // Its sentences name what else there is.
      this.#add(await loadPlugins());
      return written.configWith(this);
    }
  }

  /** @returns whether any of them is new. */
  #add({ probes, channels }: Plugins): boolean {
    const known = this.#count();
    Object.assign(this.probes, probes);
    Object.assign(this.channels, channels);
    return this.#count() > known;
  }

  #count = () => Object.keys(this.probes).length + Object.keys(this.channels).length;
}

function namesIn(settings: unknown, plugins: Plugins) {
  const alerts = valueAt(settings, ["alerts"]);
  return {
    probes: new Set(listAt(settings, ["targets"]).flatMap((target) => probeNames(target, plugins))),
    // A channel stands beside the other settings of `alerts`, and its address beside those of a contact.
    channels: new Set([alerts, ...listAt(alerts, ["contacts"])].flatMap((of) => Object.keys(Object(of)))),
  };
}

function listAt(settings: unknown, path: readonly string[]): readonly unknown[] {
  const found = valueAt(settings, path);
  return Array.isArray(found) ? found : [];
}
