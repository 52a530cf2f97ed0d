/** The location of an IP address: its country and owner, who says so, and whether that country is allowed. */
import { z } from "zod";
import { plainText } from "../../core/plain-text.ts";
import type { ResidencySource } from "../../core/status/residency.ts";

export interface Place {
  /** ISO 3166-1: "CA". */
  readonly country: string | undefined;
  readonly owner: string | undefined;
  /** Who says so of the country; absent while nobody does. */
  readonly countryBy?: Source;
  /** Who says so of either, in the order asked. */
  readonly sources: readonly Source[];
}
export type Source = ResidencySource;

export const nowhere: Place = { country: undefined, owner: undefined, sources: [] };

/** What is known already stays; what is not is taken from the second. */
export function completed(known: Place, more: Pick<Place, "country" | "owner">, source: Source): Place {
  const country = known.country ?? more.country;
  const owner = known.owner ?? more.owner;
  const helps = country !== known.country || owner !== known.owner;
  const countryBy = known.countryBy ?? (country === undefined ? undefined : source);
  return {
    country,
    owner,
    ...(countryBy && { countryBy }),
    sources: helps ? [...known.sources, source] : known.sources,
  };
}

export const countryCode = () =>
  z
    .string()
    .regex(/^[A-Z]{2}$/, { error: "write a country as two capital letters, like CA" })
    .meta({ examples: ["CA"] });

/** A country as strangers write it; undefined for anything that is no code. */
export function readCountry(text: unknown): string | undefined {
  const code = typeof text === "string" ? text.trim().toUpperCase() : "";
  return /^[A-Z]{2}$/.test(code) && code !== "ZZ" ? code : undefined;
}

export function readOwner(text: unknown): string | undefined {
  const name = typeof text === "string" ? plainText(text, 100).trim() : "";
  return name === "" ? undefined : name;
}

export interface Allowed {
  readonly countries: readonly string[];
  /** Absent: anybody may own it. */
  readonly owners?: readonly string[] | undefined;
}

/** Not known is never inside, and never outside. */
export function standing({ country, owner }: Place, { countries, owners }: Allowed): "inside" | "outside" | "unknown" {
  if (country !== undefined && !countries.includes(country)) return "outside";
  if (owners && owner !== undefined && !owners.some((allowed) => isOwnedBy(owner, allowed))) return "outside";
  return country === undefined || (owners && owner === undefined) ? "unknown" : "inside";
}

/** Whole words of the name are enough: "Example Hosting" for "EXAMPLE HOSTING, Inc." */
function isOwnedBy(owner: string, allowed: string): boolean {
  return wordsOf(owner).includes(wordsOf(allowed));
}

const wordsOf = (name: string) =>
  ` ${
    name
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu)
      ?.join(" ") ?? ""
  } `;
