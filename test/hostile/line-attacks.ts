/** What a server can say to harm whoever speaks with it in another language than HTTP. */
import type { Socket } from "node:net";
import { type Attack, dripping, endless, said } from "./attacks.ts";

type Attacks = Readonly<Record<string, Attack>>;
/** What a server says at its turns, one after the other; the last one is the attack. */
type Turn = string | Uint8Array | Attack;

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
const greeting = (first: Turn, ...turns: readonly Turn[]): Attack => {
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
  "an error without end": asked(endless("-ERR ", "e".repeat(65_536))),
  "a number without end": asked(endless(":", "9".repeat(65_536))),
  "maps, sets and pushes of a later version": asked(said("%1\r\n+a\r\n+b\r\n~1\r\n+a\r\n>2\r\n+message\r\n+b\r\n")),
  "maps of millions": asked(endless("%30000000\r\n", "+a\r\n".repeat(15_000))),
  "pushes without end": asked(endless("", ">2\r\n+invalidate\r\n*0\r\n".repeat(5000))),
  "a message that nobody subscribed to": asked(said("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n".repeat(50))),
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

const auth = message("R", [0, 0, 0, 0]);
const ready = message("Z", Buffer.from("I"));
const welcome = Buffer.concat([auth, ready]);

export const postgresAttacks: Attacks = {
  "a message of 2 GB": asked(endless(Buffer.from([0x44, 0x7f, 0xff, 0xff, 0xff]), Buffer.alloc(65_536))),
  "a message of 4 GB": asked(endless(Buffer.from([0x44, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(65_536))),
  "a message shorter than its length": asked(endless("", Buffer.from([0x52, 0, 0, 0, 0]))),
  "settings without end": asked(endless(auth, repeated(message("S", Buffer.from("a\0b\0"))))),
  "notices without end": asked(endless(auth, repeated(message("N", Buffer.from("SNOTICE\0Mhello\0\0"))))),
  "messages of no kind without end": asked(endless("", repeated(message("@", Buffer.alloc(10))))),
  "passwords without end": asked(endless("", repeated(message("R", [0, 0, 0, 3])))),
  "a password of many rounds": asked(
    message("R", Buffer.from("\0\0\0\x0aSCRAM-SHA-256\0\0", "latin1")),
    message("R", Buffer.from(`\0\0\0\x0br=abc,s=${"QQ=="},i=2000000000`, "latin1")),
  ),
  "a row of 2 GB": asked(welcome, endless(Buffer.from([0x44, 0x7f, 0, 0, 0]), Buffer.alloc(65_536))),
  "rows without end": asked(welcome, endless(columns(1), repeated(row(1)))),
  "a row of 65,535 columns, again and again": asked(welcome, endless(columns(65_535), row(65_535))),
  "a row of 30,000 columns, again and again": asked(welcome, endless(columns(30_000), row(30_000))),
  "descriptions without end": asked(welcome, endless("", repeated(columns(10)))),
  "errors without end": asked(welcome, endless("", repeated(message("E", Buffer.from("SERROR\0C42501\0Mno\0\0"))))),
  "results without end": asked(welcome, endless("", repeated(message("C", Buffer.from("SELECT 0\0"))))),
  "a copy without end": asked(welcome, endless(message("H", Buffer.alloc(3)), repeated(message("d", Buffer.alloc(9))))),
  "a question back": asked(welcome, message("G", Buffer.alloc(3)), message("G", Buffer.alloc(3))),
};

function message(kind: string, body: Uint8Array | readonly number[]): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind, "latin1");
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, Buffer.from(body)]);
}

function columns(most: number): Buffer {
  const column = Buffer.concat([Buffer.from("a\0"), Buffer.alloc(18)]);
  return message("T", Buffer.concat([sixteen(most), ...Array.from({ length: most }, () => column)]));
}

function row(most: number): Buffer {
  const nothing = Buffer.alloc(4, 0xff);
  return message("D", Buffer.concat([sixteen(most), ...Array.from({ length: most }, () => nothing)]));
}

function sixteen(number: number): Buffer {
  return Buffer.from([number >> 8, number & 0xff]);
}

/** As often as it fits into what is sent at once. */
function repeated(bytes: Uint8Array): Uint8Array {
  return Buffer.concat(Array.from({ length: Math.ceil(65_536 / bytes.length) }, () => bytes));
}

const hello = packet(
  0,
  Buffer.concat([
    Buffer.from("\x0a8.0.40\0\x01\0\0\0abcdefgh\0", "latin1"),
    // What it can do (protocol of 4.1, secure passwords, named ways to sign in), character set and status.
    Buffer.from([0x00, 0x82, 0x21, 0x02, 0x00, 0x08, 0x00, 21]),
    Buffer.alloc(10),
    Buffer.from("abcdefghijkl\0mysql_native_password\0", "latin1"),
  ]),
);
const letIn = packet(2, [0, 0, 0, 2, 0, 0, 0]);
const endOfPart = (sequence: number) => packet(sequence, [0xfe, 0, 0, 2, 0]);
const oneColumn = Buffer.concat([packet(1, [1]), column(2), endOfPart(3)]);

export const mysqlAttacks: Attacks = {
  "a greeting of 16 MB": greeting(endless(Buffer.from([0xfe, 0xff, 0xff, 0, 0x0a]), "8".repeat(65_536))),
  "packets of 16 MB without end": greeting(
    endless("", Buffer.concat([Buffer.of(0xff, 0xff, 0xff, 0), Buffer.alloc(0xffffff)])),
  ),
  "empty packets without end": greeting(endless(hello, Buffer.alloc(65_536))),
  "ways to sign in without end": greeting(hello, endless("", repeated(packet(2, [0xfe, ...Buffer.from("a\0b")])))),
  "a way to sign in that shows the password": greeting(
    hello,
    packet(2, [0xfe, ...Buffer.from("mysql_clear_password\0")]),
  ),
  "a number without end of columns": greeting(
    hello,
    letIn,
    packet(1, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]),
  ),
  "columns without end": greeting(hello, letIn, endless(packet(1, [0xfd, 0xff, 0xff, 0xff]), repeated(column(2)))),
  "rows without end": greeting(hello, letIn, endless(oneColumn, repeated(packet(4, [1, 0x61])))),
  "a row of 2 GB": greeting(
    hello,
    letIn,
    endless(oneColumn, Buffer.concat([Buffer.of(0xff, 0xff, 0xff, 4), Buffer.alloc(0xffffff, 0x61)])),
  ),
  "a row of a length beyond all numbers": greeting(
    hello,
    letIn,
    Buffer.concat([oneColumn, packet(4, Buffer.alloc(9, 0xfe))]),
  ),
  "columns with names of programs": greeting(
    hello,
    letIn,
    Buffer.concat([
      packet(1, [3]),
      column(2, "__proto__"),
      column(3, "constructor"),
      column(4, "'];process.exit(1);//"),
      endOfPart(5),
      packet(6, [1, 0x61, 1, 0x61, 1, 0x61]),
      endOfPart(7),
    ]),
  ),
  "a file that it wants to have": greeting(hello, letIn, packet(1, [0xfb, ...Buffer.from("/etc/passwd")])),
  "errors without end": greeting(
    hello,
    letIn,
    endless("", repeated(packet(1, [0xff, 0x51, 0x04, ...Buffer.from("#HY000no")]))),
  ),
};

function packet(sequence: number, body: Uint8Array | readonly number[]): Buffer {
  const { length } = body;
  return Buffer.concat([Buffer.of(length & 0xff, (length >> 8) & 0xff, length >> 16, sequence), Buffer.from(body)]);
}

function column(sequence: number, name = "a"): Buffer {
  const texts = ["def", "", "", "", name, ""].map((text) => Buffer.concat([Buffer.of(text.length), Buffer.from(text)]));
  return packet(sequence, Buffer.concat([...texts, Buffer.from([0x0c, 0x21, 0, 0xff, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0])]));
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
