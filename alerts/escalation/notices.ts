/** The notices of an escalation as they are sent: one for each contact and channel of a step, and the one that it is over. */
import type { Escalation } from "../../core/escalation.ts";
import { fallbackLanguage, inLanguage } from "../../core/language.ts";
import { type Notice, textSection } from "../../core/notice.ts";
import type { Contact } from "../../core/organisation.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";
import type { PlannedStep, Recipient } from "./plan.ts";
import type { Policy } from "./policy.ts";
import { type Part, type Recovery, recoveryWords, type Trouble, troubleWords, type Words } from "./wording.ts";

/** What a step says, and to whom else it and the steps before it say it. */
export interface StepText {
  readonly trouble: Trouble;
  readonly step: PlannedStep;
  readonly next: PlannedStep | undefined;
  /** Of the same incident, as they stand. */
  readonly before: readonly (Notice | NoticeStatus)[];
}

/** The notices of the next step of an escalation. */
export function stepNotices(policy: Policy, escalation: Escalation, text: StepText): readonly Notice[] {
  const { trouble, step, next } = text;
  const isTicket = trouble.facts.urgency === "ticket";
  const number = escalation.told.steps;
  const told = [...namesToldBefore(policy, escalation, text.before), ...namesOf(step.recipients)];
  return step.recipients.map(({ contact, channel }): Notice => {
    const part: Part = isTicket
      ? { role: "ticket", told }
      : {
          role: number === 0 ? "first" : "escalated",
          told,
          ...(next && { next: { names: namesOf(next.recipients), at: next.at } }),
          acknowledgeUrl: policy.acknowledgeUrl(escalation.incident, contact, step.at),
        };
    return {
      ...common(escalation, contact.id, channel),
      key: `${escalation.thread}.${revisionName(escalation)}-${isTicket ? "ticket" : number}.${contact.id}.${channel}`,
      kind: kindOf(isTicket, number),
      urgency: isTicket ? "soon" : "now",
      step: { revision: escalation.revision, number },
      ...(writtenBefore(escalation, text, { contact, channel }) ?? wordsOf(trouble, contact, part)),
      notBefore: step.at,
    };
  });
}

/** That it is over, for each of these. */
export function recoveryNotices(
  policy: Policy,
  escalation: Escalation,
  recovery: Recovery,
  { recipients, now }: { readonly recipients: readonly Reached[]; readonly now: Temporal.Instant },
): readonly Notice[] {
  return recipients.map(
    ({ contact, channel, isLate }): Notice => ({
      ...common(escalation, contact, channel),
      key: `${escalation.thread}.${endName(recovery)}.${contact}.${channel}`,
      kind: "resolve",
      urgency: "soon",
      ...recoveryWords(recovery, policy.contact(contact), isLate),
      notBefore: now,
    }),
  );
}

export interface Reached {
  readonly contact: string;
  readonly channel: string;
  /** Nothing about the incident reached them while it lasted. */
  readonly isLate: boolean;
}

const alarming: ReadonlySet<Notice["kind"]> = new Set(["page", "escalation", "ticket"]);
/** It says that something is wrong. */
export const isAlarming = ({ kind }: Pick<Notice, "kind">): boolean => alarming.has(kind);

/** Without what was told before the last end that a reader heard of, or hears of still: it is over for them. */
export function sinceTheirEnd<One extends Pick<NoticeStatus, "kind" | "state" | "to" | "channel">>(
  notices: readonly One[],
): readonly One[] {
  const readers = Map.groupBy(notices, ({ to, channel }) => `${to.id} ${channel}`);
  return [...readers.values()].flatMap((own) =>
    own.slice(own.findLastIndex(({ kind, state }) => kind === "resolve" && state !== "superseded") + 1),
  );
}

/** Not sent yet; what is on its way may still arrive. */
export const unsentKeys = (notices: readonly NoticeStatus[]): readonly string[] =>
  notices
    .filter((one) => isAlarming(one) && (one.state === "pending" || one.state === "sending"))
    .map(({ key }) => key);

function kindOf(isTicket: boolean, number: number): Notice["kind"] {
  if (isTicket) return "ticket";
  return number === 0 ? "page" : "escalation";
}

/** One that came back ends more than once. */
const endName = ({ relapses }: Recovery): string => (relapses === 0 ? "resolved" : `resolved-${relapses}`);

const revisionName = ({ revision }: Escalation): string => (revision === 0 ? "page" : `again-${revision}`);

function common({ incident, thread, subject }: Escalation, contact: string, channel: string) {
  // Their own words are English.
  const to = { kind: "contact", id: contact } as const;
  return { incident, to, channel, thread, headline: subject, language: fallbackLanguage };
}

/** "Contractor (email, ntfy)" */
export function namesOf(recipients: readonly Recipient[]): readonly string[] {
  const byContact = Map.groupBy(recipients, ({ contact }) => contact.id);
  return [...byContact.values()].flatMap(([first, ...more]) =>
    first ? [`${first.contact.name} (${[first, ...more].map(({ channel }) => channel).join(", ")})`] : [],
  );
}

/** Whom the earlier steps of this revision told, step by step. */
function namesToldBefore(policy: Policy, { revision }: Escalation, notices: StepText["before"]): readonly string[] {
  const told = notices.flatMap(({ step, to, channel }) =>
    step?.revision === revision ? [{ number: step.number, contact: policy.contact(to.id), channel }] : [],
  );
  const steps = [...Map.groupBy(told, ({ number }) => number)].sort(([a], [b]) => a - b);
  return steps.flatMap(([, recipients]) => namesOf(recipients));
}

/** An older version wrote each step down beforehand, and what it was going to say with it. */
function writtenBefore(
  { news, told }: Escalation,
  { before, trouble, step }: StepText,
  { contact, channel }: Recipient,
): Words | undefined {
  if (news) return undefined;
  const kind = kindOf(trouble.facts.urgency === "ticket", told.steps);
  const planned = before.find(
    (one) =>
      "state" in one &&
      one.state === "superseded" &&
      one.kind === kind &&
      (kind !== "escalation" || one.notBefore.equals(step.at)) &&
      one.to.id === contact.id &&
      one.channel === channel,
  );
  return planned && { summary: planned.summary, sections: planned.sections, actions: planned.actions };
}

/** An accident with words must not cost the page: the incident would go unwritten with it. */
function wordsOf(trouble: Trouble, contact: Contact, part: Part): Words {
  try {
    return troubleWords(trouble, contact, part);
  } catch {
    const { facts, language } = trouble;
    const title = inLanguage(facts.title, language);
    const text = `${title}\n${facts.reason}\n${part.acknowledgeUrl ?? ""}\n(More could not be written.)`;
    return { summary: title, sections: [textSection(text)], actions: [] };
  }
}
