/** Certificates made on the spot, good ones and every kind of bad one; written by hand so that tests need no openssl. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { isIP } from "node:net";

export interface Certified {
  readonly name: string;
  readonly key: KeyObject;
  /** PEM of the private key. */
  readonly keyPem: string;
  readonly certPem: string;
  readonly validTo: Date;
}

export interface CertificateWishes {
  readonly name: string;
  /** Host names and addresses it is for. Default: none, as for an authority. */
  readonly hosts?: readonly string[];
  /** Who signs it. Default: itself. */
  readonly by?: Certified;
  /** For the same key: one authority's certificate from itself, and another one from an older authority. */
  readonly sameKeyAs?: Certified;
  readonly authority?: boolean;
  readonly validFrom?: Date;
  readonly validTo?: Date;
}

const day = 86_400_000;

export function certificate(wishes: CertificateWishes): Certified {
  const { name, hosts = [], by, authority = false } = wishes;
  const validFrom = wishes.validFrom ?? new Date(Date.now() - 40 * day);
  const validTo = wishes.validTo ?? new Date(Math.floor(Date.now() / 1000) * 1000 + (authority ? 3650 : 50) * day);
  const privateKey = wishes.sameKeyAs?.key ?? generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const alternatives = hosts.map((host) =>
    isIP(host) ? der(0x87, ipBytes(host)) : der(0x82, Buffer.from(host, "latin1")),
  );
  const extensions = sequence(
    sequence(oid(2, 5, 29, 19), der(0x01, [0xff]), octets(sequence(...(authority ? [der(0x01, [0xff])] : [])))),
    ...(hosts.length > 0 ? [sequence(oid(2, 5, 29, 17), octets(sequence(...alternatives)))] : []),
  );
  const toSign = sequence(
    der(0xa0, der(0x02, [2])),
    der(0x02, [1, ...crypto.getRandomValues(new Uint8Array(8))]),
    ecdsaWithSha256,
    commonName(by?.name ?? name),
    sequence(time(validFrom), time(validTo)),
    commonName(name),
    createPublicKey(privateKey).export({ type: "spki", format: "der" }),
    der(0xa3, extensions),
  );
  const signature = sign("sha256", toSign, by?.key ?? privateKey);
  const bytes = sequence(toSign, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.of(0), signature])));
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    name,
    key: privateKey,
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    certPem: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    validTo,
  };
}

function der(tag: number, content: Uint8Array | readonly number[]): Buffer {
  const body = Buffer.from(content);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), body]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, Buffer.concat(parts));
const octets = (content: Uint8Array): Buffer => der(0x04, content);

function oid(first: number, second: number, ...rest: readonly number[]): Buffer {
  const bytes = rest.flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return der(0x06, [first * 40 + second, ...bytes]);
}

const ecdsaWithSha256 = sequence(oid(1, 2, 840, 10045, 4, 3, 2));

const commonName = (name: string): Buffer =>
  sequence(der(0x31, sequence(oid(2, 5, 4, 3), der(0x0c, Buffer.from(name, "utf8")))));

function time(date: Date): Buffer {
  const digits = `${date.toISOString().replace(/[-:T]|\.\d+/g, "")}`;
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}

function ipBytes(address: string): Buffer {
  if (address === "::1") return Buffer.concat([Buffer.alloc(15), Buffer.of(1)]);
  return Buffer.from(address.split(".").map(Number));
}
