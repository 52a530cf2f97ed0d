/** A page's sentences in the reader's language, and the `lang` attribute of text that falls back to another language. */
import { inLanguage, type Language, type Localised } from "../../core/language.ts";
import { tagOf, wordsIn } from "../../core/languages/translations.ts";
import type { Words } from "../../core/languages/words.ts";

/** The reader of a page. */
export interface PageReader {
  readonly language: Language;
  /** Text that the reader's language lacks falls back to the first of its languages. */
  readonly organisation: { readonly languages?: readonly [Language, ...Language[]] };
}

/** Every sentence of the pages. */
export const wordsFor = ({ language, organisation }: PageReader): Words =>
  wordsIn(language, organisation.languages?.[0], marked);

export const textFor = (text: Localised, { language, organisation }: PageReader): string =>
  inLanguage(text, language, organisation.languages?.[0], marked);

// Unicode keeps these for use inside a program: "begin", the code of a language, "text", the text, "end".
const [begin, inside, end] = ["\ufdd0", "\ufdd1", "\ufdd2"];

/** Text in a fallback language, between marks that pass through templates; `withLanguages` turns them into attributes. */
const marked = (said: string, from: Language): string => `${begin}${from}${inside}${said}${end}`;

const pieces = /<!--[\s\S]*?-->|<[^>]+>|[^<]+/g;
const marks = /\ufdd0([a-z]*)\ufdd1|\ufdd2/;
const empty = /^<(?:meta|link|input|br|wbr|img|hr)\b|\/>$|^<!/;

/** An element that is not closed yet, and the language in which a screen reader reads its text. */
interface OpenElement {
  readonly name: string;
  /** Where its tag is in what was written. */
  readonly at: number;
  readonly heard: string;
  /** The language of its text that carries no mark. */
  readonly meant: string;
}

/**
 * Screen readers pronounce a text by the `lang` of its element: whatever is in another language than the page gets one.
 * @param html a page, or a part of one, whose elements are all closed.
 */
export function withLanguages(html: string, language: Language): string {
  // Most pages need no fallback.
  if (!html.includes(begin)) return html;
  const tag = tagOf(language);
  const written: string[] = [];
  const open: OpenElement[] = [{ name: "", at: 0, heard: tag, meant: tag }];
  for (const [piece] of html.matchAll(pieces)) {
    const around = open.at(-1) ?? { name: "", at: 0, heard: tag, meant: tag };
    if (piece.startsWith("</")) {
      open.pop();
      written.push(piece);
    } else if (piece.startsWith("<")) {
      const element = opened(piece, around, written.length);
      written.push(element.tag);
      if (!empty.test(piece)) open.push(element);
    } else if (open.some(({ name }) => name === "svg")) {
      // An SVG of ours is an image with a label, or hidden: screen readers do not read the text inside it.
      written.push(plain(piece));
    } else if (around.name === "title") {
      // No element may stand in a title, so it is in one language: that of its first sentence.
      const [first] = spoken(piece, around.meant);
      if (first && first.lang !== around.heard) written[around.at] = addLang(written[around.at] ?? "", first.lang);
      written.push(plain(piece));
    } else {
      written.push(...spoken(piece, around.meant).map((stretch) => inElement(stretch, around.heard)));
    }
  }
  return written.join("");
}

/** A name in an attribute is read in the language of its element. */
function opened(piece: string, around: OpenElement, at: number): OpenElement & { readonly tag: string } {
  const name = /^<([^\s/>]+)/.exec(piece)?.[1] ?? "";
  const own = /\slang="([^"]*)"/.exec(piece)?.[1];
  const meant = own ?? around.meant;
  const fallback = marks.exec(piece)?.[1];
  if (fallback === undefined) return { name, at, heard: own ?? around.heard, meant, tag: piece };
  const heard = tagOf(fallback);
  return { name, at, heard, meant, tag: addLang(plain(piece), heard) };
}

interface Stretch {
  readonly lang: string;
  readonly text: string;
}

/** The stretches of a text, each in one language. */
function spoken(text: string, meant: string): readonly Stretch[] {
  const langs = [meant];
  // Split by an expression with a group: text, language, text, …; no language where a mark ends.
  return text.split(marks).reduce<readonly Stretch[]>((stretches, part = "", index) => {
    const isText = index % 2 === 0;
    if (!isText && part) langs.push(tagOf(part));
    if (!isText && !part && langs.length > 1) langs.pop();
    return isText && part ? joined(stretches, { lang: langs.at(-1) ?? meant, text: part }) : stretches;
  }, []);
}

function joined(stretches: readonly Stretch[], next: Stretch): readonly Stretch[] {
  const last = stretches.at(-1);
  if (last?.lang !== next.lang) return [...stretches, next];
  return stretches.with(-1, { lang: last.lang, text: last.text + next.text });
}

const inElement = ({ lang, text }: Stretch, heard: string): string =>
  lang === heard || text.trim() === "" ? text : `<span lang="${lang}">${text}</span>`;

const plain = (text: string): string => text.replaceAll(new RegExp(marks, "g"), "");

const addLang = (tag: string, lang: string): string =>
  /\slang="/.test(tag) ? tag : tag.replace(/^<[^\s/>]+/, (start) => `${start} lang="${lang}"`);
