/**
 * Types of settings (duration, size, secret, web address …) for the options of probes and channels: each reads what a
 * person writes, gives base units, and says how to mend what is wrong. All are pure; secrets are looked up before, by
 * `resolveSecrets`.
 *
 * A default is given in the written form with `.prefault("30s")`, so that the documentation shows it that way.
 */
import { z } from "zod";
import { type Localised, languages, sameInAll } from "../language.ts";
import { Secret } from "../secret.ts";
import {
  bytesPattern,
  durationPattern,
  formatBytes,
  formatDuration,
  parseBytes,
  parseDuration,
  parseRatio,
  ratioPattern,
} from "../units.ts";
import { shown } from "./faults.ts";

/** Written `30s`, `5m`, `1h 30m`, `30d`; read as seconds. Limits are inclusive and in seconds. */
export function duration(limits: { readonly atLeast?: number; readonly atMost?: number } = {}) {
  const { atLeast = 0, atMost = Number.POSITIVE_INFINITY } = limits;
  return z
    .string({
      error: ({ input }) =>
        typeof input === "number"
          ? `${input} has no unit: write ${input}s, ${input}m or ${input}h`
          : `expected a duration like 30s, 5m, 2h or 30d, found ${shown(input)}`,
    })
    .meta({ pattern: durationPattern.source, examples: ["30s", "5m", "2h", "30d"] })
    .transform((text, context) => {
      const seconds = parseDuration(text);
      if (seconds === undefined) {
        return refuse(
          context,
          `${shown(text)} is not a duration: write a number with ms, s, m, h or d, like 30s or 5m`,
        );
      }
      if (seconds < atLeast)
        return refuse(context, `${text} is too short: at least ${formatDuration(atLeast)} is needed`);
      if (seconds > atMost)
        return refuse(context, `${text} is too long: at most ${formatDuration(atMost)} is possible`);
      return seconds;
    });
}

/** Written `100 GB` (SI) or `100 GiB` (IEC); read as bytes. Limits are inclusive and in bytes. */
export function bytes(limits: { readonly atLeast?: number; readonly atMost?: number } = {}) {
  const { atLeast = 0, atMost = Number.POSITIVE_INFINITY } = limits;
  return z
    .string({
      error: ({ input }) =>
        typeof input === "number"
          ? `${input} has no unit: write ${input} GB (1000³ bytes) or ${input} GiB (1024³ bytes)`
          : `expected a size like 100 GB or 100 GiB, found ${shown(input)}`,
    })
    .meta({ pattern: bytesPattern.source, examples: ["100 GB", "100 GiB"] })
    .transform((text, context) => {
      const size = parseBytes(text);
      if (size === undefined) {
        return refuse(
          context,
          `${shown(text)} is not a size: write a number with B, kB, MB, GB, TB or KiB, MiB, GiB, TiB`,
        );
      }
      if (size < atLeast) return refuse(context, `${text} is too small: at least ${formatBytes(atLeast)} is needed`);
      if (size > atMost) return refuse(context, `${text} is too large: at most ${formatBytes(atMost)} is possible`);
      return size;
    });
}

/** Written `99.9%`; read as 0..1. */
export function ratio() {
  return z
    .string({
      error: ({ input }) =>
        typeof input === "number"
          ? `${input} has no percent sign: write ${input > 0 && input <= 1 ? `${Number(`${input}e2`)}%` : `${input}%`}`
          : `expected a percentage like 99.9%, found ${shown(input)}`,
    })
    .meta({ pattern: ratioPattern.source, examples: ["99.9%"] })
    .transform((text, context) => {
      const share = parseRatio(text);
      return share ?? refuse(context, `${shown(text)} is not a percentage between 0% and 100%, like 99.9%`);
    });
}

/** Where a secret stands instead of in the file. */
export type SecretReference = { readonly env: string } | { readonly file: string };

/** The two forms of a secret, for an editor. */
export const secretJsonSchema = {
  oneOf: [
    {
      type: "object",
      properties: { env: { type: "string", description: "Name of the environment variable that holds it." } },
      required: ["env"],
      additionalProperties: false,
    },
    {
      type: "object",
      properties: { file: { type: "string", description: "Path of the file that holds it, and nothing else." } },
      required: ["file"],
      additionalProperties: false,
    },
  ],
};

/**
 * Written `{ env: NAME }` or `{ file: PATH }`; read as `Secret`. The schema takes a `Secret` only: `resolveSecrets`
 * puts them in before it sees the settings. (In JSON Schema it needs `unrepresentable: "any"`.)
 */
export function secret() {
  return z
    .custom<SecretReference | Secret>((value) => value instanceof Secret, {
      error: ({ input }) =>
        typeof input === "string"
          ? "this is a secret and must not stand in the file: write { env: NAME } and set that environment variable, or { file: PATH }"
          : "expected a secret as { env: NAME } or { file: PATH }",
    })
    .meta(secretJsonSchema)
    .transform((value, context) => (value instanceof Secret ? value : refuse(context, "the secret was not looked up")));
}

/** What `{ env: NAME }` or `{ file: PATH }` looks like before it is looked up; undefined for anything else. */
function secretReference(value: unknown): SecretReference | undefined {
  const parsed = referenceSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
const referenceSchema = z.union([z.strictObject({ env: z.string() }), z.strictObject({ file: z.string() })]);

/**
 * A copy of plain data with every `{ env }` and `{ file }` replaced by its secret.
 * @param lookUp gives the secret itself; `path` says where in the data it stands.
 */
export function resolveSecrets(
  value: unknown,
  lookUp: (reference: SecretReference, path: readonly (string | number)[]) => string,
  path: readonly (string | number)[] = [],
): unknown {
  const reference = secretReference(value);
  if (reference) return new Secret(lookUp(reference, path));
  if (Array.isArray(value)) return value.map((item, index) => resolveSecrets(item, lookUp, [...path, index]));
  if (typeof value !== "object" || value === null || value instanceof Secret) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, resolveSecrets(item, lookUp, [...path, key])]),
  );
}

const someText = () => z.string().trim().min(1, { error: "this text is empty" }).max(500);

const inEnglish = new Intl.DisplayNames(["en"], { type: "language" });

/** The languages that a text may lack. */
const translated = Object.fromEntries(
  languages.map((code) => [
    code,
    someText()
      .optional()
      .describe(`The text in ${inEnglish.of(code) ?? code}.`),
  ]),
);

/** Written as one text, or as `{ en: …, fr: … }`; read as the text in every language. */
export function localised() {
  return z
    .union([
      someText(),
      z.strictObject({
        ...translated,
        en: someText().describe("The text in English."),
        fr: someText().describe("The text in French."),
      }),
    ])
    .transform((text): Localised => (typeof text === "string" ? sameInAll(text) : text));
}

/** A short name used in addresses, metrics and on the command line: `mastodon`, `web-2`. */
export function identifier() {
  return z
    .string({ error: ({ input }) => `expected a short name like mastodon or web-2, found ${shown(input)}` })
    .regex(/^[a-z][a-z0-9-]{0,39}$/, {
      error: ({ input }) =>
        `${shown(input)} cannot be used as a name: small letters, digits and hyphens, a letter first, at most 40 in all${
          typeof input === "string" && slug(input) ? ` (perhaps "${slug(input)}")` : ""
        }`,
    });
}

/** The nearest text that may stand as an identifier; empty when nothing is left. */
export function slug(text: string): string {
  return text
    .normalize("NFD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 40)
    .replace(/-+$/, "");
}

/** `https://…` or `http://…` without a password in it; kept as written. */
export function webAddress() {
  return z
    .string({ error: ({ input }) => `expected an address like https://social.example, found ${shown(input)}` })
    .max(2000)
    .meta({ format: "uri", pattern: "^https?://" })
    .superRefine((text, context) => {
      const fault = addressFault(text);
      if (fault) context.addIssue({ code: "custom", message: fault });
    });
}

function addressFault(text: string): string | undefined {
  if (!/^https?:\/\/[^\s/]/i.test(text)) {
    const bare = /^[\w.-]+\.[a-z]{2,}(?:[:/]|$)/i.test(text);
    return `${shown(text)} is not a web address: it must begin with https:// or http://${bare ? ` (perhaps https://${text})` : ""}`;
  }
  const url = URL.parse(text);
  if (!url || /\s/.test(text)) return `${shown(text)} is not a web address like https://social.example`;
  if (url.username || url.password) return "an address must not carry a user name or password in it: take it out";
  return undefined;
}

export const language = () => z.enum(languages);

function refuse(context: z.core.$RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}
