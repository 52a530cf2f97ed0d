/**
 * The members' pages: rendered when something changed, kept in memory and on disk in every encoding, served from there.
 * A visitor never makes the program look anything up.
 */
import type { Clock } from "../core/clock.ts";
import type { Language } from "../core/language.ts";
import type { Live } from "../core/live.ts";
import type { Log } from "../core/log.ts";
import type { Organisation } from "../core/organisation.ts";
import { type StatusModel, statusModel } from "../core/status.ts";
import type { Target } from "../core/target.ts";
import { type CivilDay, civilDays, startOfDay, wallTime } from "../core/time-zone.ts";
import { currentOutcome } from "../core/verdict.ts";
import { answerOf, type EncodedPage, encodePage, type PageAnswer } from "./encoded-page.ts";
import { KeptPages } from "./kept-pages.ts";
import { chooseEncoding, chooseLanguage } from "./negotiate.ts";
import { RecordReader, type RecordStore } from "./records.ts";
import { errorPage } from "./views/error.ts";
import { statusPage, withNote } from "./views/status.ts";
import type { Note } from "./words.ts";

export interface PagesOptions extends PageSettings {
  readonly store: RecordStore;
  readonly live: Live;
  readonly clock: Clock;
  readonly log: Log;
  /** Every page carries a ribbon that says so. */
  readonly practice: boolean;
  /** Where the last pages are kept. */
  readonly directory: string;
}

/** What a reload of the configuration may change. */
interface PageSettings {
  readonly organisation: Organisation;
  readonly targets: readonly Target[];
}

export interface Pages {
  /**
   * Call it when incidents changed: then the store is read again. New samples need no call, and must not make one:
   * the outcomes in memory are looked at every second.
   */
  changed(): void;
  reconfigure(settings: PageSettings): void;
  /** Renders until the signal ends, then keeps the last pages on disk. */
  run(signal: AbortSignal): Promise<void>;
  /** The answer for `/`, `/en/` or `/fr/`; undefined for anything else. */
  get(path: string, request: PageRequest): PageAnswer | undefined;
}

/** The headers that matter. */
interface PageRequest {
  readonly encoding?: string | undefined;
  readonly language?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

const shownDays = 90;
const tickSeconds = 1;
/** How often "checked at" moves on while somebody looks, and while nobody does. */
const refreshSeconds = 5;
const idleRefreshSeconds = 20;
/** What was read from the store is read again after this long, also when nobody said that it changed. */
const rereadSeconds = 60;
/** An outcome moves in memory before its transition is on disk: the store is read until it surely is. */
const followSeconds = 5;
/** Without a change the copy on disk may be this old. */
const keepSeconds = 600;

export async function openPages(options: PagesOptions): Promise<Pages> {
  const pages = new RenderedPages(options);
  await pages.open();
  return pages;
}

class RenderedPages implements Pages {
  readonly #options: PagesOptions;
  readonly #reader: RecordReader;
  readonly #kept: KeptPages;
  #settings: PageSettings;
  #pages = new Map<Language, EncodedPage>();
  #changed = true;
  #visited = false;
  #outcomes = "";
  #facts = "";
  // Monotonic seconds.
  #renderedAt = Number.NEGATIVE_INFINITY;
  #readAt = Number.NEGATIVE_INFINITY;
  #readUntil = Number.NEGATIVE_INFINITY;
  #keptAt = Number.NEGATIVE_INFINITY;

  constructor(options: PagesOptions) {
    this.#options = options;
    this.#settings = { organisation: options.organisation, targets: options.targets };
    this.#reader = new RecordReader(options.store, options.clock, options.log);
    this.#kept = new KeptPages(options.directory, options.log);
  }

  /** The pages of the last run are there at once; without them the first ones are made now. */
  async open(): Promise<void> {
    for (const language of this.#languages) {
      const kept = await this.#kept.read(language);
      if (kept) this.#pages.set(language, await encodePage(withNote(kept, "restart", language), kept));
    }
    if (!this.#isComplete()) await this.#render();
  }

  changed(): void {
    this.#changed = true;
  }

  reconfigure(settings: PageSettings): void {
    this.#settings = { organisation: settings.organisation, targets: settings.targets };
    this.#changed = true;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#render();
      if (this.#now() - this.#keptAt >= keepSeconds) await this.#keep();
      await this.#options.clock.sleep(tickSeconds, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
    await this.#keep();
  }

  get(path: string, request: PageRequest): PageAnswer | undefined {
    const fixed = this.#languages.find((language) => path === `/${language}/`);
    if (!fixed && path !== "/") return undefined;
    this.#visited = true;
    const language = fixed ?? chooseLanguage(request.language, this.#languages);
    // A language that a reload brought is there a second later; until then any page is better than none.
    const page = this.#pages.get(language) ?? this.#pages.values().next().value;
    return (
      page && answerOf(page, chooseEncoding(request.encoding), fixed ? "fixed" : "negotiated", request.ifNoneMatch)
    );
  }

  #isDue(): boolean {
    const now = this.#now();
    if (this.#outcomesMoved()) this.#readUntil = now + followSeconds;
    const patience = this.#visited ? refreshSeconds : idleRefreshSeconds;
    return this.#changed || now < this.#readUntil || now - this.#renderedAt >= patience;
  }

  /** When something changed or it is time. Never throws: whatever fails, the pages that are there stay, with a note. */
  async #render(): Promise<void> {
    try {
      if (!this.#isDue()) return;
      this.#visited = false;
      this.#renderedAt = this.#now();
      await this.#readWhenDue();
      await this.#renderModel(this.#model(), this.#reader.fails ? "store" : undefined);
    } catch (error) {
      this.#options.log.error("rendering the status page failed", { error });
      await this.#excuse("render");
    }
  }

  async #readWhenDue(): Promise<void> {
    const now = this.#now();
    const isFresh = now - this.#readAt < rereadSeconds && now >= this.#readUntil;
    if (!this.#changed && !this.#reader.fails && isFresh) return;
    this.#changed = false;
    this.#readAt = now;
    const { targets } = this.#settings;
    await this.#reader.read(targets, this.#days()[0]?.from ?? this.#options.clock.now());
  }

  #model(): StatusModel {
    const { live, clock } = this.#options;
    const { targets } = this.#settings;
    return statusModel({
      now: clock.now(),
      targets,
      checks: live.checks(),
      ...this.#reader.records,
      days: this.#days(),
    });
  }

  async #renderModel(model: StatusModel, note: Note | undefined): Promise<void> {
    // Without results and without records the pages of the last run say more than empty ones would.
    if (note && model.overall.state === "new" && this.#isComplete()) return this.#excuse(note);
    const pages = new Map<Language, EncodedPage>();
    for (const language of this.#languages) {
      const plain = await statusPage(model, this.#props(language));
      pages.set(language, await encodePage(note ? withNote(plain, note, language) : plain, plain));
    }
    this.#pages = pages;
    const facts = JSON.stringify([model.overall, model.open, model.recent, model.lastChange]);
    if (facts !== this.#facts) this.#keptAt = Number.NEGATIVE_INFINITY;
    this.#facts = facts;
  }

  /** Shows what is there, and says what is wrong with it; where nothing is there, that something is wrong. */
  async #excuse(note: Note): Promise<void> {
    for (const language of this.#languages) {
      const before = this.#pages.get(language)?.plain;
      const plain = before ?? (await errorPage("accident", this.#props(language), this.#languages));
      this.#pages.set(language, await encodePage(withNote(plain, note, language), plain));
    }
  }

  /** What was made without records must not replace what was made with them. */
  async #keep(): Promise<void> {
    this.#keptAt = this.#now();
    if (this.#reader.fails) return;
    await this.#kept.write(new Map([...this.#pages].map(([language, { plain }]) => [language, plain])));
  }

  /** What is known from memory changed, though nobody told us. */
  #outcomesMoved(): boolean {
    const outcomes = this.#options.live
      .checks()
      .map(({ verdict }) => currentOutcome(verdict))
      .join();
    const moved = outcomes !== this.#outcomes;
    this.#outcomes = outcomes;
    return moved;
  }

  #props(language: Language) {
    const { organisation } = this.#settings;
    const alternates = this.#languages.map((other) => ({ language: other, href: `/${other}/` }));
    return { language, organisation, practice: this.#options.practice, alternates };
  }

  #days(): readonly CivilDay[] {
    const zone = this.#settings.organisation.timeZone;
    const now = this.#options.clock.now();
    const first = wallTime(now, zone)
      .toPlainDate()
      .subtract({ days: shownDays - 1 });
    return civilDays(zone, startOfDay(first, zone), now.add({ milliseconds: 1 }));
  }

  #isComplete(): boolean {
    return this.#languages.every((language) => this.#pages.has(language));
  }

  get #languages(): Organisation["languages"] {
    return this.#settings.organisation.languages;
  }

  #now(): number {
    return this.#options.clock.monotonicSeconds();
  }
}
