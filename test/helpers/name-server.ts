/** A name server with zones written in the test, over UDP and TCP, as lame or as far behind as the test wants it. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { untilFree } from "../../practice/servers/ports.ts";

const types = { A: 1, NS: 2, CNAME: 5, SOA: 6, MX: 15, TXT: 16, AAAA: 28, SRV: 33, CAA: 257 } as const;
type Type = keyof typeof types;

/** Records by type, in their usual spelling; of a SOA record the serial, and the name server it comes from. */
type Records = Readonly<Partial<Record<Type, readonly string[]>>>;

export interface NameServerWishes {
  /** Default 127.0.0.1; several on one port need several addresses. */
  readonly host?: string;
  readonly port?: number;
  readonly names: Readonly<Record<string, Records>>;
}

type Trouble = "none" | "servfail" | "refused" | "silent" | "silent over TCP" | "truncated";

export interface TestNameServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** "127.0.0.1:5353" */
  readonly at: string;
  /** Questions so far: "udp social.example A". */
  readonly asked: readonly string[];
  trouble: Trouble;
  /** Questions it never answers properly: "coop.example NS". */
  readonly fails: Set<string>;
  names: NameServerWishes["names"];
}

export function nameServer(wishes: NameServerWishes): Promise<TestNameServer> {
  return wishes.port === undefined ? untilFree(() => started(wishes)) : started(wishes);
}

async function started({ host = "127.0.0.1", port = 0, names }: NameServerWishes): Promise<TestNameServer> {
  const asked: string[] = [];
  const heard = new Set<string>();
  const answer = (query: Buffer, over: "udp" | "tcp"): Buffer | undefined => {
    const { name, type, end } = questionOf(query);
    // Who waits too long on a busy machine says the same again, under the same number.
    const saying = `${query.readUInt16BE(0)} ${over} ${name} ${type}`;
    if (!heard.has(saying)) asked.push(`${over} ${name} ${type}`);
    heard.add(saying);
    if (server.trouble === "silent" || (server.trouble === "silent over TCP" && over === "tcp")) return undefined;
    if (server.trouble === "truncated" && over === "udp") return reply(query, end, 0, [], 0x0200);
    if (server.trouble === "servfail" || server.fails.has(`${name} ${type}`)) return reply(query, end, 2, []);
    if (server.trouble === "refused") return reply(query, end, 5, []);
    const known = server.names[name];
    if (!known) return reply(query, end, 3, []);
    const alias = type === "CNAME" ? [] : (known.CNAME ?? []).map((target) => record("CNAME", target));
    return reply(query, end, 0, [...alias, ...(known[type] ?? []).map((data) => record(type, data))]);
  };
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.on("data", (data) => {
      const said = answer(Buffer.from(data).subarray(2), "tcp");
      if (said) socket.write(Buffer.concat([sixteen(said.length), said]));
    });
  });
  tcp.listen(port, host);
  await once(tcp, "listening");
  const address = tcp.address();
  const bound = typeof address === "object" && address ? address.port : 0;
  const udp = createSocket("udp4");
  udp.on("message", (query, from) => {
    const said = answer(query, "udp");
    if (said) udp.send(said, from.port, from.address);
  });
  udp.bind(bound, host);
  await once(udp, "listening").catch((taken: unknown) => {
    tcp.close();
    throw taken;
  });
  const server: TestNameServer = {
    host,
    port: bound,
    at: `${host}:${bound}`,
    asked,
    trouble: "none",
    fails: new Set(),
    names,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      const closed = Promise.all([once(udp, "close"), once(tcp, "close")]);
      udp.close();
      tcp.close();
      await closed;
    },
  };
  return server;
}

function questionOf(query: Buffer): { readonly name: string; readonly type: Type; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.subarray(at + 1, at + 1 + length).toString("latin1"));
    at += 1 + length;
  }
  const code = query.readUInt16BE(at + 1);
  return { name: labels.join(".").toLowerCase(), type: typeOf(code), end: at + 5 };
}

function typeOf(code: number): Type {
  for (const type of typeNames) if (types[type] === code) return type;
  throw new Error(`type ${code} is not known here`);
}
const typeNames = ["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "SRV", "CAA"] as const;

function reply(query: Buffer, end: number, code: number, records: readonly Buffer[], flags = 0): Buffer {
  const head = Buffer.concat([
    query.subarray(0, 2),
    sixteen(0x8580 | code | flags),
    sixteen(1),
    sixteen(records.length),
    Buffer.alloc(4),
  ]);
  return Buffer.concat([head, query.subarray(12, end), ...records]);
}

/** For the name that was asked, valid for a minute. */
function record(type: Type, data: string): Buffer {
  const bytes = dataOf(type, data);
  return Buffer.concat([
    sixteen(0xc00c),
    sixteen(types[type]),
    sixteen(1),
    Buffer.of(0, 0, 0, 60),
    sixteen(bytes.length),
    bytes,
  ]);
}

function dataOf(type: Type, data: string): Buffer {
  const words = data.split(" ");
  const [first = "", second = "", third = "", fourth = ""] = words;
  switch (type) {
    case "A":
      return Buffer.from(data.split(".").map(Number));
    case "AAAA":
      return ipv6(data);
    case "NS":
    case "CNAME":
      return nameBytes(data);
    case "MX":
      return Buffer.concat([sixteen(Number(first)), nameBytes(second)]);
    case "TXT":
      return Buffer.concat(
        (data.match(/.{1,255}/g) ?? []).map((part) => Buffer.concat([Buffer.of(part.length), Buffer.from(part)])),
      );
    case "SRV":
      return Buffer.concat([first, second, third].map((word) => sixteen(Number(word))).concat(nameBytes(fourth)));
    case "CAA":
      return Buffer.concat([Buffer.of(Number(first), second.length), Buffer.from(second), Buffer.from(third)]);
    case "SOA": {
      const numbers = [Number(first), 3600, 600, 86_400, 60].map((number) => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(number);
        return bytes;
      });
      return Buffer.concat([nameBytes(second || "ns1.example"), nameBytes("admin.example"), ...numbers]);
    }
  }
}

const nameBytes = (name: string): Buffer =>
  Buffer.concat([
    ...(name === "." ? [] : name.split(".")).map((label) =>
      Buffer.concat([Buffer.of(label.length), Buffer.from(label)]),
    ),
    Buffer.of(0),
  ]);

function ipv6(address: string): Buffer {
  const [left = "", right = ""] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const zeros = Array.from({ length: 8 - groups(left).length - groups(right).length }, () => 0);
  return Buffer.concat([...groups(left), ...zeros, ...groups(right)].map(sixteen));
}

function sixteen(number: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(number);
  return bytes;
}
