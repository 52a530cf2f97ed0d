/** Hostile bytes in MySQL's protocol. */
import { type Attack, endless } from "./attacks.ts";
import { type Attacks, asked, greeting, repeated, type Turn } from "./line-attacks.ts";

const long = 3;
const text = 0xfd;
/** What it can do: the protocol of 4.1, secure passwords, perhaps to encrypt. */
const hello = (abilities: number) =>
  packet(
    0,
    Buffer.concat([
      Buffer.from("\x0a8.0.40\0\x01\0\0\0abcdefgh\0", "latin1"),
      // With character set, status and named ways to sign in.
      Buffer.from([0x00, abilities, 0x21, 0x02, 0x00, 0x08, 0x00, 21]),
      Buffer.alloc(10),
      Buffer.from("abcdefghijkl\0mysql_native_password\0", "latin1"),
    ]),
  );
const plain = hello(0x82);
export const mysqlHelloWithTls = hello(0x8a);
const letIn = (sequence: number) => packet(sequence, [0, 0, 0, 2, 0, 0, 0]);
const endOfPart = (sequence: number) => packet(sequence, [0xfe, 0, 0, 2, 0]);
const oneColumn = Buffer.concat([packet(1, [1]), column(2), endOfPart(3)]);

const greetings: Attacks = {
  "a greeting of 16 MB": greeting(endless(Buffer.from([0xfe, 0xff, 0xff, 0, 0x0a]), "8".repeat(65_536))),
  "packets of 16 MB without end": greeting(
    endless("", Buffer.concat([Buffer.of(0xff, 0xff, 0xff, 0), Buffer.alloc(0xffffff)])),
  ),
  "empty packets without end": greeting(endless(plain, Buffer.alloc(65_536))),
};

/** By the number of the packet: encrypted, there was one before. */
const signIns: Readonly<Record<string, (sequence: number) => Turn>> = {
  "ways to sign in without end": (sequence) => endless("", repeated(packet(sequence, [0xfe, ...Buffer.from("a\0b")]))),
  "a way to sign in that shows the password": (sequence) =>
    packet(sequence, [0xfe, ...Buffer.from("mysql_clear_password\0")]),
  "ways to sign in that are in order": (sequence) =>
    inOrder(sequence, () => [0xfe, ...Buffer.from("mysql_native_password\0abcdefghijklmnopqrst\0")], 40_000),
  "a packet of 2 GB": () => endless(Buffer.of(0xff, 0xff, 0xff, 2), Buffer.alloc(65_536)),
};

/** To the first question. */
const answers: Readonly<Record<string, Turn>> = {
  "a number without end of columns": packet(1, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]),
  "columns without end": endless(packet(1, [0xfd, 0xff, 0xff, 0xff]), repeated(column(2))),
  "rows without end": endless(oneColumn, repeated(packet(4, [1, 0x61]))),
  "rows in order without end": endless(oneColumn, repeated(inOrder(4, () => [0xfb]))),
  "a number of digits without end": Buffer.concat([
    packet(1, [1]),
    column(2, "a", long),
    endOfPart(3),
    packet(4, [0xfe, 0, 0, 0, 0, 0, 1, 0, 0]),
  ]),
  "values that reach into those after them": endless(oneColumn, repeated(inOrder(4, () => [0xfd, 0x60, 0xea, 0]))),
  "results of ever other columns": (socket) => void socket.write(otherResults(35_000)),
  "columns of 40,000 names": (socket, path) => {
    const names = inOrder(2, (index) => column(0, index.toString(36)).subarray(4), 40_000);
    const end = 2 + 40_000;
    const nothing = Buffer.alloc(40_000, 0xfb);
    const before = Buffer.concat([packet(1, [0xfc, 40_000 & 0xff, 40_000 >> 8]), names, endOfPart(end % 256)]);
    const rows = inOrder(end + 1, () => nothing);
    endless(before, rows)(socket, path);
  },
  "a row of 2 GB": endless(oneColumn, Buffer.concat([Buffer.of(0xff, 0xff, 0xff, 4), Buffer.alloc(0xffffff, 0x61)])),
  "a row of a length beyond all numbers": Buffer.concat([oneColumn, packet(4, Buffer.alloc(9, 0xfe))]),
  "columns with names of programs": Buffer.concat([
    packet(1, [3]),
    column(2, "__proto__"),
    column(3, "constructor"),
    column(4, "'];process.exit(1);//"),
    endOfPart(5),
    packet(6, [1, 0x61, 1, 0x61, 1, 0x61]),
    endOfPart(7),
  ]),
  "a file that it wants to have": packet(1, [0xfb, ...Buffer.from("/etc/passwd")]),
  "errors without end": endless("", repeated(packet(1, [0xff, 0x51, 0x04, ...Buffer.from("#HY000no")]))),
};

const each = <T>(turns: Readonly<Record<string, T>>, attack: (turn: T) => Attack): Attacks =>
  Object.fromEntries(Object.entries(turns).map(([what, turn]) => [what, attack(turn)]));

export const mysqlAttacks: Attacks = {
  ...greetings,
  ...each(signIns, (signIn) => greeting(plain, signIn(2))),
  ...each(answers, (answer) => greeting(plain, letIn(2), answer)),
};

/** For a client that asked to encrypt after `mysqlHelloWithTls`, and did. */
export const mysqlAttacksInside: Attacks = {
  ...each(signIns, (signIn) => asked(signIn(3))),
  ...each(answers, (answer) => asked(letIn(3), answer)),
};

/** Before that: what is in clear must not be read with what is encrypted. */
export const mysqlAttacksBefore: Attacks = {
  "more than a greeting in clear": greeting(Buffer.concat([mysqlHelloWithTls, letIn(2)])),
};

function packet(sequence: number, body: Uint8Array | readonly number[]): Buffer {
  const { length } = body;
  return Buffer.concat([Buffer.of(length & 0xff, (length >> 8) & 0xff, length >> 16, sequence), Buffer.from(body)]);
}

/** Packets as they are numbered. */
function inOrder(first: number, body: (index: number) => Uint8Array | readonly number[], most = 256): Buffer {
  return Buffer.concat(Array.from({ length: most }, (_, index) => packet((first + index) % 256, body(index))));
}

function otherResults(most: number): Buffer {
  const moreToCome = [0xfe, 0, 0, 8, 0];
  const parts = (index: number) => [[1], column(0, index.toString(36)).subarray(4), moreToCome, moreToCome];
  return inOrder(1, (index) => parts(index >> 2)[index % 4] ?? [], most * 4);
}

function column(sequence: number, name = "a", type = text): Buffer {
  const texts = ["def", "", "", "", name, ""].map((text) => Buffer.concat([Buffer.of(text.length), Buffer.from(text)]));
  return packet(sequence, Buffer.concat([...texts, Buffer.from([0x0c, 0x21, 0, 0xff, 0, 0, 0, type, 0, 0, 0, 0, 0])]));
}
