/** The configuration as the program uses it, read from the settings: every rule checked, kinds expanded, units made base units. */
import { dirname, join } from "node:path";
import { z } from "zod";
import type { ConfigFault } from "../errors.ts";
import { sameInAll } from "../language.ts";
import type { Contact, FlappingSettings, OnCall, Organisation } from "../organisation.ts";
import type { Secret } from "../secret.ts";
import type { Target } from "../target.ts";
import { type NamedFile, type ReadChecks, readChecks } from "./checks.ts";
import { storeDefault } from "./defaults.ts";
import { dependencyFaults } from "./dependencies.ts";
import { readSettings, type SettingFault, type SettingPath, valueAt } from "./faults.ts";
import { advice, crossFaults } from "./rules.ts";
import { configSchema, type ListenAddress, type Plugins, type WrittenConfig } from "./schema.ts";

export { configSchema, type Plugins } from "./schema.ts";

export interface Config {
  readonly organisation: Organisation;
  readonly server: {
    readonly public: ListenAddress;
    readonly private: ListenAddress;
    readonly privateIsShielded: boolean;
    /** Without a slash at the end. */
    readonly url: string;
    readonly metrics: "private" | "public";
  };
  /** Path of the database file. */
  readonly store: { readonly sqlite: string };
  /** The folder of what is kept beside the store: finished pages. */
  readonly data: string;
  /** The file from which pages leave while the store cannot be written. */
  readonly fallback: string;
  readonly vantagePoint: string;
  readonly selfCheck: {
    /** `https://…`, `http://…` or `tcp://host:port`. */
    readonly anchors: readonly string[];
    readonly require: number;
  };
  readonly targets: readonly Target[];
  readonly onCall: OnCall;
  readonly flapping: FlappingSettings;
  /** Options by channel name, parsed by the channel's own schema; only channels that are configured. */
  readonly channels: Readonly<Record<string, unknown>>;
  readonly heartbeat?: { readonly url: Secret; readonly everySeconds: number };
  readonly telemetry?: { readonly otlp: string };
  /** The practice co-op: every page carries a ribbon. */
  readonly practice: boolean;
  /** What works but is probably not meant so. */
  readonly warnings: readonly ConfigFault[];
}

/** What `readConfig` makes of it: a configuration without positions, or every fault at once. */
export type ConfigReading =
  | {
      readonly config: Omit<Config, "warnings">;
      readonly warnings: readonly SettingFault[];
      /** Files on this machine that checks read: whether they are there, this does not know. */
      readonly files: readonly NamedFile[];
    }
  | { readonly faults: readonly SettingFault[] };

/**
 * @param settings the file's content as plain data, with secrets looked up.
 * @param isBlank true where a secret could not be looked up: what a schema says about it means nothing.
 */
export function readConfig(
  settings: unknown,
  plugins: Plugins,
  isBlank: (path: SettingPath) => boolean = () => false,
): ConfigReading {
  const read = readSettings(configSchema(plugins), settings);
  const confirm = read.data?.alerts.confirm ?? {};
  const targets = listAt(settings, "targets").map((target, index) =>
    readChecks(target, ["targets", index], plugins, confirm),
  );
  const faults = [
    ...read.faults,
    ...targets.flatMap((target) => target.faults),
    ...dependencyFaults(targets.flatMap((target) => target.named)),
    ...crossFaults(settings, Object.keys(plugins.channels)),
  ].filter(({ path }) => !isBlank(path));
  if (!read.data || faults.length > 0) return { faults };
  const config = assemble(read.data, targets, plugins);
  const files = config.targets.flatMap(({ planned }, index) => (planned ? [] : (targets[index]?.files ?? [])));
  return { config, warnings: advice(config, settings), files };
}

function listAt(settings: unknown, key: string): readonly unknown[] {
  const list = z.array(z.unknown()).safeParse(valueAt(settings, [key]));
  return list.success ? list.data : [];
}

function assemble(written: WrittenConfig, checks: readonly ReadChecks[], plugins: Plugins): Omit<Config, "warnings"> {
  const { organisation, server, store, selfCheck, alerts, heartbeat, telemetry } = written;
  const channels = Object.keys(plugins.channels);
  const sqlite = store.sqlite ?? storeDefault;
  const data = written.data ?? dirname(sqlite);
  return {
    organisation: {
      name: organisation.name,
      ...(organisation.url !== undefined && { url: organisation.url }),
      languages: organisation.languages,
      timeZone: organisation.timeZone,
    },
    server: { ...server, url: (server.url ?? localAddress(server.public)).replace(/\/+$/, "") },
    store: { sqlite },
    data,
    fallback: written.fallback ?? join(data, "fallback.journal"),
    vantagePoint: written.vantagePoint,
    selfCheck: {
      anchors: selfCheck.anchors,
      require: selfCheck.require ?? Math.ceil(selfCheck.anchors.length / 2),
    },
    targets: written.targets.map((target, index) => assembleTarget(target, checks[index], plugins)),
    onCall: {
      contacts: alerts.contacts.map((contact) => assembleContact(contact, organisation.timeZone, channels)),
      escalation: alerts.escalation.map(({ after, notify }) => ({ afterSeconds: after, notify })),
    },
    flapping: { withinSeconds: alerts.flapping.within, quietSeconds: alerts.flapping.quietFor },
    channels: only(alerts, channels),
    ...(heartbeat && { heartbeat: { url: heartbeat.url, everySeconds: heartbeat.every } }),
    ...(telemetry && { telemetry }),
    practice: written.practice,
  };
}

/** How a browser on this machine reaches it. */
export function localAddress({ host, port }: ListenAddress): string {
  const local = host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return `http://${local.includes(":") ? `[${local}]` : local}:${port}`;
}

function assembleTarget(
  written: WrittenConfig["targets"][number],
  read: ReadChecks | undefined,
  { probes }: Plugins,
): Target {
  const { id, kind, url, objective, planned } = written;
  const ownName = kind === undefined ? undefined : probes[kind]?.kind?.name;
  return {
    id,
    name: written.name ?? ownName ?? sameInAll(id),
    public: written.public,
    ...(url !== undefined && { url }),
    ...(objective && { objective: { goal: objective.goal, overSeconds: objective.over } }),
    planned,
    // What is not in service yet has no checks that anything could run by mistake.
    checks: planned ? [] : (read?.checks ?? []),
    capacity: planned ? [] : (read?.capacity ?? []),
  };
}

function assembleContact(
  written: WrittenConfig["alerts"]["contacts"][number],
  timeZone: string,
  channels: readonly string[],
): Contact {
  return {
    id: written.id,
    name: written.name,
    timeZone: written.timeZone ?? timeZone,
    ...(typeof written.email === "string" && { email: written.email }),
    addresses: only(written, [...channels, "email"]),
  };
}

function only(
  settings: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(names.filter((name) => settings[name] !== undefined).map((name) => [name, settings[name]]));
}
