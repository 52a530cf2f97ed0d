/** Reads the checks of a target: the standard checks of its kind, the changes to them, its own checks, and their default values. */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Kind, Probe, StandardCheck } from "../probe.ts";
import { type CheckKey, checkKey } from "../sample.ts";
import type { CapacityPlan, Check, ConfirmationSettings } from "../target.ts";
import { formatDuration } from "../units.ts";
import { checkDefaults, confirmationDefaults } from "./defaults.ts";
import type { NamedCheck } from "./dependencies.ts";
import {
  fault,
  type Places,
  placesAt,
  readSettings,
  type SettingFault,
  type SettingPath,
  shown,
  unknownKey,
} from "./faults.ts";
import { checkSettings, commonSettings, type Plugins, type WrittenConfirmation } from "./schema.ts";
import { webAddress } from "./settings.ts";
import { nearest } from "./spelling-suggestion.ts";

export interface ReadChecks {
  readonly checks: readonly Check[];
  readonly capacity: readonly CapacityPlan[];
  /** Files on this machine that the checks read. */
  readonly files: readonly NamedFile[];
  /** Every check that has a name, also where something else of it is wrong. */
  readonly named: readonly NamedCheck[];
  readonly faults: readonly SettingFault[];
}

export interface NamedFile {
  readonly name: string;
  /** Where it is written. */
  readonly path: SettingPath;
}

type WrittenSettings = Readonly<Record<string, unknown>>;

/** A check with all its settings, and where a fault in one of them is to be mended. */
interface Merged {
  readonly settings: WrittenSettings;
  /** Where the check itself stands: its own entry, or the target's `kind`. */
  readonly path: SettingPath;
  readonly placeOf: (setting: string | number | undefined) => SettingPath;
}

/** Anything but a mapping or a secret is reported as a fault of the target already. */
const passedOn = () =>
  z
    .custom<object>((value) => typeof value === "object" && value !== null)
    .optional()
    .catch(undefined);

/** A target of which something may be wrong: whatever can be used, so that faults further inside are found as well. */
const lenientTarget = z.object({
  id: z.string().catch(""),
  kind: z.string().optional().catch(undefined),
  url: webAddress().optional().catch(undefined),
  queues: passedOn(),
  database: passedOn(),
  planned: z.boolean().catch(false),
  dependsOn: z.array(z.string()).catch([]),
  checks: z.array(z.looseObject({}).catch({})).catch([]),
});

/** @param target as written, secrets looked up. */
export function readChecks(
  target: unknown,
  path: SettingPath,
  { probes }: Plugins,
  confirm: WrittenConfirmation,
): ReadChecks {
  const expanded = expandTarget(target, path, probes);
  if (!expanded) return { checks: [], capacity: [], files: [], named: [], faults: [] };
  const { written, checks, faults } = expanded;
  const read = checks.map((check) => readCheck(check, written, probes, confirm));
  return {
    checks: read.flatMap(({ check }) => check ?? []),
    capacity: read.flatMap(({ capacity }) => capacity ?? []),
    files: read.flatMap(({ files }) => files ?? []),
    named: checks.flatMap((check) => namedCheck(check, written, path)),
    faults: [...faults, ...read.flatMap(({ faults }) => faults)],
  };
}

/** The probes that a target names: by its kind, by its checks, and by what its kind brings where that is among `probes`. */
export function probeNames(target: unknown, { probes }: Plugins): readonly string[] {
  const { written, checks = [] } = expandTarget(target, [], probes) ?? {};
  const names = [written?.kind, ...checks.map(({ settings }) => settings["probe"])];
  return names.filter((name) => typeof name === "string");
}

/** With what its kind brings. */
function expandTarget(target: unknown, path: SettingPath, probes: Probes) {
  const parsed = lenientTarget.safeParse(target);
  if (!parsed.success) return undefined;
  const written = parsed.data;
  const expanded = expandKind(written, path, probes);
  const merged = merge(written.checks, expanded.standard, path, written);
  return { written, checks: merged.checks, faults: [...expanded.faults, ...merged.faults] };
}

type LenientTarget = z.output<typeof lenientTarget>;
type Probes = Plugins["probes"];

function expandKind(
  target: LenientTarget,
  path: SettingPath,
  probes: Probes,
): { readonly standard: readonly StandardCheck[]; readonly faults: readonly SettingFault[] } {
  const { kind: name, url, queues, database } = target;
  if (name === undefined) return { standard: [], faults: withoutKind(target, path) };
  const kinds = Object.keys(probes).filter((probe) => probes[probe]?.kind);
  const kind = Object.hasOwn(probes, name) ? probes[name]?.kind : undefined;
  if (!kind) return { standard: [], faults: [fault([...path, "kind"], unknownName("kind", name, kinds))] };
  if (url === undefined) {
    const message = `kind: ${name} needs the address of the service: add url: https://…`;
    return { standard: [], faults: "url" in target || target.planned ? [] : [fault([...path, "kind"], message)] };
  }
  const { origin, href } = new URL(url);
  if (href !== `${origin}/`) {
    const message = `url: kind: ${name} asks several places of the whole server: write its address without a path, ${origin}`;
    return { standard: [], faults: [fault([...path, "url"], message)] };
  }
  const extras = Object.entries({ queues, database }).flatMap(([field, value]) => {
    return value === undefined ? [] : [{ field, value, problem: problemWith(kind, name, url, field, value) }];
  });
  const usable = extras.filter(({ problem }) => problem === undefined);
  return {
    standard: dependingOnWeb(
      kind.checks({ url, ...Object.fromEntries(usable.map(({ field, value }) => [field, value])) }),
      url,
    ),
    faults: extras.flatMap(({ field, problem }) =>
      problem === undefined ? [] : [fault([...path, field], `${field}: ${problem}`, "key")],
    ),
  };
}

/** What a kind asks at the address of its service cannot work while that address does not answer at all. */
function dependingOnWeb(standard: readonly StandardCheck[], url: string): readonly StandardCheck[] {
  if (!standard.some(({ id }) => id === web)) return standard;
  return standard.map((check) =>
    check.id === web || check["url"] !== url ? check : { ...check, dependsOn: check["dependsOn"] ?? [web] },
  );
}
const web = "web";

/** A kind has no use for every field; it may say so itself by an error. */
function problemWith(kind: Kind, name: string, url: string, field: string, value: object): string | undefined {
  try {
    const ignored = isDeepStrictEqual(kind.checks({ url, [field]: value }), kind.checks({ url }));
    return ignored ? `kind: ${name} has no checks for it; take it out` : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function withoutKind(target: LenientTarget, path: SettingPath): readonly SettingFault[] {
  return (["queues", "database"] as const)
    .filter((field) => target[field] !== undefined)
    .map((field) => fault([...path, field], `${field} only means something beside kind: add kind, or a check`, "key"));
}

/** What people look for here by another name. */
const noPing = "take tcp, which measures the same round trip to a port (why: docs/decisions/008-no-ping.md)";
const elsewhere = new Map([
  ["icmp", noPing],
  ["ping", noPing],
]);

function unknownName(what: "probe" | "kind", name: string, known: readonly string[]): string {
  const instead = what === "probe" ? elsewhere.get(name) : undefined;
  if (instead) return `there is no probe ${shown(name)}: ${instead}`;
  const meant = nearest(name, known);
  const guess = meant ? `did you mean "${meant}"? There are` : "there are";
  return `there is no ${what} ${shown(name)}: ${guess} ${known.join(", ")}`;
}

/** Settings written for a standard check's id replace its own one by one; another probe replaces it altogether. */
function merge(
  written: readonly WrittenSettings[],
  standard: readonly StandardCheck[],
  path: SettingPath,
  target: LenientTarget,
): { readonly checks: readonly Merged[]; readonly faults: readonly SettingFault[] } {
  const taken = new Set<number>();
  const brought = standard.map((base): Merged => {
    const index = written.findIndex((check) => check["id"] === base.id);
    const change = index < 0 ? {} : written[index];
    taken.add(index);
    const own = index < 0 ? [...path, "kind"] : [...path, "checks", index];
    if (change?.["probe"] !== undefined && change["probe"] !== base.probe) return alone(change, own);
    const placeOf = (setting: string | number | undefined) =>
      setting !== undefined && change && Object.hasOwn(change, setting)
        ? [...own, setting]
        : (source(base[setting ?? ""], target, path) ?? own);
    return { settings: { ...base, ...change }, path: own, placeOf };
  });
  const added = written.flatMap((check, index) => (taken.has(index) ? [] : alone(check, [...path, "checks", index])));
  return { checks: [...brought, ...added], faults: repeated(written, path) };
}

const alone = (settings: WrittenSettings, path: SettingPath): Merged => ({
  settings,
  path,
  placeOf: (setting) => (setting === undefined ? path : [...path, setting]),
});

/** Which field of the target a standard check has this value from. */
function source(value: unknown, target: LenientTarget, path: SettingPath): SettingPath | undefined {
  if (value === undefined) return undefined;
  const fields = (["url", "queues", "database"] as const).flatMap((name) => [
    { place: [...path, name], found: target[name] },
    ...Object.entries(name === "url" ? {} : (target[name] ?? {})).map(([inner, found]) => ({
      place: [...path, name, inner],
      found,
    })),
  ]);
  return fields.find(({ found }) => found === value)?.place;
}

function repeated(written: readonly WrittenSettings[], path: SettingPath): readonly SettingFault[] {
  return written.flatMap(({ id }, index) => {
    const again = typeof id === "string" && written.findIndex((other) => other["id"] === id) < index;
    const message = `there are two checks ${shown(id)} in this target: give one of them another id`;
    return again ? [fault([...path, "checks", index, "id"], message)] : [];
  });
}

const dependencies = z.array(z.string()).catch([]);

function namedCheck(
  { settings, path, placeOf }: Merged,
  target: LenientTarget,
  at: SettingPath,
): readonly NamedCheck[] {
  const { id } = settings;
  if (typeof id !== "string") return [];
  const place = placeOf("dependsOn");
  const isOwn = place.at(-1) === "dependsOn";
  const dependsOn = dependencies.parse(settings["dependsOn"] ?? []).map((written, index) => ({
    written,
    key: dependencyKey(written, target.id),
    path: isOwn ? [...place, index] : path,
    isOwn,
  }));
  const ofAll = target.dependsOn.map((written, index) => ({
    written,
    key: dependencyKey(written, target.id),
    path: [...at, "dependsOn", index],
    isOwn: true,
  }));
  const others = ofAll.filter(({ key }) => key !== checkKey({ target: target.id, check: id }));
  return [{ target: target.id, id, dependsOn: [...dependsOn, ...others] }];
}

/** `web` means the check of that name in the same target. */
function dependencyKey(written: string, target: string): CheckKey {
  const [first = "", ...rest] = written.split("/");
  return rest.length === 0 ? checkKey({ target, check: first }) : checkKey({ target: first, check: rest.join("/") });
}

interface ReadCheck {
  readonly check?: Check;
  readonly capacity?: CapacityPlan | undefined;
  readonly files?: readonly NamedFile[];
  readonly faults: readonly SettingFault[];
}

function readCheck(merged: Merged, target: LenientTarget, probes: Probes, confirm: WrittenConfirmation): ReadCheck {
  const { settings, path } = merged;
  const name = settings["probe"];
  if (name === undefined)
    return { faults: typeof settings["id"] === "string" ? [noProbe(merged, target, probes)] : [] };
  if (typeof name !== "string") return { faults: [] };
  const probe = Object.hasOwn(probes, name) ? probes[name] : undefined;
  if (!probe) return { faults: [fault([...path, "probe"], unknownName("probe", name, Object.keys(probes)))] };
  const options = Object.fromEntries(
    Object.entries(settings).filter(([key]) => !Object.hasOwn(checkSettings.shape, key)),
  );
  const read = readSettings(probe.options, options);
  const common = commonSettings.safeParse(settings);
  const timing = common.success ? timingOf(common.data, probe) : undefined;
  const faults = [
    ...read.faults.map((found) => place(found, merged, probe)),
    ...(timing?.tooLong ? [tooLong(timing, merged)] : []),
  ];
  if (faults.length > 0 || !common.success || !timing) return { faults };
  const own = checkKey({ target: target.id, check: common.data.id });
  const dependsOn = [...(common.data.dependsOn ?? []), ...target.dependsOn]
    .map((written) => dependencyKey(written, target.id))
    // What a whole target depends on may be a check of its own.
    .filter((key) => key !== own);
  const check: Check = {
    target: target.id,
    id: common.data.id,
    probe: name,
    everySeconds: timing.every,
    timeoutSeconds: timing.timeout,
    required: common.data.required ?? checkDefaults.required,
    ...(probe.internal && { internal: probe.internal }),
    confirm: confirmationOf({ ...confirm, ...common.data.confirm }, timing.every),
    ...(dependsOn.length > 0 && { dependsOn: [...new Set(dependsOn)] }),
    thresholds: probe.thresholds?.(read.data) ?? [],
    options: read.data,
  };
  const files = (probe.files?.(read.data) ?? []).map(({ name: file, path: [setting, ...rest] }) => ({
    name: file,
    path: [...merged.placeOf(setting), ...rest],
  }));
  return { check, capacity: probe.capacity?.(read.data, check.id), files, faults };
}

/** Faults of the probe's own settings, moved to where they were written, with the settings every check has as known too. */
function place(found: SettingFault, merged: Merged, probe: Probe): SettingFault {
  const [setting, ...rest] = found.path;
  const path = merged.placeOf(setting);
  if (found.at === "key" && found.path.length === 1 && path.at(-1) === setting) {
    return unknownKey(path.slice(0, -1), String(setting), settingsOf(probe));
  }
  const own = path.at(-1) === setting;
  const brought = path.includes("checks") ? "" : `check ${shown(merged.settings["id"])} of this kind: `;
  return { ...found, path: own || !brought ? [...path, ...rest] : path, message: `${brought}${found.message}` };
}

function noProbe({ settings, path }: Merged, target: LenientTarget, probes: Probes): SettingFault {
  const kind = target.kind === undefined ? undefined : probes[target.kind]?.kind;
  const brought = kind && target.url ? kind.checks({ url: target.url }).map(({ id }) => id) : [];
  const id = String(settings["id"]);
  const meant = nearest(id, brought);
  if (meant)
    return fault([...path, "id"], `kind: ${target.kind} brings no check ${shown(id)}: did you mean "${meant}"?`);
  const hint = brought.length > 0 ? ` (kind: ${target.kind} brings ${brought.join(", ")})` : "";
  return fault(path, `check ${shown(id)} has no probe: add one, like probe: http${hint}`);
}

interface Timing {
  readonly every: number;
  readonly timeout: number;
  readonly tooLong: boolean;
}

/** A timeout nobody wrote gives way to a short interval; a written one must fit. */
function timingOf(common: z.output<typeof commonSettings>, { defaults }: Probe): Timing {
  const usual = defaults?.timeoutSeconds ?? checkDefaults.timeoutSeconds;
  const every = common.every ?? defaults?.everySeconds ?? checkDefaults.everySeconds;
  const timeout = common.timeout ?? Math.min(usual, every * 0.8);
  return { every, timeout, tooLong: timeout >= every };
}

function tooLong({ every, timeout }: Timing, merged: Merged): SettingFault {
  const message = `timeout ${formatDuration(timeout)} is not shorter than every ${formatDuration(every)}: a run must be over before the next begins`;
  return fault(merged.placeOf("timeout"), message);
}

function confirmationOf(written: WrittenConfirmation, every: number): ConfirmationSettings {
  const { failures, retrySeconds, successes, recoverySeconds } = confirmationDefaults;
  return {
    failures: written.failures ?? failures,
    retrySeconds: written.retryEvery ?? Math.min(retrySeconds, every),
    successes: written.successes ?? successes,
    recoverySeconds: written.recoverEvery ?? Math.min(recoverySeconds, every),
  };
}

/** The names of all settings a check with this probe can have. */
function settingsOf(probe: Probe): Places {
  const { known, inside } = placesAt(probe.options);
  const common = placesAt(commonSettings);
  return { known: [...common.known, ...known], inside: [...inside, ...common.inside] };
}
