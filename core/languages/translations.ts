/** Loads the translations, one file a language in this folder, and falls back to another language where a sentence is missing. */
import { z } from "zod";
import { Refused } from "../errors.ts";
import { fallbackLanguage, type Language, type Localised, languages } from "../language.ts";
import en from "./en.ts";
import fr from "./fr.ts";
import type { Forms, Translation, WholeTranslation, Words } from "./words.ts";

const isTranslation = (file: unknown): file is Translation =>
  z.object({ tag: z.string().refine(isLanguageTag), name: z.string().min(1) }).safeParse(file).success;

/** In these no sentence may be missing, so that there is always one to fall back to. */
const whole: ReadonlyMap<Language, WholeTranslation> = new Map(Object.entries({ en, fr }));

const translations: ReadonlyMap<Language, Translation> = new Map(await load());

async function load(folder = new URL("./", import.meta.url)): Promise<readonly (readonly [Language, Translation])[]> {
  return Promise.all(
    languages.map(async (code): Promise<readonly [Language, Translation]> => {
      const where = new URL(`${code}.ts`, folder);
      const { default: file } = z.looseObject({ default: z.unknown() }).parse({ ...(await import(where.href)) });
      if (isTranslation(file)) return [code, file];
      const remedy = "End the file with `export default { tag, name, … } satisfies Translation`.";
      throw new Refused(`${where.pathname} is not a translation: it has no proper tag and name.`, remedy);
    }),
  );
}

function isLanguageTag(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

/** Of the `lang` attribute; a code that has no file any more is one as well. */
export const tagOf = (language: Language): string => translations.get(language)?.tag ?? language;

/** Its own name, for those who look for it. */
export const nameOf = (language: Language): string => translations.get(language)?.name ?? language;

/** How a language writes dates and numbers; as English does where its file does not say. */
export function formsOf(language: Language): Forms {
  const known = forms.get(language) ?? { ...en.forms, ...translations.get(language)?.forms };
  forms.set(language, known);
  return known;
}
const forms = new Map<Language, Forms>();

/** With the spaces at which no line may break. */
export const typeset = (text: Localised): Localised => inEvery(({ forms, the }) => forms.typeset(the(text)));

/** What a sentence is made of in one language. */
interface Speaker {
  readonly words: Words["members"];
  readonly forms: Forms;
  /** A part that is written already. */
  readonly the: (text: Localised) => string;
}

/** The same said in every language that has words for it and for all that stands in it: none is half in another. */
export function inEvery(say: (speaker: Speaker) => string): Localised {
  const said = { en: sayIn(en, (text) => text.en, say), fr: sayIn(fr, (text) => text.fr, say) };
  const others = languages.flatMap((language) => {
    if (whole.has(language)) return [];
    const text = sayIfPossible(language, say);
    return text === undefined ? [] : [[language, text] as const];
  });
  return { ...said, ...Object.fromEntries(others) };
}

function sayIn({ members, forms }: WholeTranslation, the: Speaker["the"], say: (speaker: Speaker) => string): string {
  return say({ words: members, forms, the });
}

function sayIfPossible(language: Language, say: (speaker: Speaker) => string): string | undefined {
  let isMissing = false;
  const missing = (): string => {
    isMissing = true;
    return "";
  };
  const { members } = wordsIn(language, fallbackLanguage, missing);
  const said = say({ words: members, forms: formsOf(language), the: (text) => text[language] ?? missing() });
  return isMissing ? undefined : said;
}

/**
 * Every sentence for a reader of one language.
 * @param first whose sentences are shown where its file has none: the usual language of the organisation.
 * @param markFallback marks a sentence that is shown in another language than the reader's.
 */
export function wordsIn(
  language: Language,
  first: Language = fallbackLanguage,
  markFallback: (said: string, from: Language) => string = (said) => said,
): Words {
  const own = (said: string): string => said;
  return (
    whole.get(language) ??
    completed<Words>(en, [
      { part: translations.get(language), give: own },
      { part: translations.get(first), give: (said) => markFallback(said, first) },
      { part: en, give: (said) => markFallback(said, fallbackLanguage) },
    ])
  );
}

/** The same part of several translations; the first that has a sentence gives it. */
interface TranslationSource {
  readonly part: object | undefined;
  readonly give: (said: string) => string;
}

/** @param shape an object that has every sentence, of which only the form is looked at. */
function completed<Shape extends object>(shape: Shape, sources: readonly TranslationSource[]): Shape {
  return new Proxy(shape, {
    get(_, key): unknown {
      const whole: unknown = Reflect.get(shape, key);
      const found = sources.flatMap(({ part, give }) => {
        const value: unknown = part && Reflect.get(part, key);
        return value === undefined ? [] : [{ value, give }];
      });
      if (typeof whole !== "object" || whole === null) return found[0] && given(found[0].value, found[0].give);
      return completed(
        whole,
        found.flatMap(({ value, give }) => (typeof value === "object" && value ? [{ part: value, give }] : [])),
      );
    },
  });
}

function given(value: unknown, give: TranslationSource["give"]): unknown {
  if (typeof value === "string") return give(value);
  if (typeof value !== "function") return value;
  return (...args: readonly unknown[]) => give(String(Reflect.apply(value, undefined, [...args])));
}
