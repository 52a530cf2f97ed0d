/**
 * The smtp probe: goes the way of a mail up to the moment before it is sent: greeting, STARTTLS, sign-in, addresses.
 */
import { z } from "zod";
import { secret } from "../core/config/settings.ts";
import type { Localised } from "../core/language.ts";
import { defineProbe, type Line, type ProbeContext, type TlsReport } from "../core/probe.ts";
import type { Finding } from "../core/sample.ts";
import {
  certificateAuthority,
  certificateEvidence,
  certificateMetrics,
  certificateNote,
  certificateReadings,
  certificateThresholds,
  renewalDays,
} from "./lib/certificate.ts";
import { couldNotCheck } from "./lib/explanation.ts";
import { addressFamily, hostName, portNumber } from "./lib/host-settings.ts";
import { degradation, findingOf, type Problem } from "./lib/problem.ts";
import { noteSignIn, restAfterRefusals } from "./lib/refused-password.ts";
import { isForNow, isGood, type SmtpReply, SmtpTalk } from "./mail/smtp-client.ts";
import { type RefusalCause, refusalCause } from "./mail/smtp-refusals.ts";

/** As it stands between < and >: nothing in it can end the command. */
const mailbox = () =>
  z
    .string()
    .max(254)
    .regex(/^[^\s<>@]+@[^\s<>@]+$/, { error: "expected an address like test@social.example" });

const options = z
  .strictObject({
    host: hostName().describe("The mail server: `mail.example`."),
    port: portNumber()
      .prefault(587)
      .describe("587 or 465 where a server hands in its own mails, 25 where mails from outside come in."),
    tls: z
      .enum(["starttls", "implicit", "none"])
      .optional()
      .describe("`starttls` on a connection that begins in clear text, `implicit` from the first byte (465), `none`."),
    name: hostName().optional().describe("The name that the certificate must be for, where it is not that of `host`."),
    helo: z
      .string()
      .regex(/^[\w.:[\]-]{1,255}$/, { error: "expected a host name" })
      .optional()
      .describe("The name we greet with. Default: the address we connect from, in brackets."),
    account: z
      .strictObject({
        user: z.string().min(1).max(254).describe("User name."),
        password: secret().describe(
          "Password; it is only sent once the connection is encrypted and its certificate good.",
        ),
      })
      .optional()
      .describe(
        "Sign in with this account: the one the server sends its mails with, so that a changed password shows.",
      ),
    from: mailbox().optional().describe("Sender to propose. Default: none, as for a notice of non-delivery."),
    to: mailbox().optional().describe("Recipient to propose. The mail itself is never sent."),
    certificateDays: renewalDays(),
    family: addressFamily(),
    ca: certificateAuthority(),
  })
  .refine((settings) => tlsOf(settings) !== "none" || settings.account === undefined, {
    path: ["account"],
    error: "a password is only sent over an encrypted connection: take out tls: none, or the account",
  });
type Options = z.output<typeof options>;

/** Port 465 is encrypted from the first byte; elsewhere one asks for it. */
function tlsOf({ tls, port }: { readonly tls?: "starttls" | "implicit" | "none" | undefined; readonly port: number }) {
  return tls ?? (port === 465 ? "implicit" : "starttls");
}

export default defineProbe({
  summary: "Goes the way of a mail up to the moment before it is sent: greeting, STARTTLS, sign-in, addresses.",
  readings: certificateMetrics,
  options,
  runbook: "mail",
  example: {
    host: "mail.example",
    account: { user: "mastodon", password: { env: "SMTP_PASSWORD" } },
    from: "notifications@social.example",
    to: "test@mail.example",
  },
  defaults: { everySeconds: 300, timeoutSeconds: 30 },

  thresholds: (settings) => (tlsOf(settings) === "none" ? [] : certificateThresholds(settings.certificateDays)),

  run: (settings, { net, clock, memory }) =>
    net.converse(settings, async (line): Promise<Finding> => {
      const way: Way = { settings, line, talk: new SmtpTalk(line), extensions: [], context: { clock, memory } };
      const problems = await along(way);
      way.talk.leave();
      const { report } = way;
      const [now, days] = [clock.now(), settings.certificateDays];
      const readings = report ? certificateReadings(report, now, days) : [];
      const note = way.note ?? (report && certificateNote(report, now, days));
      return findingOf(problems, { phases: line.phases(), readings, note });
    }),
});

/** Where we are on the way of a mail, and what we learned so far. */
interface Way {
  readonly settings: Options;
  readonly line: Line;
  readonly talk: SmtpTalk;
  extensions: readonly string[];
  readonly context: Pick<ProbeContext, "clock" | "memory">;
  report?: TlsReport;
  note?: string;
}

/** What is wrong; at the first thing that stops a mail there is nothing more to find. */
async function along(way: Way): Promise<readonly Problem[]> {
  const { port } = way.settings;
  const tls = tlsOf(way.settings);
  const found: Problem[] = [];
  const steps = [
    ...(tls === "implicit" ? [encrypt] : []),
    greeting,
    hello,
    ...(tls === "starttls" ? [startTls, hello] : []),
    signIn,
    envelope,
  ];
  for (const step of steps) {
    const problem = await step(way);
    if (!problem) continue;
    found.push({ ...problem, evidence: [problem.evidence, way.talk.transcript].filter((text) => text).join("\n\n") });
    // Servers among themselves mostly take any certificate; a server that hands in its mails does not.
    const goesOn = problem.outcome === "degraded" && port === 25 && step === startTls;
    if (!goesOn) break;
  }
  return found;
}

type Step = (way: Way) => Promise<Problem | undefined>;

const greeting: Step = async ({ talk }) => {
  const reply = await talk.reply();
  if (reply.code === 220) return undefined;
  const cause = refusalCause(reply, "greeting");
  if (cause) return turnedAway(cause, reply);
  return isForNow(reply) ? late(`takes no mails for now (${reply.said})`) : stuck(`takes no mails (${reply.said})`);
};

const hello: Step = async (way) => {
  const name = way.settings.helo ?? way.talk.ownName;
  let reply = await way.talk.ask(`EHLO ${name}`);
  // RFC 5321, 3.2: who does not know EHLO is greeted in the old way, and offers nothing more than that.
  if (reply.code === 500 || reply.code === 502) reply = { ...(await way.talk.ask(`HELO ${name}`)), lines: [] };
  way.extensions = reply.lines.slice(1).map((line) => line.toUpperCase());
  if (isGood(reply)) return undefined;
  const cause = refusalCause(reply, "hello");
  if (cause) return turnedAway(cause, reply, name);
  if (isForNow(reply)) return late(`takes no mails for now (${reply.said})`);
  return stuck(`refuses our greeting "EHLO ${name}" (${reply.said})`);
};

const startTls: Step = async (way) => {
  if (!way.extensions.some((extension) => /^STARTTLS\b/.test(extension))) return stuck("does not offer STARTTLS");
  const reply = await way.talk.ask("STARTTLS");
  if (reply.code !== 220) return stuck(`offers STARTTLS, but refuses it (${reply.said})`);
  return encrypt(way);
};

const encrypt: Step = async (way) => {
  const { host, name = host, ca, port } = way.settings;
  const report = await way.talk.secure({ name, ca: ca?.reveal() });
  way.report = report;
  if (report.faults.length === 0) return undefined;
  const reason = report.faults.map(({ sentence }) => sentence).join("; ");
  // Mail servers among themselves take any certificate, and mail programs mostly still look at the common name.
  const lenient = port === 25 || report.faults.every(({ kind }) => kind === "common-name-only");
  return lenient
    ? degradation(reason, port === 25 ? mailMayBeRefused : mailMayNotLeave, certificateEvidence(report))
    : { ...stuck(reason), evidence: certificateEvidence(report) };
};

const signIn: Step = async ({ settings: { account }, talk, extensions, report, context }) => {
  if (!account || !report) return undefined;
  if (restAfterRefusals(context) > 0) {
    return stuck(
      "refused the user name or password three times; asked every 20 min now, so that it does not shut us out",
    );
  }
  const methods = extensions.find((extension) => /^AUTH[ =]/.test(extension)) ?? "";
  const reply = await (/\bPLAIN\b/.test(methods) ? plain : /\bLOGIN\b/.test(methods) ? login : noMethod)(talk, account);
  if (!reply) return stuck("offers no way to sign in that we know (AUTH PLAIN or LOGIN)");
  if (reply.code === 235 || !isForNow(reply)) noteSignIn(reply.code === 235, context);
  if (reply.code === 235) return undefined;
  // Its words stay out: they may repeat what was sent.
  if (isForNow(reply)) return late(`cannot check passwords for now (${reply.code})`);
  return stuck(`refuses the user name or password (${reply.code})`);
};

type Account = NonNullable<Options["account"]>;
type SignIn = (talk: SmtpTalk, account: Account) => Promise<SmtpReply | undefined>;

const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");

const plain: SignIn = (talk, { user, password }) =>
  talk.ask(`AUTH PLAIN ${base64(`\0${user}\0${password.reveal()}`)}`, "AUTH PLAIN …");

const login: SignIn = async (talk, { user, password }) => {
  const begun = await talk.ask("AUTH LOGIN");
  if (begun.code !== 334) return begun;
  const named = await talk.ask(base64(user), "(user name)");
  return named.code === 334 ? talk.ask(base64(password.reveal()), "(password)") : named;
};

const noMethod: SignIn = async () => undefined;

const envelope: Step = async (way) => {
  const { from = "", to } = way.settings;
  if (to === undefined && from === "") return undefined;
  const sender = await way.talk.ask(`MAIL FROM:<${from}>`);
  if (!isGood(sender)) return refusal(sender, `the sender ${from || "<>"}`);
  if (to === undefined) return undefined;
  const recipient = await way.talk.ask(`RCPT TO:<${to}>`);
  if (isGood(recipient)) return undefined;
  if (!isGreylisting(recipient)) return refusal(recipient, `the recipient ${to}`);
  // As meant: strangers are asked to come back, and mail servers do.
  way.note = `strangers are asked to come back later (${recipient.said})`;
  return undefined;
};

const isGreylisting = ({ code, said }: SmtpReply): boolean =>
  (code === 450 || code === 451) && /gr[ea]y-?list|try again (?:later|in)|come back/i.test(said);

function refusal(reply: SmtpReply, what: string): Problem {
  const cause = refusalCause(reply, "envelope");
  if (cause) return turnedAway(cause, reply);
  if (isForNow(reply)) return late(`does not take ${what} for now (${reply.said})`);
  return stuck(`refuses ${what} (${reply.said})`);
}

/** Us in particular, because of who we say we are or where we connect from: nothing about the mails of others. */
function turnedAway(cause: RefusalCause, { said }: SmtpReply, name?: string): Problem {
  const what = cause === "name" ? `our name${name === undefined ? "" : ` "${name}"`}` : "our address";
  const cure =
    cause === "name"
      ? "set `helo` to a host name that leads to this machine, or look from another place"
      : "look from another place";
  return {
    outcome: "unknown",
    reason: `blocked: it refuses ${what} (${said}): ${cure}`,
    explanation: couldNotCheck,
  };
}

function late(reason: string): Problem {
  return degradation(reason, {
    en: "Emails, such as confirmations and notifications, may arrive late.",
    fr: "Les courriels, comme les confirmations et notifications, peuvent arriver en retard.",
  });
}

function stuck(reason: string): Problem {
  return { outcome: "down", reason, explanation: mailStuck };
}

const mailStuck: Localised = {
  en: "Emails, such as confirmations and notifications, do not get through.",
  fr: "Les courriels, comme les confirmations et notifications, ne passent pas.",
};

const mailMayNotLeave: Localised = {
  en: "Emails, such as confirmations and notifications, may not get through.",
  fr: "Les courriels, comme les confirmations et notifications, peuvent ne pas passer.",
};

const mailMayBeRefused: Localised = {
  en: "Some mail servers may refuse to send us mail.",
  fr: "Certains serveurs peuvent refuser de nous envoyer des courriels.",
};
