/** Loads the plug-ins, all or some: each file in probes/ and in alerts/channels/ is one, and is named like its file. */
import { readdir } from "node:fs/promises";
import { z } from "zod";
import type { Channel } from "../core/channel.ts";
import type { Plugins } from "../core/config/config.ts";
import { Refused } from "../core/errors.ts";
import { readingFamilies } from "../core/metric-families.ts";
import type { Probe } from "../core/probe.ts";

const isFunction = z.custom<() => unknown>((value) => typeof value === "function", "is not a function");
const shape = { summary: z.string().min(1), options: z.instanceof(z.ZodType), example: z.unknown() };
const family = z.object({
  name: z.string().min(1),
  type: z.enum(["gauge", "counter"]),
  help: z.string().min(1),
  labels: z.array(z.string()),
  exported: z.boolean(),
});
const probe = z.object({ ...shape, readings: z.array(family).optional(), run: isFunction });
const residency = z.enum(["own", "canada", "abroad"]);
const channel = z.object({ ...shape, address: z.instanceof(z.ZodType), residency, open: isFunction });

const root = new URL("../", import.meta.url);

/** Which of them to load; without it, all. */
type Wanted = ReadonlySet<string> | undefined;

export async function loadPlugins(wanted?: { readonly probes: Wanted; readonly channels: Wanted }): Promise<Plugins> {
  const [probes, channels] = await Promise.all([loadProbes(undefined, wanted?.probes), loadChannels(wanted?.channels)]);
  return { probes, channels };
}

export async function loadProbes(
  folder = new URL("probes/", root),
  wanted?: Wanted,
): Promise<Readonly<Record<string, Probe>>> {
  const fits = (plugin: unknown): plugin is Probe => probe.safeParse(plugin).success;
  const probes = await load(folder, fits, "defineProbe({ … })", wanted);
  // Refuses two that declare one metric and mean different ones by it.
  readingFamilies(probes);
  return probes;
}

function loadChannels(wanted: Wanted): Promise<Readonly<Record<string, Channel>>> {
  const fits = (plugin: unknown): plugin is Channel => channel.safeParse(plugin).success;
  return load(new URL("alerts/channels/", root), fits, "defineChannel({ … })", wanted);
}

async function load<T>(
  folder: URL,
  fits: (plugin: unknown) => plugin is T,
  form: string,
  wanted: Wanted,
): Promise<Readonly<Record<string, T>>> {
  const files = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => entry.name)
    .toSorted();
  const names = files.map((file) => file.slice(0, -".ts".length)).filter((name) => wanted?.has(name) ?? true);
  const plugins = await Promise.all(
    names.map(async (name): Promise<[string, T]> => {
      const where = new URL(`${name}.ts`, folder);
      const { default: plugin } = z.looseObject({ default: z.unknown() }).parse({ ...(await import(where.href)) });
      if (fits(plugin)) return [name, plugin];
      const remedy = `End the file with \`export default ${form}\`, or move it to the folder lib/ beside it.`;
      throw new Refused(`${where.pathname} is not a plug-in: it has no proper default export.`, remedy);
    }),
  );
  return Object.fromEntries(plugins);
}
