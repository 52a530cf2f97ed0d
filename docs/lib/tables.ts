/** Markdown tables of the settings: name, how it is written, its default, what it means. */
import { bytesPattern, durationPattern, ratioPattern } from "../../core/units.ts";
import type { JsonSchema } from "./json-schema.ts";

/** Every setting of a mapping, and of the mappings inside it as `outer.inner`. */
export function settingsTable(schema: JsonSchema): string {
  const rows = rowsOf(schema, "");
  return table(["setting", "written as", "default", "meaning"], rows);
}

/** Columns are padded as the formatter of this repository has them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(cell));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [first = [], ...others] = cells;
  return [line(first), line(widths.map((width) => "-".repeat(width))), ...others.map(line)].join("\n");
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function rowsOf(schema: JsonSchema, prefix: string): readonly (readonly string[])[] {
  const needs = (name: string) => schema.required?.includes(name) === true;
  const settings = Object.entries(schema.properties ?? {});
  const inOrder = settings.toSorted(([one], [other]) => Number(needs(other)) - Number(needs(one)));
  return inOrder.flatMap(([name, setting]) => {
    const path = `${prefix}${name}`;
    const needed = needs(name);
    const own = [`\`${path}\``, form(setting), needed ? "**needed**" : fallback(setting), meaning(setting)];
    const inner = setting.items?.properties ? setting.items : setting;
    const nested = isSecret(setting) || !inner.properties ? [] : rowsOf(inner, `${path}${setting.items ? "[]." : "."}`);
    return [own, ...nested];
  });
}

function meaning({ description }: JsonSchema): string {
  return sentence((description ?? "").replace(/ Default: .*$/, ""));
}

const sentence = (text: string): string => (text && !/[.!?]$/.test(text) ? `${text}.` : text);

/** A default that is worked out is told in the description, after "Default:". */
function fallback(setting: JsonSchema): string {
  const told = / Default: (.*?)\.?$/.exec(setting.description ?? "")?.[1];
  if (told) return told;
  const { default: value } = setting;
  if (value === undefined || isEmpty(value)) return "–";
  return `\`${typeof value === "string" ? value : JSON.stringify(value).replaceAll('"', "").replaceAll(",", ", ")}\``;
}

const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

/** How a setting is written, in words. */
function form(setting: JsonSchema): string {
  const { type, enum: choices, const: only, examples, format, items } = setting;
  if (isSecret(setting)) return secretForm;
  if (only !== undefined) return `\`${String(only)}\``;
  if (choices) return choices.map((choice) => `\`${String(choice)}\``).join(", ");
  if (isLocalised(setting)) return "text, or `{ en: …, fr: … }`";
  const several = setting.anyOf ?? setting.oneOf;
  if (several?.some(isSecretForm))
    return [secretForm, ...several.filter((branch) => !isSecretForm(branch)).map(form)].join("; or ");
  if (several) return [...new Set(several.map(form))].join("; or ");
  if (type === "array")
    return `list of ${items?.properties ? "mappings" : items ? form(items).replace(/^text$/, "texts") : "values"}`;
  if (type === "object") return setting.additionalProperties ? "mapping of names to values" : "mapping";
  if (type === "boolean") return "`true` or `false`";
  if (type === "integer" || type === "number") return number(setting);
  const unit = units.find(([pattern]) => pattern === setting.pattern);
  if (unit) return unit[1];
  if (format === "uri") return "web address";
  if (format === "email") return "e-mail address";
  return examples ? `like ${examples.map((example) => `\`${String(example)}\``).join(", ")}` : "text";
}

const units = [
  [durationPattern.source, "duration"],
  [bytesPattern.source, "size"],
  [ratioPattern.source, "share"],
] as const;

function number({ type, minimum, maximum }: JsonSchema): string {
  const what = type === "integer" ? "whole number" : "number";
  if (minimum !== undefined && maximum !== undefined) return `${what}, ${minimum} to ${maximum}`;
  return minimum === undefined ? what : `${what}, at least ${minimum}`;
}

const secretForm = "a secret: `{ env: NAME }` or `{ file: PATH }`";
const isSecret = ({ oneOf }: JsonSchema): boolean => oneOf?.some(isSecretForm) === true;
const isSecretForm = ({ properties = {} }: JsonSchema): boolean => "env" in properties || "file" in properties;

const isLocalised = ({ anyOf }: JsonSchema): boolean => anyOf?.some((branch) => branch.properties?.["fr"]) === true;
