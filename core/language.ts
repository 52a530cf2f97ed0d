/** The two languages of the status page and the texts that exist in both. */

export const languages = ["en", "fr"] as const;
export type Language = (typeof languages)[number];

/** The same sentence in every language. */
export type Localised = Readonly<Record<Language, string>>;

export const sameInAll = (text: string): Localised => ({ en: text, fr: text });

/** With the spaces at which a French line must not break: before a colon, and inside « ». */
export const typeset = ({ en, fr }: Localised): Localised => ({
  en,
  fr: fr.replaceAll(/ (?=[:»])/g, "\u00a0").replaceAll(/(?<=«) /g, "\u00a0"),
});
