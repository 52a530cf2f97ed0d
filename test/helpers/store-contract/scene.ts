/** What the contract of every store tells about: a check, its samples, transitions, incidents and notices around noon. */

import type { IncidentUpdate } from "../../../core/incident.ts";
import { sameInAll } from "../../../core/language.ts";
import type { Notice } from "../../../core/notice.ts";
import type { Outcome, Sample } from "../../../core/sample.ts";
import type { IncidentChange } from "../../../core/store/incidents.ts";
import type { Store } from "../../../core/store/store.ts";

export const noon = Temporal.Instant.from("2026-11-23T12:00:00Z");
export const after = (seconds: number) => noon.add({ milliseconds: Math.round(seconds * 1000) });
export const web = { target: "mastodon", check: "web", vantagePoint: "toronto" };

/** A run of `mastodon/web` this many seconds after noon. */
export function sampleAt(seconds: number, fields: Partial<Sample> = {}): Sample {
  return { ...web, at: after(seconds), outcome: "up", durationSeconds: 0.1234, ...fields };
}

export const transitionAt = (seconds: number, outcome: Outcome) => ({ ...web, at: after(seconds), outcome });

export function noticeOf(key: string, fields: Partial<Notice> = {}): Notice {
  return {
    key,
    kind: "page",
    urgency: "now",
    to: { kind: "contact", id: "contractor" },
    channel: "email",
    thread: "incident-1",
    headline: "Mastodon is down",
    summary: "Mastodon is down since noon.",
    sections: [{ about: "trouble", lines: ["Mastodon is down since noon.", "It answered 502."] }],
    actions: [
      { kind: "acknowledge", label: "Acknowledge", explanation: "nobody else is woken", url: "https://a.example" },
    ],
    language: "en",
    notBefore: noon,
    ...fields,
  };
}

export const updateAt = (seconds: number, kind: IncidentUpdate["kind"]): Omit<IncidentUpdate, "incident"> => ({
  at: after(seconds),
  kind,
  text: { en: `${kind}.`, fr: `${kind} (fr).` },
  public: kind !== "acknowledged",
});

export function opening(key: string, notices: (id: number) => readonly Notice[] = () => []): IncidentChange {
  return {
    change: "open",
    facts: {
      key,
      kind: "outage",
      target: key,
      checks: ["web"],
      impact: "degraded",
      urgency: "page",
      title: sameInAll("Mastodon is down"),
      explanation: { en: "Pages do not load.", fr: "Les pages ne chargent pas." },
      reason: "answered 502",
      runbook: "http-down",
      startedAt: noon,
      confirmedAt: after(40),
    },
    update: updateAt(40, "confirmed"),
    escalate: (id) => ({ add: notices(id) }),
  };
}

/** Every few minutes for a while, as a recorder would. */
export async function maintained(store: Store, until: Temporal.Instant): Promise<void> {
  for (let call = 0; call < 40; call++) await store.maintain(until);
}

export const day = { from: after(-12 * 3600), to: after(12 * 3600) };
export const everything = {
  from: Temporal.Instant.from("2020-01-01T00:00:00Z"),
  to: Temporal.Instant.from("2100-01-01T00:00:00Z"),
};

export const resolving = (id: number): Extract<IncidentChange, { change: "resolve" }> => ({
  change: "resolve",
  id,
  at: after(600),
  update: updateAt(600, "resolved"),
  escalate: () => ({}),
});
