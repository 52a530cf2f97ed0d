/** A notice on its way: an attempt, and one more where that has no answer for long. The first that is accepted is enough. */
import type { ClaimedNotice } from "../../core/store/outbox.ts";

/** One try to send it. */
export interface FlightAttempt {
  /** As it was claimed for this attempt. */
  notice: ClaimedNotice;
  /** It has its slot, and goes out. */
  isSending: boolean;
  /** A copy of it left whole, or is about to. */
  isCounted: boolean;
}

interface FlightParts {
  /** Makes an attempt; never rejects. */
  send(flight: Flight, attempt: FlightAttempt): Promise<void>;
  /** Nothing of it is on its way any more. */
  landed(): void;
}

export class Flight {
  readonly #parts: FlightParts;
  readonly #landed = Promise.withResolvers<void>();
  readonly #passed = Promise.withResolvers<void>();
  readonly #accepted = new AbortController();
  /** Of the attempts on their way, the newest last. */
  #attempts: FlightAttempt[] = [];
  #copies = 0;

  constructor(notice: ClaimedNotice, parts: FlightParts) {
    this.#parts = parts;
    this.#begin(notice);
  }

  /** Nothing of it is on its way any more. */
  get landed(): Promise<void> {
    return this.#landed.promise;
  }

  /** It landed, or takes so long that what comes after it shall not wait. */
  get passed(): Promise<void> {
    return this.#passed.promise;
  }

  letPass(): void {
    this.#passed.resolve();
  }

  /** Aborted when an attempt was accepted: the others are of no use. */
  get accepted(): AbortSignal {
    return this.#accepted.signal;
  }

  /** How many copies of the notice may have arrived. */
  get copies(): number {
    return this.#copies;
  }

  /** Later ones decide what becomes of the notice. */
  isNewest(attempt: FlightAttempt): boolean {
    return this.#attempts.at(-1) === attempt;
  }

  /** It was claimed again: one more attempt begins, unless the last one still waits for its turn. */
  overtake(notice: ClaimedNotice): void {
    if (this.#attempts.at(-1)?.isSending) this.#begin(notice);
    else this.renew(notice);
  }

  /** It was claimed again, but the newest attempt goes on. */
  renew(notice: ClaimedNotice): void {
    const newest = this.#attempts.at(-1);
    if (newest) newest.notice = notice;
    this.#copies = notice.copies;
  }

  accept(): void {
    this.#accepted.abort(new Error("another attempt was accepted"));
  }

  counted(attempt: FlightAttempt): void {
    attempt.isCounted = true;
    this.#copies++;
  }

  refused(): void {
    this.#copies--;
  }

  #begin(notice: ClaimedNotice): void {
    const attempt = { notice, isSending: false, isCounted: false };
    this.#attempts.push(attempt);
    this.#copies = notice.copies;
    this.#parts.send(this, attempt).then(() => {
      this.#attempts = this.#attempts.filter((one) => one !== attempt);
      if (this.#attempts.length > 0) return;
      this.#parts.landed();
      this.#landed.resolve();
      this.#passed.resolve();
    });
  }
}
