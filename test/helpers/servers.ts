/** Small real servers for tests, on loopback and a port of their own: well-behaved ones and every kind of bad one. */
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Certified } from "./certificates.ts";

export interface RunningServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** "http://127.0.0.1:12345", without a slash at the end. */
  readonly url: string;
  /** Connections that are open now. */
  openConnections(): Promise<number>;
  /** Resolves when the last connection is closed. */
  allClosed(): Promise<void>;
}

export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

export interface ServerWishes {
  readonly host?: string;
}

export function httpServer(listener: Listener, wishes: ServerWishes = {}): Promise<RunningServer> {
  return started(createHttpServer(listener), "http", wishes);
}

/** @param chain what the server shows after its own certificate. */
export function httpsServer(
  certified: Certified,
  listener: Listener,
  { chain = [], ...wishes }: ServerWishes & { readonly chain?: readonly Certified[] } = {},
): Promise<RunningServer> {
  const cert = [certified, ...chain].map(({ certPem }) => certPem).join("");
  return started(createHttpsServer({ key: certified.keyPem, cert }, listener), "https", wishes);
}

/** @param talk what happens on each connection; the server never says anything by itself. */
export function tcpServer(talk: (socket: Socket) => void, wishes: ServerWishes = {}): Promise<RunningServer> {
  const server = createServer((socket) => {
    talk(socket);
    // Unread, it would never notice that the other side hung up.
    socket.resume();
  });
  return started(server, "http", wishes);
}

/** Answers any request with these bytes, then ends. */
export function bytesServer(bytes: string | Uint8Array, wishes: ServerWishes = {}): Promise<RunningServer> {
  return tcpServer((socket) => {
    socket.once("data", () => socket.end(bytes));
  }, wishes);
}

/** A port of 127.0.0.1 on which nobody listens. */
export async function closedPort(): Promise<number> {
  await using server = await tcpServer(() => {});
  return server.port;
}

async function started(server: Server, scheme: string, { host = "127.0.0.1" }: ServerWishes): Promise<RunningServer> {
  const open = new Set<Socket>();
  let idle = Promise.withResolvers<void>();
  server.on("connection", (socket: Socket) => {
    if (open.size === 0) idle = Promise.withResolvers();
    open.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => {
      open.delete(socket);
      if (open.size === 0) idle.resolve();
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = addressOf(server.address());
  return {
    host,
    port,
    url: `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`,
    openConnections: async () => open.size,
    allClosed: () => (open.size === 0 ? Promise.resolve() : idle.promise),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address;
}

export type DnsAnswer =
  | { readonly addresses: readonly string[]; readonly afterMs?: number }
  | { readonly code: "NXDOMAIN" | "SERVFAIL" | "silence" };

export interface RunningDns extends AsyncDisposable {
  /** "127.0.0.1:5353", as `setServers` takes it. */
  readonly server: string;
  /** Questions so far: "example.org A". */
  readonly asked: readonly string[];
}

/** A name server over UDP for questions of type A and AAAA. */
export async function dnsServer(answer: (name: string, type: "A" | "AAAA") => DnsAnswer): Promise<RunningDns> {
  const socket: UdpSocket = createSocket("udp4");
  const asked: string[] = [];
  const heard = new Set<string>();
  socket.on("message", (query, from) => {
    const { name, end } = questionOf(query);
    const type = query.readUInt16BE(end) === 28 ? "AAAA" : "A";
    // Who waits too long on a busy machine says the same again, under the same number.
    const saying = `${query.readUInt16BE(0)} ${name} ${type}`;
    if (!heard.has(saying)) asked.push(`${name} ${type}`);
    heard.add(saying);
    const said = answer(name, type);
    if ("code" in said && said.code === "silence") return;
    const send = () => socket.send(replyTo(query, end + 4, said, type), from.port, from.address);
    const afterMs = "addresses" in said ? said.afterMs : undefined;
    if (afterMs === undefined) send();
    else setTimeout(send, afterMs);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    server: `127.0.0.1:${socket.address().port}`,
    asked,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

function questionOf(query: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.subarray(at + 1, at + 1 + length).toString("latin1"));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 1 };
}

function replyTo(query: Buffer, end: number, said: DnsAnswer, type: "A" | "AAAA"): Buffer {
  const addresses = "addresses" in said ? said.addresses : [];
  const code = "code" in said ? { NXDOMAIN: 3, SERVFAIL: 2, silence: 0 }[said.code] : 0;
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((address) => {
    const data = type === "A" ? Buffer.from(address.split(".").map(Number)) : ipv6Bytes(address);
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(type === "A" ? 1 : 28, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(60, 6);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([head, query.subarray(12, end), ...records]);
}

function ipv6Bytes(address: string): Buffer {
  const [left = "", right = ""] = address.split("::");
  const parts = (text: string) => (text === "" ? [] : text.split(":").map((part) => Number.parseInt(part, 16)));
  const groups = [...parts(left), ...Array(8 - parts(left).length - parts(right).length).fill(0), ...parts(right)];
  const bytes = Buffer.alloc(16);
  groups.forEach((group, index) => {
    bytes.writeUInt16BE(group, index * 2);
  });
  return bytes;
}
