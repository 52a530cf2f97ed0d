/** Tickets that wait while a page about the same target is being confirmed, and are that page then: one trouble is told once. */
import { confirmedOutcome } from "../../core/confirmation.ts";
import type { JudgedSample } from "../../core/judge.ts";
import { checkKey } from "../../core/sample.ts";
import type { Target } from "../../core/target.ts";
import type { Outages } from "./confirmed-outages.ts";

/** A bad result that speaks for an outage, and when that began. */
export interface Found extends JudgedSample {
  readonly startedAt: Temporal.Instant;
}

export class WaitingTickets {
  readonly #outages: Outages;
  /** By target. */
  readonly #waiting = new Map<string, Found>();

  constructor(outages: Outages) {
    this.#outages = outages;
  }

  /** @returns what is to be told now; nothing while it waits, or when it was over before it could be told. */
  ready(target: Target, found: Found | undefined, at: Temporal.Instant): Found | undefined {
    const isPage = found && confirmedOutcome(found.confirmation) === "down";
    const first = isPage ? found : (this.#waiting.get(target.id) ?? found);
    this.#waiting.delete(target.id);
    if (!first || isPage) return first;
    if (this.#outages.worst(checkKey(first.sample)) === "up") return undefined;
    if (!this.#outages.isFailing(target, at)) return first;
    this.#waiting.set(target.id, first);
    return undefined;
  }
}
