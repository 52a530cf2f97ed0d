/** Who is told at which step of an escalation, and when the next step comes: by the configuration of this moment. */
import { secondsAfter } from "../../core/clock.ts";
import type { Announced, Escalation } from "../../core/escalation.ts";
import type { IncidentFacts } from "../../core/incident.ts";
import type { Contact, EscalationStep, OnCall } from "../../core/organisation.ts";

export interface Plan {
  readonly onCall: OnCall;
  /** Names of the configured channels. */
  readonly channels: readonly string[];
}

/** One contact by one channel. */
export interface Recipient {
  readonly contact: Contact;
  readonly channel: string;
}

export interface Step {
  readonly afterSeconds: number;
  readonly recipients: readonly Recipient[];
}

export interface PlannedStep extends Step {
  readonly at: Temporal.Instant;
}

export const reachesSomebody = (plan: Plan): boolean => pageSteps(plan).length > 0;

/** Tickets go once, to the last step: the team that looks after things by day. */
export function stepsOf(plan: Plan, urgency: IncidentFacts["urgency"]): readonly Step[] {
  const steps = pageSteps(plan);
  return urgency === "page" ? steps : steps.slice(-1).map((last) => ({ ...last, afterSeconds: 0 }));
}

/** Those that are still to come. No later step comes before an earlier one. */
export function stepsLeft(escalation: Escalation, steps: readonly Step[]): readonly PlannedStep[] {
  const left = steps.filter((_, index) => !isTold(steps, index, escalation));
  return left.map((step, index) => {
    const moments = left.slice(index).map((one) => momentOf(one, escalation));
    return { ...step, at: moments.reduce(earlier) };
  });
}

/** By its time in the plan, which a reload may change, and among several of the same time by how many were told. */
function isTold(steps: readonly Step[], index: number, { told }: Escalation): boolean {
  const afterSeconds = steps[index]?.afterSeconds ?? 0;
  if (told.afterSeconds === undefined) return index < told.steps;
  if (told.afterSeconds !== afterSeconds) return afterSeconds < told.afterSeconds;
  // One of that time was told at least, however many steps were put before it since.
  const before = steps.filter((step) => step.afterSeconds < afterSeconds).length;
  return index - before < Math.max(1, told.steps - before);
}

/** What was announced comes no later than that; never before what is told now was found. */
function momentOf({ afterSeconds }: Step, { countedFrom, foundAt, noLaterThan }: Escalation): Temporal.Instant {
  const announced = noLaterThan
    .filter((one) => one.afterSeconds < afterSeconds && afterSeconds <= (one.upToSeconds ?? afterSeconds))
    .map(({ from }) => later(secondsAfter(from, afterSeconds), foundAt));
  return announced.reduce(earlier, secondsAfter(countedFrom, afterSeconds));
}

/** What this escalation announced and did not reach yet: a revision that begins anew puts off none of it. */
export function announcedBy(escalation: Escalation, steps: readonly Step[]): readonly Announced[] {
  const { told, noLaterThan, countedFrom: from, next } = escalation;
  if (!next) return [];
  const afterSeconds = told.afterSeconds ?? steps[told.steps - 1]?.afterSeconds ?? beforeAll;
  const before = noLaterThan
    .map((one) => ({ ...one, afterSeconds: Math.max(one.afterSeconds, afterSeconds) }))
    .filter((one) => one.upToSeconds === undefined || one.upToSeconds > one.afterSeconds);
  const isSaid = before.some((one) => one.afterSeconds <= afterSeconds && !one.upToSeconds && isBefore(one.from, from));
  return isSaid ? before : [...before, { from, afterSeconds }];
}

/** Later than this are all steps, the first one included. */
export const beforeAll = -1;

/** Earliest first; a step that reaches nobody is as if it were not there. */
function pageSteps(plan: Plan): readonly Step[] {
  return plan.onCall.escalation
    .map((step) => ({ afterSeconds: step.afterSeconds, recipients: recipientsOf(step, plan) }))
    .filter(({ recipients }) => recipients.length > 0)
    .sort((a, b) => a.afterSeconds - b.afterSeconds);
}

function recipientsOf(step: EscalationStep, { onCall, channels }: Plan): readonly Recipient[] {
  return [...new Set(step.notify)].flatMap((id) => {
    const contact = onCall.contacts.find((candidate) => candidate.id === id);
    if (!contact) return [];
    return channels
      .filter((channel) => contact.addresses[channel] !== undefined)
      .map((channel) => ({ contact, channel }));
  });
}

export const isBefore = (moment: Temporal.Instant, now: Temporal.Instant): boolean =>
  Temporal.Instant.compare(moment, now) <= 0;
const earlier = (a: Temporal.Instant, b: Temporal.Instant): Temporal.Instant => (isBefore(a, b) ? a : b);
const later = (a: Temporal.Instant, b: Temporal.Instant): Temporal.Instant => (isBefore(a, b) ? b : a);
