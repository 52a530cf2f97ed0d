/** One incident that is told past the store: who is to hear of it and when, who has heard, and that it is over. */
import { secondsAfter } from "../../core/clock.ts";
import type { News } from "../../core/escalation.ts";
import type { Notice } from "../../core/notice.ts";
import { mostCopies } from "../../core/store/outbox.ts";
import { fallbackNotice, fallbackRecovery } from "../escalation/fallback-notices.ts";
import { type PlannedStep, type Recipient, stepsOf } from "../escalation/plan.ts";
import type { Policy } from "../escalation/policy.ts";
import type { Tracked } from "../judging/open-incidents.ts";
import type { JournalEntry } from "./fallback-journal.ts";

type TellingEntry = Extract<JournalEntry, { event: "telling" }>;

/** One message to one reader by one channel. */
export interface Telling extends Omit<TellingEntry, "event"> {
  /** Unanswered: sent as often as it may be, and nobody said whether it was taken. */
  state: "waiting" | "sending" | "told" | "unanswered" | "withdrawn";
  attempts: number;
  /** How many may have arrived. */
  copies: number;
  /** Monotonic: for the first time. */
  triedSeconds?: number;
  /** Monotonic: not before. */
  atSeconds: number;
  toldAt?: Temporal.Instant;
}

/** Whatever nobody has accepted after so long is told to the next step as well. */
const stuckSeconds = 20;

export class FallbackRecord {
  readonly name: string;
  readonly news: News;
  /** Monotonic. */
  readonly foundSeconds: number;
  readonly tellings = new Map<string, Telling>();
  /** As the judge of this process follows it. */
  tracked: Tracked | undefined;
  /** Its number, once it is known that the store has it. */
  id: number | undefined;
  resolvedAt: Temporal.Instant | undefined;
  /** So many steps are due whatever the time: the one before was not accepted. */
  #hurried = 0;

  constructor(news: News, foundSeconds: number) {
    this.name = nameOf(news.facts);
    this.news = news;
    this.foundSeconds = foundSeconds;
  }

  /** Somebody accepted that it is wrong. */
  get isTold(): boolean {
    return [...this.tellings.values()].some(({ kind, state }) => kind !== "resolve" && state === "told");
  }

  /** Adds whoever is to hear by now. */
  plan(policy: Policy, nowSeconds: number): void {
    this.resolvedAt ??= this.tracked?.resolvedAt;
    if (this.resolvedAt) {
      this.#planEnd(nowSeconds);
      return;
    }
    for (const telling of this.tellings.values()) if (this.#isStuck(telling, nowSeconds)) this.refused(telling);
    for (const [step, { afterSeconds, recipients }] of stepsOf(policy.plan, "page").entries()) {
      if (this.foundSeconds + afterSeconds > nowSeconds && step >= this.#hurried) continue;
      const kind = step === 0 ? "page" : "escalation";
      for (const { contact, channel } of recipients)
        this.#add({ kind, contact: contact.id, channel, step }, nowSeconds);
    }
  }

  /** Its channel will never take it, or says nothing for long: whoever comes after it is told at once. */
  refused({ step }: Telling): void {
    this.#hurried = Math.max(this.#hurried, step + 2);
  }

  notice(policy: Policy, telling: Telling, fault: string): Notice {
    // The clock may have been set since it was found, and others may have joined it.
    const known = this.tracked?.news ?? this.news;
    const { startedAt, confirmedAt } = known.facts;
    const news = { ...known, facts: { ...(this.tracked?.facts ?? known.facts), startedAt, confirmedAt } };
    const recipient: Recipient = { contact: policy.contact(telling.contact), channel: telling.channel };
    if (telling.kind === "resolve") {
      const resolvedAt = this.resolvedAt ?? this.news.facts.confirmedAt;
      const { contact, channel } = telling;
      const isLate = ![...this.tellings.values()].some(
        (one) => one.kind !== "resolve" && one.state === "told" && one.contact === contact && one.channel === channel,
      );
      return fallbackRecovery(policy, news, recipient, { resolvedAt, isLate });
    }
    const steps = stepsOf(policy.plan, "page").map(
      (step): PlannedStep => ({ ...step, at: secondsAfter(this.news.facts.confirmedAt, step.afterSeconds) }),
    );
    const step = steps[telling.step] ?? { afterSeconds: 0, recipients: [recipient], at: this.news.facts.confirmedAt };
    const before = steps.slice(0, telling.step).flatMap(({ recipients }) => recipients);
    const next = steps[telling.step + 1];
    return fallbackNotice(policy, news, recipient, { number: telling.step, step, next, before, fault });
  }

  /** Who heard of it the usual way. */
  adopt(heard: readonly Pick<Notice, "to" | "channel">[], at: Temporal.Instant): void {
    for (const { to, channel } of heard) {
      const telling = this.#add({ kind: "page", contact: to.id, channel, step: 0 }, this.foundSeconds);
      Object.assign(telling, { state: "told", toldAt: at });
    }
  }

  /** What an earlier process wrote down. One that was on its way then is told again: nobody knows whether it arrived. */
  learn(entry: Exclude<JournalEntry, { event: "found" }>): void {
    if (entry.event === "over") {
      this.resolvedAt = entry.resolvedAt;
      return;
    }
    const { kind, contact, channel, step } = entry;
    const telling = this.#add({ kind, contact, channel, step }, this.foundSeconds);
    if (entry.event === "told") Object.assign(telling, { state: "told", toldAt: entry.at });
    if (entry.event === "leaving") telling.copies++;
    if (entry.event === "refused") telling.copies--;
    if (telling.state === "waiting" && telling.copies >= mostCopies) telling.state = "unanswered";
  }

  #isStuck({ state, triedSeconds }: Telling, nowSeconds: number): boolean {
    return !this.isTold && state !== "told" && triedSeconds !== undefined && triedSeconds + stuckSeconds <= nowSeconds;
  }

  /** Everybody who heard of it, or should have by now, hears that it is over. */
  #planEnd(nowSeconds: number): void {
    for (const telling of [...this.tellings.values()]) {
      if (telling.kind === "resolve") continue;
      if (telling.state === "waiting") telling.state = "withdrawn";
      this.#add({ ...pick(telling), kind: "resolve" }, nowSeconds);
    }
  }

  #add(who: Omit<Telling, "state" | "attempts" | "copies" | "atSeconds" | "incident">, atSeconds: number): Telling {
    const key = JSON.stringify([who.kind === "resolve", who.contact, who.channel]);
    const known = this.tellings.get(key);
    if (known) return known;
    const telling: Telling = { ...who, incident: this.name, state: "waiting", attempts: 0, copies: 0, atSeconds };
    this.tellings.set(key, telling);
    return telling;
  }
}

const pick = ({ kind, contact, channel, step }: Telling) => ({ kind, contact, channel, step });

/** What it is called while it has no number. */
export const nameOf = ({ key, startedAt }: News["facts"]): string => `${key}@${startedAt.toString()}`;
