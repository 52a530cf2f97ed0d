/** Which certificates are trusted, when the one of an answer ends, and what that means. */

import { plainText } from "../../core/plain-text.ts";
import type { ProbeContext, TlsFacts } from "../../core/probe.ts";
import type { Reading } from "../../core/sample.ts";
import type { Secret } from "../../core/secret.ts";
import { secret } from "../../core/settings.ts";
import type { Threshold } from "../../core/threshold.ts";
import { certificateEnds } from "./explanation.ts";
import type { Flaw } from "./flaw.ts";

const daySeconds = 86_400;
/** This close to its end somebody is woken. */
const lastDays = 3;

/** A private authority as a setting: written `{ file: PATH }`, read as the certificate itself. */
export const certificateAuthority = () =>
  secret()
    .optional()
    .describe("Certificate (PEM) of a private authority to trust beside the public ones: `{ file: PATH }`.");

/** The same context, in which every question trusts that authority too. */
export function trusting(context: ProbeContext, authority: Secret | undefined): ProbeContext {
  if (!authority) return context;
  const ca = authority.reveal();
  return { ...context, http: { get: (url, request) => context.http.get(url, { ...request, ca }) } };
}

const secondsLeft = (tls: TlsFacts, now: Temporal.Instant) =>
  (tls.expiresAt.epochMilliseconds - now.epochMilliseconds) / 1000;

export function certificateReadings(tls: TlsFacts, now: Temporal.Instant, renewalDays: number): readonly Reading[] {
  const overdue = Math.max(0, renewalDays * daySeconds - secondsLeft(tls, now));
  return [
    { metric: "certificate_expiry_timestamp_seconds", value: Math.floor(tls.expiresAt.epochMilliseconds / 1000) },
    { metric: "certificate_renewal_overdue_seconds", value: Math.round(overdue) },
  ];
}

export function certificateFlaw(tls: TlsFacts, now: Temporal.Instant, renewalDays: number): Flaw | undefined {
  const days = secondsLeft(tls, now) / daySeconds;
  if (days >= renewalDays) return undefined;
  const chain = tls.chain.map(
    ({ subject, issuer, validTo }) => `${plainText(subject, 100)} (by ${plainText(issuer, 100)}) until ${validTo}`,
  );
  const left = days < 2 ? `${Math.max(0, Math.floor(days * 24))} hours` : `${Math.floor(days)} days`;
  return {
    outcome: "degraded",
    reason: `the certificate ends in ${left}`,
    explanation: certificateEnds,
    evidence: chain.join("\n"),
  };
}

/** Renewal that nobody saw to in weeks wakes somebody in the last days. */
export function certificateThresholds(renewalDays: number): readonly Threshold[] {
  const raiseAt = (renewalDays - lastDays) * daySeconds;
  if (raiseAt <= 0) return [];
  return [
    {
      id: "certificate",
      metric: "certificate_renewal_overdue_seconds",
      raiseAt,
      clearAt: 1,
      raiseAfterSeconds: 0,
      clearAfterSeconds: 0,
      urgency: "page",
      affects: "nothing",
      unit: "seconds",
      title: {
        en: "The certificate ends within days and was not renewed",
        fr: "Le certificat expire dans quelques jours et n’a pas été renouvelé",
      },
      runbook: "certificate",
    },
  ];
}
