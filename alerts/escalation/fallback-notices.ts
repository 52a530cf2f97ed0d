/**
 * The notices that leave while the store cannot be written: they say the same, but have no number, and nothing can be
 * acknowledged.
 */
import type { News } from "../../core/escalation.ts";
import { fallbackLanguage } from "../../core/language.ts";
import type { Notice, Section } from "../../core/notice.ts";
import { namesOf } from "./notices.ts";
import type { PlannedStep, Recipient } from "./plan.ts";
import type { Policy } from "./policy.ts";
import { recoveryWords, troubleWords } from "./wording.ts";

export interface FallbackStep {
  readonly number: number;
  readonly step: PlannedStep;
  readonly next: PlannedStep | undefined;
  /** Whom the steps before it told. */
  readonly before: readonly Recipient[];
  /** What is wrong with the store, as a sentence. */
  readonly fault: string;
}

export function fallbackNotice(policy: Policy, news: News, recipient: Recipient, told: FallbackStep): Notice {
  const { number, step, next, before, fault } = told;
  const words = troubleWords(policy.trouble(news), recipient.contact, {
    role: number === 0 ? "first" : "escalated",
    told: [...namesOf(before), ...namesOf(step.recipients)],
    ...(next && { next: { names: namesOf(next.recipients), at: next.at } }),
  });
  return {
    ...common(policy, news, recipient, `page-${number}`),
    kind: number === 0 ? "page" : "escalation",
    urgency: "now",
    ...words,
    sections: [...words.sections, storeSection(fault)],
    notBefore: step.at,
  };
}

export function fallbackRecovery(
  policy: Policy,
  news: News,
  recipient: Recipient,
  end: { readonly resolvedAt: Temporal.Instant; readonly isLate: boolean },
): Notice {
  const { resolvedAt, isLate } = end;
  const recovery = policy.recovery(news, { resolvedAt, unwatched: false });
  return {
    ...common(policy, news, recipient, "resolved"),
    kind: "resolve",
    urgency: "soon",
    ...recoveryWords(recovery, recipient.contact, isLate),
    notBefore: resolvedAt,
  };
}

function common(policy: Policy, { facts }: News, { contact, channel }: Recipient, what: string) {
  const { thread, subject } = policy.threadWithoutNumber(facts);
  const to = { kind: "contact", id: contact.id } as const;
  const key = `${thread}.${what}.${contact.id}.${channel}`;
  return { key, thread, headline: subject, to, channel, language: fallbackLanguage, actions: [] };
}

function storeSection(fault: string): Section {
  return {
    about: "text",
    lines: [
      `Tidewatch cannot write what it sees: ${fault}.`,
      "So this has no number and cannot be acknowledged yet. Mend that as well: docs/runbooks/tidewatch-down.md.",
    ],
  };
}
