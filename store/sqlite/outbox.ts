/** The outbox: notices wait here, are leased to a channel, and stay with what became of them. */
import { z } from "zod";
import { fallbackLanguage } from "../../core/language.ts";
import { Action, addresseeKinds, type Notice, noticeKinds, Section, textSection } from "../../core/notice.ts";
import {
  type Claim,
  type ClaimedNotice,
  mostCopies,
  type NoticeStatus,
  notConfirmed,
  type Outbox,
  type Settled,
} from "../../core/store/outbox.ts";
import {
  allReadable,
  instant,
  json,
  maybeNumeric,
  maybeText,
  numeric,
  oneOf,
  type Row,
  readable,
  text,
} from "./rows.ts";
import { all, type Driver, get, run, statement, type Transaction } from "./statements.ts";

// A page is not kept back because a newer version laid it out in another way.
const Sections = z.array(Section.extend({ about: Section.shape.about.catch("text") })).readonly();
const Actions = z.array(Action.nullable().catch(null)).transform((actions) => actions.filter((one) => one !== null));
const states = ["pending", "sending", "sent", "superseded", "dropped"] as const;
/** Of a kind that this version does not know it touches nothing. */
const isKnown = `kind in (${quoted(noticeKinds)}) and addressee in (${quoted(addresseeKinds)})`;

const insert = statement(
  `insert into notice (key, kind, urgency, incident, contact, channel, thread, subject, body,
     not_before, not_after, state, due_at, revision, step, addressee, summary, sections, actions, language)
   values (?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?)
   on conflict (key) do nothing`,
);
const setSuperseded = statement(
  "update notice set state = 'superseded' where key = ? and state in ('pending', 'sending')",
);
const dropLate = statement(
  `update notice set state = 'dropped', last_error = coalesce(last_error, 'it could not be sent in time')
   where channel = ? and not_after < ? and (state = 'pending' or (state = 'sending' and due_at <= ?)) and ${isKnown}`,
);
const dueOf = statement(
  `select * from notice where channel = ? and state in ('pending', 'sending') and due_at <= ? and copies < ?
   order by attempts, due_at, id limit ? offset ?`,
);
const lease = statement(
  `update notice set state = 'sending', attempts = attempts + 1, due_at = ?, claimed_by = ?
   where id = ? and state in ('pending', 'sending') and due_at <= ? returning *`,
);
const addCopy = statement(
  "update notice set copies = copies + 1 where key = ? and state in ('pending', 'sending') and copies < ?",
);
const takeBackCopy = statement("update notice set copies = copies - 1 where key = ? and copies > 0");
// Whatever was decided meanwhile: it went out.
const setSent = statement("update notice set state = 'sent', sent_at = ?, last_error = null where key = ?");
const setRetry = statement(
  `update notice set last_error = ?, due_at = ?, attempts = attempts - ?,
     state = case state when 'sending' then 'pending' else state end where key = ? and attempts = ?`,
);
const setDropped = statement(
  `update notice set last_error = ?,
     state = case when state in ('pending', 'sending') then 'dropped' else state end where key = ? and attempts = ?`,
);
// An older version put down nobody's name: there was one process.
const release = statement(
  `update notice set state = 'pending', due_at = ?,
     last_error = case when copies >= ? then ? else coalesce(last_error, 'interrupted by a restart') end
   where ${isKnown} and ((state = 'sending' and (claimed_by is null or claimed_by = ? or due_at <= ?))
     or (state = 'pending' and attempts > 0 and (claimed_by is null or claimed_by = ?)))`,
);
const keepReference = statement(
  `insert into thread_reference (thread, channel, addressee, contact, reference)
   select thread, channel, addressee, contact, ? from notice where key = ?
   on conflict (thread, channel, addressee, contact) do update set reference = excluded.reference`,
);
const referenceOf = statement(
  "select reference from thread_reference where thread = ? and channel = ? and addressee = ? and contact = ?",
);
const ofIncident = statement("select * from notice where incident = ? order by id");
const newest = statement("select * from notice order by id desc limit ?");
const unsent = statement(
  `select * from notice where state in ('pending', 'sending') and ${isKnown} order by not_before, id limit ?`,
);

export const outbox = ({ read, write }: Driver): Outbox => ({
  of: (incident) => read(() => noticesOf(incident)),
  recent: (limit) => read(() => recentNotices(limit)),
  unsent: (limit) => read(() => unsentNotices(limit)),
  claim: (channel, how) => write(() => claim(channel, how)),
  countCopy: async (key) => (await write(() => run(addCopy, key, mostCopies))) === 1,
  settle: (key, attempt, result) => write(() => settle(key, attempt, result)),
  takeOver: (by, now) => write(() => takeOver(by, now)),
});

/** The same key is the same message: a second one changes nothing. */
export function* addNotices(notices: readonly Notice[]): Transaction<void> {
  for (const notice of notices) {
    yield* run(
      insert,
      notice.key,
      notice.kind,
      notice.urgency,
      notice.incident ?? null,
      notice.to.id,
      notice.channel,
      notice.thread,
      notice.headline,
      notice.notBefore.epochMilliseconds,
      notice.notAfter?.epochMilliseconds ?? null,
      notice.notBefore.epochMilliseconds,
      notice.step?.revision ?? null,
      notice.step?.number ?? null,
      notice.to.kind,
      notice.summary,
      JSON.stringify(notice.sections),
      JSON.stringify(notice.actions),
      notice.language,
    );
  }
}

/** One that is being sent just now may still go out; then it becomes `sent`. */
export function* supersede(keys: readonly string[]): Transaction<void> {
  for (const key of keys) yield* run(setSuperseded, key);
}

export function* noticesOf(incident: number): Transaction<readonly NoticeStatus[]> {
  return allReadable(yield* all(ofIncident, incident), noticeFrom);
}

function* claim(channel: string, { by, now, limit, leaseSeconds }: Claim): Transaction<readonly ClaimedNotice[]> {
  const at = now.epochMilliseconds;
  const until = at + Math.round(leaseSeconds * 1000);
  yield* run(dropLate, channel, at, at);
  const claimed: ClaimedNotice[] = [];
  // What cannot be read stays where it is, first in line, and keeps no other one from being claimed.
  for (let unreadable = 0; claimed.length < limit; ) {
    const wanted = limit - claimed.length;
    const rows = yield* all(dueOf, channel, at, mostCopies, wanted, unreadable);
    for (const row of rows) {
      if (!readable(row, noticeFrom)) {
        unreadable++;
        continue;
      }
      const leased = yield* get(lease, until, by, numeric(row, "id"), at);
      // Without a row somebody else was first.
      if (leased) claimed.push(yield* withReference(noticeFrom(leased)));
    }
    if (rows.length < wanted) break;
  }
  return claimed;
}

function* withReference(notice: NoticeStatus): Transaction<ClaimedNotice> {
  const { thread, channel, to } = notice;
  const row = yield* get(referenceOf, thread, channel, to.kind, to.id);
  return row ? { ...notice, reference: text(row, "reference") } : notice;
}

function* settle(key: string, attempt: number, result: Settled): Transaction<void> {
  if (result.state !== "sent" && result.copyRefused) yield* run(takeBackCopy, key);
  switch (result.state) {
    case "sent":
      yield* run(setSent, result.at.epochMilliseconds, key);
      if (result.reference !== undefined) yield* run(keepReference, result.reference, key);
      return;
    case "pending":
      yield* run(setRetry, result.error, result.retryAt.epochMilliseconds, result.untried ? 1 : 0, key, attempt);
      return;
    case "dropped":
      yield* run(setDropped, result.error, key, attempt);
  }
}

function* takeOver(by: string, now: Temporal.Instant): Transaction<void> {
  const at = now.epochMilliseconds;
  yield* run(release, at, mostCopies, notConfirmed, by, at, by);
}

function* recentNotices(limit: number): Transaction<readonly NoticeStatus[]> {
  return allReadable(yield* all(newest, limit), noticeFrom);
}

function* unsentNotices(limit: number): Transaction<readonly NoticeStatus[]> {
  return allReadable(yield* all(unsent, limit), noticeFrom);
}

export function noticeFrom(row: Row): NoticeStatus {
  const incident = maybeNumeric(row, "incident");
  const revision = maybeNumeric(row, "revision");
  const step = maybeNumeric(row, "step");
  const notAfter = maybeNumeric(row, "not_after");
  const lastError = maybeText(row, "last_error");
  const sentAt = maybeNumeric(row, "sent_at");
  return {
    key: text(row, "key"),
    kind: oneOf(row, "kind", noticeKinds),
    urgency: oneOf(row, "urgency", ["now", "soon"]),
    ...(incident !== undefined && { incident }),
    ...(revision !== undefined && step !== undefined && { step: { revision, number: step } }),
    to: { kind: oneOf(row, "addressee", addresseeKinds), id: text(row, "contact") },
    channel: text(row, "channel"),
    thread: text(row, "thread"),
    headline: text(row, "subject"),
    ...wordsFrom(row),
    notBefore: instant(numeric(row, "not_before")),
    ...(notAfter !== undefined && { notAfter: instant(notAfter) }),
    state: oneOf(row, "state", states),
    attempts: numeric(row, "attempts"),
    copies: numeric(row, "copies"),
    dueAt: instant(numeric(row, "due_at")),
    ...(lastError !== undefined && { lastError }),
    ...(sentAt !== undefined && { sentAt: instant(sentAt) }),
  };
}

/** What an older version wrote is one text. */
function wordsFrom(row: Row): Pick<Notice, "summary" | "sections" | "actions" | "language"> {
  const isOneText = row["sections"] === null;
  return {
    summary: maybeText(row, "summary") ?? text(row, "subject"),
    sections: isOneText ? [textSection(text(row, "body"))] : json(row, "sections", Sections),
    actions: row["actions"] === null ? [] : json(row, "actions", Actions),
    language: maybeText(row, "language") ?? fallbackLanguage,
  };
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(", ");
}
