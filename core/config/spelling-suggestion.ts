/** Spelling suggestions, "did you mean …?": the known word that is nearest to a mistyped one, by edit distance. */

/** @returns undefined when nothing is near enough to be meant. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const typed = plain(word);
  // A third of the letters may be wrong, but never all; longer texts are no names that somebody mistyped.
  const allowed = Math.min(Math.max(1, Math.floor(typed.length / 3)), typed.length - 1);
  if (typed.length === 0 || typed.length > 60) return undefined;
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of known) {
    const distance = sameWord(word, name) ? 0 : editDistance(typed, plain(name));
    if (distance <= allowed && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { name, distance };
  }
  return best?.name;
}

const plain = (text: string): string => text.toLowerCase().replace(/[-_ ]/g, "");

/** `country` and `countries`, `time_zone` and `timeZone`: the same but for how it is written, and for one or several. */
export const sameWord = (one: string, other: string): boolean => singular(one) === singular(other);

const singular = (word: string): string =>
  plain(word)
    .replace(/ies$/, "y")
    .replace(/(?<=\w\w)s$/, "");

/** Letters to insert, leave out, replace or swap with their neighbour to get from `a` to `b`. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      rows[i]?.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same, swapped));
    }
  }
  return at(a.length, b.length);
}
