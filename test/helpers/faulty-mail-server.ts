/** A mail server that keeps to SMTP (RFC 5321) but for one fault, at one point of the conversation, for as long as it is told. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Clock } from "../../core/clock.ts";
import type { Certified } from "./certificates.ts";

export interface MailFault {
  /** `data`: the command; `dot`: the line that ends a mail. */
  readonly at: "greeting" | "EHLO" | "MAIL" | "RCPT" | "DATA" | "dot";
  /** It never answers; cuts the connection; answers this; or answers as it should, but late. */
  readonly does: "hangs" | "cuts" | { readonly answers: string } | { readonly waits: number };
  /** Only once it knows that the mail is for this reader. */
  readonly to?: string;
}

const answers = (text: string) => ({ answers: text });

/** Every one that is tried, by what the mail server does. */
export const mailFaults: readonly (readonly [string, MailFault])[] = [
  ["hangs after the connection", { at: "greeting", does: "hangs" }],
  ["hangs after EHLO", { at: "EHLO", does: "hangs" }],
  ["hangs after RCPT", { at: "RCPT", does: "hangs" }],
  ["hangs after DATA", { at: "DATA", does: "hangs" }],
  ["hangs after the dot", { at: "dot", does: "hangs" }],
  ["is too busy to greet", { at: "greeting", does: answers("421 4.3.2 too busy") }],
  ["closes at RCPT", { at: "RCPT", does: answers("421 4.3.2 closing") }],
  ["closes at the dot", { at: "dot", does: answers("421 4.3.2 closing") }],
  ["greylists", { at: "RCPT", does: answers("451 4.7.1 greylisted") }],
  ["cannot write the mail", { at: "dot", does: answers("451 4.3.0 try again") }],
  ["has no room", { at: "RCPT", does: answers("452 4.2.2 no room") }],
  ["has no room for the mail", { at: "dot", does: answers("452 4.3.1 no room") }],
  ["has a full mailbox", { at: "RCPT", does: answers("552 5.2.2 mailbox full") }],
  ["finds the mail too large", { at: "dot", does: answers("552 5.3.4 too large") }],
  ["is no mail server", { at: "greeting", does: answers("HTTP/1.1 400 Bad Request") }],
  ["speaks nonsense", { at: "RCPT", does: answers("\u0000\u0001 what is this") }],
  ["speaks nonsense after the dot", { at: "dot", does: answers("ok") }],
  ["cuts before the greeting", { at: "greeting", does: "cuts" }],
  ["cuts after RCPT", { at: "RCPT", does: "cuts" }],
  ["cuts after DATA", { at: "DATA", does: "cuts" }],
  ["cuts after the dot", { at: "dot", does: "cuts" }],
];

/** A mail whose last line has arrived: a reader may get it, unless it was refused. */
export interface ArrivedMail {
  readonly to: string;
  readonly messageId: string;
  readonly atSeconds: number;
  /** When whoever sent it was told that it is taken. */
  acceptedSeconds?: number;
  isRefused?: true;
}

export class FaultyMailServer implements AsyncDisposable {
  fault: MailFault | undefined;
  /** Each conversation has the next of these, and none the one above. */
  inTurn: readonly MailFault[] = [];
  readonly mails: ArrivedMail[] = [];
  readonly clock: Clock;
  /** Aborted at the end: nothing hangs longer than the test. */
  readonly over = new AbortController();
  /** How often something moved on a connection. */
  moves = 0;
  readonly #server: Server;
  readonly #certify: (certified: Certified) => void;
  readonly #sockets = new Set<Socket>();
  #conversations = 0;
  #port = 0;

  private constructor(clock: Clock, certified: Certified | undefined) {
    this.clock = clock;
    const talk = (socket: Socket) => this.#talk(socket);
    const secure = certified && createTlsServer({ key: certified.keyPem, cert: certified.certPem }, talk);
    this.#certify = ({ keyPem, certPem }) => secure?.setSecureContext({ key: keyPem, cert: certPem });
    this.#server = secure ?? createServer(talk);
    this.#server.on("connection", () => this.moves++).on("tlsClientError", () => this.moves++);
  }

  /** @param certified for TLS from the start. */
  static async start(clock: Clock, certified?: Certified): Promise<FaultyMailServer> {
    const server = new FaultyMailServer(clock, certified);
    await server.listen();
    return server;
  }

  get conversations(): number {
    return this.#conversations;
  }

  get port(): number {
    return this.#port;
  }

  /** From now on. */
  certify(certified: Certified): void {
    this.#certify(certified);
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    this.#port = typeof address === "object" && address ? address.port : 0;
  }

  /** Nobody listens on its port, until it listens again. */
  async refuse(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.over.abort();
    await this.refuse();
  }

  #talk(socket: Socket): void {
    this.#sockets.add(socket);
    // Its short answers would wait for one another.
    socket.setNoDelay(true);
    for (const event of ["data", "end", "close"]) socket.on(event, () => this.moves++);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    const own = this.inTurn[this.#conversations++ % this.inTurn.length];
    new Session(this, socket, own).run().catch(() => socket.destroy());
  }
}

/** One conversation; ends by throwing where it is cut or will never be answered. */
class Session {
  readonly #server: FaultyMailServer;
  readonly #socket: Socket;
  readonly #own: MailFault | undefined;
  #hasSender = false;
  #to: string | undefined;

  constructor(server: FaultyMailServer, socket: Socket, own: MailFault | undefined) {
    this.#server = server;
    this.#socket = socket;
    this.#own = own;
  }

  async run(): Promise<void> {
    const lines = linesOf(this.#socket);
    await this.#answer("greeting", "220 mail.example ESMTP");
    for await (const line of lines) {
      const verb = /^[A-Za-z]+/.exec(line)?.[0].toUpperCase() ?? "";
      if (verb === "DATA") await this.#data(lines);
      else await this.#command(verb, line);
      if (verb === "QUIT") break;
    }
    this.#socket.end();
  }

  async #command(verb: string, line: string): Promise<void> {
    switch (verb) {
      case "EHLO":
        return void (await this.#answer("EHLO", "250-mail.example\r\n250-PIPELINING\r\n250 8BITMIME"));
      case "MAIL":
        if (this.#hasSender) return this.#say("503 5.5.1 one after the other");
        this.#hasSender = await this.#answer("MAIL", "250 2.1.0 well");
        return;
      case "RCPT": {
        if (!this.#hasSender) return this.#say("503 5.5.1 from whom?");
        const to = /<(.*)>/.exec(line)?.[1] ?? "";
        if (await this.#answer("RCPT", "250 2.1.5 well", to)) this.#to = to;
        return;
      }
      case "RSET":
        this.#reset();
        return this.#say("250 2.0.0 well");
      case "NOOP":
        return this.#say("250 2.0.0 well");
      case "QUIT":
        return this.#say("221 2.0.0 goodbye");
      default:
        return this.#say("500 5.5.2 what?");
    }
  }

  async #data(lines: AsyncGenerator<string>): Promise<void> {
    const to = this.#to;
    if (to === undefined) return this.#say("554 5.5.1 to whom?");
    if (!(await this.#answer("DATA", "354 go on", to))) return this.#reset();
    const text: string[] = [];
    for (;;) {
      const { value, done } = await lines.next();
      // Without its last line it is no mail.
      if (done) throw new Error("cut off");
      if (value === ".") break;
      text.push(value);
    }
    const messageId = /^Message-ID: <(.*)>/im.exec(text.join("\n"))?.[1] ?? "";
    const mail: ArrivedMail = { to, messageId, atSeconds: this.#server.clock.monotonicSeconds() };
    this.#server.mails.push(mail);
    const isTaken = await this.#answer("dot", "250 2.0.0 taken", to, () => {
      mail.isRefused = true;
    });
    if (isTaken && this.#socket.writable) mail.acceptedSeconds = this.#server.clock.monotonicSeconds();
    this.#reset();
  }

  #reset(): void {
    this.#hasSender = false;
    this.#to = undefined;
  }

  /** @returns whether it was the good answer. */
  async #answer(at: MailFault["at"], good: string, to?: string, refused = () => {}): Promise<boolean> {
    const { clock, over } = this.#server;
    const fault = this.#own ?? this.#server.fault;
    const does = fault?.at === at && (fault.to === undefined || fault.to === to) ? fault.does : undefined;
    if (does === "cuts") throw new Error("cut");
    if (does === "hangs") await new Promise((_, reject) => over.signal.addEventListener("abort", reject));
    if (typeof does === "object" && "answers" in does) {
      if (/^[45]\d\d/.test(does.answers)) refused();
      this.#say(does.answers);
      if (!does.answers.startsWith("421")) return false;
      await new Promise<void>((resolve) => this.#socket.end(resolve));
      throw new Error("closed");
    }
    if (typeof does === "object") await clock.sleep(does.waits, over.signal);
    this.#say(good);
    return true;
  }

  #say(answer: string): void {
    this.#server.moves++;
    this.#socket.write(`${answer}\r\n`);
  }
}

async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of socket.setEncoding("latin1")) {
    const lines = `${rest}${chunk}`.split("\r\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
