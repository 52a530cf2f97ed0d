/** Content negotiation: which language and which compression a visitor gets, by Accept-Language and Accept-Encoding. */
import { parseAccept } from "hono/utils/accept";
import type { Language } from "../core/language.ts";

/** Smallest first. */
const encodings = ["br", "zstd", "gzip", "identity"] as const;
export type Encoding = (typeof encodings)[number];

/** The best encoding among those that are allowed; identity when nothing fits, for a page is better than an error. */
export const chooseEncoding = cached((header): Encoding => {
  const quality = new Map(parseAccept(header).map(({ type, q }) => [type.toLowerCase(), q]));
  const others = quality.get("*") ?? 0;
  const wanted = encodings
    .map((encoding) => ({ encoding, q: quality.get(encoding) ?? (encoding === "identity" ? 0.001 : others) }))
    .filter(({ q }) => q > 0)
    .toSorted((a, b) => b.q - a.q);
  return wanted[0]?.encoding ?? "identity";
});

/** The first of the visitor's languages that we speak ("fr-CA" and "fr" are one), else our own first one. */
export function chooseLanguage(header: string | undefined, spoken: readonly [Language, ...Language[]]): Language {
  for (const wanted of wantedLanguages(header)) {
    const found = spoken.find((language) => language === wanted);
    if (found) return found;
  }
  return spoken[0];
}

const wantedLanguages = cached((header): readonly string[] =>
  parseAccept(header)
    .filter(({ q }) => q > 0)
    .map(({ type }) => type.toLowerCase().split("-")[0] ?? ""),
);

/** Browsers send few different headers; reading each of them once is enough. Strangers cannot make the memory grow. */
function cached<Answer>(read: (header: string) => Answer): (header: string | undefined) => Answer {
  const known = new Map<string, Answer>();
  return (header = "") => {
    const before = known.get(header);
    if (before !== undefined) return before;
    const answer = read(header.slice(0, 500));
    if (known.size >= 200) known.clear();
    if (header.length <= 500) known.set(header, answer);
    return answer;
  };
}
