/**
 * Judges the certificate chain of a TLS server: expired, self-signed, incomplete, by an unknown authority, for another name;
 * each fault in a precise sentence.
 */
import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import { plainText } from "../../core/plain-text.ts";
import type { TlsFacts, TlsFault } from "../../core/probe.ts";
import { listed } from "./formatting.ts";

/** A fault, and how OpenSSL calls it. */
export interface VerifiedFault extends TlsFault {
  readonly code?: string;
}

/** The chain as it was sent; when it ends is decided by what the verdict rests on. */
export function factsOf(tls: TLSSocket, sent: readonly X509Certificate[], path: readonly X509Certificate[]): TlsFacts {
  const chain = sent.map((certificate) => ({
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    validTo: endOf(certificate),
  }));
  const [first = Temporal.Instant.fromEpochMilliseconds(0)] = path.map(endOf).toSorted(Temporal.Instant.compare);
  return { protocol: tls.getProtocol() ?? "", cipher: tls.getCipher().name, chain, expiresAt: first };
}

export function chainOf(leaf: X509Certificate | undefined): readonly X509Certificate[] {
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

export function faultsOf(tls: TLSSocket, name: string, path: readonly X509Certificate[]): readonly VerifiedFault[] {
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
export function namesOf(leaf: X509Certificate): readonly string[] {
  return (leaf.subjectAltName ?? "")
    .split(", ")
    .map((name) => plainText(name.replace(/^(DNS|IP Address):/, ""), 253))
    .filter((name) => name !== "");
}
