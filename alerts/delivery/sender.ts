/** Sends the notices of one channel: each attempt in its slot and within its deadline, and what became of it written down. */
import { type ChannelTools, type Delivered, deadlineSecondsOf } from "../../core/channel.ts";
import type { Clock } from "../../core/clock.ts";
import { DeliveryError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { ClaimedNotice, Settled } from "../../core/store/outbox.ts";
import type { Store } from "../../core/store/store.ts";
import { noLongerNeeded } from "../../core/wake-up.ts";
import { attempt } from "./attempt.ts";
import { type ChannelFailure, ChannelHealth } from "./channel-health.ts";
import type { DueTimes } from "./due-times.ts";
import type { FailedAttempt } from "./failed-attempt.ts";
import type { Flight, FlightAttempt } from "./flight.ts";
import { type ConfiguredChannel, OpenedChannel } from "./opened-channel.ts";
import { SendingSlots, type Slot } from "./sending-slots.ts";

export interface SenderParts {
  readonly store: Pick<Store, "outbox">;
  readonly clock: Clock;
  readonly log: Log;
  readonly http: ChannelTools["http"];
  readonly due: DueTimes;
  /** Why this notice must not go out any more; undefined when it must. */
  refusal(notice: ClaimedNotice): Promise<string | undefined>;
  /** The contact's address; undefined when there is none any more. */
  address(notice: ClaimedNotice): unknown;
  /** One was dropped for want of an address. */
  readerLost(): void;
  /** Decides what becomes of it, and writes that down. @returns whether that speaks against the channel. */
  failed(notice: ClaimedNotice, failed: FailedAttempt): Promise<boolean>;
  sent(notice: ClaimedNotice, seconds: number): void;
}

/** So many begin at once. */
const atOnce = 4;
/** Without an answer for so long, one keeps no other from beginning, to whomever it goes. */
const slotSeconds = 5;
/** Without an answer for so long, it speaks against the channel. */
const silentSeconds = 20;
const storeRetrySeconds = 5;

export class Sender {
  readonly #name: string;
  readonly #deadlineSeconds: number;
  readonly #parts: SenderParts;
  readonly #channel: OpenedChannel;
  readonly #health: ChannelHealth;
  readonly #slots = new SendingSlots(atOnce);
  /** Aborted when even what is on its way must end. */
  readonly #end = new AbortController();
  #isStopping = false;

  constructor(name: string, configured: ConfiguredChannel, parts: SenderParts) {
    this.#name = name;
    this.#deadlineSeconds = deadlineSecondsOf(configured.channel);
    this.#parts = parts;
    const { http, clock, log } = parts;
    this.#channel = new OpenedChannel(configured, { http, clock, log });
    this.#health = new ChannelHealth(clock);
  }

  get failure(): ChannelFailure | undefined {
    return this.#health.failure;
  }

  /** Begins nothing new. */
  stop(): void {
    this.#isStopping = true;
  }

  /** Ends what is on its way, too. */
  cutOff(): void {
    this.#end.abort(new Error("stopped before the channel answered"));
  }

  async close(): Promise<void> {
    try {
      await this.#channel.close();
    } catch (error) {
      this.#parts.log.warn("a channel could not be closed", { channel: this.#name, error });
    }
  }

  /** Never throws: whatever happens to one notice is written down and stays with it. */
  async send(flight: Flight, tried: FlightAttempt): Promise<void> {
    const { log, refusal, address, readerLost } = this.#parts;
    using slot = await this.#slots.take(readerOf(tried.notice));
    // Its lease ends, or the next process takes it up.
    if (this.#isStopping || flight.accepted.aborted) return;
    tried.isSending = true;
    const { key: notice, to: reader } = tried.notice;
    const fields = { notice, channel: this.#name, to: reader.id };
    try {
      const refused = await refusal(tried.notice);
      if (refused !== undefined) return await this.#settle(tried, dropped(refused));
      const to = address(tried.notice);
      if (to === undefined) {
        log.error("a notice has no address any more", fields);
        await this.#settle(tried, dropped("the contact has no address any more"));
        return readerLost();
      }
      await this.#sendTo(flight, tried, { to, slot });
    } catch (error) {
      log.error("a notice could not be handled", { ...fields, error });
    }
  }

  async #sendTo(flight: Flight, tried: FlightAttempt, { to, slot }: { to: unknown; slot: Slot }): Promise<void> {
    const { clock, due, sent } = this.#parts;
    const began = clock.monotonicSeconds();
    const over = new AbortController();
    this.#after(slotSeconds, over.signal, () => {
      slot.release();
      flight.letPass();
    });
    this.#after(silentSeconds, over.signal, () => this.#silent(tried.notice, began));
    const delivered = await this.#attempt(flight, tried, to).catch((error: DeliveryError) => error);
    over.abort(noLongerNeeded);
    if (flight.accepted.aborted) return;
    if (delivered instanceof DeliveryError) return await this.#failed(flight, tried, { error: delivered, began });
    flight.accept();
    this.#health.accepted(tried.notice.to);
    await this.#settle(tried, { state: "sent", at: clock.now(), ...delivered });
    due.forget([tried.notice.key]);
    sent(tried.notice, clock.monotonicSeconds() - began);
  }

  #attempt(flight: Flight, tried: FlightAttempt, to: unknown): Promise<Delivered> {
    const { clock, store } = this.#parts;
    const { notice } = tried;
    const thread = { name: notice.thread, ...(notice.reference !== undefined && { reference: notice.reference }) };
    const countCopy = async () => {
      const mayLeave = await store.outbox.countCopy(notice.key);
      if (!mayLeave) throw new DeliveryError("no more copies of it may leave", { verdict: "retry" });
      flight.counted(tried);
    };
    const send = async (signal: AbortSignal) => {
      const channel = await this.#channel.open();
      return channel.deliver(notice, to, { signal, thread, copies: notice.copies, countCopy });
    };
    const stop = AbortSignal.any([this.#end.signal, flight.accepted]);
    return attempt(notice, send, { clock, deadlineSeconds: this.#deadlineSeconds, stop });
  }

  #silent(notice: ClaimedNotice, began: number): void {
    this.#health.failed(notice.to, began, `no answer within ${silentSeconds} s`);
    const { key, kind, to } = notice;
    const fields = { notice: key, kind, channel: this.#name, to: to.id, seconds: silentSeconds };
    this.#parts.log.warn("a notice has no answer yet", fields);
  }

  async #failed(
    flight: Flight,
    tried: FlightAttempt,
    { error, began }: { readonly error: DeliveryError; readonly began: number },
  ): Promise<void> {
    const sent = error.refused ? "refused" : "unanswered";
    const copy = tried.isCounted ? sent : "none";
    if (copy === "refused") flight.refused();
    await this.#write(async () => {
      const notice = { ...tried.notice, copies: flight.copies };
      const failed = { error, copy, isOvertaken: !flight.isNewest(tried) } as const;
      if (await this.#parts.failed(notice, failed)) this.#health.failed(notice.to, began, error.message);
    });
  }

  #settle(tried: FlightAttempt, result: Settled): Promise<void> {
    const { store } = this.#parts;
    return this.#write(() => store.outbox.settle(tried.notice.key, tried.notice.attempts, result));
  }

  /** What became of it must be written, or it would be sent again: tries until the store takes it or we are stopped. */
  async #write(write: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#parts;
    for (;;) {
      try {
        return await write();
      } catch (error) {
        log.error("the outbox cannot be written", { channel: this.#name, error });
        if (this.#end.signal.aborted) return;
        await clock.sleep(storeRetrySeconds, this.#end.signal).catch(() => undefined);
      }
    }
  }

  #after(seconds: number, unless: AbortSignal, act: () => void): void {
    this.#parts.clock.sleep(seconds, unless).then(act, () => undefined);
  }
}

const dropped = (error: string) => ({ state: "dropped", error }) as const;

/** To be told from others. */
export const readerOf = ({ to }: ClaimedNotice): string => `${to.kind} ${to.id}`;
