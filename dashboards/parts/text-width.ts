/**
 * How wide a text gets in a drawing. The reader's font is not known while a page is made, so it is taken to be as wide as
 * DejaVu Sans and Verdana, the widest that systems come with: in others there is a little more room.
 */

/** In widths of an em. */
const widths: readonly (readonly [RegExp, number])[] = [
  [/[\s.,:;'’|!ijlIJ]/, 0.36],
  [/[A-ZÀ-ÝmwMW%+−&]/, 0.9],
  [/[\u2e80-\u{3ffff}]/u, 1],
];
const usual = 0.66;
const boldness = 1.12;

export function textWidth(text: string, font: number, weight: "normal" | "bold" = "normal"): number {
  const ems = [...text].reduce((sum, letter) => sum + (widths.find(([kind]) => kind.test(letter))?.[1] ?? usual), 0);
  return ems * font * (weight === "bold" ? boldness : 1);
}
