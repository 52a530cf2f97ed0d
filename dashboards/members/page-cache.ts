/** The page cache: each page in every language and encoding, rendered when its data changed, served from memory, saved on disk. */
import type { Language } from "../../core/language.ts";
import type { PageNote } from "../../core/languages/words.ts";
import type { Log } from "../../core/log.ts";
import type { Organisation } from "../../core/organisation.ts";
import { pause } from "../../core/time-slices.ts";
import { chooseEncoding, chooseLanguage } from "../content-negotiation.ts";
import { errorPage } from "../parts/error-page.ts";
import type { LayoutProps } from "../parts/layout.ts";
import { withNote } from "../parts/note.ts";
import { answerOf, type CompressedPage, compressPage, type PageAnswer } from "./compressed-page.ts";
import { DiskCache } from "./disk-cache.ts";
import type { PublicPage } from "./public-pages.ts";

/** The request headers that choose between the variants of a page. */
export interface PageRequest {
  readonly encoding?: string | undefined;
  readonly language?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/** What stands around every page; another object when the configuration was read again. */
export interface Frame {
  readonly organisation: Organisation;
  /** Every page carries a ribbon that says so. */
  readonly practice: boolean;
}

interface CachedPage {
  /** Absent where a note was put on an older page. */
  readonly made?: { readonly from: object; readonly frame: Frame };
  readonly note: PageNote | undefined;
  readonly inLanguages: ReadonlyMap<Language, CompressedPage>;
}

const decoder = new TextDecoder();

export class PageCache {
  readonly #disk: DiskCache;
  readonly #log: Log;
  readonly #pages = new Map<string, CachedPage>();

  constructor(directory: string, log: Log) {
    this.#disk = new DiskCache(directory, log);
    this.#log = log;
  }

  /** The pages of the last run. @returns whether all of them were there. */
  async load(addresses: readonly string[], languages: Organisation["languages"]): Promise<boolean> {
    let complete = true;
    for (const address of addresses) {
      const plain = new Map<Language, string>();
      for (const language of languages) {
        const saved = await this.#disk.read(address, language);
        if (saved !== undefined) plain.set(language, saved);
      }
      if (plain.size > 0) await this.#put(address, plain, languages, "restart");
      complete &&= plain.size === languages.length;
    }
    return complete;
  }

  /** An address without a language in front is answered in the visitor's language. */
  answer(path: string, request: PageRequest, languages: Organisation["languages"]): PageAnswer | undefined {
    const fixed = languages.find((language) => path.startsWith(`/${language}/`));
    const page = this.#pages.get(fixed ? path.slice(fixed.length + 1) : path)?.inLanguages;
    if (!page) return undefined;
    // A language that a reload added is there a second later; until then a page in another language is better than none.
    const wanted = fixed ?? chooseLanguage(request.language, languages);
    const found = page.get(wanted) ?? page.values().next().value;
    const encoding = chooseEncoding(request.encoding);
    return found && answerOf(found, encoding, fixed ? "fixed" : "negotiated", request.ifNoneMatch);
  }

  /** Renders a page anew when its data changed. One that fails stays as it was, with a note, and holds up none of the others. */
  async renew(page: PublicPage, frame: Frame, note: PageNote | undefined): Promise<void> {
    const { address, basis } = page;
    const before = this.#pages.get(address);
    if (before?.made?.from === basis && before.made.frame === frame && before.note === note) return;
    if (before && note && page.needsRecords) return this.#markStale(address, frame, note);
    try {
      const write = page.prepare();
      const plain = new Map<Language, string>();
      for (const language of frame.organisation.languages) {
        await pause();
        plain.set(language, await write(propsOf(address, frame, language)));
      }
      await this.#put(address, plain, frame.organisation.languages, note, { from: basis, frame });
    } catch (error) {
      this.#log.error("a page could not be made", { error, page: address });
      await this.#markStale(address, frame, "render");
    }
  }

  async markStale(addresses: readonly string[], frame: Frame, note: PageNote): Promise<void> {
    for (const address of addresses) await this.#markStale(address, frame, note);
  }

  async save(): Promise<void> {
    const plain = [...this.#pages].flatMap(([address, { inLanguages }]) =>
      [...inLanguages].map(([language, page]) => ({ address, language, page: page.plain })),
    );
    await this.#disk.write(plain);
  }

  /** Puts a note on the page that is there, which says why it is not renewed; where no page is there, an error page. */
  async #markStale(address: string, frame: Frame, note: PageNote): Promise<void> {
    const { languages } = frame.organisation;
    const before = this.#pages.get(address);
    if (before?.note === note && languages.every((language) => before.inLanguages.has(language))) return;
    const plain = new Map<Language, string>();
    for (const language of languages) {
      const page = before?.inLanguages.get(language)?.plain;
      const shown = page
        ? decoder.decode(page)
        : await errorPage("accident", propsOf(address, frame, language), languages);
      plain.set(language, shown);
    }
    await this.#put(address, plain, languages, note);
  }

  async #put(
    address: string,
    plain: ReadonlyMap<Language, string>,
    languages: Organisation["languages"],
    note: PageNote | undefined,
    made?: CachedPage["made"],
  ): Promise<void> {
    const inLanguages = new Map<Language, CompressedPage>();
    for (const [language, page] of plain) {
      inLanguages.set(language, await compressPage(note ? withNote(page, note, language, languages) : page, page));
    }
    this.#pages.set(address, { inLanguages, note, ...(made && { made }) });
  }
}

function propsOf(address: string, { organisation, practice }: Frame, language: Language): LayoutProps {
  const alternates = organisation.languages.map((other) => ({ language: other, href: `/${other}${address}` }));
  return { language, organisation, practice, alternates };
}
