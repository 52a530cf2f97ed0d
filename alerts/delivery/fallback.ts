/**
 * The fallback: while the store cannot be written, pages leave past it. What is told stands in a file of its own and, once
 * the store takes it again, in the outbox as sent: nobody is told twice. See docs/decisions/015-fallback.md.
 */
import { type ChannelTools, deadlineSecondsOf } from "../../core/channel.ts";
import type { Clock } from "../../core/clock.ts";
import { withinTime } from "../../core/deadline.ts";
import { DeliveryError, StoreUnavailable } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { isWaking, type Notice } from "../../core/notice.ts";
import type { PastStore } from "../../core/past-store.ts";
import { mostCopies } from "../../core/store/outbox.ts";
import type { Store } from "../../core/store/store.ts";
import type { Policy } from "../escalation/policy.ts";
import type { Tracked } from "../judging/open-incidents.ts";
import { attemptPastStore } from "./fallback-attempt.ts";
import type { FallbackJournal, JournalEntry } from "./fallback-journal.ts";
import { numberInStore, settleTold, writeLeft } from "./fallback-reconciliation.ts";
import { FallbackRecord, nameOf, type Telling } from "./fallback-record.ts";
import { type ConfiguredChannel, OpenedChannel } from "./opened-channel.ts";
import { retryDelaySeconds } from "./retry-delay.ts";

export interface FallbackOptions {
  /** Undefined where no file can be used: then a kill forgets who was told. */
  readonly journal: FallbackJournal | undefined;
  readonly policy: Policy;
  readonly channels: ReadonlyMap<string, ConfiguredChannel>;
  readonly store: Pick<Store, "outbox" | "incidents" | "due" | "commit">;
  /** What goes on, as the judge sees it. */
  incidents(): readonly Tracked[];
  /** Why the store cannot be written; undefined while it can. */
  storeFault(): string | undefined;
  readonly http: ChannelTools["http"];
  readonly clock: Clock;
  readonly log: Log;
  /** The outbox may go on: all that was told past it stands in it. */
  onReleased(): void;
}

/** A lock or a slow disk is over after that; the page goes the usual way then. */
const patienceSeconds = 5;
const journalSeconds = 2;
/** What was told past the store stands in it by then, or the outbox goes on without: rather a second page than none. */
const reconcileSeconds = 60;

export class Fallback implements AsyncDisposable {
  readonly #options: FallbackOptions;
  readonly #end = new AbortController();
  readonly #records = new Map<string, FallbackRecord>();
  /** Who accepted a page by the usual way, by the number of the incident. */
  readonly #accepted = new Map<number, Pick<Notice, "to" | "channel">[]>();
  /** Of those incidents what the judge follows, until its end is told. */
  readonly #followed = new Set<Tracked>();
  readonly #sending = new Set<Promise<void>>();
  readonly #open = new Map<ConfiguredChannel, OpenedChannel>();
  #channels: ReadonlyMap<string, ConfiguredChannel>;
  // Monotonic seconds.
  #failingSince: number | undefined;
  #recoveredSince: number | undefined;

  constructor(options: FallbackOptions) {
    this.#options = options;
    this.#channels = options.channels;
  }

  /** While it is true the outbox keeps what it holds: some of it is told already. */
  get holds(): boolean {
    return this.#records.size > 0;
  }

  /** What is told past the store now, the oldest first. */
  tellings(): readonly PastStore[] {
    return [...this.#records.values()].flatMap(({ news, tellings }) =>
      [...tellings.values()].map(({ kind, contact, channel, state, copies, toldAt }) => ({
        title: news.facts.title,
        kind,
        to: contact,
        channel,
        state,
        copies,
        ...(toldAt && { toldAt }),
      })),
    );
  }

  /** A kill forgets nothing of what is told past the store. */
  get hasFile(): boolean {
    return this.#options.journal !== undefined;
  }

  /** Somebody accepted a page about it. */
  isTold(key: string): boolean {
    return [...this.#records.values()].some(({ news, isTold }) => news.facts.key === key && isTold);
  }

  /** A notice that went the usual way. */
  noteSent({ incident, kind, to, channel }: Pick<Notice, "incident" | "kind" | "to" | "channel">): void {
    if (incident === undefined) return;
    if (kind === "resolve") this.#accepted.delete(incident);
    else if (isWaking({ kind }))
      this.#accepted.set(incident, [...(this.#accepted.get(incident) ?? []), { to, channel }]);
  }

  reconfigure(channels: ReadonlyMap<string, ConfiguredChannel>): void {
    this.#channels = channels;
  }

  /** What an earlier process told past the store is written before the judge reads what is going on. Call it once. */
  async takeUp(): Promise<void> {
    const { log } = this.#options;
    const now = this.#now();
    for (const entry of this.#options.journal?.left ?? []) {
      if (entry.event === "found") {
        const record = new FallbackRecord(entry.news, now);
        if (!this.#records.has(record.name)) this.#records.set(record.name, record);
      } else this.#records.get(entry.incident)?.learn(entry);
    }
    try {
      for (const record of this.#records.values()) await writeLeft(record, this.#options);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      log.error("what was told past the store cannot be written yet", { error });
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    await this.#learnAccepted();
    while (!signal.aborted) {
      await this.#turn().catch((error: unknown) => log.error("the fallback failed", { error }));
      await clock.sleep(1, signal).catch(() => undefined);
    }
    // What is on its way has the time that the outbox gives its own; the file remembers the rest.
    await withinTime(Promise.all(this.#sending), { seconds: 5, clock }, () => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new Error("stopped before the channel answered"));
    await Promise.all(this.#sending);
    for (const opened of this.#open.values()) await opened.close().catch(() => undefined);
    await this.#options.journal?.[Symbol.asyncDispose]();
  }

  async #turn(): Promise<void> {
    const now = this.#now();
    const fault = this.#options.storeFault();
    for (const tracked of this.#options.incidents()) this.#followed.add(tracked);
    if (fault === undefined) {
      this.#failingSince = undefined;
      for (const tracked of this.#followed) if (tracked.resolvedAt) this.#followed.delete(tracked);
      this.#recoveredSince ??= now;
      if (this.holds) await this.#reconcile(now - this.#recoveredSince);
      return;
    }
    this.#recoveredSince = undefined;
    this.#failingSince ??= now;
    if (now - this.#failingSince < patienceSeconds) return;
    await this.#takeOver();
    for (const record of this.#records.values()) {
      await this.#plan(record, now);
      for (const telling of record.tellings.values()) {
        if (telling.state === "waiting" && telling.atSeconds <= now) this.#launch(record, telling, fault);
      }
    }
  }

  /** Pages of which nobody has heard, and the end of those of which somebody has. */
  async #takeOver(): Promise<void> {
    for (const tracked of this.#followed) {
      const isEnded = [...this.#records.values()].some((one) => one.tracked === tracked && one.resolvedAt);
      const heard = tracked.id === undefined || isEnded ? [] : (this.#accepted.get(tracked.id) ?? []);
      const isNews = tracked.resolvedAt ? heard.length > 0 : heard.length === 0;
      if (!isNews || !isTellable(tracked, this.#options.clock.now())) continue;
      const known = this.#recordOf(tracked);
      if (known) known.tracked ??= tracked;
      else await this.#begin(tracked, heard);
    }
  }

  async #begin(tracked: Tracked, heard: readonly Pick<Notice, "to" | "channel">[]): Promise<void> {
    const { clock, log } = this.#options;
    const record = new FallbackRecord(tracked.news, this.#now());
    record.tracked = tracked;
    record.adopt(heard, clock.now());
    this.#records.set(record.name, record);
    log.warn("the store cannot be written: this is told past it", { incident: record.name });
    await this.#write({ event: "found", incident: record.name, news: tracked.news });
  }

  /** After a restart it may have been found anew, with another beginning. What was over and is back is told anew. */
  #recordOf(tracked: Tracked): FallbackRecord | undefined {
    const records = [...this.#records.values()].filter(({ resolvedAt }) => tracked.resolvedAt || !resolvedAt);
    const same = records.find((record) => record.tracked === tracked || record.name === nameOf(tracked.facts));
    const isOpen = (record: FallbackRecord) => !record.tracked && !record.resolvedAt;
    return same ?? records.find((record) => isOpen(record) && record.news.facts.key === tracked.facts.key);
  }

  async #plan(record: FallbackRecord, now: number): Promise<void> {
    const wasOver = record.resolvedAt !== undefined;
    record.plan(this.#options.policy, now);
    if (record.resolvedAt && !wasOver) {
      await this.#write({ event: "over", incident: record.name, resolvedAt: record.resolvedAt });
    }
  }

  #launch(record: FallbackRecord, telling: Telling, fault: string): void {
    telling.state = "sending";
    const sending = this.#send(record, telling, fault).catch((error: unknown) => this.#failed(record, telling, error));
    this.#sending.add(sending);
    sending.finally(() => this.#sending.delete(sending));
  }

  async #send(record: FallbackRecord, telling: Telling, fault: string): Promise<void> {
    const { policy, clock, log } = this.#options;
    const { incident, kind, contact, channel, step } = telling;
    const configured = this.#channels.get(channel);
    const to = policy.contact(contact).addresses[channel];
    if (!configured || to === undefined) throw new DeliveryError("there is no such address", { verdict: "permanent" });
    telling.attempts++;
    telling.triedSeconds ??= this.#now();
    await this.#write({ event: "telling", incident, kind, contact, channel, step });
    const notice = record.notice(policy, telling, fault);
    const parts = { to, clock, channel: this.#opened(configured), stop: this.#end.signal };
    const deadlineSeconds = deadlineSecondsOf(configured.channel);
    const write = (entry: JournalEntry) => this.#write(entry);
    await attemptPastStore(telling, notice, { ...parts, deadlineSeconds, write });
    telling.state = "told";
    telling.toldAt = clock.now();
    log.info("told past the store", { incident, kind, contact, channel });
    await this.#write({ event: "told", incident, kind, contact, channel, step, at: telling.toldAt });
  }

  #failed(record: FallbackRecord, telling: Telling, thrown: unknown): void {
    const error = thrown instanceof DeliveryError ? thrown : new DeliveryError(String(thrown), { verdict: "retry" });
    const { kind, contact, channel, copies } = telling;
    this.#options.log.warn("a notice was not accepted", { incident: record.name, kind, contact, channel, error });
    if (error.verdict !== "retry" && kind !== "resolve") record.refused(telling);
    const copy = error.refused || copies === 0 ? "none" : "unanswered";
    telling.atSeconds = this.#now() + retryDelaySeconds(telling, { error, copy });
    if (telling.state === "sending") telling.state = copies < mostCopies ? "waiting" : "unanswered";
  }

  #opened(configured: ConfiguredChannel): OpenedChannel {
    const known = this.#open.get(configured);
    if (known) return known;
    const opened = new OpenedChannel(configured, this.#options);
    this.#open.set(configured, opened);
    return opened;
  }

  /** What was told stands in the outbox as sent, before the outbox goes on. */
  async #reconcile(sinceSeconds: number): Promise<void> {
    const { log, journal } = this.#options;
    const isLate = sinceSeconds > reconcileSeconds;
    for (const record of this.#records.values()) {
      const id = await numberInStore(record, this.#options);
      if (id === undefined && !isLate) return;
      if (id === undefined) log.error("what was told past the store is not in it", { incident: record.name });
      else for (const notice of await settleTold(record, id, this.#options)) this.noteSent(notice);
    }
    await journal?.clear();
    this.#records.clear();
    log.info("what was told past the store stands in it now");
    this.#options.onReleased();
  }

  async #learnAccepted(): Promise<void> {
    const { store, log } = this.#options;
    try {
      for (const { id } of await store.incidents.list({ open: true })) {
        for (const notice of await store.outbox.of(id)) if (notice.state === "sent") this.noteSent(notice);
      }
    } catch (error) {
      log.error("it cannot be read who was told already", { error });
    }
  }

  /** A page waits for the file only a moment: it is worth more than the memory of it. */
  async #write(entry: JournalEntry): Promise<void> {
    const { journal, clock, log } = this.#options;
    if (!journal) return;
    const late = () => Promise.reject(new Error("the disk does not answer"));
    await withinTime(journal.append(entry), { seconds: journalSeconds, clock }, late).catch((error: unknown) =>
      log.error("the fallback file cannot be written", { error }),
    );
  }

  #now(): number {
    return this.#options.clock.monotonicSeconds();
  }
}

function isTellable({ facts, escalation }: Tracked, now: Temporal.Instant): boolean {
  if (facts.urgency !== "page") return false;
  if (escalation.state === "waiting") return Temporal.Instant.compare(escalation.until, now) <= 0;
  return escalation.state === "told";
}
