/** The error classes: no answer, not measured, a bad setting, a failed delivery. Any other error is a bug of ours. */
import type { Phases } from "./sample.ts";

/** A watched server gave no usable answer at all. `message` is one safe sentence, e.g. "connected in 12 ms, then no answer within 10 s". */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
  /** Where it failed; `blocked` means that somebody refused us in particular (429, a bot wall). */
  readonly stage: "resolve" | "connect" | "tls" | "request" | "transfer" | "protocol";
  /** Seconds spent in the phases that were reached. */
  readonly phases: Phases;
  /** Plain text for the person on call: addresses tried, errno, certificate details. At most 2 kB is kept. */
  readonly evidence: string;

  constructor(
    message: string,
    detail: { stage: Unreachable["stage"]; phases?: Phases; evidence?: string; cause?: unknown },
  ) {
    super(message, { cause: detail.cause });
    this.stage = detail.stage;
    this.phases = detail.phases ?? {};
    this.evidence = detail.evidence ?? "";
  }
}

/**
 * The measuring itself failed: we are not let in, do not understand what we see, or are out of sockets. The check is
 * `unknown`, and nobody is blamed. `message` is one safe sentence that says how to mend it, without a full stop.
 */
export class NotMeasured extends Error {
  override readonly name = "NotMeasured";
  /** Plain text for whoever mends it. */
  readonly evidence: string;
  /** This machine or program is at fault, and no setting or permission: logged, and counted as an error of our own. */
  readonly localFault: boolean;

  constructor(message: string, { evidence = "", localFault = false } = {}) {
    super(message);
    this.evidence = evidence;
    this.localFault = localFault;
  }
}

/** One fault in the configuration, with the place it stands at. */
export interface ConfigFault {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** What is wrong, what the nearest known key is, how to mend it; one or two sentences. */
  readonly message: string;
}

/** The configuration cannot be used; every fault at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map((fault) => `${fault.file}:${fault.line}:${fault.column}: ${fault.message}`).join("\n"));
    this.faults = faults;
  }
}

/** A notice was not accepted by its channel. */
export class DeliveryError extends Error {
  override readonly name = "DeliveryError";
  /**
   * retry: try the same channel again later; permanent: this message will never be taken; misconfigured: the channel
   * itself is broken (password, address), so it must be mended by hand and another channel used now.
   */
  readonly verdict: "retry" | "permanent" | "misconfigured";
  /** So many seconds the service asks us to wait before the next try (Retry-After). */
  readonly retryAfterSeconds: number | undefined;
  /** The service said no: whatever was sent of it, this copy did not arrive. */
  readonly refused: boolean;

  constructor(
    message: string,
    detail: {
      verdict: DeliveryError["verdict"];
      retryAfterSeconds?: number | undefined;
      refused?: boolean;
      cause?: unknown;
    },
  ) {
    super(message, { cause: detail.cause });
    this.verdict = detail.verdict;
    this.retryAfterSeconds = detail.retryAfterSeconds;
    this.refused = detail.refused ?? false;
  }
}

/** Something a person asked for cannot be done; `message` says what, `remedy` how to mend it. Exit code 1 on the command line. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/**
 * The store cannot be used now (the disk is full, its file is damaged or gone); nothing of the change was kept. Try again
 * later. `message` says what happened and, where a person can mend it, how; without a full stop.
 */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}
