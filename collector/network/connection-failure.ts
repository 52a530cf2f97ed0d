/** The record of one connection, and why it failed or timed out, as a sentence with its evidence. */

import { isDeadline } from "../../core/deadline.ts";
import { Unreachable } from "../../core/errors.ts";
import { plainText } from "../../core/plain-text.ts";
import type { TlsFacts } from "../../core/probe.ts";
import { endpoint, inBytes, inSeconds } from "./formatting.ts";
import type { TimingTrace } from "./timing-trace.ts";

export interface ConnectionRecord {
  /** Without credentials and query. */
  readonly url: string;
  readonly server: { readonly host: string; readonly port: number };
  readonly method: string;
  readonly timing: TimingTrace;
  /** Why there was no answer. */
  failure?: Unreachable;
}

/** The failure with what is known of the way to it; undefined when it is none of the server's. */
export function unreachable(
  error: unknown,
  timing: TimingTrace,
  { url, server }: ConnectionRecord,
): Unreachable | undefined {
  const late = isDeadline(error);
  if (!late && !(error instanceof Unreachable)) return undefined;
  const evidence = [url, ...timing.notes, ...certificates(timing.tls)];
  if (late) {
    const { message, stage } = tooLate(timing, server);
    return new Unreachable(message, { stage, phases: timing.phases(), evidence: evidence.join("\n"), cause: error });
  }
  if (!(error instanceof Unreachable)) return undefined;
  const all = [...evidence, ...(error.evidence ? [error.evidence] : [])].join("\n");
  return new Unreachable(error.message, {
    stage: error.stage,
    phases: timing.phases(),
    evidence: all,
    cause: error.cause,
  });
}

/** Where the time went. */
function tooLate(
  timing: TimingTrace,
  server: ConnectionRecord["server"],
): { message: string; stage: Unreachable["stage"] } {
  const last = timing.steps.at(-1);
  const waited = inSeconds(last ? last.to - last.from : 0);
  const connected = `connected in ${inSeconds(timing.seconds("connect"))}`;
  const ready = `connected in ${inSeconds(timing.seconds("connect", "tls"))}`;
  switch (last?.phase) {
    case "connect":
      return { message: `no connection to ${endpoint(server.host, server.port)} within ${waited}`, stage: "connect" };
    case "tls":
      return { message: `${connected}, then no TLS handshake within ${waited}`, stage: "tls" };
    case "processing":
      if (!timing.answering) return { message: `${ready}, then no answer within ${waited}`, stage: "request" };
      return { message: `${ready}, then the headers of the answer did not end within ${waited}`, stage: "request" };
    case "transfer": {
      const begun = `answered ${timing.status} after ${inSeconds(timing.seconds("connect", "tls", "processing"))}`;
      const body = `the body did not end within ${waited} (${inBytes(timing.bodyBytes)} came)`;
      return { message: `${begun}, then ${body}`, stage: "transfer" };
    }
    case "resolve":
    case undefined:
      return {
        message: `no name server answered for ${plainText(server.host, 100)} within ${waited}`,
        stage: "resolve",
      };
  }
}

function certificates(tls: TlsFacts | undefined): readonly string[] {
  if (!tls) return [];
  const chain = tls.chain.map(({ subject, issuer, validTo }) => `${subject}, by ${issuer}, until ${validTo}`);
  return [`${tls.protocol} ${tls.cipher}`, ...chain.map((line) => `certificate: ${line}`)];
}
