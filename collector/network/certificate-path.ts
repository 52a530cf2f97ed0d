/**
 * Builds the path of a certificate chain: from the server's own certificate up to an authority that we trust, without
 * what the server sends beside it.
 */
import { X509Certificate } from "node:crypto";

/** What is trusted, by subject. */
export type Authorities = ReadonlyMap<string, readonly X509Certificate[]>;

/** @param pems each with one certificate or several. */
export function authoritiesIn(pems: readonly string[]): Authorities {
  const blocks = pems.flatMap((pem) => pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []);
  return Map.groupBy(blocks.flatMap(parsed), ({ subject }) => subject);
}

/** One that OpenSSL passes over in silence is passed over here too. */
function parsed(pem: string): readonly X509Certificate[] {
  try {
    return [new X509Certificate(pem)];
  } catch {
    return [];
  }
}

const longestPath = 10;

/**
 * What we hold goes before what is sent, as in OpenSSL: a root of ours that is sent once more, signed by an older one,
 * ends the path, and the older one is nobody's concern.
 * @param sent the server's own certificate first.
 */
export function pathOf(sent: readonly X509Certificate[], authorities: Authorities): readonly X509Certificate[] {
  const [leaf, ...others] = sent;
  const path: X509Certificate[] = [];
  let left: readonly X509Certificate[] = others;
  for (let next = leaf; next && path.length < longestPath; ) {
    path.push(next);
    if (next.subject === next.issuer) break;
    const held = issuerOf(next, authorities.get(next.issuer) ?? []);
    // Whatever stands above something we hold, we hold too.
    if (held) left = [];
    next = held ?? issuerOf(next, left);
    left = left.filter((other) => other !== next);
  }
  return path;
}

/** Of an authority with several certificates for its key the one that holds longest. */
function issuerOf(certificate: X509Certificate, candidates: readonly X509Certificate[]): X509Certificate | undefined {
  const named = candidates.filter((other) => other.subject === certificate.issuer && certificate.checkIssued(other));
  // Checking a signature costs a share of a handshake; OpenSSL did it already, so it is only done to choose.
  const issuers = named.length > 1 ? named.filter((other) => certificate.verify(other.publicKey)) : named;
  return issuers.toSorted((a, b) => b.validToDate.getTime() - a.validToDate.getTime())[0];
}
