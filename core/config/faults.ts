/** Error messages of the configuration: what a schema found becomes a sentence that says what is wrong and how to mend it. */
import { z } from "zod";
import { nearest, sameWord } from "./spelling-suggestion.ts";

export type SettingPath = readonly (string | number)[];

/** A fault at a place in the settings; the file's line and column are found from the path. */
export interface SettingFault {
  readonly path: SettingPath;
  /** What to point at: the key itself, or what stands behind it. */
  readonly at: "key" | "value";
  readonly message: string;
}

export const fault = (path: SettingPath, message: string, at: SettingFault["at"] = "value"): SettingFault => ({
  path,
  at,
  message,
});

/** Parses settings; every fault at once, with sentences of ours. */
export function readSettings<T>(
  schema: z.ZodType<T>,
  settings: unknown,
): { readonly data?: T; readonly faults: readonly SettingFault[] } {
  const parsed = schema.safeParse(settings, { error: sentence });
  if (parsed.success) return { data: parsed.data, faults: [] };
  return { faults: parsed.error.issues.flatMap((issue) => explain(issue, schema, settings)) };
}

/** Words for what the schema's authors left without words of their own. */
function sentence(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  switch (issue.code) {
    case "invalid_type":
      return `expected ${inWords(issue.expected)}, found ${shown(input)}`;
    case "invalid_value": {
      const values = issue.values.map(String);
      const meant = typeof input === "string" ? nearest(input, values) : undefined;
      const found = `${shown(input)} is not possible here`;
      return meant ? `${found}: did you mean "${meant}"?` : `${found}: write ${listed(values)}`;
    }
    case "too_small":
    case "too_big":
      return outside(issue);
    case "invalid_format":
      return issue.format === "email" ? `${shown(input)} is not an e-mail address` : undefined;
    case "invalid_union":
      return [...new Set(issue.errors.flat().map((branch) => branch.message))].join(", or ") || undefined;
    default:
      return undefined;
  }
}

function outside(issue: z.core.$ZodRawIssue & { readonly code: "too_small" | "too_big" }): string {
  const small = issue.code === "too_small";
  const border = small ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
  if (issue.origin === "array") return `${border} ${small ? "must stand" : "may stand"} in this list`;
  if (issue.origin === "string") return `${shown(issue.input)} is too ${small ? "short" : "long"}: ${border} letters`;
  return `${shown(issue.input)} is too ${small ? "small" : "large"}: ${border}`;
}

const kindsInWords = new Map([
  ["string", "a text"],
  ["number", "a number"],
  ["int", "a whole number"],
  ["boolean", "true or false"],
  ["array", "a list (lines that begin with - )"],
  ["object", "settings of the form key: value"],
  ["record", "settings of the form key: value"],
  ["tuple", "a list (lines that begin with - )"],
]);
const inWords = (kind: string): string => kindsInWords.get(kind) ?? kind;

/** What somebody wrote, short enough to quote. Never the inside of a mapping: there may be something private in it. */
export function shown(input: unknown): string {
  if (input === undefined || input === null) return "nothing";
  if (Array.isArray(input)) return "a list";
  if (typeof input === "object") return "settings of the form key: value";
  // An address may stand in the wrong place together with its password.
  const text = typeof input === "string" ? JSON.stringify(input.replace(/:\/\/\S*@/g, "://…@")) : String(input);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

export function listed(words: readonly string[]): string {
  const [last = "", ...others] = words.toReversed();
  return others.length === 0 ? last : `${others.toReversed().join(", ")} or ${last}`;
}

function explain(issue: z.core.$ZodIssue, schema: z.ZodType, settings: unknown): readonly SettingFault[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key, placesAt(schema, path)));
  const branch = issue.code === "invalid_union" ? bestBranch(issue.errors) : undefined;
  if (branch) {
    return branch.flatMap((inner) => explain({ ...inner, path: [...issue.path, ...inner.path] }, schema, settings));
  }
  const name = path.at(-1);
  if (typeof name === "string" && valueAt(settings, path) === undefined) return [missing(path, name, schema)];
  // An entry of a list has no name of its own.
  const named = path.findLast((step) => typeof step === "string");
  const message = issue.code === "invalid_type" ? withKeys(issue.message, keysAt(schema, path)) : issue.message;
  return [fault(path, named === undefined ? message : `${named}: ${message}`)];
}

/** A value where settings are expected: which ones, where they are few. */
function withKeys(message: string, keys: readonly string[]): string {
  if (keys.length === 0 || keys.length > 6) return message;
  return message.replace(
    `expected ${inWords("object")}`,
    `expected settings like { ${keys.map((key) => `${key}: …`).join(", ")} }`,
  );
}

/** Of several possible forms the one that was meant: its outside fits and only something in it is wrong. */
function bestBranch(branches: readonly z.core.$ZodIssue[][]): z.core.$ZodIssue[] | undefined {
  const fits = branches.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === "unrecognized_keys"),
  );
  return fits.toSorted((a, b) => a.length - b.length)[0];
}

function missing(path: SettingPath, name: string, schema: z.ZodType): SettingFault {
  const about = schemasAt(schema, path)
    .map((found) => descriptionOf(found))
    .find(Boolean);
  return fault(path, `${JSON.stringify(name)} is missing${about ? `. ${about}` : ""}`);
}

interface Inside {
  readonly parent: string;
  readonly keys: readonly string[];
  /** As it is written there. */
  readonly form: (key: string) => string;
}

/** What may be written at a place, and what one level further in. */
export interface Places {
  readonly known: readonly string[];
  readonly inside: readonly Inside[];
}

export function placesAt(schema: z.ZodType, path: SettingPath = []): Places {
  const known = keysAt(schema, path);
  const inside = known.flatMap((parent) =>
    schemasAt(schema, [...path, parent])
      .flatMap(forms)
      .map((form) => ({ parent, ...insideOf(form) })),
  );
  return { known, inside };
}

/** Of the object itself, of an entry of the list, or of what stands below a name. */
function insideOf(form: Schema): Omit<Inside, "parent"> {
  if (form instanceof z.ZodArray) return { keys: keysOf(form.element), form: (key) => `[{ ${key}: … }]` };
  if (form instanceof z.ZodRecord) return { keys: keysOf(form.valueType), form: (key) => `{ NAME: { ${key}: … } }` };
  return { keys: keysOf(form), form: (key) => `{ ${key}: … }` };
}

const keysOf = (schema: Schema): readonly string[] => (schema instanceof z.ZodType ? keysAt(schema) : []);

export function unknownKey(path: SettingPath, key: string, { known, inside }: Places): SettingFault {
  const what = `there is no setting ${shown(key)} here`;
  const told = (rest: string) => fault([...path, key], what + rest, "key");
  const same = known.find((name) => sameWord(name, key));
  const further = inside.filter(({ keys }) => keys.includes(key));
  if (!same && further.length > 0) {
    const places = new Set(further.map(({ parent, form }) => `${parent}: ${form(key)}`));
    return told(`: it belongs further in, like ${listed([...places])}`);
  }
  const meant = same ?? nearest(key, known);
  if (meant) return told(`: did you mean "${meant}"?`);
  return told(known.length > 0 ? `; possible are ${known.join(", ")}` : "");
}

/** The keys a schema knows at a place. */
export function keysAt(schema: z.ZodType, path: SettingPath = []): readonly string[] {
  const keys = schemasAt(schema, path)
    .flatMap(forms)
    .flatMap((form) => (form instanceof z.ZodObject ? Object.entries(form.shape) : []))
    .filter(([, inner]) => !isInternal(inner))
    .map(([key]) => key);
  return [...new Set(keys)];
}

/** Settings that only our own files use are marked so and not offered to anybody. */
function isInternal(schema: unknown): boolean {
  return schema instanceof z.ZodType && schema.meta()?.["internal"] === true;
}

type Schema = z.core.$ZodType;

function schemasAt(schema: Schema, path: SettingPath): readonly Schema[] {
  const [step, ...rest] = path;
  if (step === undefined) return [schema];
  return forms(schema).flatMap((form) => {
    const inner = inside(form, step);
    return inner ? schemasAt(inner, rest) : [];
  });
}

function inside(schema: Schema, step: string | number): Schema | undefined {
  if (schema instanceof z.ZodObject) return Object.hasOwn(schema.shape, step) ? schema.shape[step] : undefined;
  if (schema instanceof z.ZodArray) return schema.element;
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

/** A schema without its wrappings, and each member of a union on its own. */
function forms(schema: Schema): readonly Schema[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(forms);
  if (schema instanceof z.ZodPipe) return forms(schema.in);
  const inner = unwrapped(schema);
  return inner ? forms(inner) : [schema];
}

function unwrapped(schema: Schema): Schema | undefined {
  const wraps =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly;
  return wraps ? schema.unwrap() : undefined;
}

function descriptionOf(schema: Schema): string | undefined {
  const own = schema instanceof z.ZodType ? schema.description : undefined;
  if (own !== undefined) return own;
  const inner = schema instanceof z.ZodPipe ? schema.in : unwrapped(schema);
  return inner && descriptionOf(inner);
}

export function valueAt(settings: unknown, path: SettingPath): unknown {
  let value = settings;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, step)?.value;
  }
  return value;
}
