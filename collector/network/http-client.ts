/**
 * The HTTP client of the probes: a new connection for each request, the time of each phase measured, every failure
 * explained; redirects.ts follows redirects.
 */
import type { z } from "zod";
import { Unreachable } from "../../core/errors.ts";
import { isQuickToParse } from "../../core/json-limits.ts";
import { isPrivate } from "../../core/private-networks.ts";
import type { Http, HttpAnswer, HttpRequest, Net, TlsFacts } from "../../core/probe.ts";
import type { Phases } from "../../core/sample.ts";
import { type ConnectionRecord, unreachable } from "./connection-failure.ts";
import { type NameResolver, openResolver } from "./dns-resolver.ts";
import { exchange } from "./http-exchange.ts";
import {
  type Answered,
  type FollowedAnswer,
  followRedirects,
  shownUrl,
  type WantedRequest,
  withoutCredentials,
} from "./redirects.ts";
import { openNet } from "./tcp-connection.ts";
import { dial } from "./tcp-dial.ts";
import { TimingTrace } from "./timing-trace.ts";
import { secure, type Trust, trustOf } from "./tls-handshake.ts";

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
  const inPublic = request.namedBy !== undefined && !isPrivate(request.namedBy.address);
  const last = await followRedirects(
    firstRequest(shared, start, request),
    { most: request.followRedirects ?? 0, inPublic },
    (wanted, stayPublic) => requestOnce(shared, signal, connections, wanted, stayPublic),
  );
  return new Answer(last);
}

/** One request over one fresh connection. */
async function requestOnce(
  shared: Shared,
  signal: AbortSignal,
  connections: ConnectionRecord[],
  wanted: WantedRequest,
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
    timing.found = addresses;
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

function firstRequest(shared: Shared, url: URL, request: HttpRequest): WantedRequest {
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
  return { url: withoutCredentials(url), method, headers, body, maxBodyBytes, ...more };
}

function credentials(url: URL): { authorization?: string } {
  if (!url.username && !url.password) return {};
  const pair = `${decoded(url.username)}:${decoded(url.password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** A lone % is one, not an error. */
const decoded = (part: string): string => decodeURIComponent(part.replace(/%(?![0-9a-f]{2})/gi, "%25"));

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

  constructor({ raw, url, timing, phases, redirects }: FollowedAnswer) {
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
