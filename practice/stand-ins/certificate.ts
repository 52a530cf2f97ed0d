/** A certificate authority made at run time, for stand-ins that speak TLS; its keys never leave the process. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";

export interface Authority {
  /** PEM, for whoever is to trust it. */
  readonly certificate: string;
  /** A certificate for a host name or an IPv4 address, with its key. */
  issue(host: string, validity: Validity): { readonly cert: string; readonly key: string };
}

export interface Validity {
  readonly from: Temporal.Instant;
  readonly to: Temporal.Instant;
}

const name = "Tidewatch practice authority (worthless elsewhere)";

export function makeAuthority(validity: Validity): Authority {
  const own = newKeys();
  const certificate = certify({ subject: name, keys: own, validity, extensions: [isAuthority] }, own.privateKey);
  return {
    certificate,
    issue(host, validFor) {
      const keys = newKeys();
      const cert = certify({ subject: host, keys, validity: validFor, extensions: [namesOf(host)] }, own.privateKey);
      return { cert, key: keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
    },
  };
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const newKeys = (): Keys => generateKeyPairSync("ec", { namedCurve: "P-256" });

interface Subject {
  readonly subject: string;
  readonly keys: Keys;
  readonly validity: Validity;
  readonly extensions: readonly Uint8Array[];
}

/** X.509 v3 (RFC 5280), in DER: Node reads certificates and does not make them. */
function certify({ subject, keys, validity, extensions }: Subject, issuerKey: KeyObject): string {
  const body = sequence(
    der(0xa0, der(0x02, [2])),
    // Positive and not zero.
    der(0x02, [0x40, ...randomBytes(15)]),
    ecdsaWithSha256,
    commonName(name),
    sequence(time(validity.from), time(validity.to)),
    commonName(subject),
    keys.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", body, issuerKey);
  const certificate = sequence(body, ecdsaWithSha256, der(0x03, [0], signature));
  const lines =
    Buffer.from(certificate)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function der(tag: number, ...content: readonly Iterable<number>[]): Uint8Array {
  const bytes = content.flatMap((part) => [...part]);
  const size = bytes.length < 0x80 ? [bytes.length] : [0x82, bytes.length >> 8, bytes.length & 0xff];
  return Uint8Array.from([tag, ...size, ...bytes]);
}

const sequence = (...content: readonly Iterable<number>[]) => der(0x30, ...content);
const text = (tag: number, value: string) => der(tag, Buffer.from(value));
const extension = (id: readonly number[], critical: boolean, value: Uint8Array) =>
  sequence(der(0x06, id), ...(critical ? [der(0x01, [0xff])] : []), der(0x04, value));

const ecdsaWithSha256 = sequence(der(0x06, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
const commonName = (value: string) => sequence(der(0x31, sequence(der(0x06, [0x55, 0x04, 0x03]), text(0x0c, value))));
const isAuthority = extension([0x55, 0x1d, 0x13], true, sequence(der(0x01, [0xff])));

function namesOf(host: string): Uint8Array {
  const named = isIPv4(host) ? der(0x87, host.split(".").map(Number)) : text(0x82, host);
  return extension([0x55, 0x1d, 0x11], false, sequence(named));
}

/** UTCTime: two digits of the year are enough until 2049. */
function time(instant: Temporal.Instant): Uint8Array {
  const digits = instant.toString({ smallestUnit: "second" }).replace(/[-:T]/g, "");
  return text(0x17, digits.slice(2));
}
