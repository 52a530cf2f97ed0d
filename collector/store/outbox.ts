/** The outbox: notices wait here, are leased to a channel, and stay with what became of them. */
import { z } from "zod";
import type { Notice } from "../../core/channel.ts";
import type { NoticeStatus, Settled } from "../../core/store/outbox.ts";
import { type Connection, maybeNumeric, maybeText, numeric, type Row, text } from "./connection.ts";

type Instant = Temporal.Instant;

const Kind = z.enum(["page", "escalation", "resolve", "ticket", "sign-in", "test"]);
const Urgency = z.enum(["now", "soon"]);
const State = z.enum(["pending", "sending", "sent", "superseded", "dropped"]);

/** The same key is the same message: a second one changes nothing. */
export function addNotices(connection: Connection, notices: readonly Notice[]): void {
  for (const notice of notices) {
    connection.run(
      `insert into notice (key, kind, urgency, incident, contact, channel, thread, subject, body,
         not_before, not_after, state, due_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?)
       on conflict (key) do nothing`,
      notice.key,
      notice.kind,
      notice.urgency,
      notice.incident ?? null,
      notice.contact,
      notice.channel,
      notice.thread,
      notice.subject,
      notice.body,
      notice.notBefore.epochMilliseconds,
      notice.notAfter?.epochMilliseconds ?? null,
      notice.notBefore.epochMilliseconds,
    );
  }
}

/** One that is being sent just now may still go out; then it becomes `sent`. */
export function supersede(connection: Connection, keys: readonly string[]): void {
  for (const key of keys) {
    connection.run("update notice set state = 'superseded' where key = ? and state in ('pending', 'sending')", key);
  }
}

export function claim(
  connection: Connection,
  channel: string,
  now: Instant,
  limit: number,
  leaseSeconds: number,
): readonly NoticeStatus[] {
  const at = now.epochMilliseconds;
  connection.run(
    `update notice set state = 'dropped', last_error = coalesce(last_error, 'it could not be sent in time')
     where channel = ? and not_after < ? and (state = 'pending' or (state = 'sending' and due_at <= ?))`,
    channel,
    at,
    at,
  );
  const due = connection.all(
    `select id from notice where channel = ? and state in ('pending', 'sending') and due_at <= ?
     order by due_at, id limit ?`,
    channel,
    at,
    limit,
  );
  return due.map((row) => {
    const id = numeric(row, "id");
    connection.run(
      "update notice set state = 'sending', attempts = attempts + 1, due_at = ? where id = ?",
      at + Math.round(leaseSeconds * 1000),
      id,
    );
    return noticeById(connection, id);
  });
}

export function settle(connection: Connection, key: string, result: Settled): void {
  switch (result.state) {
    case "sent":
      // Whatever was decided meanwhile: it went out.
      connection.run(
        "update notice set state = 'sent', sent_at = ?, last_error = null where key = ?",
        result.at.epochMilliseconds,
        key,
      );
      return;
    case "pending":
      connection.run(
        `update notice set last_error = ?, due_at = ?, attempts = attempts - ?,
           state = case state when 'sending' then 'pending' else state end where key = ?`,
        result.error,
        result.retryAt.epochMilliseconds,
        result.untried ? 1 : 0,
        key,
      );
      return;
    case "dropped":
      connection.run(
        `update notice set last_error = ?,
           state = case when state in ('pending', 'sending') then 'dropped' else state end where key = ?`,
        result.error,
        key,
      );
  }
}

export function noticesOf(connection: Connection, incident: number): readonly NoticeStatus[] {
  return connection.all("select * from notice where incident = ? order by id", incident).map(noticeFrom);
}

export function recentNotices(connection: Connection, limit: number): readonly NoticeStatus[] {
  return connection.all("select * from notice order by id desc limit ?", limit).map(noticeFrom);
}

export function pendingCount(connection: Connection): number {
  const row = connection.get("select count(*) as waiting from notice where state in ('pending', 'sending')");
  return row ? numeric(row, "waiting") : 0;
}

function noticeById(connection: Connection, id: number): NoticeStatus {
  const row = connection.get("select * from notice where id = ?", id);
  if (!row) throw new Error(`notice ${id} is gone`);
  return noticeFrom(row);
}

function noticeFrom(row: Row): NoticeStatus {
  const incident = maybeNumeric(row, "incident");
  const notAfter = maybeNumeric(row, "not_after");
  const lastError = maybeText(row, "last_error");
  const sentAt = maybeNumeric(row, "sent_at");
  return {
    key: text(row, "key"),
    kind: Kind.parse(text(row, "kind")),
    urgency: Urgency.parse(text(row, "urgency")),
    ...(incident !== undefined && { incident }),
    contact: text(row, "contact"),
    channel: text(row, "channel"),
    thread: text(row, "thread"),
    subject: text(row, "subject"),
    body: text(row, "body"),
    notBefore: Temporal.Instant.fromEpochMilliseconds(numeric(row, "not_before")),
    ...(notAfter !== undefined && { notAfter: Temporal.Instant.fromEpochMilliseconds(notAfter) }),
    state: State.parse(text(row, "state")),
    attempts: numeric(row, "attempts"),
    ...(lastError !== undefined && { lastError }),
    ...(sentAt !== undefined && { sentAt: Temporal.Instant.fromEpochMilliseconds(sentAt) }),
  };
}
