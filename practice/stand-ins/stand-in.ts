/**
 * A stand-in: a real HTTP server on loopback that plays a watched service, and breaks on command in the ways services
 * do.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import { type Authority, makeAuthority } from "./certificate.ts";

const conditions = [
  "healthy",
  "stopped", // the port is really closed
  "slow",
  "errors", // the proxy answers, the service does not
  "stale", // the same behind a cache that covers
  "no-database", // the service answers, its database does not
  "html", // a web page in place of everything
  "blocked", // a bot wall
  "throttled",
  "maintenance",
  "elsewhere", // every page redirects to another host
  "expired", // the certificate has ended; only with TLS
] as const;
export type Condition = (typeof conditions)[number];

export interface StandInSettings {
  /** Kept over a stop and a restart; by default any that is free. */
  readonly port?: number;
  readonly tls?: boolean;
  /** How long the condition `slow` takes to answer. */
  readonly slowSeconds?: number;
  /** How long a new certificate is good for. */
  readonly certificateDays?: number;
  readonly now?: () => Temporal.Instant;
}

export interface StandIn extends AsyncDisposable {
  readonly url: string;
  readonly condition: Condition;
  /** PEM of the authority to trust; with TLS only. */
  readonly ca: string | undefined;
  become(condition: Condition): Promise<void>;
  /** Method and path with query of every request so far. */
  readonly requests: readonly string[];
}

export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly condition: Condition;
  readonly now: Temporal.Instant;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** What the service answers while it works; its conditions `stale` and `no-database` are its own to play. */
export type Routes = (asked: Asked) => Reply;

const host = "127.0.0.1";

export async function startStandIn(routes: (url: string) => Routes, settings: StandInSettings = {}): Promise<StandIn> {
  const { tls = false, slowSeconds = 3, certificateDays = 90, now = () => Temporal.Now.instant() } = settings;
  const identity = tls ? makeIdentity(now(), certificateDays) : undefined;
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const waiting = new Set<NodeJS.Timeout>();
  let condition: Condition = "healthy";
  let answer: Routes = () => ({ status: 503 });

  const serve = (request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method ?? "GET"} ${request.url ?? "/"}`);
    if (requests.length > 10_000) requests.splice(0, 5000);
    const reply = () => send(response, replyTo(request, url, condition, now(), answer));
    if (condition !== "slow") return reply();
    const timer = setTimeout(() => {
      waiting.delete(timer);
      reply();
    }, slowSeconds * 1000);
    waiting.add(timer);
    response.once("close", () => {
      clearTimeout(timer);
      waiting.delete(timer);
    });
  };
  const secured = identity ? createTlsServer(identity.good, serve) : undefined;
  const server = secured ?? createServer(serve);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // A client that goes away in the middle is no business of ours.
    socket.once("close", () => sockets.delete(socket));
  });
  const port = await open(server, settings.port ?? 0);
  const url = `${tls ? "https" : "http"}://${host}:${port}`;
  answer = routes(url);

  return {
    url,
    requests,
    ca: identity?.ca,
    get condition() {
      return condition;
    },
    async become(next) {
      if (next === "expired" && !identity) throw new Error("A stand-in without TLS has no certificate that could end.");
      const wasListening = server.listening;
      condition = next;
      if (identity) secured?.setSecureContext(next === "expired" ? identity.expired : identity.good);
      if (next === "stopped") await close(server, sockets);
      else if (!wasListening) await open(server, port);
    },
    async [Symbol.asyncDispose]() {
      for (const timer of waiting) clearTimeout(timer);
      await close(server, sockets);
    },
  };
}

function makeIdentity(now: Temporal.Instant, days: number) {
  const authority: Authority = makeAuthority({ from: hoursFrom(now, -48), to: hoursFrom(now, 24 * 365) });
  return {
    ca: authority.certificate,
    good: authority.issue(host, { from: hoursFrom(now, -47), to: hoursFrom(now, 24 * days) }),
    expired: authority.issue(host, { from: hoursFrom(now, -47), to: hoursFrom(now, -1) }),
  };
}
const hoursFrom = (instant: Temporal.Instant, hours: number) => instant.add({ minutes: Math.round(hours * 60) });

function replyTo(
  request: IncomingMessage,
  base: string,
  condition: Condition,
  now: Temporal.Instant,
  answer: Routes,
): Reply {
  const url = URL.parse(request.url ?? "/", base) ?? new URL(base);
  const own = ailing[condition]?.(url);
  if (own) return own;
  return answer({ method: request.method ?? "GET", url, headers: request.headers, condition, now });
}

const html = (title: string, text: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1><p>${text}</p></body></html>`;

/** Written out by hand, no stranger's text in it. */
export const page = (title: string, text: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status: 200,
  headers: { "content-type": "text/html; charset=utf-8", ...headers },
  body: html(title, text),
});

export const json = (document: unknown, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status: 200,
  headers: { "content-type": "application/json; charset=utf-8", ...headers },
  body: JSON.stringify(document),
});

/** What the proxy says while the service does not answer. */
export const badGateway: Reply = {
  ...page("502 Bad Gateway", "nginx"),
  status: 502,
  headers: { server: "nginx", "content-type": "text/html" },
};

const ailing: Partial<Record<Condition, (url: URL) => Reply | undefined>> = {
  errors: () => badGateway,
  html: () => page("Welcome to nginx!", "If you see this page, the web server is successfully installed."),
  blocked: () => ({
    ...page("Making sure you are not a bot!", "Please enable JavaScript."),
    status: 403,
    headers: { server: "cloudflare", "content-type": "text/html", "cf-mitigated": "challenge" },
  }),
  throttled: () => ({ ...json({ error: "Too many requests" }), status: 429 }),
  maintenance: () => ({
    ...page("Down for maintenance", "We will be back soon."),
    status: 503,
    headers: { "content-type": "text/html", "retry-after": "1800" },
  }),
  elsewhere: (url) =>
    url.pathname === "/parked"
      ? page("This domain is for sale", "Call us.")
      : { status: 302, headers: { location: `${url.protocol}//localhost:${url.port}/parked` } },
};

function send(response: ServerResponse, { status, headers = {}, body = "" }: Reply): void {
  if (response.destroyed) return;
  response.writeHead(status, { "content-length": Buffer.byteLength(body).toString(), ...headers });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

function open(server: Server | TlsServer, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}

function close(server: Server | TlsServer, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}
