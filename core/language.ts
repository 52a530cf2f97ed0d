/** Localised text: the same sentence in several languages, and which of them a reader gets; core/languages/ has the translations. */
import { readdirSync } from "node:fs";
import { z } from "zod";

/** A code as it stands in addresses (`/fr/`) and in the configuration: the name of a file in core/languages/. */
export type Language = string;

/** Two or three letters name a language; the other files in that folder have longer names. */
export const languages: readonly Language[] = readdirSync(new URL("./languages/", import.meta.url))
  .flatMap((file) => /^([a-z]{2,3})\.ts$/.exec(file)?.[1] ?? [])
  .toSorted();

/** Shown where a text lacks both the reader's language and the organisation's usual one: no text may lack it. */
export const fallbackLanguage: Language = "en";

/** The same sentence in English, in French, and in what else somebody translated it into. */
export interface Localised {
  readonly en: string;
  readonly fr: string;
  readonly [language: Language]: string | undefined;
}

/** As it is kept in the store: also in languages that are not there any more. */
export const storedText = z.object({ en: z.string(), fr: z.string() }).catchall(z.string());

/** A name or a number, which every language writes alike. */
export const sameInAll = (text: string): Localised => ({
  en: text,
  fr: text,
  ...Object.fromEntries(languages.map((language) => [language, text])),
});

/**
 * The wording for a reader of one language.
 * @param first what is shown where a text lacks the reader's language: the usual language of the organisation.
 * @param markFallback marks a wording in another language than the reader's.
 */
export function inLanguage(
  text: Localised,
  language: Language,
  first: Language = fallbackLanguage,
  markFallback: (said: string, from: Language) => string = (said) => said,
): string {
  const own = text[language];
  if (own !== undefined) return own;
  const usual = text[first];
  return usual === undefined ? markFallback(text.en, fallbackLanguage) : markFallback(usual, first);
}
