/** Sends notices as e-mail over SMTP: one thread for everything about an incident, whatever mail program reads it. */
import type { NodemailerError, SendMailOptions } from "nodemailer";
import { z } from "zod";
import { defineChannel } from "../../core/channel.ts";
import { secret } from "../../core/config/settings.ts";
import { DeliveryError } from "../../core/errors.ts";
import { type Notice, noticeText } from "../../core/notice.ts";

/** Each well below the deadline of a delivery, so that the mail server's silence is told from our own. */
const timeouts = { connectionTimeout: 5000, greetingTimeout: 5000, dnsTimeout: 5000, socketTimeout: 9000 };

export default defineChannel({
  summary: "Sends e-mail through a mail server of your own or of your provider.",
  residency: "own",
  options: z.strictObject({
    from: z.email().describe("The sender's address. Its domain also ends the Message-IDs, so keep it."),
    smtp: secret()
      .refine((address) => smtpAddress(address.reveal()) !== undefined, {
        error: "this must hold an address like smtp://user:password@mail.example.org:587 (or smtps://…:465)",
      })
      .describe(
        "The mail server: `smtp://user:password@mail.example.org:587` (STARTTLS) or `smtps://…:465` (TLS from the start).",
      ),
  }),
  example: { from: "tidewatch@example.org", smtp: { env: "SMTP_URL" } },
  address: z.email(),

  async open({ from, smtp }) {
    const { createTransport } = await import("nodemailer");
    const url = smtp.reveal();
    const server = smtpAddress(url);
    if (!server) throw new DeliveryError("alerts.email.smtp is not the address of a mail server", misconfigured);
    const transport = createTransport({
      pool: true,
      url,
      ...timeouts,
      // A password must never travel in the clear because somebody on the way took STARTTLS out of the answer.
      requireTLS: server.username !== "" && server.protocol === "smtp:" && !isLoopback(server.hostname),
      maxConnections: 4,
      // Once: an idle connection that the server has closed meanwhile. All other patience is the outbox's.
      maxRequeues: 1,
      idleTimeout: 30_000,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const secrets = secretsOf(server);
    return {
      async deliver(notice, to, { signal }) {
        const info = await transport
          .sendMail({ ...mailOf(notice, from, to), signal })
          .catch((error: NodemailerError) => {
            throw deliveryError(error, signal, secrets);
          });
        const [refused] = info.rejectedErrors ?? [];
        if (refused) throw deliveryError({ ...refused, command: "RCPT TO" }, signal, secrets);
        if (info.rejected.length > 0) throw new DeliveryError("the recipient was refused", { verdict: "permanent" });
        // The thread stands in the headers of each mail: nothing is to be remembered for it.
        return {};
      },
      async [Symbol.asyncDispose]() {
        transport.close({ force: true });
      },
    };
  },
});

const misconfigured = { verdict: "misconfigured" } as const;

/** Threads: the same subject and the same root, which is never sent itself, in every mail of the incident. */
function mailOf(notice: Notice, from: string, to: string): SendMailOptions {
  const domain = from.slice(from.lastIndexOf("@") + 1);
  const text = noticeText(notice);
  const root = `<${idText(notice.thread)}@${domain}>`;
  return {
    from: { name: "Tidewatch", address: from },
    to: { name: "", address: to },
    subject: followsUp.has(notice.kind) ? `Re: ${notice.headline}` : notice.headline,
    messageId: `<${idText(notice.key)}@${domain}>`,
    inReplyTo: root,
    references: root,
    text,
    html: htmlOf(text, notice.language),
    ...(notice.urgency === "now" && { priority: "high" as const }),
    headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
  };
}

const followsUp: ReadonlySet<Notice["kind"]> = new Set(["escalation", "resolve"]);

/** Keys are safe already; what is not would end the Message-ID early. */
function idText(text: string): string {
  return text.replace(/[^A-Za-z0-9.+_-]/g, (character) => `=${character.codePointAt(0)?.toString(16)}`);
}

/** The same text, with links that can be touched; nothing is loaded from anywhere. */
function htmlOf(text: string, language: string): string {
  const linked = escapeHtml(text).replace(/\bhttps?:\/\/[^\s<>"'“”]+/g, (url) => `<a href="${url}">${url}</a>`);
  return `<!doctype html><html lang="${language}"><body><div style="white-space:pre-wrap;font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere">${linked}</div></body></html>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/**
 * Nodemailer's own codes do not tell "not now" from "never" (EENVELOPE is both), the server's answer does. What was
 * refused before the recipient was named concerns us and every message; after that, this one only.
 */
function deliveryError(error: NodemailerError, signal: AbortSignal, secrets: readonly string[]): DeliveryError {
  if (signal.aborted) return new DeliveryError("no answer from the mail server in time", { verdict: "retry" });
  const { responseCode, command = "" } = error;
  const said = withoutSecrets(plainAnswer(error), secrets);
  if (error.code === "EAUTH" || error.code === "ENOAUTH" || command.startsWith("AUTH")) {
    const verdict = responseCode !== undefined && responseCode < 500 ? "retry" : "misconfigured";
    // Only the number: some servers repeat what they were given.
    return new DeliveryError(`the mail server refused the sign-in (${responseCode ?? error.code})`, { verdict });
  }
  if (responseCode === undefined || responseCode < 500 || responseCode === 503) {
    return new DeliveryError(said, { verdict: "retry" });
  }
  const policy = /^\d{3}[ -]5\.7\./.test(error.response ?? "");
  const concernsMessage = command === "DATA" || (command === "RCPT TO" && !policy);
  return new DeliveryError(said, { verdict: concernsMessage ? "permanent" : "misconfigured" });
}

/** "RCPT TO: 550 5.1.1 no such user" */
function plainAnswer({ command, response, message }: NodemailerError): string {
  const answer = (response ?? message).replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return `${command ? `${command}: ` : ""}${answer}`.slice(0, 300);
}

function smtpAddress(text: string): URL | undefined {
  const url = URL.parse(text.trim());
  return url && /^smtps?:$/.test(url.protocol) && url.hostname !== "" ? url : undefined;
}

function isLoopback(hostname: string): boolean {
  return /^localhost$/i.test(hostname) || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** The password in every form in which a server could say it back to us. */
function secretsOf({ username, password }: URL): readonly string[] {
  if (password === "") return [];
  const [name, word] = [decoded(username), decoded(password)];
  const base64 = [word, `\0${name}\0${word}`].map((text) => Buffer.from(text).toString("base64"));
  return [password, word, ...base64];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, word) => rest.replaceAll(word, "[secret]"), text);
}
