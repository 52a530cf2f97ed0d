/** Formats sizes in bytes, and prices, for people. */
import type { Language } from "../../core/language.ts";
import { formsOf, tagOf } from "../../core/languages/translations.ts";
import { formatBytes } from "../../core/units.ts";

/** "62.1 GB", "62,1 Go"; the space does not break. */
export function sizeText(bytes: number, language: Language): string {
  const [number = "", unit = ""] = formatBytes(bytes).replace("-", "\u2212").split(" ");
  return formsOf(language).size(number, unit);
}

/** "+0.21 GB", "−12 GB". */
export function signedSize(bytes: number, language: Language): string {
  return bytes > 0 ? `+${sizeText(bytes, language)}` : sizeText(bytes, language);
}

/** "50.2 – 51.3 MB": the unit once, where both have the same. */
export function sizeRange(low: number, high: number, language: Language): string {
  const unit = (bytes: number) => formatBytes(bytes).split(" ")[1];
  const from = sizeText(low, language);
  return `${unit(low) === unit(high) ? from.split("\u00a0")[0] : from} – ${sizeText(high, language)}`;
}

/** "$185", "185 $"; cents only where there are some. */
export function priceText(amount: number, currency: string, language: Language): string {
  const digits = Number.isInteger(amount) ? 0 : 2;
  return amount.toLocaleString(tagOf(language), {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
