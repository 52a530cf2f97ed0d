/** TLS certificates: which authorities are trusted, when a certificate expires, and when renewal is due. */
import { z } from "zod";
import { secret } from "../../core/config/settings.ts";
import { certificateExpiry, type MetricFamily, unexported } from "../../core/metric-families.ts";
import { plainText } from "../../core/plain-text.ts";
import type { ProbeContext, TlsFacts } from "../../core/probe.ts";
import type { Reading } from "../../core/sample.ts";
import type { Secret } from "../../core/secret.ts";
import type { Threshold } from "../../core/threshold.ts";

const daySeconds = 86_400;
/** This close to its end somebody is woken. */
const lastDays = 3;

/** A private authority as a setting: written `{ file: PATH }`, read as the certificate itself. */
export const certificateAuthority = () =>
  secret()
    .optional()
    .describe("Certificate (PEM) of a private authority to trust beside the public ones: `{ file: PATH }`.");

/** How early renewal is due, as a setting. */
export const renewalDays = () =>
  z
    .number()
    .min(0)
    .max(365)
    .prefault(21)
    .describe("A certificate that ends within this many days is a ticket; in the last 3 somebody is woken.");

/** The chain as it was shown, leaf first. */
export const certificateEvidence = ({ protocol, cipher, chain }: TlsFacts): string =>
  [
    `${protocol} ${cipher}`,
    ...chain.map(
      ({ subject, issuer, validTo }) =>
        `certificate: ${plainText(subject, 200)}, by ${plainText(issuer, 200)}, until ${validTo}`,
    ),
  ].join("\n");

/** The same context, in which every question trusts that authority too. */
export function trusting(context: ProbeContext, authority: Secret | undefined): ProbeContext {
  if (!authority) return context;
  const ca = authority.reveal();
  return { ...context, http: { get: (url, request) => context.http.get(url, { ...request, ca }) } };
}

const secondsLeft = (tls: TlsFacts, now: Temporal.Instant) =>
  (tls.expiresAt.epochMilliseconds - now.epochMilliseconds) / 1000;

export const certificateMetrics: readonly MetricFamily[] = [
  certificateExpiry,
  unexported("certificate_renewal_overdue_seconds", "For how long the certificate should have been renewed."),
];

export function certificateReadings(tls: TlsFacts, now: Temporal.Instant, renewalDays: number): readonly Reading[] {
  const overdue = Math.max(0, renewalDays * daySeconds - secondsLeft(tls, now));
  return [
    { metric: certificateExpiry.name, value: Math.floor(tls.expiresAt.epochMilliseconds / 1000) },
    { metric: "certificate_renewal_overdue_seconds", value: Math.round(overdue) },
  ];
}

/** For the person on call; members notice nothing as long as it holds. */
export function certificateNote(tls: TlsFacts, now: Temporal.Instant, renewalDays: number): string | undefined {
  const days = secondsLeft(tls, now) / daySeconds;
  if (days >= renewalDays) return undefined;
  return `the certificate ends in ${days < 2 ? `${Math.max(0, Math.floor(days * 24))} hours` : `${Math.floor(days)} days`}`;
}

/** A renewal that is due is a ticket; one that was not done for weeks wakes somebody in the last days. */
export function certificateThresholds(renewalDays: number): readonly Threshold[] {
  const rule = {
    metric: "certificate_renewal_overdue_seconds",
    clearAt: 1,
    raiseAfterSeconds: 0,
    clearAfterSeconds: 0,
    affects: "nothing",
    unit: "seconds",
    runbook: "certificate",
  } as const;
  const due: Threshold = {
    ...rule,
    id: "certificate",
    raiseAt: 60,
    urgency: "ticket",
    title: { en: "The certificate must be renewed", fr: "Le certificat doit être renouvelé" },
  };
  const lastCall: Threshold = {
    ...rule,
    id: "certificate-last-days",
    raiseAt: (renewalDays - lastDays) * daySeconds,
    urgency: "page",
    title: {
      en: "The certificate ends within days and was not renewed",
      fr: "Le certificat expire dans quelques jours et n’a pas été renouvelé",
    },
  };
  return renewalDays > lastDays ? [due, lastCall] : [{ ...lastCall, raiseAt: 60 }];
}
