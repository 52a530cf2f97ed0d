/**
 * The TLS handshake over an open connection: one shared context for each set of trusted authorities, and a precise
 * sentence when it fails.
 */
import { isIP, type Socket } from "node:net";
import { connect, createSecureContext, getCACertificates, type SecureContext, type TLSSocket } from "node:tls";
import { codeOrName } from "../../core/error-code.ts";
import { NotMeasured, Unreachable } from "../../core/errors.ts";
import { plainText } from "../../core/plain-text.ts";
import type { TlsFacts } from "../../core/probe.ts";
import { chainOf, factsOf, faultsOf, namesOf, type VerifiedFault } from "./certificate-chain-faults.ts";
import { type Authorities, authoritiesIn, pathOf } from "./certificate-path.ts";

/** What is trusted: for OpenSSL, and for ourselves to read. */
export interface Trust {
  readonly context: SecureContext;
  readonly authorities: Authorities;
}

/** Building a context costs more than a handshake: each is made once. `ca` is PEM to trust beside the public authorities. */
export function trustOf(): (ca: string | undefined) => Trust {
  const made = new Map<string | undefined, Trust>();
  return (ca) => {
    const known = made.get(ca);
    if (known) return known;
    // Authorities come from the configuration, so there are few; after many reloads the old ones are forgotten.
    if (made.size >= 64) made.clear();
    const context = createSecureContext(ca === undefined ? {} : { ca: [...getCACertificates("default"), ca] });
    const trust = { context, authorities: ca === undefined ? everybodys() : withOwn(ca) };
    made.set(ca, trust);
    return trust;
  };
}

let read: Authorities | undefined;
/** The same for the whole program: reading them takes longer than many handshakes. */
function everybodys(): Authorities {
  read ??= authoritiesIn(getCACertificates("default"));
  return read;
}

function withOwn(ca: string): Authorities {
  const own = [...authoritiesIn([ca])];
  return new Map([
    ...everybodys(),
    ...own.map(
      ([subject, certificates]) => [subject, [...(everybodys().get(subject) ?? []), ...certificates]] as const,
    ),
  ]);
}

/**
 * Refuses a certificate that is not good enough.
 * @param seen gets what is known of the certificates even then.
 */
export async function secure(
  socket: Socket,
  host: string,
  { seen, ...parts }: { trust: Trust; signal: AbortSignal; seen: (facts: TlsFacts) => void },
): Promise<TLSSocket> {
  const { tls, facts, faults } = await handshake(socket, host, { ...parts, alpn: ["http/1.1"] });
  seen(facts);
  const [fault] = faults;
  if (!fault) return tls;
  tls.destroy();
  socket.destroy();
  throw refused(fault.sentence, fault.code);
}

export interface Handshake {
  readonly tls: TLSSocket;
  readonly facts: TlsFacts;
  readonly names: readonly string[];
  readonly faults: readonly VerifiedFault[];
}

/** Encrypts whatever the certificate is, and says what is wrong with it. Throws when there is no handshake. */
export function handshake(
  socket: Socket,
  host: string,
  { trust, signal, alpn }: { trust: Trust; signal: AbortSignal; alpn?: string[] },
): Promise<Handshake> {
  const name = host.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      socket.destroy();
      return reject(signal.reason);
    }
    const tls = connect({
      socket,
      secureContext: trust.context,
      servername: isIP(name) ? "" : name,
      ...(alpn && { ALPNProtocols: alpn }),
      // certificate-chain-faults.ts judges it: with the certificate in hand it can say why.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    const fail = (error: unknown) => {
      signal.removeEventListener("abort", abort);
      tls.destroy();
      socket.destroy();
      reject(error);
    };
    const abort = () => fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    // Stays for good: an error after the end of a check is nobody's problem.
    tls.on("error", (error) => fail(handshakeFailure(error)));
    tls.once("close", () => fail(closedEarly()));
    tls.once("secureConnect", () => {
      signal.removeEventListener("abort", abort);
      try {
        const leaf = tls.getPeerX509Certificate();
        const sent = chainOf(leaf);
        const path = pathOf(sent, trust.authorities);
        const names = leaf ? namesOf(leaf) : [];
        resolve({ tls, facts: factsOf(tls, sent, path), names, faults: faultsOf(tls, name, path) });
      } catch (error) {
        fail(error);
      }
    });
  });
}

function refused(what: string, code?: string): Unreachable {
  return new Unreachable(`TLS: ${what}`, {
    stage: "tls",
    ...(code && { evidence: `verification: ${plainText(code, 80)}` }),
  });
}

const closedEarly = () => refused("the server closed the connection during the handshake");

function handshakeFailure(error: Error): Error {
  const code = codeOrName(error);
  if (code === "ECONNRESET") return closedEarly();
  if (code === "EMFILE" || code === "ENOMEM")
    return new NotMeasured(`this machine could not begin TLS (${code})`, { localFault: true });
  const detail = "reason" in error && typeof error.reason === "string" ? error.reason : code;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG") {
    return refused("the server does not speak TLS on this port", code);
  }
  if (/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION/.test(code)) {
    return refused("the server speaks only versions of TLS that are too old", code);
  }
  return refused(`handshake failed (${plainText(detail, 80)})`, code);
}
