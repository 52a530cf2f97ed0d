/** An SMTP client: sends one command at a time, with STARTTLS and sign-in, and never sends a mail. */
import { isIPv6 } from "node:net";
import { Unreachable } from "../../core/errors.ts";
import { plainText } from "../../core/plain-text.ts";
import type { Line, TlsReport, TlsWishes } from "../../core/probe.ts";

export interface SmtpReply {
  readonly code: number;
  readonly lines: readonly string[];
  /** "550 5.7.1 no", as it is shown to people. */
  readonly said: string;
}

export const isGood = ({ code }: SmtpReply): boolean => code >= 200 && code < 400;
/** Try again later: 4yz. */
export const isForNow = ({ code }: SmtpReply): boolean => code >= 400 && code < 500;

/** RFC 5321 allows 512; some say more. */
const longestLine = 4096;
const mostLines = 200;

export class SmtpTalk {
  readonly #line: Line;
  readonly #transcript: string[] = [];
  #rest = Buffer.alloc(0);

  constructor(line: Line) {
    this.#line = line;
  }

  /** What was said by both sides, without what is secret. */
  get transcript(): string {
    return this.#transcript.slice(-40).join("\n");
  }

  /** An address literal: a client without a name of its own may say where it speaks from (RFC 5321, 4.1.3). */
  get ownName(): string {
    const address = this.#line.socket.localAddress ?? "127.0.0.1";
    return isIPv6(address) ? `[IPv6:${address}]` : `[${address}]`;
  }

  /** @param shown what the transcript says in its place, when the command holds a secret. */
  async ask(command: string, shown = command): Promise<SmtpReply> {
    this.#transcript.push(`> ${shown}`);
    this.#line.write(`${command}\r\n`);
    return this.reply({ secret: shown !== command });
  }

  /** @param secret the answer may repeat what was sent: only its code is kept. */
  async reply({ secret = false } = {}): Promise<SmtpReply> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.#nextLine();
      this.#transcript.push(`< ${secret ? `${plainText(line, 3)} …` : plainText(line, 200)}`);
      const [, code, dash, text = ""] = /^([2-5]\d\d)(?:([ -])(.*))?$/.exec(line) ?? [];
      if (code === undefined) throw this.#notSmtp();
      lines.push(text);
      if (lines.length > mostLines) throw this.#notSmtp();
      if (dash !== "-") return { code: Number(code), lines, said: plainText(`${code} ${lines.join(" ")}`, 120) };
    }
  }

  /** After the server agreed to STARTTLS, or from the first byte. */
  async secure(wishes: TlsWishes): Promise<TlsReport> {
    // Bytes sent before TLS would be taken for encrypted ones (STARTTLS injection).
    if (this.#rest.length > 0) {
      throw new Unreachable("says more in clear text after it agreed to STARTTLS", {
        stage: "protocol",
        evidence: this.transcript,
      });
    }
    return this.#line.secure(wishes);
  }

  /** Sends QUIT; nobody waits for the answer. */
  leave(): void {
    this.#line.write("QUIT\r\n");
  }

  async #nextLine(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      if (end >= 0) {
        const line = this.#rest.subarray(0, end).toString("utf8").replace(/\r$/, "");
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      if (this.#rest.length > longestLine) throw this.#notSmtp();
      const more = await this.#line.read();
      if (!more) throw this.#hungUp();
      this.#rest = Buffer.concat([this.#rest, more]);
    }
  }

  #notSmtp(): Unreachable {
    const said = plainText(this.#rest.subarray(0, 200).toString("latin1"), 200);
    return new Unreachable("the answer is not SMTP", {
      stage: "protocol",
      evidence: [this.transcript, said].join("\n").trim(),
    });
  }

  #hungUp(): Unreachable {
    const asked = this.#transcript.findLast((line) => line.startsWith("> "))?.slice(2);
    const after = asked === undefined ? "without a greeting" : `after "${plainText(asked, 60)}"`;
    return new Unreachable(`connected, then it hung up ${after}`, { stage: "request", evidence: this.transcript });
  }
}
