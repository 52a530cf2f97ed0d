/** A server on loopback that is hostile on some of its paths, and passes all others on to one that is good. */
import { once } from "node:events";
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { Certified } from "../helpers/certificates.ts";
import { type Attack, dripping } from "./attacks.ts";

export interface HostileServer extends AsyncDisposable {
  readonly host: string;
  /** Paths that were asked for, without their queries. */
  readonly paths: ReadonlySet<string>;
  /** Resolves when the last connection is closed. */
  allClosed(): Promise<void>;
}

interface Wishes {
  readonly attack: Attack;
  /** Hostile here only; everywhere without it. */
  readonly at?: string | undefined;
  /** Who answers the other paths: "127.0.0.1:12345". It will seem to be at our address. */
  readonly good?: string | undefined;
  /** How the scheme of its own addresses is written in what it says, headers and body. */
  readonly scheme?: string;
  /** Speaks HTTPS with it. */
  readonly certified?: Certified | undefined;
}

export async function hostileServer({ attack, at, good, scheme = "http", certified }: Wishes): Promise<HostileServer> {
  const paths = new Set<string>();
  let host = "";
  const isAttacked = ({ url = "/" }: IncomingMessage) => {
    const path = url.split("?", 1)[0] ?? "";
    paths.add(path);
    return good === undefined || path === at;
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (isAttacked(request)) attack(request.socket, request.url ?? "/");
    else passOn(request, response, { host, good: good ?? "", scheme });
  };
  const server = certified
    ? createTlsServer({ key: certified.keyPem, cert: certified.certPem }, answer)
    : createServer(answer);
  server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
    socket.on("error", () => {});
    if (isAttacked(request)) attack(socket, request.url ?? "/");
    else splice(request, socket, good ?? "");
  });
  const running = await listening(server);
  host = running.host;
  return { ...running, paths };
}

/** Hostile before anything was said, and never the first to let go. */
export async function hostileLine(attack: Attack): Promise<HostileServer> {
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    attack(socket, "");
    socket.resume();
    // Whoever is really gone cannot take another word.
    socket.once("end", () => dripping("", ".")(socket, ""));
  });
  return { ...(await listening(server)), paths: new Set() };
}

async function listening(server: Server) {
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
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    host: `127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    allClosed: () => (open.size === 0 ? Promise.resolve() : idle.promise),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

interface Mask {
  readonly host: string;
  readonly good: string;
  readonly scheme: string;
}

function passOn(request: IncomingMessage, response: ServerResponse, { host, good, scheme }: Mask): void {
  const masked = (text: string) => text.replaceAll(`http://${good}`, `${scheme}://${host}`).replaceAll(good, host);
  const path = (request.url ?? "/")
    .replaceAll(host, good)
    .replaceAll(encodeURIComponent(host), encodeURIComponent(good));
  const headers = { ...request.headers, host: good };
  const asked = ask(`http://${good}${path}`, { method: request.method ?? "GET", headers }, (answer) => {
    const pieces: Buffer[] = [];
    answer.on("data", (piece: Buffer) => pieces.push(piece));
    answer.on("end", () => {
      const body = Buffer.from(masked(Buffer.concat(pieces).toString("latin1")), "latin1");
      const ours = Object.entries(answer.headers).map(([name, value]): [string, string] => [
        name,
        name === "content-length" ? String(body.length) : masked(String(value)),
      ]);
      response.writeHead(answer.statusCode ?? 500, Object.fromEntries(ours));
      response.end(body);
    });
  });
  asked.on("error", () => response.destroy());
  response.once("close", () => asked.destroy());
  request.pipe(asked);
}

function splice(request: IncomingMessage, socket: Socket, good: string): void {
  const [name = "", port] = good.split(":");
  const onward = connect(Number(port), name);
  const lines = request.rawHeaders.flatMap((part, index, all) =>
    index % 2 === 0 ? [`${part}: ${all[index + 1]}`] : [],
  );
  onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  onward.on("error", () => socket.destroy());
  socket.once("close", () => onward.destroy());
  onward.pipe(socket).pipe(onward);
}
