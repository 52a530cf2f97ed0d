/**
 * The worker of one channel: claims what is due from the outbox and sends a few at a time. What has no answer for long goes
 * on, while another attempt overtakes it; nobody else waits for it.
 */
import type { ClaimedNotice } from "../../core/store/outbox.ts";
import { noLongerNeeded, WakeableSleep } from "../../core/wake-up.ts";
import type { ChannelFailure } from "./channel-health.ts";
import { Flight } from "./flight.ts";
import type { ConfiguredChannel } from "./opened-channel.ts";
import { readerOf, Sender, type SenderParts } from "./sender.ts";

export interface WorkerParts extends SenderParts {
  /** By whom its deliveries are claimed. */
  readonly by: string;
  /** Nothing is claimed now. */
  holds(): boolean;
  moved(): void;
}

/** Without an answer for so long, another attempt begins while it goes on. */
const leaseSeconds = 50;
/** So many are on their way at most, those without an answer included. */
const mostOnTheirWay = 64;
/** A wake-up that got lost by an accident costs so many seconds and not the page. */
const longestSleepSeconds = 30;
const storeRetrySeconds = 5;
/** What is on its way at shutdown gets so long; the next start takes up the rest. */
const graceSeconds = 5;

export class ChannelWorker {
  readonly name: string;
  readonly #parts: WorkerParts;
  readonly #sender: Sender;
  /** By the key of the notice. */
  readonly #flights = new Map<string, Flight>();
  /** On their way to the same reader of the same thread, in order. */
  readonly #order = new Map<string, readonly Flight[]>();
  readonly #sleeper = new WakeableSleep();
  #isStopping = false;

  constructor(name: string, configured: ConfiguredChannel, parts: WorkerParts) {
    this.name = name;
    this.#parts = parts;
    this.#sender = new Sender(name, configured, parts);
  }

  /** Undefined while all is well. */
  get failure(): ChannelFailure | undefined {
    return this.#sender.failure;
  }

  wake(): void {
    this.#sleeper.wake();
  }

  /** Begins nothing new: `run` ends when what is on its way has ended. */
  stop(): void {
    this.#isStopping = true;
    this.#sender.stop();
    this.wake();
  }

  /** Runs until the signal or `stop`; after the signal it waits but a little for what is on its way. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#isStopping) await this.#rest(await this.#turn(), signal);
    this.stop();
    const over = new AbortController();
    const hurry = () => this.#cutOffLater(over.signal);
    if (signal.aborted) hurry();
    else signal.addEventListener("abort", hurry, { once: true, signal: over.signal });
    await this.#allLanded();
    over.abort(noLongerNeeded);
  }

  async dispose(): Promise<void> {
    this.stop();
    this.#sender.cutOff();
    await this.#allLanded();
    await this.#sender.close();
  }

  #cutOffLater(unless: AbortSignal): void {
    this.#parts.clock.sleep(graceSeconds, unless).then(
      () => this.#sender.cutOff(),
      () => undefined,
    );
  }

  async #allLanded(): Promise<void> {
    await Promise.all([...this.#flights.values()].map(({ landed }) => landed));
  }

  /** @returns seconds until there may be something to do again. */
  async #turn(): Promise<number> {
    const { store, due, log, by, holds } = this.#parts;
    try {
      this.#parts.moved();
      if (holds()) return longestSleepSeconds;
      const free = mostOnTheirWay - this.#flights.size;
      if (free <= 0) return longestSleepSeconds;
      const { moment, keys } = due.claim(this.name);
      const claimed = await store.outbox.claim(this.name, { by, now: moment, limit: free, leaseSeconds });
      const leaseEnd = moment.add({ seconds: leaseSeconds });
      for (const notice of claimed.toSorted(inOrder)) await this.#take(notice, leaseEnd);
      if (claimed.length === free) return 0;
      due.forget(keys.filter((key) => due.secondsLeft(key) === 0));
      return due.nextIn(this.name) ?? longestSleepSeconds;
    } catch (error) {
      log.error("the outbox cannot be read", { channel: this.name, error });
      return storeRetrySeconds;
    }
  }

  async #rest(seconds: number, signal: AbortSignal): Promise<void> {
    if (seconds <= 0 || this.#isStopping) return;
    await this.#sleeper.sleep(this.#parts.clock, Math.min(seconds, longestSleepSeconds), signal);
  }

  async #take(notice: ClaimedNotice, leaseEnd: Temporal.Instant): Promise<void> {
    const { due } = this.#parts;
    const flight = this.#flights.get(notice.key);
    const left = due.secondsLeft(notice.key);
    if (left > 0 && flight) {
      flight.renew(notice);
      return due.hold(notice, left, leaseEnd);
    }
    if (left > 0) return await this.#putBack(notice, left);
    due.hold(notice, leaseSeconds, leaseEnd);
    if (flight) flight.overtake(notice);
    else this.#begin(notice);
  }

  /** It was claimed by a wall clock that was set. */
  async #putBack(notice: ClaimedNotice, left: number): Promise<void> {
    const { due, clock, store } = this.#parts;
    const retryAt = clock.now().add({ milliseconds: Math.ceil(left * 1000) });
    const error = "not due yet: the clock was set";
    await store.outbox.settle(notice.key, notice.attempts, { state: "pending", retryAt, error, untried: true });
    due.hold(notice, left, retryAt);
  }

  #begin(notice: ClaimedNotice): void {
    const order = `${notice.thread} ${readerOf(notice)}`;
    const before = this.#order.get(order) ?? [];
    const turn = turnOf(notice, before);
    const flight = new Flight(notice, {
      send: (of, tried) => turn.then(() => this.#sender.send(of, tried)),
      landed: () => {
        this.#flights.delete(notice.key);
        const left = this.#order.get(order)?.filter((one) => one !== flight) ?? [];
        if (left.length > 0) this.#order.set(order, left);
        else this.#order.delete(order);
        this.wake();
      },
    });
    this.#flights.set(notice.key, flight);
    this.#order.set(order, [...before, flight]);
  }
}

/** Nobody hears the end before the beginning; what else comes in between waits only for what is quick. */
async function turnOf({ kind }: ClaimedNotice, before: readonly Flight[]): Promise<void> {
  await Promise.all(before.map(({ landed, passed }) => (kind === "resolve" ? landed : passed)));
}

/** Oldest plan first, and the end of an incident after everything else about it. */
function inOrder(a: ClaimedNotice, b: ClaimedNotice): number {
  const last = (notice: ClaimedNotice) => (notice.kind === "resolve" ? 1 : 0);
  return last(a) - last(b) || Temporal.Instant.compare(a.notBefore, b.notBefore);
}
