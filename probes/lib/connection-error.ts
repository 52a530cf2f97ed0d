/**
 * Connection errors of databases and queue servers (refused, not resolved, TLS, broken off) as findings in the same
 * words.
 */
import { isDeadline } from "../../core/deadline.ts";
import { errorCode } from "../../core/error-code.ts";
import { NotMeasured, Unreachable } from "../../core/errors.ts";
import type { Phases } from "../../core/sample.ts";

export interface Attempt {
  /** For people, without a password: "redis.example:6379", "/run/redis.sock". */
  readonly where: string;
  readonly connected: boolean;
  readonly phases: Phases;
}

/** @param error what the client library failed with; it never gets into the message, because it may hold a secret. */
export function connectionError(error: unknown, { where, connected, phases }: Attempt): Unreachable | NotMeasured {
  const code = errorCode(error);
  const evidence = `${where}${code && `: ${code}`}`;
  const unreachable = (message: string, stage: Unreachable["stage"]) =>
    new Unreachable(message, { stage, phases, evidence });

  if (connected) return unreachable(`connected, then the connection broke${code && ` (${code})`}`, "request");
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return unreachable("its name cannot be resolved", "resolve");
  if (code === "ECONNREFUSED") return unreachable("refused the connection", "connect");
  if (code === "ENOENT") return unreachable("there is no such socket", "connect");
  if (code === "EACCES" || code === "EPERM") {
    return new NotMeasured("we may not use this socket: give our user the right to write to it", { evidence });
  }
  // Its other clients may check less than we do: this says nothing about what members notice.
  if (isCertificateFault(code)) {
    return new NotMeasured(`its certificate is not trusted (${code}): give its authority as ca`, { evidence });
  }
  if (code.startsWith("ERR_SSL") || code.startsWith("ERR_TLS") || code === "EPROTO") {
    return unreachable(`no encrypted connection came about (${code})`, "tls");
  }
  return unreachable(`no connection came about${code && ` (${code})`}`, "connect");
}

/** The run was ended while waiting: at its deadline that is a finding, at a shutdown nobody wants to know. */
export function ended(signal: AbortSignal, { where, connected, phases }: Attempt): unknown {
  if (!isDeadline(signal.reason)) return signal.reason;
  const message = connected ? "connected, then no answer in time" : "no connection in time";
  return new Unreachable(message, { stage: connected ? "request" : "connect", phases, evidence: where });
}

export const isCertificateFault = (code: string): boolean =>
  /^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|ERR_TLS_CERT)/.test(code);
