/** The hosts of a service: its mail servers (MX) beside those that are configured, and all IP addresses of each. */
import { Resolver } from "node:dns";
import { isIP } from "node:net";
import { z } from "zod";
import type { NameServer } from "../names/dns-query.ts";
import { inWords } from "../names/dns-query.ts";

/** As the resolver itself understands it, so that no run fails on it. */
export const nameServerAddress = () =>
  z.string().max(60).refine(isServerAddress, {
    error: "expected the address of a name server, like 192.0.2.53 or [2001:db8::53]:5353",
  });

function isServerAddress(text: string): boolean {
  try {
    new Resolver().setServers([text]);
    return true;
  } catch {
    return false;
  }
}

/** What a host is there for: "web", "mail". */
export interface Host {
  readonly use: string;
  readonly name: string;
}

export interface Resolved extends Host {
  readonly addresses: readonly string[];
  /** What could not be found out, without a full stop. */
  readonly failures: readonly string[];
}

/** Where mail for a domain goes. Without a mail exchanger that is the domain itself (RFC 5321). */
export async function mailHosts(
  domain: string,
  names: NameServer,
): Promise<{ readonly hosts: readonly Host[]; readonly failures: readonly string[] }> {
  const answer = await names.records(domain, "MX");
  if (answer.failure !== undefined) {
    return { hosts: [], failures: [`asked where mail for ${domain} goes, the resolver ${inWords(answer.failure)}`] };
  }
  const exchangers = answer.records.map((record) => bare(record.split(" ")[1] ?? ""));
  if (exchangers.length === 0) return { hosts: [{ use: "mail", name: domain }], failures: [] };
  // A single dot says that the domain takes no mail (RFC 7505).
  const real = exchangers.filter((name) => name !== "");
  return { hosts: real.map((name) => ({ use: "mail", name })), failures: [] };
}

export async function resolve(host: Host, names: NameServer): Promise<Resolved> {
  const literal = host.name.replace(/^\[(.*)\]$/, "$1");
  if (isIP(literal)) return { ...host, addresses: [literal], failures: [] };
  const answers = await Promise.all([names.records(host.name, "A"), names.records(host.name, "AAAA")]);
  const addresses = answers.flatMap(({ records }) => records).map(unmapped);
  const failed = answers.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
  if (addresses.length > 0 && failed.length === 0) return { ...host, addresses, failures: [] };
  const [failure] = failed;
  const said = failure === undefined ? `${host.name} has no address` : `${host.name}: the resolver ${inWords(failure)}`;
  return { ...host, addresses, failures: [said] };
}

export const bare = (name: string): string => name.toLowerCase().replace(/\.$/, "");

const unmapped = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, "");
