/** The one HTTP client of the probes: a fresh connection each time, every phase measured, every failure explained. */
import type { z } from "zod";
import { Unreachable } from "../../core/errors.ts";
import { isQuickToParse } from "../../core/json-limits.ts";
import { plainText } from "../../core/plain-text.ts";
import { isPrivate } from "../../core/private-networks.ts";
import type { Http, HttpAnswer, HttpRequest, Net, TlsFacts } from "../../core/probe.ts";
import type { Phases } from "../../core/sample.ts";
import { type ConnectionRecord, unreachable } from "./connection-failure.ts";
import { dial } from "./dial.ts";
import { exchange, type RawAnswer } from "./exchange.ts";
import { openNet } from "./net.ts";
import { type NameResolver, openResolver } from "./resolve.ts";
import { TimingTrace } from "./timing-trace.ts";
import { secure, type Trust, trustOf } from "./tls.ts";

export interface HttpSettings {
  /** With an address where people can read about us: "Tidewatch/1.0 (+https://status.example/; contact@example)". */
  readonly userAgent: string;
  /** DNS servers to ask instead of the system's. */
  readonly servers?: readonly string[] | undefined;
  readonly resolver?: NameResolver;
}

export interface HttpClient {
  /** The client of one run: every request ends with `signal`; a deadline is told from a shutdown by its reason. */
  forRun(signal: AbortSignal): RunHttp;
}

export interface RunHttp extends Http {
  /** Connections that are not HTTP, by the same resolver; they are among `connections`. */
  readonly net: Net;
  /** Every connection that was tried, answered or not, first one first. */
  readonly connections: readonly ConnectionRecord[];
  /** Of the request that was begun first, once it has ended. */
  readonly firstPhases: Phases | undefined;
}

interface Shared {
  readonly userAgent: string;
  readonly resolver: NameResolver;
  readonly trustFor: (ca: string | undefined) => Trust;
}

interface Answered {
  readonly raw: RawAnswer;
  readonly timing: TimingTrace;
}

type Wanted = Pick<HttpRequest, "family" | "ca"> & {
  readonly url: URL;
  readonly method: "GET" | "HEAD" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly maxBodyBytes: number;
  readonly upgrade?: "websocket";
};

export function openHttp({ userAgent, servers, resolver = openResolver({ servers }) }: HttpSettings): HttpClient {
  const shared = { userAgent, resolver, trustFor: trustOf() };
  return {
    forRun(signal) {
      const connections: ConnectionRecord[] = [];
      const phasesOf: (Phases | undefined)[] = [];
      return {
        connections,
        net: openNet({ ...shared, signal, connections }),
        get firstPhases() {
          return phasesOf[0];
        },
        async get(url, request = {}) {
          const place = phasesOf.push(undefined) - 1;
          try {
            const answer = await get(shared, signal, connections, new URL(url), request);
            phasesOf[place] = answer.phases;
            return answer;
          } catch (error) {
            if (error instanceof Unreachable) phasesOf[place] = error.phases;
            throw error;
          }
        },
      };
    },
  };
}

async function get(
  shared: Shared,
  signal: AbortSignal,
  connections: ConnectionRecord[],
  start: URL,
  request: HttpRequest,
): Promise<HttpAnswer> {
  const most = request.followRedirects ?? 0;
  const redirects: string[] = [];
  let wanted = firstRequest(shared, start, request);
  let inPublic = request.namedBy !== undefined && !isPrivate(request.namedBy.address);
  let totalSeconds = 0;
  for (;;) {
    const { raw, timing } = await requestOnce(shared, signal, connections, wanted, inPublic);
    const phases = timing.phases();
    totalSeconds += phases.total ?? 0;
    const next = most > 0 ? redirectOf(raw, wanted.url) : undefined;
    if (!next) return new Answer(raw, wanted.url, timing, { ...phases, total: totalSeconds }, redirects);
    redirects.push(shownUrl(wanted.url));
    const problem =
      redirects.length > most ? `gave up after ${most} ${most === 1 ? "redirect" : "redirects"}` : next.problem;
    if (problem) {
      const evidence = [...redirects, shownUrl(next.url)].join("\n→ ");
      throw new Unreachable(problem, { stage: "protocol", phases: { ...phases, total: totalSeconds }, evidence });
    }
    inPublic ||= !isPrivate(timing.address ?? "");
    wanted = redirected(wanted, next.url, raw.status);
  }
}

/** One request over one fresh connection. */
async function requestOnce(
  shared: Shared,
  signal: AbortSignal,
  connections: ConnectionRecord[],
  wanted: Wanted,
  stayPublic: boolean,
): Promise<Answered> {
  const { url } = wanted;
  const tls = url.protocol === "https:";
  const port = Number(url.port) || (tls ? 443 : 80);
  const timing = new TimingTrace();
  const record: ConnectionRecord = {
    url: shownUrl(url),
    server: { host: url.hostname, port },
    method: wanted.method,
    timing,
  };
  connections.push(record);
  try {
    signal.throwIfAborted();
    timing.begin("resolve");
    const addresses = await shared.resolver.addresses(url.hostname, { family: wanted.family, signal });
    const inside = stayPublic ? addresses.find(({ address }) => isPrivate(address)) : undefined;
    if (inside) throw new Unreachable(`leads to a private address (${inside.address})`, { stage: "protocol" });
    timing.begin("connect");
    const line = await dial(addresses, port, { signal, note: (note) => timing.notes.push(note) });
    timing.address = line.address;
    timing.family = line.family;
    if (tls) timing.begin("tls");
    const trust = tls ? shared.trustFor(wanted.ca) : undefined;
    const seen = (facts: TlsFacts) => {
      timing.tls = facts;
    };
    const socket = trust ? await secure(line.socket, url.hostname, { trust, signal, seen }) : line.socket;
    const raw = await exchange(
      socket,
      { ...wanted, origin: url.origin, path: url.pathname + url.search },
      { signal, timing },
    );
    return { raw, timing };
  } catch (error) {
    timing.end();
    const failure = unreachable(error, timing, record);
    if (!failure) throw error;
    record.failure = failure;
    throw failure;
  }
}

function firstRequest(shared: Shared, url: URL, request: HttpRequest): Wanted {
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError(`${url.protocol} is not HTTP`);
  const given = Object.entries(request.headers ?? {}).map(([name, value]): [string, string] => [
    name.toLowerCase(),
    value,
  ]);
  const headers = {
    "user-agent": shared.userAgent,
    accept: "*/*",
    "accept-encoding": "identity",
    ...credentials(url),
    ...Object.fromEntries(given),
  };
  const { method = "GET", body, maxBodyBytes = 1_000_000, family, ca, upgrade } = request;
  const more = { ...(family && { family }), ...(ca && { ca }), ...(upgrade && { upgrade }) };
  return { url: bare(url), method, headers, body, maxBodyBytes, ...more };
}

function credentials(url: URL): { authorization?: string } {
  if (!url.username && !url.password) return {};
  const pair = `${decoded(url.username)}:${decoded(url.password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** A lone % is one, not an error. */
const decoded = (part: string): string => decodeURIComponent(part.replace(/%(?![0-9a-f]{2})/gi, "%25"));

function redirectOf(
  { status, headers }: RawAnswer,
  from: URL,
): { readonly url: URL; readonly problem?: string } | undefined {
  const location = headers.get("location");
  if (![301, 302, 303, 307, 308].includes(status) || location === null) return undefined;
  // Browsers read these bytes as UTF-8.
  const url = URL.parse(Buffer.from(location, "latin1").toString("utf8"), from);
  if (!url) return { url: from, problem: `answered ${status} with an address that cannot be read` };
  if (url.protocol === "http:" || url.protocol === "https:") return { url: bare(url) };
  return { url: from, problem: `redirects to an address that is not HTTP (${plainText(url.protocol, 20)})` };
}

/** What a browser would ask next; secrets stay with the server they were meant for. */
function redirected(wanted: Wanted, url: URL, status: number): Wanted {
  const asGet = status === 303 || (wanted.method === "POST" && status !== 307 && status !== 308);
  const dropped = [
    "host",
    ...(url.origin === wanted.url.origin ? [] : ["authorization", "cookie", "proxy-authorization"]),
    ...(asGet ? ["content-type", "content-length"] : []),
  ];
  const headers = Object.fromEntries(Object.entries(wanted.headers).filter(([name]) => !dropped.includes(name)));
  if (!asGet) return { ...wanted, url, headers };
  return { ...wanted, url, headers, method: wanted.method === "HEAD" ? "HEAD" : "GET", body: undefined };
}

function bare(url: URL): URL {
  const copy = new URL(url);
  copy.username = "";
  copy.password = "";
  copy.hash = "";
  return copy;
}

/** A query may carry a token; nobody needs it to understand a failure. */
const shownUrl = (url: URL): string => plainText(`${url.origin}${url.pathname}${url.search && "?…"}`, 300);

class Answer implements HttpAnswer {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly truncated: boolean;
  readonly phases: Phases;
  readonly address: string;
  readonly family: 4 | 6;
  readonly tls?: TlsFacts;
  readonly redirects: readonly string[];
  #document: { readonly read: unknown } | undefined;

  constructor(raw: RawAnswer, url: URL, timing: TimingTrace, phases: Phases, redirects: readonly string[]) {
    this.url = url;
    this.status = raw.status;
    this.headers = raw.headers;
    this.body = raw.body;
    this.truncated = raw.truncated;
    this.phases = phases;
    this.address = timing.address ?? "";
    this.family = timing.family ?? 4;
    if (timing.tls) this.tls = timing.tls;
    this.redirects = redirects;
  }

  text(): string {
    return new TextDecoder().decode(this.body);
  }

  json<T>(schema: z.ZodType<T>): T | undefined {
    // Whoever asks twice, for one shape and then for another, does not wait twice.
    this.#document ??= { read: readDocument(this) };
    const { read } = this.#document;
    const parsed = read === undefined ? undefined : schema.safeParse(read);
    return parsed?.success ? parsed.data : undefined;
  }
}

/** Undefined for what is no JSON, or none that anybody could mean; what was cut off is none any more. */
function readDocument(answer: HttpAnswer): unknown {
  if (answer.truncated || !isQuickToParse(answer.body)) return undefined;
  try {
    return JSON.parse(answer.text());
  } catch {
    return undefined;
  }
}
