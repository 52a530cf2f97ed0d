/**
 * Who is told, by what, and when: the whole escalation is written into the outbox when the incident opens, so that it
 * needs nobody afterwards. Acknowledging or resolving supersedes what is still unsent.
 */
import { createHash } from "node:crypto";
import { acknowledgeSeconds, signToken } from "../../core/action-token.ts";
import type { Notice } from "../../core/channel.ts";
import type { Incident } from "../../core/incident.ts";
import { inLanguage } from "../../core/language.ts";
import type { Contact, EscalationStep, OnCall } from "../../core/organisation.ts";
import type { NoticeStatus, NoticesAnew } from "../../core/store/outbox.ts";
import { type Part, type Recovery, recoveryBody, type Trouble, troubleBody } from "./wording.ts";

type Instant = Temporal.Instant;

export interface Plan {
  readonly onCall: OnCall;
  /** Names of the configured channels. */
  readonly channels: readonly string[];
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly signingKey: Uint8Array;
  /** Zone for a contact that is not in the configuration any more. */
  readonly timeZone: string;
}

/** One message of an incident, for one contact by one channel. */
interface Recipient {
  readonly contact: Contact;
  readonly channel: string;
}

/** What keeps all messages about an incident together. */
export interface Thread {
  readonly thread: string;
  readonly subject: string;
}

/**
 * It opened; it became worse, or outlasted what explained it. Both may happen more than once, so they are numbered by
 * how many notices there were before: two of the same moment, by a clock that was put back, are still two.
 */
export type Round = "page" | `raised-${number}` | `outlasts-${number}`;

interface Envelope extends Thread {
  /** Tells a later round of the same incident from the first. */
  readonly round: Round;
  /** The steps count from here. */
  readonly from: Instant;
  /** What these take the place of: a step that was planned and not reached yet comes no later than it was to. */
  readonly instead?: readonly NoticeStatus[];
}

/** The notices of an incident that just opened or became worse. */
export function planNotices(trouble: Trouble, plan: Plan, envelope: Envelope): readonly Notice[] {
  return trouble.facts.urgency === "page" ? planPages(trouble, plan, envelope) : planTickets(trouble, plan, envelope);
}

function planPages(trouble: Trouble, plan: Plan, envelope: Envelope): readonly Notice[] {
  const steps = stepsOf(plan).map((step, index) => ({ ...step, at: momentOf(step, index, trouble, envelope) }));
  return steps.flatMap((step, index) => {
    const next = steps[index + 1];
    const { at } = step;
    return step.recipients.map(({ contact, channel }): Notice => {
      const part: Part = {
        role: index === 0 ? "first" : "escalated",
        told: steps.slice(0, index + 1).flatMap(namesOf),
        ...(next && { next: { names: namesOf(next), at: next.at } }),
        acknowledgeUrl: acknowledgeUrl(trouble.id, contact, plan, at),
      };
      return {
        ...common(trouble.id, contact, channel, envelope),
        key: `${envelope.thread}.${envelope.round}${stepKey(index, contact.id, channel)}`,
        kind: index === 0 ? "page" : "escalation",
        urgency: "now",
        body: bodyOf(trouble, contact, part),
        notBefore: at,
      };
    });
  });
}

function momentOf(step: Step, index: number, { facts }: Trouble, { from, instead = [] }: Envelope): Instant {
  const keys = step.recipients.map(({ contact, channel }) => stepKey(index, contact.id, channel));
  const before = instead.filter(({ state, key }) => state === "pending" && keys.some((one) => key.includes(one)));
  const planned = from.add({ seconds: step.afterSeconds });
  const { confirmedAt: found } = facts;
  return before.reduce((at, { notBefore }) => earlier(at, isBefore(notBefore, found) ? found : notBefore), planned);
}

const stepKey = (index: number, contact: string, channel: string): string => `-${index}.${contact}.${channel}`;

/** Tickets go once, to the last step: the team that looks after things by day. */
function planTickets(trouble: Trouble, plan: Plan, envelope: Envelope): readonly Notice[] {
  const last = stepsOf(plan).at(-1);
  return (last?.recipients ?? []).map(({ contact, channel }): Notice => {
    const part: Part = { role: "ticket", told: last ? namesOf(last) : [] };
    return {
      ...common(trouble.id, contact, channel, envelope),
      key: `${envelope.thread}.${envelope.round}-ticket.${contact.id}.${channel}`,
      kind: "ticket",
      urgency: "soon",
      body: bodyOf(trouble, contact, part),
      notBefore: envelope.from,
    };
  });
}

/**
 * Everybody who got a message, or should have got it by now, hears that it is over, by the same channel and once.
 * What is still unsent is superseded by that; a step that was not due yet hears nothing at all.
 * @param moments `foundAt`: when that was found of which was told last.
 */
export function planRecovery(
  recovery: Recovery,
  plan: Plan,
  existing: readonly NoticeStatus[],
  { now, foundAt }: { readonly now: Instant; readonly foundAt: Instant },
): ReturnType<NoticesAnew> {
  const told = existing.filter((notice) => alarming.has(notice.kind));
  const unsent = told.filter((notice) => notice.state === "pending");
  const reached = told.filter((notice) => notice.state === "sent" || notice.state === "sending");
  const first = foundAt.add({ seconds: stepsOf(plan)[0]?.afterSeconds ?? 0 });
  const missed = unsent.filter((notice) => wasDue(notice, now) || (isFirst(notice) && isBefore(first, now)));
  const known = new Set(reached.map(recipientKey));
  const recipients = new Map([...missed, ...reached].map((notice) => [recipientKey(notice), notice]));
  const add = [...recipients].map(([recipient, notice]): Notice => {
    const contact = plan.onCall.contacts.find(({ id }) => id === notice.contact) ?? stranger(notice.contact, plan);
    return {
      ...common(recovery.id, contact, notice.channel, notice),
      key: `${notice.thread}.resolved.${notice.contact}.${notice.channel}`,
      kind: "resolve",
      urgency: "soon",
      body: recoveryBody(recovery, contact, !known.has(recipient)),
      notBefore: now,
    };
  });
  return { supersede: unsent.map(({ key }) => key), add };
}

/** A later step counts only once it was tried: its planned time is no proof, because the clock may have been set. */
function wasDue(notice: NoticeStatus, now: Instant): boolean {
  return notice.attempts > 0 || (isFirst(notice) && isBefore(notice.notBefore, now));
}

/** Such a one may also have waited for a cause: then it is later than its step, and was kept from nobody on purpose. */
const isFirst = ({ kind }: NoticeStatus): boolean => kind !== "escalation";
const isBefore = (moment: Instant, now: Instant): boolean => Temporal.Instant.compare(moment, now) <= 0;

/** Nobody needs to be told of it any more: what is unsent of it, and nothing in its place. */
export function withdrawn(existing: readonly NoticeStatus[]): ReturnType<NoticesAnew> {
  const unsent = existing.filter(
    ({ kind, state }) => alarming.has(kind) && (state === "pending" || state === "sending"),
  );
  return { supersede: unsent.map(({ key }) => key), add: [] };
}

/**
 * What waited for a cause is due as if it were found at `at`. Its later steps keep the time that the page names; they are
 * written anew behind it all the same, because the last notice says whether all was withdrawn.
 */
export function hastened(existing: readonly NoticeStatus[], plan: Plan, at: Instant): ReturnType<NoticesAnew> {
  const first = at.add({ seconds: stepsOf(plan)[0]?.afterSeconds ?? 0 });
  const due = (notice: NoticeStatus) => earlier(notice.notBefore, notice.kind === "page" ? first : at);
  const unsent = existing.filter((one) => alarming.has(one.kind) && isUntried(one));
  const waiting = new Set(unsent.filter((one) => isFirst(one) && !due(one).equals(one.notBefore)));
  if (waiting.size === 0) return { supersede: [], add: [] };
  return {
    supersede: unsent.map(({ key }) => key),
    add: unsent.map((one) => ({
      ...one,
      key: `${one.key}.early`,
      notBefore: waiting.has(one) ? due(one) : one.notBefore,
    })),
  };
}

const isUntried = ({ state, attempts }: NoticeStatus): boolean => state === "pending" && attempts === 0;
const earlier = (a: Instant, b: Instant): Instant => (isBefore(a, b) ? a : b);

const alarming: ReadonlySet<Notice["kind"]> = new Set(["page", "escalation", "ticket"]);
const recipientKey = ({ contact, channel }: { contact: string; channel: string }) => `${contact} ${channel}`;

/** What the notices of an incident tell about it after a restart. */
export interface Told {
  readonly thread?: Thread;
  /** None of them says how bad it is now. */
  readonly untold: boolean;
  /** When the first step is due, as long as it was not tried. */
  readonly waitsUntil?: Instant;
}

export function toldBy(
  notices: readonly NoticeStatus[],
  { urgency, state }: Pick<Incident, "urgency" | "state">,
): Told {
  const [first] = notices;
  const last = notices.filter(({ kind }) => alarming.has(kind)).at(-1);
  const isTold = urgency !== "page" || notices.some(({ kind }) => kind === "page");
  const unsent = notices.findLast((notice) => isFirst(notice) && alarming.has(notice.kind) && isUntried(notice));
  // Of an open incident nothing is superseded at the end but what was withdrawn, because a cause was told in its place.
  const isWithdrawn = state === "open" && last?.state === "superseded";
  return {
    ...(first && { thread: { thread: first.thread, subject: first.subject } }),
    untold: last === undefined || !isTold || isWithdrawn,
    ...(unsent && { waitsUntil: unsent.notBefore }),
  };
}

export const reachesSomebody = (plan: Plan): boolean => stepsOf(plan).length > 0;

/** Steps that would reach nobody: a fault of the configuration that is worth a line in the log. */
export function emptySteps(plan: Plan): readonly EscalationStep[] {
  const { escalation } = plan.onCall;
  return escalation.filter((step) => recipientsOf(step, plan).length === 0);
}

/** An accident with words must not cost the page: the incident would go unwritten with it. */
function bodyOf(trouble: Trouble, contact: Contact, part: Part): string {
  try {
    return troubleBody(trouble, contact, part);
  } catch {
    const { facts, language } = trouble;
    return `${inLanguage(facts.title, language)}\n${facts.reason}\n${part.acknowledgeUrl ?? ""}\n(More could not be written.)\n`;
  }
}

interface Step {
  readonly afterSeconds: number;
  readonly recipients: readonly Recipient[];
}

/** Earliest first; a step that reaches nobody is as if it were not there. */
function stepsOf(plan: Plan): readonly Step[] {
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

/** "Contractor (email, ntfy)" */
function namesOf({ recipients }: Step): readonly string[] {
  const byContact = Map.groupBy(recipients, ({ contact }) => contact);
  return [...byContact].map(([{ name }, ways]) => `${name} (${ways.map(({ channel }) => channel).join(", ")})`);
}

function common(incident: number, contact: Contact, channel: string, { thread, subject }: Thread) {
  return { incident, contact: contact.id, channel, thread, subject };
}

/**
 * "incident-42-x7k2mq": numbers begin again in a new store, and a mail server silently swallows a second message with
 * a Message-ID that it has seen. The end is this installation's own.
 */
export function threadName(incident: number, { signingKey }: Pick<Plan, "signingKey">): string {
  const own = createHash("sha256").update("tidewatch installation\0").update(signingKey).digest("hex").slice(0, 6);
  return `incident-${incident}-${own}`;
}

function acknowledgeUrl(incident: number, contact: Contact, plan: Plan, at: Instant): string {
  const expires = Math.ceil(at.epochMilliseconds / 1000) + acknowledgeSeconds;
  return `${plan.baseUrl}/a/${signToken({ purpose: "acknowledge", incident, contact: contact.id, expires }, plan.signingKey)}`;
}

function stranger(id: string, { timeZone }: Plan): Contact {
  return { id, name: id, timeZone, addresses: {} };
}
