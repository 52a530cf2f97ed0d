/**
 * Tells the steps of escalations when they are due: to whom and with which words, by the configuration of that moment.
 * Each step is taken by compare-and-set, in the transaction that writes its notices and when the next one is due.
 */
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Due } from "../../core/store/due.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";
import type { Store } from "../../core/store/store.ts";
import { WakeableSleep } from "../../core/wake-up.ts";
import { lastMeasured } from "../wall-clock.ts";
import { DueSteps } from "./due-steps.ts";
import { hasLostReader, planAnew } from "./lost-readers.ts";
import { type AlertSettings, Policy, type PolicyOptions } from "./policy.ts";
import { hurry, take } from "./transitions.ts";

export interface EscalatorOptions extends PolicyOptions {
  readonly store: Pick<Store, "commit" | "due" | "escalations" | "outbox" | "samples">;
  readonly clock: Clock;
  readonly log: Log;
  /** Notices were written that wait to be sent. */
  onNotices(): void;
  /** Called whenever all that was due is told: at least every 30 s while all is well. */
  onMoved?(): void;
}

export interface Escalator {
  /** Escalations were changed by a commit. */
  wake(): void;
  /** A notice was dropped because nobody is there to read it. */
  readerLost(): void;
  /** Tells what is due until the signal. */
  run(signal: AbortSignal): Promise<void>;
  /** After a reload: what is due from now on is told by these. */
  reconfigure(settings: AlertSettings): void;
  /** Its channel will never take this page, or nobody has accepted it for long: the step after it is told, if it was not. */
  hurry(unanswered: NoticeStatus): Promise<void>;
}

/** Enough for all incidents that can be open at once. */
const mostRows = 10_000;
/** A wake-up that got lost by an accident costs so many seconds and not the step. */
const longestSleepSeconds = 30;
const retrySeconds = 5;

export async function openEscalator(options: EscalatorOptions): Promise<Escalator> {
  return new RunningEscalator(options, await Policy.open(options), await lastMeasured(options.store));
}

class RunningEscalator implements Escalator {
  readonly #options: EscalatorOptions;
  readonly #policy: Policy;
  readonly #dueSteps: DueSteps;
  readonly #sleeper = new WakeableSleep();
  /** At the start, and after a reload: whoever was to be told may not be there any more. */
  #readersChanged = true;

  constructor(options: EscalatorOptions, policy: Policy, lastKnown: Temporal.Instant) {
    this.#options = options;
    this.#policy = policy;
    this.#dueSteps = new DueSteps(options.clock, lastKnown);
  }

  wake(): void {
    this.#sleeper.wake();
  }

  reconfigure(settings: AlertSettings): void {
    this.#policy.reconfigure(settings);
    this.readerLost();
  }

  readerLost(): void {
    this.#readersChanged = true;
    this.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const seconds = await this.#turn(signal);
      await this.#sleeper.sleep(this.#options.clock, Math.min(seconds, longestSleepSeconds), signal);
    }
  }

  async hurry(unanswered: NoticeStatus): Promise<void> {
    const { store, clock, log } = this.#options;
    const { incident, channel } = unanswered;
    const due = (await this.#rows()).find(({ subject }) => subject === String(incident));
    if (incident === undefined || !due) return;
    const escalate = hurry(this.#policy, unanswered.step, clock.now());
    let isTold = false;
    await store.commit({
      escalations: [
        {
          incident,
          taking: due,
          escalate(before) {
            const after = escalate(before);
            isTold = after.escalation !== undefined;
            return after;
          },
        },
      ],
    });
    if (isTold) log.warn("the next step of the escalation is told at once", { incident, channel });
    this.wake();
    this.#options.onNotices();
  }

  /** @returns seconds until there may be something to do again. */
  async #turn(signal: AbortSignal): Promise<number> {
    try {
      if (this.#readersChanged) await this.#planAnew();
      this.#dueSteps.learn(await this.#rows());
      for (let due = this.#dueSteps.due(); due.length > 0 && !signal.aborted; due = this.#dueSteps.due()) {
        const failed = await this.#takeAll(due);
        this.#dueSteps.learn(await this.#rows());
        if (failed) return retrySeconds;
      }
      this.#options.onMoved?.();
      return this.#dueSteps.nextIn() ?? longestSleepSeconds;
    } catch (error) {
      this.#options.log.error("what is due cannot be read", { error });
      return retrySeconds;
    }
  }

  /** What lost its reader goes to those whom the plan names now. */
  async #planAnew(): Promise<void> {
    const { store, log, onNotices } = this.#options;
    this.#readersChanged = false;
    try {
      for (const { incident } of await store.escalations.open()) {
        if (!hasLostReader(this.#policy.plan, await store.outbox.of(incident))) continue;
        await store.commit({ escalations: [{ incident, escalate: planAnew(this.#policy) }] });
        log.warn("a notice lost its reader: it is planned anew", { incident });
        onNotices();
      }
    } catch (error) {
      this.#readersChanged = true;
      throw error;
    }
  }

  /** An accident with one of them keeps no other back. @returns whether there was one. */
  async #takeAll(rows: readonly Due[]): Promise<boolean> {
    let failed = false;
    for (const due of rows) {
      try {
        const escalations = [{ incident: Number(due.subject), taking: due, escalate: take(this.#policy, due) }];
        await this.#options.store.commit({ escalations });
        this.#options.onNotices();
      } catch (error) {
        failed = true;
        this.#options.log.error("a step of an escalation could not be told", { incident: due.subject, error });
      }
    }
    return failed;
  }

  #rows(): Promise<readonly Due[]> {
    return this.#options.store.due.next("escalation", mostRows);
  }
}
