/** Pages in every language and encoding: made when what they are made from changed, served from memory, kept on disk. */
import type { Language } from "../../core/language.ts";
import type { Note } from "../../core/languages/words.ts";
import type { Log } from "../../core/log.ts";
import type { Organisation } from "../../core/organisation.ts";
import { chooseEncoding, chooseLanguage } from "../negotiate.ts";
import { errorPage } from "../parts/error-page.ts";
import type { LayoutProps } from "../parts/layout.ts";
import { withNote } from "../parts/note.ts";
import { KeptPages } from "./disk-cache.ts";
import { answerOf, type EncodedPage, encodePage, type PageAnswer } from "./encoded-page.ts";
import type { PublicPage } from "./public-pages.ts";

/** The headers that matter. */
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

interface Finished {
  /** Absent where a note was put on an older page. */
  readonly made?: { readonly from: object; readonly frame: Frame };
  readonly note: Note | undefined;
  readonly inLanguages: ReadonlyMap<Language, EncodedPage>;
}

export class FinishedPages {
  readonly #kept: KeptPages;
  readonly #log: Log;
  readonly #pages = new Map<string, Finished>();

  constructor(directory: string, log: Log) {
    this.#kept = new KeptPages(directory, log);
    this.#log = log;
  }

  /** The pages of the last run. @returns whether all of them were there. */
  async load(addresses: readonly string[], languages: Organisation["languages"]): Promise<boolean> {
    let complete = true;
    for (const address of addresses) {
      const plain = new Map<Language, string>();
      for (const language of languages) {
        const kept = await this.#kept.read(address, language);
        if (kept !== undefined) plain.set(language, kept);
      }
      if (plain.size > 0) await this.#put(address, plain, languages, "restart");
      complete &&= plain.size === languages.length;
    }
    return complete;
  }

  /** The same address without a language in front answers in the visitor's. */
  answer(path: string, request: PageRequest, languages: Organisation["languages"]): PageAnswer | undefined {
    const fixed = languages.find((language) => path.startsWith(`/${language}/`));
    const page = this.#pages.get(fixed ? path.slice(fixed.length + 1) : path)?.inLanguages;
    if (!page) return undefined;
    // A language that a reload brought is there a second later; until then any page is better than none.
    const wanted = fixed ?? chooseLanguage(request.language, languages);
    const found = page.get(wanted) ?? page.values().next().value;
    const encoding = chooseEncoding(request.encoding);
    return found && answerOf(found, encoding, fixed ? "fixed" : "negotiated", request.ifNoneMatch);
  }

  /** Each page by itself: one that fails stays as it was, with a note, and keeps none of the others. */
  async renew(page: PublicPage, frame: Frame, note: Note | undefined): Promise<void> {
    const { address, basis } = page;
    const before = this.#pages.get(address);
    if (before?.made?.from === basis && before.made.frame === frame && before.note === note) return;
    if (before && note && page.needsRecords) return this.#excuse(address, frame, note);
    try {
      const write = page.prepare();
      const plain = new Map<Language, string>();
      for (const language of frame.organisation.languages) {
        plain.set(language, await write(propsOf(address, frame, language)));
      }
      await this.#put(address, plain, frame.organisation.languages, note, { from: basis, frame });
    } catch (error) {
      this.#log.error("a page could not be made", { error, page: address });
      await this.#excuse(address, frame, "render");
    }
  }

  async excuse(addresses: readonly string[], frame: Frame, note: Note): Promise<void> {
    for (const address of addresses) await this.#excuse(address, frame, note);
  }

  async keep(): Promise<void> {
    const plain = [...this.#pages].flatMap(([address, { inLanguages }]) =>
      [...inLanguages].map(([language, page]) => ({ address, language, page: page.plain })),
    );
    await this.#kept.write(plain);
  }

  /** Shows what is there, and says what is wrong with it; where nothing is there, that something is wrong. */
  async #excuse(address: string, frame: Frame, note: Note): Promise<void> {
    const { languages } = frame.organisation;
    const before = this.#pages.get(address);
    if (before?.note === note && languages.every((language) => before.inLanguages.has(language))) return;
    const plain = new Map<Language, string>();
    for (const language of languages) {
      const page = before?.inLanguages.get(language)?.plain;
      plain.set(language, page ?? (await errorPage("accident", propsOf(address, frame, language), languages)));
    }
    await this.#put(address, plain, languages, note);
  }

  async #put(
    address: string,
    plain: ReadonlyMap<Language, string>,
    languages: Organisation["languages"],
    note: Note | undefined,
    made?: Finished["made"],
  ): Promise<void> {
    const inLanguages = new Map<Language, EncodedPage>();
    for (const [language, page] of plain) {
      inLanguages.set(language, await encodePage(note ? withNote(page, note, language, languages) : page, page));
    }
    this.#pages.set(address, { inLanguages, note, ...(made && { made }) });
  }
}

function propsOf(address: string, { organisation, practice }: Frame, language: Language): LayoutProps {
  const alternates = organisation.languages.map((other) => ({ language: other, href: `/${other}${address}` }));
  return { language, organisation, practice, alternates };
}
