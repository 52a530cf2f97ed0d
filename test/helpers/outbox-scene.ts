/** Outbox reports to look at: all calm, and everything at once, with what strangers say in it. */
import { sameInAll } from "../../core/language.ts";
import type { OutboxReport } from "../../core/reports.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";

const now = Temporal.Instant.from("2026-11-23T18:42:10Z");
const ago = (seconds: number) => now.subtract({ seconds });

/** What a mail server with bad manners says: markup, an escape, and a word without an end. */
const rude = `550 5.7.1 <script>alert(1)</script>\u001b[31m\u202e ${"n".repeat(400)}`;

export function noticeStatus(more: Partial<NoticeStatus> = {}): NoticeStatus {
  return {
    key: "incident-42.0.contractor.email",
    kind: "page",
    urgency: "now",
    to: { kind: "contact", id: "contractor" },
    channel: "email",
    thread: "incident-42",
    headline: "[Tidewatch #42] Mastodon is down",
    summary: "DOWN",
    sections: [{ about: "trouble", lines: ["what only the reader of the mail should see"] }],
    actions: [],
    language: "en",
    notBefore: ago(300),
    dueAt: ago(300),
    state: "sent",
    attempts: 1,
    copies: 1,
    sentAt: ago(298),
    ...more,
  };
}

export const calmOutbox: OutboxReport = {
  now,
  names: new Map([["contractor", "Robin Contractor"]]),
  channels: ["email"],
  sick: [],
  strange: [],
  fallback: { hasFile: true, storeFault: undefined, tellings: [] },
  stored: { waiting: [], due: 0, newest: [] },
};

export function unsentStatus(more: Partial<NoticeStatus>): NoticeStatus {
  const { sentAt: _, ...unsent } = noticeStatus({ state: "pending" });
  return { ...unsent, ...more };
}

const failing = unsentStatus({ attempts: 4, copies: 2, lastError: rude, dueAt: now.add({ seconds: 40 }) });

export const troubledOutbox: OutboxReport = {
  ...calmOutbox,
  channels: ["email", "sms"],
  sick: [
    { channel: "email", seconds: 290, why: rude },
    { channel: "sms", seconds: 30, why: "no answer within 20 s", readers: ["contractor", "gone"] },
  ],
  strange: [{ table: "notice", key: "incident-7.0.x.email", why: 'column kind holds "reminder"' }],
  fallback: {
    hasFile: false,
    storeFault: "the disk is full: make room",
    tellings: [
      {
        title: sameInAll("Mastodon is down"),
        kind: "page",
        to: "contractor",
        channel: "email",
        state: "told",
        copies: 1,
        toldAt: ago(10),
      },
    ],
  },
  stored: {
    due: 2,
    waiting: [
      { notice: failing, dueSeconds: 300 },
      { notice: unsentStatus({ channel: "pigeon", attempts: 0, copies: 0 }), dueSeconds: undefined },
    ],
    newest: [
      failing,
      noticeStatus({ state: "sent", copies: 3, headline: `[Tidewatch #42] ${"Mastodon".repeat(8)}` }),
      unsentStatus({ kind: "ticket", state: "dropped", lastError: "the contact has no address any more" }),
      unsentStatus({ kind: "escalation", state: "superseded", to: { kind: "contact", id: "gone" } }),
      noticeStatus({ kind: "sign-in", headline: "Connexion aux pages de l’équipe", language: "fr" }),
      unsentStatus({ kind: "resolve", state: "sending" }),
    ],
  },
};
