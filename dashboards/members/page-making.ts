/**
 * When the members' pages are rendered: as soon as something changed, and every few seconds so that "checked at" moves
 * on. A request is always answered from the page cache and never reads the store.
 */
import type { Clock } from "../../core/clock.ts";
import { currentOutcome } from "../../core/confirmation.ts";
import type { Live } from "../../core/live-state.ts";
import type { Log } from "../../core/log.ts";
import type { Organisation } from "../../core/organisation.ts";
import { historyBegin } from "../../core/status/history.ts";
import { type StatusModel, statusModel } from "../../core/status/status.ts";
import type { Target } from "../../core/target.ts";
import { type CivilDay, civilDays, startOfDay, wallTime } from "../../core/time-zone.ts";
import type { PageAnswer } from "./compressed-page.ts";
import { type Frame, PageCache, type PageRequest } from "./page-cache.ts";
import { type PublicPage, permanentAddresses, publicPages } from "./public-pages.ts";
import { RecordReader, type RecordStore } from "./records.ts";

export interface PagesOptions extends PageSettings {
  readonly store: RecordStore;
  readonly live: Live;
  readonly clock: Clock;
  readonly log: Log;
  /** Every page carries a ribbon that says so. */
  readonly practice: boolean;
  /** Where the disk cache of the pages is. */
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
  /** Renders until the signal ends, then saves the last pages on disk. */
  run(signal: AbortSignal): Promise<void>;
  /** The answer for `/`, `/en/` and what else is a public page; undefined for anything else. */
  get(path: string, request: PageRequest): PageAnswer | undefined;
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
const saveSeconds = 600;

export async function openPages(options: PagesOptions): Promise<Pages> {
  const pages = new RenderedPages(options);
  await pages.open();
  return pages;
}

class RenderedPages implements Pages {
  readonly #options: PagesOptions;
  readonly #reader: RecordReader;
  readonly #cache: PageCache;
  #targets: readonly Target[];
  #frame: Frame;
  #changed = true;
  #visited = false;
  #outcomes = "";
  #facts = "";
  // Monotonic seconds.
  #renderedAt = Number.NEGATIVE_INFINITY;
  #readAt = Number.NEGATIVE_INFINITY;
  #readUntil = Number.NEGATIVE_INFINITY;
  #savedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PagesOptions) {
    this.#options = options;
    this.#targets = options.targets;
    this.#frame = { organisation: options.organisation, practice: options.practice };
    this.#reader = new RecordReader(options.store, options.clock, options.log);
    this.#cache = new PageCache(options.directory, options.log);
  }

  /** The pages of the last run are there at once; without them the first ones are made now. */
  async open(): Promise<void> {
    const complete = await this.#cache.load(permanentAddresses, this.#frame.organisation.languages);
    if (!complete) await this.#render();
  }

  changed(): void {
    this.#changed = true;
  }

  reconfigure({ organisation, targets }: PageSettings): void {
    this.#targets = targets;
    this.#frame = { organisation, practice: this.#options.practice };
    this.#changed = true;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#render();
      if (this.#now() - this.#savedAt >= saveSeconds) await this.#save();
      await this.#options.clock.sleep(tickSeconds, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
    await this.#save();
  }

  get(path: string, request: PageRequest): PageAnswer | undefined {
    const answer = this.#cache.answer(path, request, this.#frame.organisation.languages);
    if (answer) this.#visited = true;
    return answer;
  }

  #isDue(): boolean {
    const now = this.#now();
    if (this.#outcomesMoved()) this.#readUntil = now + followSeconds;
    const interval = this.#visited ? refreshSeconds : idleRefreshSeconds;
    return this.#changed || now < this.#readUntil || now - this.#renderedAt >= interval;
  }

  /** When something changed or it is time. Never throws: whatever fails, the pages that are there stay, with a note. */
  async #render(): Promise<void> {
    const frame = this.#frame;
    try {
      if (!this.#isDue()) return;
      this.#visited = false;
      this.#renderedAt = this.#now();
      await this.#readWhenDue();
      const status = this.#status();
      const note = this.#reader.fails ? "store" : undefined;
      for (const page of this.#pages(status)) await this.#cache.renew(page, frame, note);
      this.#saveWhenNew(status);
    } catch (error) {
      this.#options.log.error("the public pages could not be worked out", { error });
      await this.#cache.markStale(permanentAddresses, frame, "render");
    }
  }

  async #readWhenDue(): Promise<void> {
    const now = this.#now();
    const isFresh = now - this.#readAt < rereadSeconds && now >= this.#readUntil;
    if (!this.#changed && !this.#reader.fails && isFresh) return;
    const { live, clock } = this.#options;
    const watched = { targets: this.#targets, checks: live.checks() };
    this.#changed = false;
    this.#readAt = now;
    await this.#reader.read(watched, {
      days: this.#days()[0]?.from ?? clock.now(),
      months: historyBegin(clock.now(), this.#frame.organisation.timeZone),
    });
  }

  #pages(status: StatusModel): readonly PublicPage[] {
    const { timeZone } = this.#frame.organisation;
    return publicPages({ status, records: this.#reader.records, targets: this.#targets, timeZone });
  }

  #status(): StatusModel {
    const { live, clock } = this.#options;
    return statusModel({
      now: clock.now(),
      targets: this.#targets,
      checks: live.checks(),
      ...this.#reader.records,
      days: this.#days(),
    });
  }

  /** A change that must not be lost is saved on disk at once. */
  #saveWhenNew({ overall, open, recent, upgrades, lastChange }: StatusModel): void {
    const facts = JSON.stringify([overall, open, recent, upgrades, lastChange]);
    if (facts !== this.#facts) this.#savedAt = Number.NEGATIVE_INFINITY;
    this.#facts = facts;
  }

  /** Pages that were rendered without records must not replace pages that were rendered with them. */
  async #save(): Promise<void> {
    this.#savedAt = this.#now();
    if (!this.#reader.fails) await this.#cache.save();
  }

  /** Whether an outcome in memory changed since the last look, without a call of `changed`. */
  #outcomesMoved(): boolean {
    const outcomes = this.#options.live
      .checks()
      .map(({ confirmation }) => currentOutcome(confirmation))
      .join();
    const moved = outcomes !== this.#outcomes;
    this.#outcomes = outcomes;
    return moved;
  }

  #days(): readonly CivilDay[] {
    const zone = this.#frame.organisation.timeZone;
    const now = this.#options.clock.now();
    const first = wallTime(now, zone)
      .toPlainDate()
      .subtract({ days: shownDays - 1 });
    return civilDays(zone, startOfDay(first, zone), now.add({ milliseconds: 1 }));
  }

  #now(): number {
    return this.#options.clock.monotonicSeconds();
  }
}
