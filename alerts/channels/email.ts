/** Sends notices as e-mail over SMTP: one thread for everything about an incident, whatever mail program reads it. */
import type { SendMailOptions } from "nodemailer";
import { z } from "zod";
import { defineChannel } from "../../core/channel.ts";
import { secret } from "../../core/config/settings.ts";
import { DeliveryError } from "../../core/errors.ts";
import { type Notice, noticeText } from "../../core/notice.ts";
import { longestSeconds } from "./lib/smtp-limits.ts";
import { deliveryError, secretsOf } from "./lib/smtp-refusal.ts";

/** After so many copies without an answer the next one leaves only where the server is seen to answer. */
const blindCopies = 2;

export default defineChannel({
  summary: "Sends e-mail through a mail server of your own or of your provider.",
  residency: "own",
  // The last copy of a notice needs two.
  deadlineSeconds: 2 * longestSeconds,
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

  async open({ from, smtp }, { clock }) {
    const [{ createTransport }, { parseConnectionUrl }, { SmtpConversation }] = await Promise.all([
      import("nodemailer"),
      import("nodemailer/lib/shared"),
      import("./lib/smtp-conversation.ts"),
    ]);
    const url = smtpAddress(smtp.reveal());
    if (!url) throw new DeliveryError("alerts.email.smtp is not the address of a mail server", misconfigured);
    const { auth, ["authMethod"]: method, ...options } = parseConnectionUrl(smtp.reveal());
    // A password must never travel in the clear because somebody on the way took STARTTLS out of the answer.
    const requireTLS = url.username !== "" && url.protocol === "smtp:" && !isLoopback(url.hostname);
    const server = {
      options: { ...options, requireTLS },
      ...(auth && { auth: { ...auth, ...(typeof method === "string" && { method }) } }),
    };
    const writer = createTransport({
      streamTransport: true,
      buffer: true,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const secrets = secretsOf(url);
    const closed = new AbortController();
    return {
      async deliver(notice, to, { signal, copies, countCopy }) {
        const { envelope, message } = await writer.sendMail(mailOf(notice, from, to));
        const mail = Buffer.isBuffer(message) ? message : Buffer.concat(await message.toArray());
        const parts = { clock, signal: AbortSignal.any([signal, closed.signal]) };
        try {
          if (copies >= blindCopies) {
            using conversation = await SmtpConversation.begin(server, parts);
            await conversation.answers();
          }
          using conversation = await SmtpConversation.begin(server, parts);
          await conversation.send(envelope, mail, countCopy);
        } catch (error) {
          if (signal.aborted) throw new DeliveryError("no answer from the mail server in time", { verdict: "retry" });
          throw deliveryError(error, secrets);
        }
        // The thread stands in the headers of each mail: nothing is to be remembered for it.
        return {};
      },
      async [Symbol.asyncDispose]() {
        closed.abort(new Error("the channel was closed"));
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

function smtpAddress(text: string): URL | undefined {
  const url = URL.parse(text.trim());
  return url && /^smtps?:$/.test(url.protocol) && url.hostname !== "" ? url : undefined;
}

function isLoopback(hostname: string): boolean {
  return /^localhost$/i.test(hostname) || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
