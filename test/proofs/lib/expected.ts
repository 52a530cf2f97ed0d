/** Who has to hear of an outage, when, and of its end: the escalation counted by hand. */
import type { OnCall } from "../../../core/organisation.ts";
import type { Outage } from "./observer.ts";

/** While the channel refuses. */
export interface Refusal {
  readonly from: Temporal.Instant;
  readonly to: Temporal.Instant;
}

/** One message, to be compared with what was sent: kind and contact, at the second in which it is due. */
export interface Message {
  readonly what: string;
  readonly contact: string;
  readonly at: Temporal.Instant;
}

/** All that goes out about it when every message is accepted at once. */
export function messagesOf(outage: Outage, onCall: OnCall): readonly Message[] {
  if (outage.isExplained) return [];
  const told = outage.impact === "down" ? pages(outage, onCall) : tickets(outage, onCall);
  const { resolvedAt } = outage;
  if (!resolvedAt) return told;
  const contacts = [...new Set(told.map(({ contact }) => contact))];
  return [...told, ...contacts.map((contact) => message("resolve", contact, resolvedAt))];
}

/** All that may go out about it where pages are not accepted for a while: each step may be told long before its time. */
export function mostMessagesOf(outage: Outage, onCall: OnCall): readonly Message[] {
  return messagesOf(outage, { ...onCall, escalation: onCall.escalation.map((step) => ({ ...step, afterSeconds: 0 })) });
}

function pages({ confirmedAt, resolvedAt, takenAt }: Outage, { escalation }: OnCall): readonly Message[] {
  return escalation.flatMap(({ afterSeconds, notify }, step) => {
    const at = confirmedAt.add({ seconds: afterSeconds });
    const isOver = [resolvedAt, takenAt].some((moment) => moment && Temporal.Instant.compare(moment, at) <= 0);
    if (isOver) return [];
    return notify.map((contact) => message(step === 0 ? "page" : "escalation", contact, at));
  });
}

/** Tickets go once, to the last step. */
function tickets({ confirmedAt }: Outage, { escalation }: OnCall): readonly Message[] {
  return (escalation.at(-1)?.notify ?? []).map((contact) => message("ticket", contact, confirmedAt));
}

/** Something that was to go out about it was refused at first. */
export function isDisturbed({ confirmedAt, resolvedAt }: Outage, refusals: readonly Refusal[]): boolean {
  return refusals.some(
    ({ from, to }) =>
      Temporal.Instant.compare(to, confirmedAt) >= 0 &&
      (resolvedAt === undefined || Temporal.Instant.compare(from, resolvedAt) <= 0),
  );
}

const message = (kind: string, contact: string, at: Temporal.Instant): Message => ({
  what: `${kind} to ${contact}`,
  contact,
  at,
});
