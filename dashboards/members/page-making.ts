/**
 * When the members' pages are rendered: as soon as something changed, and every few seconds so that "checked at" moves
 * on. A request is always answered from the page cache and never reads the store.
 */
import type { Clock } from "../../core/clock.ts";
import type { Live } from "../../core/live-state.ts";
import type { Log } from "../../core/log.ts";
import type { Organisation } from "../../core/organisation.ts";
import { historyBegin } from "../../core/status/history.ts";
import { type StatusModel, statusModel } from "../../core/status/status.ts";
import type { Timelines } from "../../core/status/target-timeline.ts";
import type { Target } from "../../core/target.ts";
import { inSlices } from "../../core/time-slices.ts";
import { type CivilDay, civilDays, startOfDay, wallTime } from "../../core/time-zone.ts";
import type { PageAnswer } from "./compressed-page.ts";
import { type Frame, PageCache, type PageRequest } from "./page-cache.ts";
import { type PublicPage, permanentAddresses, publicPages } from "./public-pages.ts";
import { RecordReader, type RecordStore } from "./records.ts";

export interface PagesOptions extends PageSettings {
  readonly store: RecordStore;
  readonly timelines: Timelines;
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
const refreshSeconds = 15;
const idleRefreshSeconds = 60;
/** What was read from the store is read again after this long, also when nobody said that it changed. */
const rereadSeconds = 60;
/** While the store fails it is asked this often. */
const retrySeconds = 5;
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
  #moves = Number.NaN;
  #facts = "";
  #days: readonly CivilDay[] = [];
  // Monotonic seconds.
  #renderedAt = Number.NEGATIVE_INFINITY;
  #readAt = Number.NEGATIVE_INFINITY;
  #followUntil = Number.NEGATIVE_INFINITY;
  #savedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PagesOptions) {
    this.#options = options;
    this.#targets = options.targets;
    this.#frame = { organisation: options.organisation, practice: options.practice };
    this.#reader = new RecordReader(options.store, options.timelines, options.clock, options.log);
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
    this.#days = [];
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

  /** When something changed or it is time. Never throws: whatever fails, the pages that are there stay, with a note. */
  async #render(): Promise<void> {
    const frame = this.#frame;
    try {
      if (!(await this.#isDue())) return;
      this.#visited = false;
      this.#renderedAt = this.#now();
      const status = await this.#status();
      const note = this.#reader.fails ? "store" : undefined;
      for (const page of this.#pages(status)) await this.#cache.renew(page, frame, note);
      this.#saveWhenNew(status);
    } catch (error) {
      this.#options.log.error("the public pages could not be worked out", { error });
      await this.#cache.markStale(permanentAddresses, frame, "render");
    }
  }

  /** Reads the store where it must be read before that can be said. */
  async #isDue(): Promise<boolean> {
    const now = this.#now();
    const moved = this.#outcomesMoved();
    if (moved) this.#followUntil = now + followSeconds;
    if (this.#changed || now - this.#readAt >= (this.#reader.fails ? retrySeconds : rereadSeconds)) {
      this.#changed = false;
      this.#readAt = now;
      await this.#reader.read(this.#watched(), this.#historyBegin());
      return true;
    }
    const hasNews = now < this.#followUntil && (await this.#reader.follow(this.#watched(), this.#historyBegin()));
    const interval = this.#visited ? refreshSeconds : idleRefreshSeconds;
    return moved || hasNews || now - this.#renderedAt >= interval;
  }

  #pages(status: StatusModel): readonly PublicPage[] {
    const { timeZone } = this.#frame.organisation;
    return publicPages({ status, records: this.#reader.records, targets: this.#targets, timeZone });
  }

  #status(): Promise<StatusModel> {
    const { clock, timelines } = this.#options;
    const now = clock.now();
    this.#days = daysUpTo(now, this.#frame.organisation.timeZone, this.#days);
    const input = { now, ...this.#watched(), ...this.#reader.records, timelines, days: this.#days };
    return inSlices(statusModel(input));
  }

  #watched() {
    return { targets: this.#targets, checks: this.#options.live.checks() };
  }

  #historyBegin(): Temporal.Instant {
    return historyBegin(this.#options.clock.now(), this.#frame.organisation.timeZone);
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
    const { moves } = this.#options.live;
    const moved = moves !== this.#moves;
    this.#moves = moves;
    return moved;
  }

  #now(): number {
    return this.#options.clock.monotonicSeconds();
  }
}

/** The days that are shown, today is the last one. @param before the same list is given back as long as it is right. */
function daysUpTo(now: Temporal.Instant, zone: string, before: readonly CivilDay[]): readonly CivilDay[] {
  const first = wallTime(now, zone)
    .toPlainDate()
    .subtract({ days: shownDays - 1 });
  const begin = startOfDay(first, zone);
  if (before[0]?.from.equals(begin)) return before;
  return civilDays(zone, begin, now.add({ milliseconds: 1 }));
}
