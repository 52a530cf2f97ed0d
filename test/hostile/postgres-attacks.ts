/** Hostile bytes in PostgreSQL's protocol. */
import { endless } from "./attacks.ts";
import { type Attacks, asked, repeated } from "./line-attacks.ts";

const text = 25;
const json = 114;
const named = (index: number) => index.toString(36);
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
  "results of one letter without end": asked(welcome, endless("", repeated(message("C", Buffer.from("A\0"))))),
  "an error that does not end": asked(message("E", [])),
  "a notice that does not end": asked(welcome, message("N", Buffer.from("SNOTICE"))),
  "a way to sign in that we never began": asked(message("R", [0, 0, 0, 11])),
  "the end of a way to sign in that we never began": asked(message("R", [0, 0, 0, 12])),
  "a salt of 600,000 parts": asked(
    message("R", Buffer.from("\0\0\0\x0aSCRAM-SHA-256\0\0", "latin1")),
    message("R", Buffer.from(`\0\0\0\x0b${"s=,".repeat(600_000)}s=`, "latin1")),
  ),
  "values that lead back": asked(welcome, Buffer.concat([columns(1), leadingBack(1_900_000)])),
  "a value of brackets": asked(welcome, Buffer.concat([columns(1, json), brackets(950_000)])),
  "columns of 30,000 names": asked(welcome, endless(columns(30_000, text, named), row(30_000))),
  "two results to one question": asked(
    welcome,
    Buffer.concat([message("C", Buffer.from("BEGIN\0")), ready]),
    Buffer.concat([columns(1), message("C", Buffer.from("A\0")), columns(1), message("C", Buffer.from("B\0")), ready]),
  ),
  "rows of nothing without end": asked(welcome, endless(columns(1), repeated(message("D", [0, 0])))),
  "a question back": asked(welcome, message("G", Buffer.alloc(3)), message("G", Buffer.alloc(3))),
};

function message(kind: string, body: Uint8Array | readonly number[]): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind, "latin1");
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, Buffer.from(body)]);
}

function columns(most: number, type = 0, name = (_index: number) => "a"): Buffer {
  const column = (index: number) =>
    Buffer.concat([Buffer.from(`${name(index)}\0`), Buffer.alloc(6), thirtyTwo(type), Buffer.alloc(8)]);
  return message("T", Buffer.concat([sixteen(most), ...Array.from({ length: most }, (_, index) => column(index))]));
}

/** One value that takes all there is, and then one of a length below zero, after which it begins again. */
function leadingBack(bytes: number): Buffer {
  const value = Buffer.concat([thirtyTwo(bytes), Buffer.alloc(bytes, "x"), thirtyTwo(-bytes - 8)]);
  return message("D", Buffer.concat([sixteen(32_000), value]));
}

function brackets(deep: number): Buffer {
  const value = Buffer.from(`${"[".repeat(deep)}${"]".repeat(deep)}`);
  return message("D", Buffer.concat([sixteen(1), thirtyTwo(value.length), value]));
}

function row(most: number): Buffer {
  const nothing = Buffer.alloc(4, 0xff);
  return message("D", Buffer.concat([sixteen(most), ...Array.from({ length: most }, () => nothing)]));
}

function sixteen(number: number): Buffer {
  return Buffer.from([number >> 8, number & 0xff]);
}

function thirtyTwo(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(number);
  return bytes;
}
