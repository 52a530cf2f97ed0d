/** A probe: the code that knows how to look at one kind of thing. A file in probes/ with one default export. */
import type { z } from "zod";
import type { Clock } from "./clock.ts";
import type { Localised } from "./language.ts";
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
   * It looks behind a service, at what members never touch: queues, a database, a disk. What it finds broken breaks the
   * service; that it finds all well does not say that the service answers.
   */
  readonly behind?: true;
  /** The levels of its readings at which somebody is told. */
  thresholds?(options: z.output<Options>): readonly Threshold[];
  /** For probes of something that fills: how big it is and what sizes could follow. */
  capacity?(options: z.output<Options>, checkId: string): CapacityPlan | undefined;
  /** Makes `kind: <file name>` available on a target: the checks this software gets without being asked. */
  readonly kind?: Kind;
  run(options: z.output<Options>, context: ProbeContext): Promise<Finding>;
}

export interface Kind {
  /** The name members know it by, used where the configuration has none. */
  readonly name: Localised;
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
  /** The earliest end of validity in the chain. */
  readonly expiresAt: Temporal.Instant;
}

export function defineProbe<Options extends z.ZodType>(probe: Probe<Options>): Probe<Options> {
  return probe;
}
