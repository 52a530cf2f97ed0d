/** The worker of one channel: claims what is due from the outbox, sends a few at a time, and tells nobody else to wait. */
import type { Channel, ChannelTools, Delivered, OpenChannel } from "../../core/channel.ts";
import type { Clock } from "../../core/clock.ts";
import { DeliveryError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { ClaimedNotice, Settled } from "../../core/store/outbox.ts";
import type { Store } from "../../core/store/store.ts";
import { WakeableSleep } from "../../core/wake-up.ts";
import { attempt } from "./attempt.ts";
import type { DueTimes } from "./due-times.ts";

/** A channel and its settings, as the configuration has them. */
export interface ConfiguredChannel {
  readonly channel: Channel;
  /** Parsed by the channel's own schema. */
  readonly options: unknown;
}

export interface WorkerParts {
  readonly store: Pick<Store, "outbox">;
  readonly clock: Clock;
  readonly log: Log;
  /** By whom its deliveries are claimed. */
  readonly by: string;
  readonly http: ChannelTools["http"];
  readonly due: DueTimes;
  /** Nothing is claimed now. */
  holds(): boolean;
  /** Why this notice must not go out any more; undefined when it must. */
  refusal(notice: ClaimedNotice): Promise<string | undefined>;
  /** The contact's address; undefined when there is none any more. */
  address(notice: ClaimedNotice): unknown;
  /** One was dropped for want of an address. */
  readerLost(): void;
  /** Decides what becomes of it, and writes that down. @returns whether that speaks against the channel. */
  failed(notice: ClaimedNotice, error: DeliveryError): Promise<boolean>;
  sent(notice: ClaimedNotice, seconds: number): void;
  moved(): void;
}

const atOnce = 4;
/** Longer than a delivery and its place in the queue; only a process that died lets it end. */
const leaseSeconds = 30;
/** A wake-up that got lost by an accident costs so many seconds and not the page. */
const longestSleepSeconds = 30;
const storeRetrySeconds = 5;
/** What is on its way at shutdown gets so long; the next start takes up the rest. */
const graceSeconds = 5;

export class ChannelWorker {
  readonly name: string;
  readonly #configured: ConfiguredChannel;
  readonly #parts: WorkerParts;
  /** Aborted when even the deliveries on their way must end. */
  readonly #end = new AbortController();
  readonly #inFlight = new Map<string, Promise<void>>();
  /** The number of the attempt that is on its way: it is claimed again when its lease runs out meanwhile. */
  readonly #attempts = new Map<string, number>();
  /** One after the other for the same reader of the same thread: nobody hears the end before the beginning. */
  readonly #tails = new Map<string, Promise<void>>();
  readonly #sleeper = new WakeableSleep();
  #opening: Promise<OpenChannel<unknown>> | undefined;
  #opened: OpenChannel<unknown> | undefined;
  #stopping = false;
  #failingSince: number | undefined;

  constructor(name: string, configured: ConfiguredChannel, parts: WorkerParts) {
    this.name = name;
    this.#configured = configured;
    this.#parts = parts;
  }

  /** Seconds since the first failure that no success followed; undefined while all is well. */
  get failingSeconds(): number | undefined {
    if (this.#failingSince === undefined) return undefined;
    return this.#parts.clock.monotonicSeconds() - this.#failingSince;
  }

  wake(): void {
    this.#sleeper.wake();
  }

  /** Begins nothing new: `run` ends when what is on its way has ended. */
  stop(): void {
    this.#stopping = true;
    this.wake();
  }

  /** Runs until the signal or `stop`; then waits a little for what is on its way. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#stopping) await this.#rest(await this.#turn(), signal);
    this.#stopping = true;
    const over = new AbortController();
    this.#parts.clock.sleep(graceSeconds, over.signal).then(
      () => this.#end.abort(new Error("stopped before the channel answered")),
      () => undefined,
    );
    await Promise.all(this.#inFlight.values());
    over.abort();
  }

  async dispose(): Promise<void> {
    this.stop();
    this.#end.abort(new Error("stopped before the channel answered"));
    await Promise.all(this.#inFlight.values());
    const opened = this.#opened;
    this.#opened = undefined;
    try {
      await opened?.[Symbol.asyncDispose]();
    } catch (error) {
      this.#parts.log.warn("a channel could not be closed", { channel: this.name, error });
    }
  }

  /** @returns seconds until there may be something to do again. */
  async #turn(): Promise<number> {
    const { store, due, log, by, holds } = this.#parts;
    try {
      this.#parts.moved();
      if (holds()) return longestSleepSeconds;
      const free = atOnce - this.#inFlight.size;
      if (free <= 0) return longestSleepSeconds;
      const { moment, keys } = due.claim(this.name);
      const claimed = await store.outbox.claim(this.name, { by, now: moment, limit: free, leaseSeconds });
      for (const notice of claimed.toSorted(inOrder)) await this.#take(notice);
      if (claimed.length === free) return this.#inFlight.size < atOnce ? 0 : longestSleepSeconds;
      due.forget(keys.filter((key) => due.secondsLeft(key) === 0));
      return due.nextIn(this.name) ?? longestSleepSeconds;
    } catch (error) {
      log.error("the outbox cannot be read", { channel: this.name, error });
      return storeRetrySeconds;
    }
  }

  async #rest(seconds: number, signal: AbortSignal): Promise<void> {
    if (seconds <= 0 || this.#stopping) return;
    await this.#sleeper.sleep(this.#parts.clock, Math.min(seconds, longestSleepSeconds), signal);
  }

  async #take(notice: ClaimedNotice): Promise<void> {
    const { due, clock, store } = this.#parts;
    // Its lease ran out by a wall clock that was set: it is still on its way.
    if (this.#inFlight.has(notice.key)) {
      this.#attempts.set(notice.key, notice.attempts);
      return;
    }
    const left = due.secondsLeft(notice.key);
    if (left > 0) {
      const retryAt = clock.now().add({ milliseconds: Math.ceil(left * 1000) });
      const error = "not due yet: the clock was set";
      await store.outbox.settle(notice.key, notice.attempts, { state: "pending", retryAt, error, untried: true });
      due.hold(notice, left, retryAt);
      return;
    }
    due.forget([notice.key]);
    const order = `${notice.thread} ${notice.to.kind} ${notice.to.id}`;
    const sending = (this.#tails.get(order) ?? Promise.resolve()).then(() => this.#deliver(notice));
    this.#tails.set(order, sending);
    this.#inFlight.set(notice.key, sending);
    this.#attempts.set(notice.key, notice.attempts);
    sending.finally(() => {
      this.#inFlight.delete(notice.key);
      this.#attempts.delete(notice.key);
      if (this.#tails.get(order) === sending) this.#tails.delete(order);
      this.wake();
    });
  }

  /** Never throws: whatever happens to one notice is written down and stays with it. */
  async #deliver(notice: ClaimedNotice): Promise<void> {
    const { clock, log, refusal, address, readerLost, sent, failed } = this.#parts;
    // Its lease ends, or the next process takes it up.
    if (this.#stopping) return;
    try {
      const refused = await refusal(notice);
      if (refused !== undefined) return await this.#settle(notice, dropped(refused));
      const to = address(notice);
      if (to === undefined) {
        log.error("a notice has no address any more", { notice: notice.key, channel: this.name, to: notice.to.id });
        await this.#settle(notice, dropped("the contact has no address any more"));
        return readerLost();
      }
      const began = clock.monotonicSeconds();
      const delivered = await this.#send(notice, to);
      if (delivered instanceof DeliveryError) {
        return await this.#write(async () => {
          if (await failed(this.#current(notice), delivered)) this.#failingSince ??= clock.monotonicSeconds();
        });
      }
      this.#failingSince = undefined;
      await this.#settle(notice, { state: "sent", at: clock.now(), ...delivered });
      sent(notice, clock.monotonicSeconds() - began);
    } catch (error) {
      log.error("a notice could not be handled", { notice: notice.key, channel: this.name, to: notice.to.id, error });
    }
  }

  async #send(notice: ClaimedNotice, to: unknown): Promise<Delivered | DeliveryError> {
    const { clock } = this.#parts;
    const { thread: name, reference } = notice;
    const thread = { name, ...(reference !== undefined && { reference }) };
    const send = async (signal: AbortSignal) => (await this.#open()).deliver(notice, to, { signal, thread });
    return attempt(notice, send, { clock, stop: this.#end.signal }).catch((error: DeliveryError) => error);
  }

  #settle(notice: ClaimedNotice, result: Settled): Promise<void> {
    const { store } = this.#parts;
    return this.#write(() => store.outbox.settle(notice.key, this.#current(notice).attempts, result));
  }

  #current(notice: ClaimedNotice): ClaimedNotice {
    return { ...notice, attempts: this.#attempts.get(notice.key) ?? notice.attempts };
  }

  #open(): Promise<OpenChannel<unknown>> {
    const { channel, options } = this.#configured;
    const { http, clock, log } = this.#parts;
    this.#opening ??= Promise.resolve()
      .then(() => channel.open(options, { http, clock, log }))
      .then(
        async (opened) => {
          // It took so long to open that nobody wants it any more.
          if (this.#end.signal.aborted) await opened[Symbol.asyncDispose]();
          else this.#opened = opened;
          return opened;
        },
        (error: unknown) => {
          // The next attempt opens anew.
          this.#opening = undefined;
          throw error;
        },
      );
    return this.#opening;
  }

  /** What became of it must be written, or it would be sent again: tries until the store takes it or we are stopped. */
  async #write(write: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#parts;
    for (;;) {
      try {
        return await write();
      } catch (error) {
        log.error("the outbox cannot be written", { channel: this.name, error });
        if (this.#end.signal.aborted) return;
        await clock.sleep(storeRetrySeconds, this.#end.signal).catch(() => undefined);
      }
    }
  }
}

const dropped = (error: string) => ({ state: "dropped", error }) as const;

/** Oldest plan first, and the end of an incident after everything else about it. */
function inOrder(a: ClaimedNotice, b: ClaimedNotice): number {
  const last = (notice: ClaimedNotice) => (notice.kind === "resolve" ? 1 : 0);
  return last(a) - last(b) || Temporal.Instant.compare(a.notBefore, b.notBefore);
}
