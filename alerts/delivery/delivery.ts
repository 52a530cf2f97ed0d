/**
 * Empties the outbox: one independent worker for each channel, at least once, with a retry as soon and as often as a page
 * deserves. A page ends as sent, as superseded by the end of its incident, or it keeps trying; what was sent three times
 * without an answer stays there as not confirmed. It never ends in silence.
 */
import type { ChannelTools } from "../../core/channel.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Addressee } from "../../core/notice.ts";
import type { OnCall } from "../../core/organisation.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";
import type { Store } from "../../core/store/store.ts";
import { afterFailure, nameOf } from "./after-failure.ts";
import type { ChannelFailure } from "./channel-health.ts";
import { ChannelWorker, type WorkerParts } from "./channel-worker.ts";
import { DueTimes } from "./due-times.ts";
import type { ConfiguredChannel } from "./opened-channel.ts";
import { UnansweredPages } from "./unanswered-pages.ts";

export type { ConfiguredChannel } from "./opened-channel.ts";

/** What became of one attempt, for the metrics. */
export interface DeliveryResult {
  readonly channel: string;
  readonly kind: NoticeStatus["kind"];
  /** failed: it will be tried again; dropped: it will not. */
  readonly result: "sent" | "failed" | "dropped";
}

interface DeliverySettings {
  /** By name: the file name under alerts/channels/. */
  readonly channels: ReadonlyMap<string, ConfiguredChannel>;
  readonly onCall: OnCall;
}

export interface DeliveryOptions extends DeliverySettings {
  readonly store: Pick<Store, "outbox" | "incidents">;
  readonly clock: Clock;
  readonly log: Log;
  /** Who claims what it delivers; the same after a restart, and whatever is renamed in the configuration. */
  readonly by: string;
  /** For channels. */
  readonly http: ChannelTools["http"];
  /** One was dropped because nobody is there to read it. */
  onReaderLost?(): void;
  /** What it holds is kept: some of it was told past the store, and is not written yet. */
  holds?(): boolean;
  /** A channel will never take this page, or does not for long: the step after it is told at once, if it was not yet. */
  hurry(unanswered: NoticeStatus): Promise<void>;
  onResult?(result: DeliveryResult): void;
  onSent?(notice: NoticeStatus): void;
  /** Called whenever a loop came round: at least every 30 s while all is well. */
  onMoved?(channel: string): void;
}

export interface Delivery extends AsyncDisposable {
  /** New notices were committed. */
  wake(): void;
  /**
   * Delivers until the signal, then lets what is on its way come to its end. Call it once.
   * What an earlier process of the same name held when it died is due again at once.
   */
  run(signal: AbortSignal): Promise<void>;
  /** After a reload. A channel whose settings are the same object goes on as it is. */
  reconfigure(settings: DeliverySettings): Promise<void>;
  /** Channels that have failed since some time without any success, or without one for some of their readers. */
  failing(): readonly FailingChannel[];
}

export interface FailingChannel extends ChannelFailure {
  readonly channel: string;
}

/** Enough to hold what all incidents that can open at once tell. */
const recentAtWake = 500;
const recentAtStart = 2000;

export function openDelivery(options: DeliveryOptions): Delivery {
  return new RunningDelivery(options);
}

class RunningDelivery implements Delivery {
  readonly #options: DeliveryOptions;
  readonly #due: DueTimes;
  readonly #unanswered: UnansweredPages;
  readonly #workers = new Map<string, ChannelWorker>();
  /** Loops that have not ended, those of channels that were replaced included. */
  readonly #running = new Map<ChannelWorker, Promise<void>>();
  #settings: DeliverySettings;
  #signal: AbortSignal | undefined;
  /** Key of the newest notice that was taken note of. */
  #newest: string | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#settings = options;
    this.#due = new DueTimes(options.clock);
    this.#unanswered = new UnansweredPages(options);
    for (const [name, configured] of options.channels) this.#addWorker(name, configured);
  }

  wake(): void {
    this.#lookAgain = true;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.#signal) throw new Error("the delivery runs already");
    this.#signal = signal;
    await this.#takeOver(signal);
    for (const worker of this.#workers.values()) this.#start(worker, signal);
    await aborted(signal);
    this.#unanswered.stop();
    await Promise.all(this.#running.values());
  }

  async reconfigure(settings: DeliverySettings): Promise<void> {
    const before = this.#settings.channels;
    this.#settings = settings;
    for (const [name, worker] of [...this.#workers]) {
      const [was, now] = [before.get(name), settings.channels.get(name)];
      if (now && now.channel === was?.channel && now.options === was.options) continue;
      this.#workers.delete(name);
      this.#retire(worker);
    }
    for (const [name, configured] of settings.channels) {
      if (this.#workers.has(name)) continue;
      const worker = this.#addWorker(name, configured);
      if (this.#signal && !this.#signal.aborted) this.#start(worker, this.#signal);
    }
    this.wake();
  }

  failing(): readonly FailingChannel[] {
    return [...this.#workers.values()].flatMap(({ name, failure }) =>
      failure === undefined ? [] : [{ channel: name, ...failure }],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unanswered.stop();
    const workers = new Set([...this.#workers.values(), ...this.#running.keys()]);
    await Promise.all([...workers].map((worker) => worker.dispose()));
    await Promise.all(this.#running.values());
  }

  #addWorker(name: string, configured: ConfiguredChannel): ChannelWorker {
    const { store, clock, log, by, http } = this.#options;
    const parts: WorkerParts = {
      store,
      clock,
      log,
      by,
      http,
      holds: () => this.#options.holds?.() ?? false,
      due: this.#due,
      refusal: (notice) => this.#refusal(notice),
      address: ({ to, channel }) => this.#addressOf(to, channel),
      readerLost: () => this.#options.onReaderLost?.(),
      failed: (notice, failed) => afterFailure(notice, failed, { ...this.#options, due: this.#due }),
      sent: (notice, seconds) => this.#sent(notice, seconds),
      moved: () => this.#options.onMoved?.(name),
    };
    const worker = new ChannelWorker(name, configured, parts);
    this.#workers.set(name, worker);
    return worker;
  }

  #start(worker: ChannelWorker, signal: AbortSignal): void {
    const running = worker.run(signal).finally(() => this.#running.delete(worker));
    this.#running.set(worker, running);
  }

  /** Ends what is on its way with the old settings, and nothing waits for that. */
  #retire(worker: ChannelWorker): void {
    worker.stop();
    const running = this.#running.get(worker) ?? Promise.resolve();
    const ended = running.then(() => worker.dispose()).finally(() => this.#running.delete(worker));
    this.#running.set(worker, ended);
  }

  /** What an earlier process left behind: half-sent notices are due at once, and so is what was being tried again. */
  async #takeOver(signal: AbortSignal): Promise<void> {
    const { store, clock, log, by } = this.#options;
    while (!signal.aborted) {
      try {
        await store.outbox.takeOver(by, clock.now());
        const notices = await store.outbox.recent(recentAtStart);
        this.#learn(notices);
        this.#newest = notices[0]?.key;
        return;
      } catch (error) {
        log.error("the outbox cannot be read", { error });
        await clock.sleep(5, signal).catch(() => undefined);
      }
    }
  }

  /** Wakes the loops if there is anything new: cheap, because it is asked after every commit. */
  async #look(): Promise<void> {
    while (this.#lookAgain) {
      this.#lookAgain = false;
      try {
        const [newest] = await this.#options.store.outbox.recent(1);
        if (!newest || newest.key === this.#newest) continue;
        this.#learn(await this.#options.store.outbox.recent(recentAtWake));
      } catch (error) {
        // The loops will find by themselves what is due.
        this.#options.log.error("the outbox cannot be read", { error });
      }
      for (const worker of this.#workers.values()) worker.wake();
    }
  }

  #learn(notices: readonly NoticeStatus[]): void {
    this.#newest = notices[0]?.key;
    this.#due.learn(notices);
    this.#unanswered.watch(notices);
  }

  /** The state of the incident decides at the last moment, too: an attempt may have begun before it changed. */
  async #refusal(notice: NoticeStatus): Promise<string | undefined> {
    const { notAfter, kind } = notice;
    if (notAfter && Temporal.Instant.compare(this.#options.clock.now(), notAfter) > 0) return "too late to be of use";
    if (notice.incident === undefined || !aboutTrouble.has(kind)) return undefined;
    const incident = await this.#options.store.incidents.get(notice.incident);
    if (incident?.state === "resolved") return "the incident is over";
    if (incident?.state === "acknowledged" && kind === "escalation") return "the incident was acknowledged";
    return undefined;
  }

  /** Members and places have no address of their own yet. */
  #addressOf(to: Addressee, channel: string): unknown {
    if (to.kind !== "contact") return undefined;
    return this.#settings.onCall.contacts.find(({ id }) => id === to.id)?.addresses[channel];
  }

  #sent(notice: NoticeStatus, seconds: number): void {
    const { channel, kind } = notice;
    this.#unanswered.accepted(notice);
    this.#options.log.info("notice sent", { ...nameOf(notice), seconds, title: notice.headline });
    this.#options.onResult?.({ channel, kind, result: "sent" });
    this.#options.onSent?.(notice);
  }
}

/** Worthless, or wrong, once the incident is over. */
const aboutTrouble: ReadonlySet<NoticeStatus["kind"]> = new Set(["page", "escalation", "ticket"]);

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
