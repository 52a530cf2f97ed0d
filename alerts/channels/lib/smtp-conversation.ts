/**
 * One SMTP conversation with a mail server: connection, sign-in, one mail. Each phase has a time limit of its own (RFC 5321,
 * 4.5.3.2), because an honest server may greet late, and may need minutes to say whether it takes a mail.
 */
import { Readable } from "node:stream";
import type { SMTPConnectionAuth, SMTPConnectionOptions, SMTPEnvelope } from "nodemailer";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import type { Clock } from "../../../core/clock.ts";
import { noLongerNeeded } from "../../../core/wake-up.ts";
import { limits, type Phase } from "./smtp-limits.ts";

export interface MailServer {
  readonly options: SMTPConnectionOptions;
  readonly auth?: SMTPConnectionAuth;
}

/** Nodemailer counts by the machine's clock, and all before the sign-in as one: only where ours fails. */
const own = { connectionTimeout: 900_000, greetingTimeout: 900_000, socketTimeout: 900_000 };
/** Of one answer: whoever never ends one is no mail server. */
const largestAnswer = 100_000;

interface Parts {
  readonly clock: Clock;
  /** Closes the connection, wherever it is. */
  readonly signal: AbortSignal;
}

export class SmtpConversation implements Disposable {
  readonly #server: MailServer;
  readonly #parts: Parts;
  readonly #connection: SMTPConnection;
  /** Rejects when the conversation is over, whoever ended it. */
  readonly #over = Promise.withResolvers<never>();
  readonly #stop = () => this.#fail(this.#parts.signal.reason);
  #phase: Phase = "connection";
  #limit = new AbortController();
  #isWell = false;

  private constructor(server: MailServer, parts: Parts) {
    this.#server = server;
    this.#parts = parts;
    const logger = { log: (entry: unknown) => this.#heard(entry) };
    const ours = { ...own, maxResponseSize: largestAnswer, logger, transactionLog: true };
    this.#connection = new SMTPConnection({ ...server.options, ...ours });
    this.#over.promise.catch(() => {});
    this.#connection.on("error", (error) => this.#fail(error));
    this.#connection.once("end", () => this.#fail(new Error("the connection was closed")));
    parts.signal.addEventListener("abort", this.#stop, { once: true });
  }

  /** Greeted and signed in. */
  static async begin(server: MailServer, parts: Parts): Promise<SmtpConversation> {
    parts.signal.throwIfAborted();
    const conversation = new SmtpConversation(server, parts);
    try {
      await conversation.#begin();
      return conversation;
    } catch (error) {
      conversation.#fail(error);
      throw error;
    }
  }

  /** The server answers, in a conversation that changes nothing. */
  answers(): Promise<void> {
    return this.#step((done) => this.#connection.reset(done));
  }

  /**
   * Resolves when the server has taken it.
   * @param beforeEnd awaited when all but the last line has been sent, without which no server may take it.
   */
  send(envelope: SMTPEnvelope, mail: Buffer, beforeEnd: () => Promise<void>): Promise<void> {
    // Nobody reads from it before the server has said that it is ready for the text.
    const text = Readable.from(this.#text(mail, beforeEnd), { objectMode: false });
    return this.#step((done) => this.#connection.send(envelope, text, done));
  }

  /** A good one ends with a goodbye, for which nobody waits. */
  [Symbol.dispose](): void {
    if (this.#isWell) {
      this.#enter("farewell");
      this.#connection.quit();
    } else this.#fail(noLongerNeeded);
  }

  async #begin(): Promise<void> {
    this.#enter("connection");
    await this.#step((done) => this.#connection.connect(done));
    const { auth } = this.#server;
    // As Nodemailer's own transports do: a server that knows no sign-in is told no password.
    if (auth && this.#connection.allowsAuth) await this.#step((done) => this.#connection.login(auth, done));
  }

  async *#text(mail: Buffer, beforeEnd: () => Promise<void>): AsyncGenerator<Buffer> {
    yield mail;
    await beforeEnd();
    this.#enter("message");
  }

  async #step(begin: (done: (error?: Error | null) => void) => void): Promise<void> {
    this.#isWell = false;
    const step = new Promise<void>((resolve, reject) => {
      begin((error) => (error ? reject(error) : resolve()));
    });
    await Promise.race([step, this.#over.promise]);
    this.#isWell = true;
  }

  /** What Nodemailer tells its log is how the phases can be told apart. */
  #heard(entry: unknown): void {
    const what = typeof entry === "object" && entry !== null && "tnx" in entry ? entry.tnx : undefined;
    if (what === "network" && this.#phase === "connection") this.#enter("greeting");
    if (what === "server" && this.#phase !== "farewell") this.#enter("command");
  }

  #enter(phase: Phase): void {
    this.#limit.abort(noLongerNeeded);
    this.#limit = new AbortController();
    this.#phase = phase;
    const { seconds, late } = limits[phase];
    this.#parts.clock.sleep(seconds, this.#limit.signal).then(
      () => this.#fail(new Error(`${late} within ${seconds} s`)),
      () => {},
    );
  }

  #fail(error: unknown): void {
    this.#limit.abort(noLongerNeeded);
    this.#parts.signal.removeEventListener("abort", this.#stop);
    this.#over.reject(error);
    this.#isWell = false;
    this.#connection.close();
  }
}
