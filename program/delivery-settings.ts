/**
 * The settings that delivery takes from the configuration: the channels, and whom they reach; unchanged ones survive a
 * reload.
 */
import { isDeepStrictEqual } from "node:util";
import type { ConfiguredChannel, DeliveryOptions } from "../alerts/delivery/delivery.ts";
import type { Config, Plugins } from "../core/config/config.ts";
import { Secret } from "../core/secret.ts";

type Settings = Pick<DeliveryOptions, "channels" | "onCall">;

/** @param before a channel that stays as it was stays the same object, and with it what it has on its way. */
export function deliverySettings({ channels, onCall }: Config, plugins: Plugins, before?: Settings): Settings {
  const configured = Object.entries(channels).flatMap(([name, options]): [string, ConfiguredChannel][] => {
    const channel = plugins.channels[name];
    if (!channel) return [];
    const known = before?.channels.get(name);
    const same = known?.channel === channel && isDeepStrictEqual(revealed(known.options), revealed(options));
    return [[name, same ? known : { channel, options }]];
  });
  return { channels: new Map(configured), onCall };
}

/** A copy to compare: from outside, one secret looks like any other. */
function revealed(value: unknown): unknown {
  if (value instanceof Secret) return ["secret", value.reveal()];
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, revealed(one)]));
}
