/**
 * The contract of a probe, a plug-in in probes/ with one default export: what it must give, and what it gets (HTTP,
 * clock, abort signal).
 */
import type { Socket } from "node:net";
import type { z } from "zod";
import type { Clock } from "./clock.ts";
import type { ReceivedHeartbeat } from "./heartbeat.ts";
import type { Localised } from "./language.ts";
import type { MetricFamily } from "./metric-families.ts";
import type { Finding, Phases } from "./sample.ts";
import type { CapacityPlan } from "./target.ts";
import type { Threshold } from "./threshold.ts";

export interface Probe<Options extends z.ZodType = z.ZodType> {
  /** One line, shown in the docs and while editing the configuration. */
  readonly summary: string;
  /** Checks, types and documents the settings; fields of a check are these, flat, beside id, probe, every, timeout … */
  readonly options: Options;
  /** Shown in the docs, run by the tests. */
  readonly example: z.input<Options>;
  /** Seconds between runs, and for one run, where the configuration does not say (60 and 10). */
  readonly defaults?: { readonly everySeconds?: number; readonly timeoutSeconds?: number };
  /**
   * It looks at what is internal, which members never touch: queues, a database, a disk. What it finds broken breaks the
   * service; that it finds all well does not say that the service answers.
   */
  readonly internal?: true;
  /** The metrics that its readings become; a reading of any other is a fault of the probe. */
  readonly readings?: readonly MetricFamily[];
  /** The page in docs/runbooks/ for a check of this kind that is not as it should be; default: that for any service. */
  readonly runbook?: string;
  /** The levels of its readings at which somebody is told. */
  thresholds?(options: z.output<Options>): readonly Threshold[];
  /** For probes of something that fills: how big it is and what sizes could follow. */
  capacity?(options: z.output<Options>, checkId: string): CapacityPlan | undefined;
  /** Files on this machine that it reads, by the path of the setting that names each. */
  files?(options: z.output<Options>): readonly { readonly name: string; readonly path: readonly (string | number)[] }[];
  /** Makes `kind: <file name>` available on a target: the checks this software gets without being asked. */
  readonly kind?: Kind;
  run(options: z.output<Options>, context: ProbeContext): Promise<Finding>;
}

export interface Kind {
  /** The name members know it by, used where the configuration has none. */
  readonly name: Localised;
  /** One line of `checks` with which it sees more, and why: a comment in the configuration that `init` writes. */
  readonly seesMore?: { readonly check: string; readonly why: string };
  /**
   * Settings of the standard checks as they would be written in the configuration; the target's own `checks` override
   * by id or add. `queues` and `database` are the target's fields of that name, passed on as written. An Error thrown here is
   * told to the operator in its own words, at the field that was given.
   */
  checks(target: {
    readonly url: string;
    readonly queues?: unknown;
    readonly database?: unknown;
  }): readonly StandardCheck[];
}

export type StandardCheck = { readonly id: string; readonly probe: string } & Readonly<Record<string, unknown>>;

export interface ProbeContext {
  /** Aborted at the deadline or at shutdown; every wait must end with it. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly http: Http;
  readonly net: Net;
  /** For a job that calls us: what is known of it. Absent where nobody listens. */
  readonly heartbeat?: ReceivedHeartbeat;
  /** What this check remembers from its last run in this process (counters to take rates of, what is due hourly). */
  readonly memory: Map<string, unknown>;
}

export interface HttpRequest {
  readonly method?: "GET" | "HEAD" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Bytes kept of the answer; more is cut off and marked. Default 1 MB. */
  readonly maxBodyBytes?: number;
  /** How many redirects may be followed. Default 0. */
  readonly followRedirects?: number;
  /** Only this address family; default: whichever answers first. */
  readonly family?: 4 | 6;
  /** PEM of a private certificate authority to trust beside the public ones. */
  readonly ca?: string;
  /** Ask to go on as a WebSocket: the answer is 101 where the server agrees, and the connection ends there. */
  readonly upgrade?: "websocket";
  /** The answer that named this address: who speaks from the public internet must not send us into our own network. */
  readonly namedBy?: Pick<HttpAnswer, "address">;
}

/** The one HTTP client: a fresh connection each time, phases measured. Throws `Unreachable` when there is no answer. */
export interface Http {
  /** A GET, or whatever `request` says. */
  get(url: URL | string, request?: HttpRequest): Promise<HttpAnswer>;
}

export interface HttpAnswer {
  /** Where it came from in the end. */
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** The body was longer than `maxBodyBytes`. */
  readonly truncated: boolean;
  /** UTF-8; broken sequences become U+FFFD. */
  text(): string;
  /** The body parsed and checked; undefined when it is not JSON or not of that shape. */
  json<T>(schema: z.ZodType<T>): T | undefined;
  readonly phases: Phases;
  readonly address: string;
  readonly family: 4 | 6;
  readonly tls?: TlsFacts;
  /** Addresses that redirected here, first one first. */
  readonly redirects: readonly string[];
}

export interface TlsFacts {
  readonly protocol: string;
  readonly cipher: string;
  /** Leaf first. */
  readonly chain: readonly { readonly subject: string; readonly issuer: string; readonly validTo: Temporal.Instant }[];
  /** The earliest end of what the verdict rests on; what is sent beside it does not count. */
  readonly expiresAt: Temporal.Instant;
}

/** Connections that are not HTTP: resolved, dialled, timed and explained in the same way. */
export interface Net {
  /**
   * Connects, lets `talk` use the line, and hangs up, whatever happens. Throws `Unreachable` when nobody takes the
   * connection, when it breaks, and when the time is over.
   */
  converse<T>(to: Endpoint, talk: (line: Line) => Promise<T>): Promise<T>;
}

export interface Endpoint {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
  /** Only this address family; default: whichever answers first. */
  readonly family?: 4 | 6 | undefined;
}

export interface Line {
  /** What answered, without the port. */
  readonly address: string;
  readonly family: 4 | 6;
  /** For a library that speaks the protocol; `read` and `write` are not for use beside it. */
  readonly socket: Socket;
  /** So far. */
  phases(): Phases;
  /** What has come since the last time, as soon as there is something; undefined once the other side hung up. */
  read(): Promise<Uint8Array | undefined>;
  write(text: string): void;
  /**
   * From here on encrypted. A certificate that is not good enough is told in `faults`; no encryption at all is thrown as
   * `Unreachable`.
   */
  secure(wishes: TlsWishes): Promise<TlsReport>;
}

export interface TlsWishes {
  /** The host that the certificate must be for. */
  readonly name: string;
  /** PEM of a private certificate authority to trust beside the public ones. */
  readonly ca?: string | undefined;
}

export interface TlsReport extends TlsFacts {
  /** Host names and addresses the certificate is for. */
  readonly names: readonly string[];
  /** Why a careful client would turn away, the reason it would name first; empty when all is well. */
  readonly faults: readonly TlsFault[];
}

export interface TlsFault {
  readonly kind:
    | "expired"
    | "not-yet-valid"
    | "self-signed"
    | "unknown-authority"
    | "incomplete-chain"
    | "wrong-name"
    /** It says the right name, but only where browsers no longer look; some mail programs and other clients still do. */
    | "common-name-only"
    | "revoked"
    | "no-certificate"
    | "untrusted";
  /** Without a full stop: "certificate expired 2026-10-01". */
  readonly sentence: string;
}

export function defineProbe<Options extends z.ZodType>(probe: Probe<Options>): Probe<Options> {
  return probe;
}
