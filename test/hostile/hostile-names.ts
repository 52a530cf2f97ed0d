/** A hostile name server (DNS), over UDP and TCP, and what it answers. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { untilFree } from "../../practice/servers/ports.ts";
import { type Attack, dripping, endless } from "./attacks.ts";
import { type HostileServer, hostileLine } from "./hostile-server.ts";

/** What is said to one question, packet by packet. */
export type Names = (question: Buffer) => readonly Uint8Array[];

export function hostileNames(names: Names, overTcp: Attack = (socket) => socket.end()): Promise<HostileServer> {
  return untilFree(() => started(names, overTcp));
}

async function started(names: Names, overTcp: Attack): Promise<HostileServer> {
  const line = await hostileLine(overTcp);
  const socket = createSocket("udp4");
  socket.on("message", (question, { port, address }) => {
    for (const said of names(question)) socket.send(said, port, address);
  });
  socket.on("error", () => {});
  const [host, port] = line.host.split(":");
  socket.bind(Number(port), host);
  await once(socket, "listening").catch(async (taken: unknown) => {
    await line[Symbol.asyncDispose]();
    throw taken;
  });
  return {
    ...line,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await Promise.all([closed, line[Symbol.asyncDispose]()]);
    },
  };
}

const flags = { answer: 0x8180, cut: 0x8380 };

/** The question again, and what follows it. */
function reply(question: Buffer, records: Uint8Array, { count = 1, head = flags.answer } = {}): Buffer {
  const begin = Buffer.from(question);
  begin.writeUInt16BE(head, 2);
  begin.writeUInt16BE(count, 6);
  begin.writeUInt32BE(0, 8);
  return Buffer.concat([begin.subarray(0, endOfQuestion(question)), records]);
}

function endOfQuestion(question: Buffer): number {
  let at = 12;
  while ((question[at] ?? 0) > 0) at += 1 + (question[at] ?? 0);
  return at + 5;
}

const asItWasAsked = Buffer.from([0xc0, 12]);
const typeOf = (question: Buffer): number => question.readUInt16BE(endOfQuestion(question) - 4);

function record(name: Uint8Array, type: number, data: Uint8Array, length = data.length): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(60, 4);
  fixed.writeUInt16BE(length, 8);
  return Buffer.concat([name, fixed, data]);
}

const a = (name: Uint8Array) => record(name, 1, Buffer.from([192, 0, 2, 10]));
const pointer = (to: number) => Buffer.from([0xc0 | (to >> 8), to & 0xff]);
const label = (text: string) => Buffer.concat([Buffer.of(text.length), Buffer.from(text, "latin1")]);
const times = (most: number, bytes: Uint8Array) => Buffer.concat(Array.from({ length: most }, () => bytes));
const cut: Names = (question) => [reply(question, Buffer.alloc(0), { count: 0, head: flags.cut })];

interface NameAttack {
  readonly names: Names;
  readonly overTcp?: Attack;
}

export const nameAttacks: Readonly<Record<string, NameAttack>> = {
  "no word at all": { names: () => [] },
  "a name that points to itself": {
    names: (question) => [reply(question, a(pointer(endOfQuestion(question))))],
  },
  "names that point to each other": {
    names: (question) => {
      const end = endOfQuestion(question);
      return [reply(question, a(Buffer.concat([pointer(end + 2), pointer(end)])))];
    },
  },
  "a name that points behind the end": { names: (question) => [reply(question, a(pointer(0x3fff)))] },
  "an alias that points to itself": {
    names: (question) => [reply(question, record(asItWasAsked, 5, pointer(endOfQuestion(question) + 12)))],
  },
  "an alias of itself": { names: (question) => [reply(question, record(asItWasAsked, 5, asItWasAsked))] },
  "a name of a thousand parts": { names: (question) => [reply(question, a(times(1000, label("a".repeat(60)))))] },
  "more records than there are": { names: (question) => [reply(question, a(asItWasAsked), { count: 65_535 })] },
  "a record longer than the packet": {
    names: (question) => [reply(question, record(asItWasAsked, 1, Buffer.alloc(4), 65_535))],
  },
  "an address of a hundred bytes": {
    names: (question) => [reply(question, record(asItWasAsked, 1, Buffer.alloc(100)))],
  },
  "four thousand records": { names: (question) => [reply(question, times(4000, a(asItWasAsked)), { count: 4000 })] },
  "texts of control characters": {
    names: (question) => [
      reply(question, record(asItWasAsked, typeOf(question), times(200, label("\u001b[2J\u0000\u009b2J\u00ff"))), {}),
    ],
  },
  "names of control characters": {
    names: (question) => [
      reply(
        question,
        record(asItWasAsked, typeOf(question), Buffer.concat([label("\u001b[2J\u0000\u0007\u009b"), Buffer.of(0)])),
      ),
    ],
  },
  "the answer to another question": {
    names: (question) => {
      const other = Buffer.from(question);
      other[13] = 0x7a;
      return [reply(other, a(asItWasAsked))];
    },
  },
  "a thousand answers that nobody asked for": {
    names: (question) =>
      Array.from({ length: 1000 }, (_, index) => {
        const other = Buffer.from(question);
        other.writeUInt16BE(index * 61, 0);
        return reply(other, a(asItWasAsked));
      }),
  },
  "an empty packet": { names: () => [Buffer.alloc(0)] },
  "half a head": { names: (question) => [question.subarray(0, 7)] },
  "zeros in place of a head": { names: (question) => [Buffer.concat([question.subarray(0, 2), Buffer.alloc(500)])] },
  "packets of 60 kB": { names: (question) => times20(Buffer.concat([question, Buffer.alloc(60_000)])) },
  "zeros without end over TCP": { names: cut, overTcp: endless("", Buffer.alloc(65_536)) },
  "ones without end over TCP": { names: cut, overTcp: endless("", Buffer.alloc(65_536, 0xff)) },
  "small answers without end over TCP": {
    names: cut,
    overTcp: endless("", times(4000, Buffer.from([0, 12, 1, 2, 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 0]))),
  },
  "an answer that drips over TCP": { names: cut, overTcp: dripping("\u00ff\u00ff", "\u0000") },
  "a hang-up over TCP": { names: cut },
};

function times20(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: 20 }, () => bytes);
}
