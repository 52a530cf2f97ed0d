/**
 * The members' pages: rendered when something changed, kept in memory and on disk in every encoding, served from there.
 * A visitor never makes the program look anything up.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip, zstdCompress } from "node:zlib";
import type { Clock } from "../core/clock.ts";
import type { Language } from "../core/language.ts";
import type { Live } from "../core/live.ts";
import type { Log } from "../core/log.ts";
import type { Organisation } from "../core/organisation.ts";
import { type IncidentStatus, isForMembers, statusModel } from "../core/status.ts";
import type { Store, Transition } from "../core/store.ts";
import type { Target } from "../core/target.ts";
import { type CivilDay, civilDays, startOfDay, wallTime } from "../core/time-zone.ts";
import { currentOutcome } from "../core/verdict.ts";
import { securityHeaders } from "./headers.ts";
import { chooseEncoding, chooseLanguage, type Encoding } from "./negotiate.ts";
import { styleOf, styleSource } from "./parts/layout.ts";
import { statusPage, withNote } from "./views/status.ts";
import type { Note } from "./words.ts";

export interface PagesOptions extends PageSettings {
  readonly store: Pick<Store, "transitions" | "incidents" | "incidentUpdates">;
  readonly live: Live;
  readonly clock: Clock;
  readonly log: Log;
  /** Every page carries a ribbon that says so. */
  readonly practice: boolean;
  /** Where the last pages are kept: plain HTML, so that another web server can show them when we are not there. */
  readonly directory: string;
}

/** What a reload of the configuration may change. */
export interface PageSettings {
  readonly organisation: Organisation;
  readonly targets: readonly Target[];
}

export interface Pages {
  /** Call it after every commit that wrote transitions or incidents; many calls at once cost as much as one. */
  changed(): void;
  reconfigure(settings: PageSettings): void;
  /** Renders until the signal ends, then keeps the last pages on disk. */
  run(signal: AbortSignal): Promise<void>;
  /** The answer for `/`, `/en/` or `/fr/`; undefined for anything else. */
  get(
    path: string,
    request: {
      readonly encoding?: string | undefined;
      readonly language?: string | undefined;
      readonly ifNoneMatch?: string | undefined;
    },
  ): PageAnswer | undefined;
}

export interface PageAnswer {
  readonly status: 200 | 304;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
}

const shownDays = 90;
/** The page moves on at most this often, and at least that often while samples come. */
const leastSeconds = 1;
const refreshSeconds = 5;
/** What was read from the store is read again after this long, also when nobody said that it changed. */
const rereadSeconds = 60;
/** Without a change the copy on disk may be this old. */
const keepSeconds = 600;
/** A store that does not answer within this time is treated like one that fails. */
const storeSeconds = 5;

export async function openPages(options: PagesOptions): Promise<Pages> {
  const pages = new RenderedPages(options);
  await pages.open();
  return pages;
}

/** What the store said last. */
interface Records {
  readonly transitions: readonly Transition[];
  readonly incidents: readonly IncidentStatus[];
}

class RenderedPages implements Pages {
  readonly #options: PagesOptions;
  #settings: PageSettings;
  #records: Records = { transitions: [], incidents: [] };
  #readAt = Number.NEGATIVE_INFINITY;
  /** Under way; a store that hangs is not asked a second time. */
  #reading: Promise<Records> | undefined;
  #outcomes = "";
  #storeFails = false;
  #diskFails = false;
  #rendered = "";
  #keptAt = Number.NEGATIVE_INFINITY;
  #keepSoon = false;
  #dirty = true;
  #wake: () => void = () => {};
  #pages = new Map<Language, Page>();

  constructor(options: PagesOptions) {
    this.#options = options;
    this.#settings = { organisation: options.organisation, targets: options.targets };
  }

  /** The pages of the last run are there at once; without them the first ones are made now. */
  async open(): Promise<void> {
    for (const language of this.#settings.organisation.languages) {
      const kept = await this.#readKept(language);
      if (kept) this.#pages.set(language, await encoded(withNote(kept, "restart", language), kept));
    }
    if (!this.#has(this.#settings.organisation.languages)) await this.#render();
  }

  changed(): void {
    this.#dirty = true;
    this.#wake();
  }

  reconfigure(settings: PageSettings): void {
    this.#settings = { organisation: settings.organisation, targets: settings.targets };
    this.changed();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#render();
      await this.#keepWhenDue();
      await this.#pause(leastSeconds, signal);
      if (!this.#dirty) await this.#pause(refreshSeconds - leastSeconds, signal, () => this.#dirty);
    }
    await this.#keep();
  }

  get(path: string, request: Parameters<Pages["get"]>[1]): PageAnswer | undefined {
    const { languages } = this.#settings.organisation;
    const fixed = languages.find((language) => path === `/${language}/`);
    if (!fixed && path !== "/") return undefined;
    const language = fixed ?? chooseLanguage(request.language, languages);
    const page = this.#pages.get(language);
    if (!page) return undefined;
    const variant = page.variants[chooseEncoding(request.encoding)];
    const answer = fixed ? variant.fixed : variant.negotiated;
    return matches(request.ifNoneMatch, variant.etag) ? answer.unchanged : answer.whole;
  }

  /** Waits, but not longer than until `changed` is called, where `early` says so. */
  async #pause(seconds: number, signal: AbortSignal, early: () => boolean = () => false): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => {
      if (early()) woken.abort();
    };
    try {
      await this.#options.clock.sleep(seconds, AbortSignal.any([signal, woken.signal]));
    } catch (error) {
      if (!signal.aborted && !woken.signal.aborted) throw error;
    } finally {
      this.#wake = () => {};
    }
  }

  /** Never throws: whatever fails, the pages that are there stay, with a note. */
  async #render(): Promise<void> {
    try {
      const note = (await this.#readRecords()) ? undefined : "store";
      await this.#renderWith(note);
    } catch (error) {
      this.#options.log.error("rendering the status page failed", { error });
      await this.#addNote("render");
    }
  }

  async #renderWith(note: Note | undefined): Promise<void> {
    const { organisation, targets } = this.#settings;
    const { live, clock, practice } = this.#options;
    const now = clock.now();
    const checks = live.checks();
    const model = statusModel({ now, targets, checks, ...this.#records, days: daysUntil(now, organisation.timeZone) });
    // Without results and without records the pages of the last run say more than empty ones would.
    if (note && model.overall.state === "new" && this.#has(organisation.languages)) return this.#addNote(note);
    const alternates = organisation.languages.map((language) => ({ language, href: `/${language}/` }));
    const pages = new Map<Language, Page>();
    for (const language of organisation.languages) {
      const props = { language, organisation, practice, alternates };
      const plain = await statusPage(model, props);
      pages.set(language, await encoded(note ? withNote(plain, note, language) : plain, plain));
    }
    this.#pages = pages;
    const facts = JSON.stringify([model.overall, model.open, model.recent, model.lastChange]);
    if (facts !== this.#rendered) this.#keepSoon = true;
    this.#rendered = facts;
  }

  #has(languages: readonly Language[]): boolean {
    return languages.every((language) => this.#pages.has(language));
  }

  /** @returns false when the store fails; then what it said before is used. */
  async #readRecords(): Promise<boolean> {
    const { clock, log } = this.#options;
    const now = clock.monotonicSeconds();
    if (!this.#dirty && !this.#outcomesMoved() && now - this.#readAt < rereadSeconds) return !this.#storeFails;
    this.#dirty = false;
    try {
      this.#reading ??= this.#fetchRecords().finally(() => {
        this.#reading = undefined;
      });
      this.#records = await withinTime(this.#reading, storeSeconds, clock);
      if (this.#storeFails) log.info("the status page reads the store again");
      this.#storeFails = false;
      this.#readAt = now;
    } catch (error) {
      if (!this.#storeFails) log.error("the status page cannot read the store", { error });
      this.#storeFails = true;
      this.#readAt = Number.NEGATIVE_INFINITY;
    }
    return !this.#storeFails;
  }

  async #fetchRecords(): Promise<Records> {
    const { store, clock } = this.#options;
    const now = clock.now();
    const from = daysUntil(now, this.#settings.organisation.timeZone)[0]?.from ?? now;
    const transitions = await store.transitions({ from, to: now });
    const [open, recent] = await Promise.all([
      store.incidents({ open: true, limit: 100 }),
      store.incidents({ since: now.subtract({ hours: 15 * 24 }), limit: 200 }),
    ]);
    const all = new Map([...recent, ...open].map((incident) => [incident.id, incident]));
    const newestFirst = [...all.values()].toSorted((a, b) => b.id - a.id);
    const known = new Map(this.#records.incidents.map((one) => [one.incident.id, one]));
    const incidents: IncidentStatus[] = [];
    for (const incident of newestFirst.filter((one) => isForMembers(one, this.#settings.targets))) {
      const before = known.get(incident.id);
      const isOver = incident.state === "resolved" && before?.incident.state === "resolved";
      incidents.push(isOver ? before : { incident, updates: await store.incidentUpdates(incident.id) });
    }
    return { transitions, incidents };
  }

  /** What is known from memory changed, though nobody told us. */
  #outcomesMoved(): boolean {
    const outcomes = this.#options.live.checks().map(({ verdict }) => currentOutcome(verdict));
    const before = this.#outcomes;
    this.#outcomes = outcomes.join();
    return before !== this.#outcomes;
  }

  async #addNote(note: Note): Promise<void> {
    for (const [language, page] of this.#pages) {
      this.#pages.set(language, await encoded(withNote(page.plain, note, language), page.plain));
    }
  }

  async #keepWhenDue(): Promise<void> {
    if (this.#keepSoon || this.#options.clock.monotonicSeconds() - this.#keptAt >= keepSeconds) await this.#keep();
  }

  async #keep(): Promise<void> {
    this.#keptAt = this.#options.clock.monotonicSeconds();
    this.#keepSoon = false;
    // What was made without records must not replace what was made with them.
    if (this.#storeFails) return;
    try {
      await mkdir(this.#options.directory, { recursive: true });
      for (const [language, page] of this.#pages) await replaceFile(this.#file(language), page.plain);
      this.#diskFails = false;
    } catch (error) {
      if (!this.#diskFails) this.#options.log.warn("the status page cannot be kept on disk", { error });
      this.#diskFails = true;
    }
  }

  async #readKept(language: Language): Promise<string | undefined> {
    try {
      const page = await readFile(this.#file(language), "utf8");
      return page.endsWith("</html>\n") ? page : undefined;
    } catch {
      return undefined;
    }
  }

  #file(language: Language): string {
    return join(this.#options.directory, `status.${language}.html`);
  }
}

interface Page {
  /** Without any note: what is kept. */
  readonly plain: string;
  readonly variants: Readonly<Record<Encoding, Variant>>;
}

interface Variant {
  readonly etag: string;
  /** For an address that fixes the language, and for one that does not. */
  readonly fixed: Answers;
  readonly negotiated: Answers;
}

interface Answers {
  readonly whole: PageAnswer;
  readonly unchanged: PageAnswer;
}

const compress: Readonly<Record<Encoding, (page: Buffer<ArrayBuffer>) => Promise<Buffer>>> = {
  identity: async (page) => page,
  gzip: (page) => promisify(gzip)(page, { level: 6 }),
  br: (page) =>
    promisify(brotliCompress)(page, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 6, [constants.BROTLI_PARAM_SIZE_HINT]: page.length },
    }),
  zstd: (page) => promisify(zstdCompress)(page, { params: { [constants.ZSTD_c_compressionLevel]: 6 } }),
};

async function encoded(page: string, plain: string): Promise<Page> {
  const bytes = Buffer.from(page);
  const digest = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
  const common = securityHeaders(styleSource(styleOf(page)));
  const variant = async (encoding: Encoding): Promise<Variant> => {
    const body = Uint8Array.from(await compress[encoding](bytes));
    const etag = `"${digest}-${encoding}"`;
    const answers = (vary: string): Answers => {
      // A cache in front may show the page for a day when we do not answer: it carries the time it was checked.
      const kept = { etag, vary, "cache-control": "public, max-age=0, stale-if-error=86400" };
      const headers = {
        ...common,
        ...kept,
        "content-type": "text/html; charset=utf-8",
        "content-length": String(body.length),
        ...(encoding !== "identity" && { "content-encoding": encoding }),
      };
      return { whole: { status: 200, headers, body }, unchanged: { status: 304, headers: kept, body: null } };
    };
    return { etag, fixed: answers("Accept-Encoding"), negotiated: answers("Accept-Encoding, Accept-Language") };
  };
  const [br, zstd, gzipped, identity] = await Promise.all([
    variant("br"),
    variant("zstd"),
    variant("gzip"),
    variant("identity"),
  ]);
  return { plain, variants: { br, zstd, gzip: gzipped, identity } };
}

/** RFC 9110: a list of tags, weak or not, or a star. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === etag) return true;
  return ifNoneMatch.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}

function daysUntil(now: Temporal.Instant, zone: string): readonly CivilDay[] {
  const first = wallTime(now, zone)
    .toPlainDate()
    .subtract({ days: shownDays - 1 });
  return civilDays(zone, startOfDay(first, zone), now.add({ milliseconds: 1 }));
}

async function withinTime<T>(work: Promise<T>, seconds: number, clock: Clock): Promise<T> {
  const done = new AbortController();
  const late = clock.sleep(seconds, done.signal).then(() => {
    throw new Error(`the store did not answer within ${seconds} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => {});
    done.abort();
  }
}

/** Readers see the old page or the new one, never half of one, also after a power cut. */
async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.new`;
  try {
    await writeFile(temporary, text, { flush: true });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}
