/**
 * How an escalation goes on: begun, told anew, released from a wait, inhibited by its root cause, a step that is due, and
 * its end. Each is decided from what the store holds, inside the transaction that writes what follows from it.
 */
import { secondsAfter } from "../../core/clock.ts";
import type { Escalation, EscalationFacts, EscalationState, News } from "../../core/escalation.ts";
import type { Incident } from "../../core/incident.ts";
import { type Localised, sameInAll } from "../../core/language.ts";
import type { Notice } from "../../core/notice.ts";
import type { CheckKey } from "../../core/sample.ts";
import type { Due } from "../../core/store/due.ts";
import type { Escalate, Escalated } from "../../core/store/escalations.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";
import {
  isAlarming,
  type Reached,
  recoveryNotices,
  type StepText,
  sinceTheirEnd,
  stepNotices,
  unsentKeys,
} from "./notices.ts";
import { announcedBy, beforeAll, isBefore, type Recipient, stepsLeft, stepsOf } from "./plan.ts";
import type { Policy } from "./policy.ts";

/** How an escalation may begin. */
export type Beginning = Extract<EscalationState, { state: "told" | "waiting" | "inhibited" }>;

interface Revision {
  readonly news: News;
  readonly foundAt: Temporal.Instant;
  readonly as: Beginning;
  /** Of the incident at its opening: it makes the subject, which stays the same. */
  readonly title: Localised;
}

/** The incident just opened. */
export function begin(policy: Policy, incident: number, { title, ...revision }: Revision): Escalated {
  const first = { incident, ...policy.thread(incident, title), revision: 0, noLaterThan: [] };
  return goOn(policy, revised(first, revision), { trouble: policy.trouble(revision.news), notices: [] });
}

/**
 * It became worse, or outlasts what explained it: all is told from the beginning, in the same thread and in place of what
 * was not sent yet. No later step is put off by that.
 */
export function tellAnew(policy: Policy, { title, ...revision }: Revision): Escalate {
  return ({ incident: { id }, escalation, notices }) => {
    const first = {
      incident: id,
      ...threadOf(policy, id, escalation, title),
      revision: (escalation?.revision ?? 0) + 1,
      noLaterThan: escalation ? announced(policy, escalation) : [],
    };
    const next = goOn(policy, revised(first, revision), { trouble: policy.trouble(revision.news), notices });
    return { ...next, supersede: unsentKeys(notices) };
  };
}

/** It came back soon after its end: told anew, and what is unsent of that end is not true any more. */
export function resume(policy: Policy, revision: Revision): Escalate {
  return (before) => {
    const told = tellAnew(policy, revision)(before);
    const ends = before.notices.filter(({ kind, state }) => kind === "resolve" && state === "pending");
    return { ...told, supersede: [...(told.supersede ?? []), ...ends.map(({ key }) => key)] };
  };
}

/** What joined it is named in one more notice to all who were told, at that moment; whatever is unsent goes out as it is. */
export function callTheRoll(
  policy: Policy,
  { news, until, at }: { readonly news: News; readonly until: Temporal.Instant; readonly at: Temporal.Instant },
): Escalate {
  return ({ escalation }) => {
    if (escalation?.state !== "told" && escalation?.state !== "waiting") return {};
    // Nobody was told yet, or this very roll is planned.
    if (escalation.told.steps === 0) return { escalation: { ...escalation, news } };
    const { incident, thread, subject, revision, next } = escalation;
    const first = { incident, thread, subject, revision: revision + 1, noLaterThan: announced(policy, escalation) };
    const dueAt = next && isBefore(next.dueAt, until) ? next.dueAt : until;
    const waiting = { state: "waiting", until: dueAt, candidates: [] } as const;
    return { escalation: { ...revised(first, { news, foundAt: at, as: waiting }), next: { dueAt, plannedAt: at } } };
  };
}

/** It comes and goes, and is well for now: nobody else is called until then, when that is not its end. */
export function pauseUntil(until: Temporal.Instant, at: Temporal.Instant): Escalate {
  return ({ escalation }) => {
    const isWaiting = escalation?.state === "waiting" && escalation.candidates.length > 0;
    if (!escalation || (escalation.state !== "told" && !isWaiting)) return {};
    const next = { dueAt: until, plannedAt: at };
    return { escalation: { ...factsOf(escalation), next, state: "waiting", until, candidates: [] } };
  };
}

/** All that it waited for was found well: it is told at once, while later steps keep the time that was planned for them. */
export function release(policy: Policy, at: Temporal.Instant): Escalate {
  return ({ incident, escalation, notices }) => {
    if (escalation?.state !== "waiting") return {};
    const [first] = stepsOf(policy.plan, urgencyOf(escalation, incident));
    const atOnce = first ? [{ from: at, afterSeconds: beforeAll, upToSeconds: first.afterSeconds }] : [];
    const noLaterThan = [...escalation.noLaterThan, ...atOnce];
    // Where the clock was put back since it was found, that must not keep it waiting for as long.
    const foundAt = isBefore(escalation.foundAt, at) ? escalation.foundAt : at;
    const trouble = troubleOf(policy, incident, escalation);
    const plannedAt = escalation.next?.plannedAt;
    return goOn(policy, asTold({ ...escalation, foundAt, noLaterThan }), { trouble, notices, now: at, plannedAt });
  };
}

/** It waits for these from now on, and not for others that were found well. */
export function waitFor(candidates: readonly CheckKey[]): Escalate {
  return ({ escalation }) => (escalation?.state === "waiting" ? { escalation: { ...escalation, candidates } } : {});
}

/** Its root cause is told in its place: what is unsent of it goes to nobody. */
export function inhibit(by: CheckKey): Escalate {
  return ({ escalation, notices }) => {
    const supersede = unsentKeys(notices);
    if (!escalation || escalation.state === "acknowledged") return { supersede };
    return { escalation: { ...factsOf(escalation), next: undefined, state: "inhibited", by }, supersede };
  };
}

/** What was planned for this moment is done. */
export function take(policy: Policy, due: Due): Escalate {
  return ({ incident, escalation, notices }) => {
    if (!escalation) return {};
    const known = escalation.told.afterSeconds === undefined ? counted(policy, incident, escalation, due) : escalation;
    return goOn(policy, known, { trouble: troubleOf(policy, incident, known), notices, now: due.dueAt });
  };
}

/** Nobody accepts this page, or will: the step after it is told now. */
export function hurry(policy: Policy, refused: Notice["step"], now: Temporal.Instant): Escalate {
  return ({ incident, escalation, notices }) => {
    if (!escalation?.next || !refused) return {};
    const { revision, told, next: planned } = escalation;
    const isRoll = isRollPlanned(escalation) && revision === refused.revision + 1;
    const isNext = escalation.state === "told" && revision === refused.revision && told.steps === refused.number + 1;
    if (!isRoll && !isNext) return {};
    const trouble = troubleOf(policy, incident, escalation);
    const steps = stepsOf(policy.plan, trouble.facts.urgency);
    if (isRoll && steps.length < refused.number + 2) return {};
    // What was going to name all does so now.
    let after = isRoll ? asTold(escalation) : escalation;
    const add: Notice[] = [];
    while (after.told.steps < refused.number + 2) {
      const [step, next] = stepsLeft(after, steps);
      if (!step) break;
      const before = [...notices, ...add];
      const one = tell(policy, after, { trouble, step: { ...step, at: now }, next, before });
      add.push(...one.add);
      after = one.after;
    }
    if (add.length === 0) return {};
    // As if it were the moment that was planned: the step after it keeps its own.
    const { dueAt, plannedAt } = planned;
    return joined(add, goOn(policy, after, { trouble, notices: [...notices, ...add], now: dueAt, plannedAt }));
  };
}

/** One more notice is to name all that joined it. */
const isRollPlanned = (escalation: Escalation): boolean =>
  escalation.state === "waiting" && escalation.candidates.length === 0 && escalation.told.steps === 0;

/** What is over: when, and whether it was, or is only watched no more. */
export interface End {
  readonly news: Pick<News, "facts" | "name">;
  readonly title: Localised;
  readonly resolvedAt: Temporal.Instant;
  readonly unwatched: boolean;
  readonly now: Temporal.Instant;
}

/**
 * Everybody who got a message, or should have got it by now, hears that it is over, by the same channel and once.
 * What is still unsent is superseded by that; of a step that was not due yet nobody hears anything at all.
 */
export function end(policy: Policy, { news, title, now, ...over }: End): Escalate {
  return ({ incident, escalation, notices }) => {
    if (!escalation) return { supersede: unsentKeys(notices) };
    const known = { ...escalation, ...threadOf(policy, incident.id, escalation, title), next: undefined };
    const relapses = incident.flapping?.relapses ?? 0;
    const recipients = toldOf(notices, missedFirst(policy, incident, escalation, now));
    const add = recoveryNotices(policy, known, policy.recovery(news, { ...over, relapses }), { recipients, now });
    const unsent = notices.filter((notice) => isAlarming(notice) && notice.state === "pending");
    return { escalation: known, supersede: unsent.map(({ key }) => key), add };
  };
}

/** Those who were reached, and those whose notice was due and unsent. */
function toldOf(notices: readonly NoticeStatus[], missed: readonly Recipient[]): readonly Reached[] {
  const alarming = sinceTheirEnd(notices).filter(isAlarming);
  const late = [
    ...missed.map(({ contact, channel }) => ({ contact: contact.id, channel })),
    ...alarming.filter(({ state }) => state === "pending").map(({ to, channel }) => ({ contact: to.id, channel })),
  ];
  const reached = alarming.filter(({ state }) => state === "sent" || state === "sending");
  const all = [
    ...late.map((one) => ({ ...one, isLate: true })),
    ...reached.map(({ to, channel }) => ({ contact: to.id, channel, isLate: false })),
  ];
  return [...new Map(all.map((one) => [`${one.contact} ${one.channel}`, one])).values()];
}

/** The first step, where its time has come and only a candidate cause kept it back, or a moment. */
function missedFirst(
  policy: Policy,
  incident: Incident,
  escalation: Escalation,
  now: Temporal.Instant,
): readonly Recipient[] {
  const { state, told } = escalation;
  const isUntold = (state === "waiting" || state === "told") && told.steps === 0;
  const [first] = stepsOf(policy.plan, urgencyOf(escalation, incident));
  if (!isUntold || !first) return [];
  return isBefore(secondsAfter(escalation.foundAt, first.afterSeconds), now) ? first.recipients : [];
}

function revised(
  first: Pick<EscalationFacts, "incident" | "thread" | "subject" | "revision" | "noLaterThan">,
  { news, foundAt, as }: Omit<Revision, "title">,
): Escalation {
  const countedFrom = as.state === "waiting" ? as.until : foundAt;
  return { ...first, foundAt, countedFrom, told: { steps: 0 }, news, next: undefined, ...as };
}

/** How often a plan that reaches nobody is read again. */
const whileNobody = { seconds: 60 };

interface GoingOn {
  readonly trouble: ReturnType<Policy["trouble"]>;
  readonly notices: readonly (NoticeStatus | Notice)[];
  /** By the clock that the plan was made with; what was found is told in that very moment. */
  readonly now?: Temporal.Instant;
  /** From when the next step is reckoned: that moment, or the one of the row in whose place it comes. */
  readonly plannedAt?: Temporal.Instant | undefined;
}

/** Tells all steps that are due, and plans the next. */
function goOn(policy: Policy, escalation: Escalation, { trouble, notices, ...at }: GoingOn): Escalated {
  const now = at.now ?? escalation.foundAt;
  const plannedAt = at.plannedAt ?? now;
  if (escalation.state === "waiting" && !isBefore(escalation.until, now)) {
    return { escalation: { ...escalation, next: { dueAt: escalation.until, plannedAt } } };
  }
  if (escalation.state !== "told" && escalation.state !== "waiting") {
    return { escalation: { ...escalation, next: undefined } };
  }
  const current = asTold(escalation);
  const steps = stepsOf(policy.plan, trouble.facts.urgency);
  // Nobody is to be told at all, which a reload may change: nothing is over by that.
  if (steps.length === 0) return { escalation: { ...current, next: { dueAt: plannedAt.add(whileNobody), plannedAt } } };
  const [step, next] = stepsLeft(current, steps);
  if (!step) return { escalation: current };
  if (!isBefore(step.at, now)) return { escalation: { ...current, next: { dueAt: step.at, plannedAt } } };
  const { add, after } = tell(policy, current, { trouble, step, next, before: notices });
  return joined(add, goOn(policy, after, { trouble, notices: [...notices, ...add], now, plannedAt }));
}

function tell(
  policy: Policy,
  escalation: Escalation,
  text: StepText,
): { readonly add: readonly Notice[]; readonly after: Escalation } {
  const { told } = escalation;
  return {
    add: stepNotices(policy, escalation, text),
    after: { ...escalation, told: { steps: told.steps + 1, afterSeconds: text.step.afterSeconds } },
  };
}

const joined = (add: readonly Notice[], rest: Escalated): Escalated => ({
  ...rest,
  add: [...add, ...(rest.add ?? [])],
});

const asTold = (escalation: Escalation): Escalation => ({ ...factsOf(escalation), next: undefined, state: "told" });

function factsOf(escalation: Escalation): EscalationFacts {
  const { incident, thread, subject, revision, foundAt, countedFrom, told, noLaterThan, news, next } = escalation;
  return { incident, thread, subject, revision, foundAt, countedFrom, told, noLaterThan, news, next };
}

/** What somebody is waiting for still; a ticket, or what was taken back, announced nothing. */
function announced(policy: Policy, escalation: Escalation): EscalationFacts["noLaterThan"] {
  if (escalation.state !== "told" && escalation.state !== "waiting") return [];
  if (escalation.news?.facts.urgency === "ticket") return [];
  return announcedBy(escalation, stepsOf(policy.plan, "page"));
}

const urgencyOf = ({ news }: Escalation, incident: Incident) => news?.facts.urgency ?? incident.urgency;

function threadOf(policy: Policy, incident: number, known: Escalation | undefined, title: Localised) {
  if (!known || known.thread === "") return policy.thread(incident, title);
  return { thread: known.thread, subject: known.subject };
}

/** An older version began it, and planned each step on its own: how late this one is by the plan of today tells the others. */
function counted(policy: Policy, incident: Incident, escalation: Escalation, { dueAt }: Due): Escalation {
  const isOlder = escalation.news === undefined && escalation.state === "waiting";
  if (escalation.told.steps === 0 && !isOlder) return escalation;
  const [step] = stepsLeft(escalation, stepsOf(policy.plan, urgencyOf(escalation, incident)));
  return step ? { ...escalation, countedFrom: secondsAfter(dueAt, -step.afterSeconds) } : escalation;
}

function troubleOf(policy: Policy, incident: Incident, { news }: Escalation) {
  return policy.trouble(news ?? newsWithoutTries(incident));
}

/** What an older version was going to say it has written down with its notices; this is for whoever was not to get one. */
export function newsWithoutTries(facts: News["facts"]): News {
  return { facts, name: sameInAll(facts.target), seen: { kind: "tries", tries: [], needed: 1 } };
}
