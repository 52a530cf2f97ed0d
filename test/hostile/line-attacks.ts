/** Hostile bytes in protocols other than HTTP (SMTP, Redis, TLS and plain TCP). */
import type { Socket } from "node:net";
import { type Attack, dripping, endless, said } from "./attacks.ts";

export type Attacks = Readonly<Record<string, Attack>>;
/** What a server says at its turns, one after the other; the last one is the attack. */
export type Turn = string | Uint8Array | Attack;

/** In any language. */
export const anyLine: Attacks = {
  "zeros without end": endless("", Buffer.alloc(65_536)),
  "ones without end": endless("", Buffer.alloc(65_536, 0xff)),
  "one line without end": endless("", "a".repeat(65_536)),
  "digits without end": endless("", "2".repeat(65_536)),
  "empty lines without end": endless("", "\r\n".repeat(30_000)),
  "random bytes": said(Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919 + (index >> 3)) % 256))),
  "a list of more than there is memory for (Redis)": said("*2147483647\r\n"),
  "a message without a length (PostgreSQL)": said(Buffer.from([0x52, 0, 0, 0, 0, 0, 0])),
  "a kind of message that is none (PostgreSQL)": said(Buffer.from([1, 0, 0, 0, 4, 2, 0, 0, 0, 4])),
  "a greeting that ends too early (MySQL)": said(Buffer.from([3, 0, 0, 0, 0x0a, 0x38, 0x2e])),
  HTTP: said("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
  "a fatal alert of TLS": said(Buffer.from([0x15, 3, 3, 0, 2, 2, 40])),
  "a hang-up": (socket) => socket.end(),
  "a reset": (socket) => socket.resetAndDestroy(),
};

/** Those who keep us waiting. */
export const slowLine: Attacks = {
  "no word at all": () => {},
  "letters that drip": dripping("", "a"),
  "digits that drip": dripping("", "2"),
  "zeros that drip": dripping("", "\0"),
};

/** Waits to be spoken to, as the servers of some languages do. */
export const asked = (...turns: readonly Turn[]): Attack => inTurns(turns);
/** Speaks first, as the others do. */
export const greeting = (first: Turn, ...turns: readonly Turn[]): Attack => {
  const others = inTurns(turns);
  return (socket, path) => {
    take(first, socket, path);
    others(socket, path);
  };
};

function inTurns(turns: readonly Turn[]): Attack {
  return (socket, path) => {
    const left = turns.values();
    socket.on("data", () => {
      const { value } = left.next();
      if (value !== undefined) take(value, socket, path);
    });
  };
}

function take(turn: Turn, socket: Socket, path: string): void {
  if (typeof turn === "function") turn(socket, path);
  else socket.write(typeof turn === "string" ? Buffer.from(turn, "latin1") : turn);
}

export const redisAttacks: Attacks = {
  "a text of 3 GB": asked(endless("$3000000000\r\n", "x".repeat(65_536), 3_000_000_000)),
  "a text as long as it may be": asked(endless("$8000000\r\n", "x".repeat(65_536), 8_000_002)),
  "a text of a length beyond all numbers": asked(endless(`$${"9".repeat(400)}\r\n`, "x".repeat(65_536))),
  "a text of a length without end": asked(endless("$", "1".repeat(65_536))),
  "a text of a length below zero": asked(said("$-2\r\n$-9999999999\r\n")),
  "a list of 33 million": asked(said("*33000000\r\n")),
  "lists of 33 million in each other": asked(endless("", "*33000000\r\n".repeat(5000))),
  "a list of more than there may be": asked(said("*99999999999\r\n:1\r\n")),
  "a list of a number that is none": asked(said("*-5\r\n*x\r\n*1e9\r\n")),
  "lists in each other without end": asked(endless("", "*1\r\n".repeat(15_000))),
  "numbers in a list of millions": asked(endless("*9000000\r\n", ":1\r\n".repeat(15_000))),
  "a million empty lists": asked(endless("*1000000\r\n", "*0\r\n".repeat(15_000))),
  "answers that nobody asked for": asked(endless("", "+OK\r\n".repeat(15_000))),
  "nothing, before anybody asked": greeting(said("$-1\r\n".repeat(50))),
  "an error without end": asked(endless("-ERR ", "e".repeat(65_536))),
  "a number without end": asked(endless(":", "9".repeat(65_536))),
  "maps, sets and pushes of a later version": asked(said("%1\r\n+a\r\n+b\r\n~1\r\n+a\r\n>2\r\n+message\r\n+b\r\n")),
  "maps of millions": asked(endless("%30000000\r\n", "+a\r\n".repeat(15_000))),
  "pushes without end": asked(endless("", ">2\r\n+invalidate\r\n*0\r\n".repeat(5000))),
  "a message that nobody subscribed to": asked(said("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n".repeat(50))),
  "no text at all, and then a list of 30 million": asked(said("$-0\r\n*2:000000\r\n")),
  "a list of 30 million in place of a line end": asked(said("$-0\r\n*2:000000\r\n".repeat(2))),
  "names without end in a set": asked(
    endless("*2\r\n:1790000000\r\n:0\r\n*2\r\n$1\r\n0\r\n*900000000\r\n", "$1\r\na\r\n".repeat(9000)),
  ),
};

/** A Sidekiq that is in order, but for the oldest job of its one queue. */
const sidekiqWith = (job: string): Attack => {
  const text = (value: string) => `$${value.length}\r\n${value}\r\n`;
  const list = (...values: readonly string[]) => `*${values.length}\r\n${values.join("")}`;
  const time = list(text("1795392000"), text("0"));
  const set = (...names: readonly string[]) => list(text("0"), list(...names.map(text)));
  const [none, nothing, ten] = [":0\r\n", "$-1\r\n", ":10\r\n"];
  const totals = [time, nothing, nothing, none, none, list(), none, none, list(), list(), none, none, none, list()];
  const cron = list(nothing, nothing, nothing, nothing, nothing);
  return asked([time, set("default"), set()].join(""), [...totals, cron, ten, text(job)].join(""));
};

export const sidekiqAttacks: Attacks = {
  "a job of 3 MB of brackets": sidekiqWith(`${"[".repeat(1_500_000)}${"]".repeat(1_500_000)}`),
  "a job of 15 MB of brackets": sidekiqWith(`${"[".repeat(7_500_000)}${"]".repeat(7_500_000)}`),
};

/** As often as it fits into what is sent at once. */
export function repeated(bytes: Uint8Array): Uint8Array {
  return Buffer.concat(Array.from({ length: Math.ceil(65_536 / bytes.length) }, () => bytes));
}

const offers = "250-mail.example\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n";

export const smtpAttacks: Attacks = {
  "a greeting without end": greeting(endless("220-", "a".repeat(65_536))),
  "greetings without end": greeting(endless("", "220-hello\r\n".repeat(6000))),
  "199 lines of 4 kB, again and again": greeting(longest(220), ...Array.from({ length: 20 }, () => longest(250))),
  "offers without end": greeting("220 hello\r\n", endless("250-hello\r\n", "250-AUTH PLAIN\r\n".repeat(4000))),
  "offers that drip": greeting("220 hello\r\n", dripping("250-hello\r\n250-", "a")),
  "control characters": greeting("220 \u001b[2J\u0000\u202e\r\n", "550 \u001b[2J\u009b\u0000no\r\n"),
  "encryption that never begins": greeting("220 hello\r\n", offers, "220 go\r\n"),
  "zeros in place of encryption": greeting("220 hello\r\n", offers, "220 go\r\n", endless("", Buffer.alloc(65_536))),
  "a message of TLS of 16 MB": greeting(
    "220 hello\r\n",
    offers,
    "220 go\r\n",
    endless(Buffer.from([0x16, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff]), Buffer.alloc(65_536)),
  ),
  "more words before encryption without end": greeting(
    "220 hello\r\n",
    offers,
    endless("220 go\r\n", "250 a\r\n".repeat(9000)),
  ),
};

function longest(code: number): string {
  return `${`${code}-${"a".repeat(4000)}\r\n`.repeat(198)}${code} a\r\n`;
}
