/**
 * A mail server (SMTP) for tests and practice that catches every mail in place of delivering it, and fails when it is
 * told to.
 */
import { once } from "node:events";
import type { SMTPServerDataStream } from "smtp-server";
import { practiceNotInstalled } from "./not-installed.ts";

export interface CaughtMail {
  /** As the envelope says it, which need not be what the headers say. */
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly messageId: string | undefined;
  readonly inReplyTo: string | undefined;
  readonly references: readonly string[];
  readonly text: string;
  readonly html: string | undefined;
  readonly raw: string;
  readonly at: Temporal.Instant;
}

/** refuse: never (550); tempfail: not now (451); hang: takes the sender's address and says nothing more. */
type MailBlock = "none" | "refuse" | "tempfail" | "hang";

export interface MailCatcher extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Oldest first; the last 1000. */
  mails(): readonly CaughtMail[];
  /** @returns what ends it. */
  onMail(listener: (mail: CaughtMail) => void): Disposable;
  block(mode: MailBlock): void;
  blocked(): MailBlock;
  clear(): void;
}

const kept = 1000;
const largest = 5_000_000;

export async function startMailCatcher(
  options: { readonly host?: string; readonly port?: number; readonly now?: () => Temporal.Instant } = {},
): Promise<MailCatcher> {
  const { SMTPServer, simpleParser } = await libraries();
  const { host = "127.0.0.1" } = options;
  const now = options.now ?? (() => Temporal.Now.instant());
  const listeners = new Set<(mail: CaughtMail) => void>();
  let mails: CaughtMail[] = [];
  let mode: MailBlock = "none";

  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    size: largest,
    rejectOversized: true,
    closeTimeout: 200,
    onMailFrom(_address, _session, answer) {
      if (mode === "none") answer();
      if (mode === "refuse") answer(smtpError(550, "5.7.1 Refused for practice"));
      if (mode === "tempfail") answer(smtpError(451, "4.3.0 Not now, for practice"));
    },
    onData(stream, session, answer) {
      const { mailFrom, rcptTo } = session.envelope;
      caught(stream).then(
        (mail) => {
          mails = [...mails, mail].slice(-kept);
          answer(null, "2.0.0 Caught");
          for (const listener of listeners) listener(mail);
        },
        () => answer(smtpError(554, "5.6.0 This mail cannot be read")),
      );

      async function caught(bytes: SMTPServerDataStream): Promise<CaughtMail> {
        const raw = Buffer.concat(await bytes.toArray());
        if (bytes.sizeExceeded) throw new Error("larger than we said we take");
        const mail = await simpleParser(raw);
        return {
          from: mailFrom ? mailFrom.address : "",
          to: rcptTo.map(({ address }) => address),
          subject: mail.subject ?? "",
          messageId: mail.messageId,
          inReplyTo: mail.inReplyTo,
          references: [mail.references ?? []].flat(),
          text: mail.text ?? "",
          html: mail.html || undefined,
          raw: raw.toString("utf8"),
          at: now(),
        };
      }
    },
  });
  // A client that breaks off is no concern of ours.
  server.on("error", () => {});
  const listener = server.listen(options.port ?? 0, host);
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the mail catcher has no TCP port");

  return {
    port: address.port,
    url: `smtp://${host}:${address.port}`,
    mails: () => mails,
    onMail(listen) {
      listeners.add(listen);
      return { [Symbol.dispose]: () => void listeners.delete(listen) };
    },
    block: (next) => {
      mode = next;
    },
    blocked: () => mode,
    clear: () => {
      mails = [];
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const smtpError = (responseCode: number, message: string): Error => Object.assign(new Error(message), { responseCode });

/** Packages for development: an installation for production does without them. */
async function libraries() {
  try {
    const [{ SMTPServer }, { simpleParser }] = await Promise.all([import("smtp-server"), import("mailparser")]);
    return { SMTPServer, simpleParser };
  } catch {
    throw practiceNotInstalled();
  }
}
