/**
 * Notices that lost their reader before they were sent: the contact, the address or the channel is not in the configuration
 * any more. What they were to be told goes to whom the plan names now, and to nobody who has heard of it.
 */
import type { Escalation } from "../../core/escalation.ts";
import type { IncidentFacts } from "../../core/incident.ts";
import type { Notice } from "../../core/notice.ts";
import type { Escalate } from "../../core/store/escalations.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";
import { isAlarming, stepNotices } from "./notices.ts";
import { type Plan, type PlannedStep, type Step, stepsLeft, stepsOf } from "./plan.ts";
import type { Policy } from "./policy.ts";
import { newsWithoutTries } from "./transitions.ts";

export function hasLostReader(plan: Plan, notices: readonly NoticeStatus[]): boolean {
  return notices.some((notice) => isAlarming(notice) && isUnsent(notice) && !reaches(plan, notice));
}

/** Planned anew at once; what was lost is superseded. */
export function planAnew(policy: Policy): Escalate {
  return ({ incident, escalation, notices }) => {
    const { plan } = policy;
    if (incident.state !== "open" || escalation?.state !== "told" || !hasLostReader(plan, notices)) return {};
    const alarming = notices.filter((notice) => isAlarming(notice) && isOfRevision(notice, escalation));
    const supersede = alarming.filter((notice) => isPending(notice) && !reaches(plan, notice)).map(({ key }) => key);
    const told = new Set(
      alarming
        .filter((notice) => notice.state === "sent" || (isPending(notice) && reaches(plan, notice)))
        .map(contactOf),
    );
    const trouble = policy.trouble(escalation.news ?? newsWithoutTries(incident));
    const add: Notice[] = [];
    for (const [number, step] of stepsToldBy(escalation, plan, trouble.facts).entries()) {
      const recipients = step.recipients.filter(({ contact }) => !told.has(contact.id));
      for (const { contact } of recipients) told.add(contact.id);
      const asThen = { ...escalation, told: { steps: number } };
      const [next] = stepsLeft(escalation, stepsOf(plan, trouble.facts.urgency));
      add.push(...stepNotices(policy, asThen, { trouble, step: { ...step, recipients }, next, before: notices }));
    }
    // While there is nobody at all it stays, for whom a later reload names.
    return told.size > 0 ? { supersede, add } : {};
  };
}

/** The steps of today that come no later than what was told; the first one at least. */
function stepsToldBy(
  { told, foundAt }: Escalation,
  plan: Plan,
  { urgency }: Pick<IncidentFacts, "urgency">,
): readonly PlannedStep[] {
  const steps = stepsOf(plan, urgency);
  const isTold = ({ afterSeconds }: Step, index: number) =>
    told.afterSeconds === undefined ? index < told.steps : afterSeconds <= told.afterSeconds;
  const before = steps.filter(isTold);
  return (before.length > 0 ? before : steps.slice(0, 1)).map((step) => ({ ...step, at: foundAt }));
}

/** A dropped one was given up because nobody was there to read it, or refused for good. */
const isUnsent = (notice: NoticeStatus): boolean => isPending(notice) || notice.state === "dropped";
const isPending = ({ state }: NoticeStatus): boolean => state === "pending" || state === "sending";
const contactOf = ({ to }: Pick<Notice, "to">): string => to.id;

const isOfRevision = ({ step }: NoticeStatus, { revision }: Escalation): boolean =>
  step === undefined || step.revision === revision;

function reaches({ onCall, channels }: Plan, { to, channel }: Pick<Notice, "to" | "channel">): boolean {
  const contact = onCall.contacts.find(({ id }) => id === to.id);
  return channels.includes(channel) && contact?.addresses[channel] !== undefined;
}
