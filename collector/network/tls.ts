/** TLS over a connection we dialled: one shared context for each set of authorities, and a precise sentence when it fails. */
import type { X509Certificate } from "node:crypto";
import { isIP, type Socket } from "node:net";
import { connect, createSecureContext, getCACertificates, type SecureContext, type TLSSocket } from "node:tls";
import { codeOrName } from "../../core/error-code.ts";
import { NotMeasured, Unreachable } from "../../core/errors.ts";
import { plainText } from "../../core/plain-text.ts";
import type { TlsFacts, TlsFault } from "../../core/probe.ts";
import { type Authorities, authoritiesIn, pathOf } from "./certificate-path.ts";
import { listed } from "./measures.ts";

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

/** A fault, and how OpenSSL calls it. */
interface VerifiedFault extends TlsFault {
  readonly code?: string;
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
      // Judged below: with the certificate in hand the reason can be told.
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

/** The chain as it was sent; when it ends is decided by what the verdict rests on. */
function factsOf(tls: TLSSocket, sent: readonly X509Certificate[], path: readonly X509Certificate[]): TlsFacts {
  const chain = sent.map((certificate) => ({
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    validTo: endOf(certificate),
  }));
  const [first = Temporal.Instant.fromEpochMilliseconds(0)] = path.map(endOf).toSorted(Temporal.Instant.compare);
  return { protocol: tls.getProtocol() ?? "", cipher: tls.getCipher().name, chain, expiresAt: first };
}

function chainOf(leaf: X509Certificate | undefined): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let next = leaf; next && chain.length < 10; next = next.issuerCertificate) {
    if (chain.some((known) => known.fingerprint256 === next?.fingerprint256)) break;
    chain.push(next);
  }
  return chain;
}

const endOf = (certificate: X509Certificate): Temporal.Instant =>
  Temporal.Instant.fromEpochMilliseconds(certificate.validToDate.getTime());

const nameOf = (distinguished: string): string => plainText(distinguished.replaceAll("\n", ", "), 200);

/** The shortest name a person would know it by. */
function commonName(distinguished: string): string {
  return plainText(/^CN=(.*)$/m.exec(distinguished)?.[1] ?? distinguished.replaceAll("\n", ", "), 80) || "no name";
}

function faultsOf(tls: TLSSocket, name: string, path: readonly X509Certificate[]): readonly VerifiedFault[] {
  const [leaf] = path;
  if (!leaf) return [{ kind: "no-certificate", sentence: "the server showed no certificate" }];
  // The type says Error; Node gives the code as a string.
  const code = tls.authorized ? undefined : String(tls.authorizationError ?? "not trusted");
  const verified = code === undefined ? undefined : verificationFault(code, path);
  // OpenSSL names the last fault it met: that a certificate is over hides who signed it.
  const hidden = verified && verified.kind !== "self-signed" && leaf.subject === leaf.issuer ? selfSigned : undefined;
  return [
    ...(verified ? [{ ...verified, ...(code && { code }) }] : []),
    ...(hidden ? [hidden] : []),
    ...nameFault(leaf, name),
  ];
}

function nameFault(leaf: X509Certificate, name: string): readonly VerifiedFault[] {
  const fits = (subject: "default" | "never") =>
    (isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name, { partialWildcards: false, subject })) !== undefined;
  if (fits("never")) return [];
  const names = namesOf(leaf).map((known) => plainText(known, 60));
  if (names.length > 0) {
    return [{ kind: "wrong-name", sentence: `certificate is for ${listed(names)}, not for ${plainText(name, 100)}` }];
  }
  const sentence = `certificate has no alternative names (SAN), only the common name “${commonName(leaf.subject)}”: browsers refuse it`;
  return [{ kind: fits("default") ? "common-name-only" : "wrong-name", sentence }];
}

const selfSigned: VerifiedFault = { kind: "self-signed", sentence: "certificate is self-signed" };

function verificationFault(code: string, path: readonly X509Certificate[]): VerifiedFault {
  const [leaf, ...above] = path;
  const last = path.at(-1);
  const issuer = commonName(last?.issuer ?? "");
  const now = Date.now();
  switch (code) {
    case "CERT_HAS_EXPIRED": {
      const expired = path.find((certificate) => certificate.validToDate.getTime() < now);
      const sentence =
        !expired || expired === leaf
          ? `certificate expired ${day(leaf?.validToDate)}`
          : `certificate of its issuer “${commonName(expired.subject)}” expired ${day(expired.validToDate)}`;
      return { kind: "expired", sentence };
    }
    case "CERT_NOT_YET_VALID": {
      const early = path.find((certificate) => certificate.validFromDate.getTime() > now);
      return { kind: "not-yet-valid", sentence: `certificate is not valid before ${day(early?.validFromDate)}` };
    }
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return selfSigned;
    case "SELF_SIGNED_CERT_IN_CHAIN": {
      const authority = commonName(last?.subject ?? "");
      return {
        kind: "unknown-authority",
        sentence: `certificate comes from an authority nobody knows, “${authority}”`,
      };
    }
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      if (above.length > 0) {
        return { kind: "unknown-authority", sentence: `certificate leads to an authority nobody knows, “${issuer}”` };
      }
      return {
        kind: "incomplete-chain",
        sentence: `incomplete chain: the server does not send the certificate of its issuer “${issuer}”`,
      };
    case "CERT_REVOKED":
      return { kind: "revoked", sentence: "certificate was revoked" };
    default:
      return { kind: "untrusted", sentence: `certificate is not trusted (${plainText(code, 60)})` };
  }
}

const day = (date: Date | undefined): string => date?.toISOString().slice(0, 10) ?? "";

/** The alternative names: browsers have not looked at the common name since 2017. */
function namesOf(leaf: X509Certificate): readonly string[] {
  return (leaf.subjectAltName ?? "")
    .split(", ")
    .map((name) => plainText(name.replace(/^(DNS|IP Address):/, ""), 253))
    .filter((name) => name !== "");
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
