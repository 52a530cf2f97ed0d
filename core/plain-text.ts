/**
 * Sanitising: what a watched server said, made harmless for people as plain text, and cut to what fits where it is
 * shown.
 */
import { stripVTControlCharacters } from "node:util";

/**
 * One line. Terminal escapes, control characters, bidirectional overrides and everything invisible go; so do broken
 * surrogates and long runs of combining accents. It is text, not HTML: escaping for the place it is shown at comes later.
 * @param maxLength UTF-16 units at most, the ellipsis of a cut included.
 */
export function plainText(strangers: string, maxLength: number): string {
  // Only the beginning is read, so that a megabyte of escapes costs no more than a page of them.
  const readable = stripVTControlCharacters(strangers.slice(0, maxLength * 4 + 64))
    .toWellFormed()
    .replace(/[\p{Cf}\p{Co}\p{Default_Ignorable_Code_Point}]+/gu, "")
    .replace(/[\p{Cc}\p{Zs}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/(\p{M}{3})\p{M}+/gu, "$1")
    .trim();
  return cut(readable, maxLength);
}

/** The same for several lines, where our own text stands between what strangers said: evidence. */
export function plainLines(text: string, maxLength: number): string {
  const lines = text.slice(0, maxLength * 4 + 64).split(/\r\n|\n/);
  return cut(lines.map((line) => plainText(line, maxLength)).join("\n"), maxLength);
}

/** Never cuts inside a surrogate pair. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  let kept = "";
  for (const { segment } of letters.segment(text)) {
    if (kept.length + segment.length > maxLength - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

const letters = new Intl.Segmenter();
