/** Asks one name server for DNS records: answers as comparable text, failures by their name (SERVFAIL, NXDOMAIN). */
import { Resolver } from "node:dns/promises";
import { errorCode } from "../../core/error-code.ts";
import type { Localised } from "../../core/language.ts";
import { plainText } from "../../core/plain-text.ts";

export const recordTypes = ["A", "AAAA", "CNAME", "MX", "TXT", "NS", "CAA", "SRV"] as const;
export type RecordType = (typeof recordTypes)[number];

/** nxdomain is an answer, but none with records; the others are failures of whoever was asked. */
export type DnsFailure = "nxdomain" | "servfail" | "refused" | "timeout" | "failed";
export type DnsAnswer =
  /** None when there are no records of this type. */
  | { readonly records: readonly string[]; readonly failure?: undefined }
  | { readonly records: readonly []; readonly failure: DnsFailure; readonly code: string };

/** One name server, or those of the system. Nothing is remembered from one question to the next. */
export class NameServer {
  readonly #resolver: Resolver;
  readonly #signal: AbortSignal;

  /** @param servers "192.0.2.53", "[2001:db8::53]:5353"; none: the system's. */
  constructor(servers: readonly string[], signal: AbortSignal) {
    this.#resolver = new Resolver({ timeout: 1500, tries: 2, maxTimeout: 3000 });
    if (servers.length > 0) this.#resolver.setServers([...servers]);
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#resolver.cancel(), { once: true });
  }

  records(name: string, type: RecordType): Promise<DnsAnswer> {
    return this.#unlessOver(() => this.#ask(name, type));
  }

  /** The serial number of the zone, as this server has it, and the name server that gave it. */
  start(zone: string): Promise<DnsAnswer> {
    return this.#unlessOver(async () => {
      const { serial, nsname } = await this.#resolver.resolveSoa(zone);
      return [String(serial), nsname.toLowerCase()];
    });
  }

  /** What is asked after the end of the run would be waited for as long as any other question. */
  async #unlessOver(question: () => Promise<readonly string[]>): Promise<DnsAnswer> {
    if (this.#signal.aborted) return { records: [], failure: "failed", code: "ECANCELLED" };
    return answerOf(question());
  }

  async #ask(name: string, type: RecordType): Promise<readonly string[]> {
    const resolver = this.#resolver;
    switch (type) {
      case "A":
        return resolver.resolve4(name);
      case "AAAA":
        return resolver.resolve6(name);
      case "CNAME":
        return resolver.resolveCname(name);
      case "NS":
        return resolver.resolveNs(name);
      case "TXT":
        return (await resolver.resolveTxt(name)).map((parts) => parts.join(""));
      case "MX":
        return (await resolver.resolveMx(name)).map(({ priority, exchange }) => `${priority} ${exchange}`);
      case "SRV":
        return (await resolver.resolveSrv(name)).map(
          ({ priority, weight, port, name: target }) => `${priority} ${weight} ${port} ${target}`,
        );
      case "CAA":
        return (await resolver.resolveCaa(name)).flatMap(({ critical, ...properties }) =>
          Object.entries(properties)
            .filter(([property]) => property !== "type")
            .map(([property, value]) => `${critical} ${property} ${value}`),
        );
    }
  }
}

async function answerOf(question: Promise<readonly string[]>): Promise<DnsAnswer> {
  try {
    return { records: await question };
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENODATA") return { records: [] };
    const failure = failures[code];
    // An error without a code of c-ares is a fault of ours.
    if (failure === undefined && !/^E[A-Z]+$/.test(code)) throw error;
    return { records: [], failure: failure ?? "failed", code };
  }
}

const failures: Readonly<Record<string, DnsFailure>> = {
  ENOTFOUND: "nxdomain",
  ESERVFAIL: "servfail",
  EREFUSED: "refused",
  ETIMEOUT: "timeout",
  ECONNREFUSED: "timeout",
};

export function inWords(failure: DnsFailure): string {
  switch (failure) {
    case "nxdomain":
      return "says that the name does not exist (NXDOMAIN)";
    case "servfail":
      return "fails (SERVFAIL)";
    case "refused":
      return "refuses to answer for this zone (REFUSED)";
    case "timeout":
      return "does not answer";
    case "failed":
      return "gives no proper answer";
  }
}

/** One spelling for each record: small letters where they do not matter, no dot at the end, no quotes. */
export function normal(record: string, type: RecordType): string {
  if (type === "TXT") return record;
  const words = record.trim().replaceAll('"', "").split(/\s+/);
  if (type === "AAAA") return shortest(words.join(""));
  // The root, as in an MX record that says "no mail here" (RFC 7505), is written as a dot and answered as nothing.
  return words
    .map((word) => word.replace(/\.$/, "").toLowerCase())
    .join(" ")
    .trim();
}

/** "2001:DB8:0:0::1" and "2001:db8::1" are the same. */
function shortest(address: string): string {
  const url = URL.parse(`http://[${address}]/`);
  return url ? url.hostname.slice(1, -1) : address.toLowerCase();
}

/** What is asked for; without records to compare, it is enough that there are some. */
export interface WantedRecords {
  readonly type: RecordType;
  readonly records: readonly string[] | undefined;
}

export interface SeenRecords {
  readonly type: RecordType;
  readonly answer: DnsAnswer;
}

/** What is missing or too much; undefined when all is well, or nothing is to be compared. */
export function differenceOf(
  type: RecordType,
  answer: DnsAnswer,
  wanted: readonly WantedRecords[],
): string | undefined {
  const expected = wanted.find((one) => one.type === type)?.records;
  if (!expected || answer.failure) return undefined;
  const found = answer.records.map((record) => normal(record, type));
  const missing = expected.filter((record) => !found.includes(record));
  const tolerant = type === "TXT" || type === "CAA";
  const strange = tolerant && expected.length > 0 ? [] : found.filter((record) => !expected.includes(record));
  if (missing.length === 0 && strange.length === 0) return undefined;
  const parts = [
    ...(missing.length > 0 ? [`${listed(missing)} is missing`] : []),
    ...(strange.length > 0 ? [`${listed(strange)} should not be there`] : []),
  ];
  return `${type} records: ${parts.join(", ")}`;
}

const listed = (records: readonly string[]): string =>
  `${records
    .slice(0, 2)
    .map((record) => plainText(record, 60))
    .join(", ")}${records.length > 2 ? ` and ${records.length - 2} more` : ""}`;

/** As it stands in evidence. */
export function shown(answer: DnsAnswer): string {
  if (answer.failure) return `${answer.failure} (${answer.code})`;
  return answer.records.length > 0
    ? answer.records
        .slice(0, 5)
        .map((record) => plainText(record, 100))
        .join(", ")
    : "none";
}

export const someCannot: Localised = {
  en: "Some people may not be able to find our address at times.",
  fr: "Certaines personnes peuvent parfois ne pas trouver notre adresse.",
};
