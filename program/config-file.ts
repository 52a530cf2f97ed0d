/**
 * Reads the configuration file tidewatch.yaml: looks up its secrets, and reports every fault with its line and column.
 */
import { isUtf8 } from "node:buffer";
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from "yaml";
import type { NamedFile } from "../core/config/checks.ts";
import { type Config, type Plugins, readConfig } from "../core/config/config.ts";
import { fault, type SettingFault, type SettingPath, shown, valueAt } from "../core/config/faults.ts";
import { resolveSecrets, type SecretReference } from "../core/config/settings.ts";
import { nearest } from "../core/config/spelling-suggestion.ts";
import { codeOrName } from "../core/error-code.ts";
import { ConfigError, type ConfigFault } from "../core/errors.ts";

export interface ConfigSources {
  /** As it is named in messages. */
  readonly file: string;
  /** Where relative paths in it start. Default: the folder of `file`. */
  readonly folder?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Gives the content of a secret's file. */
  readonly readFile?: (path: string) => string;
}

const maxBytes = 1_000_000;

/** @throws ConfigError with every fault. */
export async function loadConfig(
  file: string,
  sources: Plugins & Pick<ConfigSources, "env"> & { readonly cwd: string },
): Promise<Config> {
  const { text, folder } = await readConfigFile(file, sources.cwd);
  return parseConfig(text, { ...sources, file, folder });
}

/** The text of a configuration file, for `parseConfig` here and in the probing thread. @throws ConfigError */
export async function readConfigFile(
  file: string,
  cwd: string,
): Promise<{ readonly text: string; readonly folder: string }> {
  const path = resolve(cwd, file);
  const bytes = await readFile(path).catch((error: unknown) => refuse(file, unreadable(error)));
  return { text: decode(bytes, file), folder: dirname(path) };
}

function refuse(file: string, message: string, line = 1): never {
  throw new ConfigError([{ file, line, column: 1, message }]);
}

function unreadable(error: unknown): string {
  const code = codeOrName(error);
  if (code === "ENOENT") {
    return "there is no such file: `./tidewatch init ADDRESS…` writes one, or copy tidewatch.example.yaml";
  }
  if (code === "EISDIR") return "this is a folder: name the file in it";
  if (code === "EACCES") return "this file may not be read by the user Tidewatch runs as: change its permissions";
  return `this file cannot be read (${code})`;
}

function decode(bytes: Buffer, file: string): string {
  if (bytes.length > maxBytes) refuse(file, tooBig);
  const [first, second] = bytes;
  if ((first === 0xfe && second === 0xff) || (first === 0xff && second === 0xfe)) {
    refuse(file, "the file is written in UTF-16: save it as UTF-8");
  }
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start);
    const next = end < 0 ? bytes.length : end + 1;
    if (!isUtf8(bytes.subarray(start, next))) break;
    start = next;
  }
  return refuse(file, "this line is not UTF-8 (perhaps Latin-1): save the file as UTF-8", line);
}

const tooBig = "the file is larger than 1 MB: that is no configuration";

/** @throws ConfigError with every fault. */
export const parseConfig = (text: string, sources: ConfigSources & Plugins): Config =>
  readSettingsText(text, sources).configWith(sources);

/** Settings in good form, with their secrets; only the plug-ins can say what they mean. */
export interface SettingsText {
  readonly settings: unknown;
  /** @throws ConfigError with every fault. */
  configWith(plugins: Plugins): Config;
}

/** @throws ConfigError where there is no more to be read. */
export function readSettingsText(text: string, sources: ConfigSources): SettingsText {
  const { file } = sources;
  const folder = sources.folder ?? dirname(resolve(file));
  const yaml = parseYaml(text.replace(/^\uFEFF/, ""), file);
  const secrets = lookUpSecrets(yaml.settings, { ...sources, folder });
  const located = (faults: readonly SettingFault[]) => faults.map((found) => yaml.locate(found));
  return {
    settings: secrets.settings,
    configWith(plugins) {
      const reading = readConfig(secrets.settings, plugins, secrets.isBlank);
      const semantic = "faults" in reading ? reading.faults : [];
      const faults = [...yaml.faults, ...located([...secrets.faults, ...semantic])];
      if (faults.length > 0 || "faults" in reading) throw new ConfigError(inOrder(faults));
      const { store, data, fallback } = reading.config;
      const { sqlite } = store;
      return {
        ...reading.config,
        store: { sqlite: sqlite === ":memory:" ? sqlite : resolve(folder, sqlite) },
        data: resolve(folder, data),
        fallback: resolve(folder, fallback),
        warnings: inOrder(located([...reading.warnings, ...missingFiles(reading.files)])),
      };
    },
  };
}

/** No fault: a job that fetches it may only have to run once. */
function missingFiles(files: readonly NamedFile[]): readonly SettingFault[] {
  const missing = files.filter(({ name }) => !existsSync(name));
  return missing.map(({ name, path }) =>
    fault(path, `there is no file ${shown(name)} (yet): what this check needs it for is not measured`),
  );
}

/** From top to bottom, each sentence once. */
function inOrder(faults: readonly ConfigFault[]): readonly ConfigFault[] {
  const once = new Map(faults.map((found) => [`${found.line}:${found.column}:${found.message}`, found]));
  return [...once.values()].toSorted((a, b) => a.line - b.line || a.column - b.column);
}

interface YamlFile {
  readonly settings: unknown;
  /** Faults that leave the rest readable. */
  readonly faults: readonly ConfigFault[];
  readonly locate: (found: SettingFault) => ConfigFault;
}

function parseYaml(text: string, file: string): YamlFile {
  if (Buffer.byteLength(text) > maxBytes) refuse(file, tooBig);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const at = (offset: number, message: string): ConfigFault => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), message: printable(message) };
  };
  const told = (error: YAMLError) => at(error.pos[0], yamlSentence(error, text));
  const problems = [...document.errors, ...document.warnings].toSorted((one, other) => one.pos[0] - other.pos[0]);
  // What follows the first error of form is mostly its echo. A key written twice leaves all the rest readable.
  const misread = problems.find(({ code }) => code !== "DUPLICATE_KEY");
  if (misread) throw new ConfigError([told(misread)]);
  if (!isMap(document.contents)) {
    const empty = document.contents === null || (isScalar(document.contents) && document.contents.value === null);
    refuse(file, empty ? emptyFile : "the file must hold settings of the form key: value, like organisation: …");
  }
  return {
    settings: plainData(document, at),
    faults: problems.map(told),
    locate: (found) => at(offsetOf(document, found), found.message),
  };
}

const emptyFile = "the file is empty: `./tidewatch init ADDRESS…` writes one, or copy tidewatch.example.yaml";

/** Aliases may repeat settings, but not multiply them without end or hold themselves. */
function plainData(document: Document.Parsed, at: (offset: number, message: string) => ConfigFault): unknown {
  const lost = lostAliases(document);
  if (lost.length > 0) throw new ConfigError(lost.map((alias) => at(startOf(alias) ?? 0, lostAlias(alias))));
  try {
    const data: unknown = document.toJS({ maxAliasCount: 100 });
    JSON.stringify(data);
    return data;
  } catch (error) {
    const why = error instanceof ReferenceError ? "they repeat far too much" : "one stands inside what it repeats";
    throw new ConfigError([at(0, `the aliases (*name) in this file cannot be used: ${why}`)]);
  }
}

function lostAliases(document: Document.Parsed): readonly Alias[] {
  const lost: Alias[] = [];
  const marked = new Set<string>();
  visit(document, {
    Alias: (_key, alias) => void (marked.has(alias.source) ? undefined : lost.push(alias)),
    Value: (_key, { anchor }) => void (anchor === undefined ? undefined : marked.add(anchor)),
  });
  return lost;
}

const lostAlias = ({ source }: Alias): string =>
  `*${source} repeats what is marked with &${source}, and nothing above is: a text that begins with * must stand in quotes`;

/** Terminals obey control characters; what is quoted from a file must not carry any. */
function printable(message: string): string {
  return message.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const crooked = "this line is not indented like its neighbours: what belongs together begins in the same column";

function yamlSentence({ code, message, pos }: YAMLError, text: string): string {
  const rest = text.slice(pos[0], pos[0] + 60);
  const bracket = / end with a (\S)/.exec(message)?.[1];
  if (bracket) return `a bracket was opened and not closed: ${bracket} is missing`;
  switch (code) {
    case "DUPLICATE_KEY":
      return `${/^[^:\s]+/.exec(rest)?.[0] ?? "a key"} is written twice in the same place: keep one of them`;
    case "TAB_AS_INDENT":
      return "a tab cannot indent: use spaces";
    case "BAD_INDENT":
    case "BLOCK_IN_FLOW":
      return crooked;
    case "BLOCK_AS_IMPLICIT_KEY":
      return 'there are two settings in one line: begin a new line, or put a text with ": " in it into quotes';
    case "BAD_SCALAR_START":
      return `a text that begins with ${rest.slice(0, 1)} must stand in quotes`;
    case "MULTIPLE_DOCS":
      return "a second document begins here: take out the line ---";
    case "TAG_RESOLVE_FAILED":
      return `${/^\S+/.exec(rest)?.[0] ?? "this tag"} means nothing here: take it out`;
    case "RESOURCE_EXHAUSTION":
      return "the settings are nested too deep";
    default:
      return /without - indicator|same column|indent/i.test(message) ? crooked : `this is not YAML: ${message}`;
  }
}

/** Where in the text a fault stands: the place itself, or the nearest thing around it that was written. */
function offsetOf(document: Document.Parsed, { path, at }: SettingFault): number {
  let node: unknown = document.contents;
  let key: unknown;
  for (const step of path) {
    const inner = child(isAlias(node) ? node.resolve(document) : node, step);
    if (!inner) return startOf(key) ?? startOf(node) ?? 0;
    ({ key, node } = inner);
  }
  const pointAtKey = at === "key" || isCollection(node) || (isScalar(node) && node.source === "");
  return (pointAtKey ? startOf(key) : undefined) ?? startOf(node) ?? startOf(key) ?? 0;
}

function child(node: unknown, step: string | number): { readonly key?: unknown; readonly node: unknown } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
    return pair && { key: pair.key, node: pair.value };
  }
  const item = isSeq(node) && typeof step === "number" ? node.items[step] : undefined;
  return item === undefined ? undefined : { node: item };
}

function startOf(node: unknown): number | undefined {
  const ranged = isScalar(node) || isCollection(node) || isAlias(node);
  return ranged ? node.range?.[0] : undefined;
}

interface LookedUp {
  readonly settings: unknown;
  readonly faults: readonly SettingFault[];
  /** True where a secret is not there, so that what a schema says about it means nothing. */
  readonly isBlank: (path: SettingPath) => boolean;
}

function lookUpSecrets(settings: unknown, sources: ConfigSources & { readonly folder: string }): LookedUp {
  const faults: SettingFault[] = [];
  const blank = new Set<string>();
  const resolved = resolveSecrets(settings, (reference, path) => {
    const found = lookUp(reference, sources);
    if ("value" in found) return found.value;
    blank.add(path.join("\n"));
    // A target that is only planned may name secrets that come later.
    if (!isPlanned(settings, path)) faults.push(fault(path, found.problem));
    return "";
  });
  return { settings: resolved, faults, isBlank: (path) => blank.has(path.join("\n")) };
}

function isPlanned(settings: unknown, path: SettingPath): boolean {
  return path[0] === "targets" && valueAt(settings, [...path.slice(0, 2), "planned"]) === true;
}

type Found = { readonly value: string } | { readonly problem: string };

function lookUp(reference: SecretReference, sources: ConfigSources & { readonly folder: string }): Found {
  return "env" in reference ? fromEnvironment(reference.env, sources.env) : fromFile(reference.file, sources);
}

function fromEnvironment(name: string, env: ConfigSources["env"]): Found {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value?.trim()) return { value };
  if (value !== undefined) return { problem: `the environment variable ${name} is empty` };
  const there = Object.keys(env).filter((other) => env[other] !== undefined && !ofTheShell.test(other));
  const meant = nearest(name, there);
  const hint = meant ? `did you mean ${meant}, which is?` : "set it where Tidewatch is started";
  return { problem: `the environment variable ${name} is not set: ${hint}` };
}

/** What every shell sets, and short names, hold no secret of ours. */
const ofTheShell = /^(?:.{1,3}|PATH|HOME|USER|LOGNAME|SHELL|SHLVL|TERM|LANG|LC_.*|OLDPWD|HOSTNAME|EDITOR|TMPDIR)$/;

function fromFile(
  path: string,
  { folder, readFile: read = readSecretFile }: ConfigSources & { folder: string },
): Found {
  try {
    // Editors and `echo` end a file with a line break that is no part of the secret.
    const value = read(resolve(folder, path)).replace(/\r?\n$/, "");
    return value.trim() ? { value } : { problem: `the file ${shown(path)} is empty` };
  } catch (error) {
    const code = codeOrName(error);
    if (code === "ENOENT") return { problem: `there is no file ${shown(resolve(folder, path))}` };
    if (code === "EACCES") return { problem: `the file ${shown(path)} may not be read by the user Tidewatch runs as` };
    return { problem: `the file ${shown(path)} cannot be read (${code})` };
  }
}

const readSecretFile = (path: string): string => readFileSync(path, "utf8");
