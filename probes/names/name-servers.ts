/** Finds the DNS zone of a name, and the name servers of that zone, without taking a failure for an answer. */
import { isIPv6 } from "node:net";
import { inWords, type NameServer } from "./dns-query.ts";
import { hasRoute } from "./route.ts";

/** What is set of a zone and its servers. */
export interface ServerSettings {
  readonly name: string;
  readonly zone?: string | undefined;
  readonly nameServers?: readonly string[] | undefined;
  readonly nameServerPort: number;
}

/** A name server: what it is called, and where it is asked; nowhere when it has no address. */
export interface KnownServer {
  readonly called: string;
  readonly at?: string;
  /** Why it cannot be asked, when that is not its fault. */
  readonly unseen?: string;
}

type Servers =
  | { readonly zone: string; readonly known: readonly KnownServer[]; readonly unseen?: undefined }
  | { readonly unseen: string };

export async function serversOf(settings: ServerSettings, resolver: NameServer): Promise<Servers> {
  const { nameServers, nameServerPort } = settings;
  const zone = await zoneOf(settings, resolver);
  if (zone.unseen !== undefined) return zone;
  if (nameServers) return { zone: zone.name, known: nameServers.map((at) => ({ called: at, at })) };
  const { records, failure } = await resolver.records(zone.name, "NS");
  if (failure) return unseen(`asked for those of ${zone.name}, the resolver ${inWords(failure)}`);
  return { zone: zone.name, known: await located(records, nameServerPort, resolver) };
}

const unseen = (why: string) => ({ unseen: `the name servers were not asked: ${why}` });

type Zone = { readonly name: string; readonly unseen?: undefined } | { readonly unseen: string };

/** The name itself, or the nearest one above it, at which a zone starts: there is a SOA record, and no alias. */
async function zoneOf({ name, zone }: ServerSettings, resolver: NameServer): Promise<Zone> {
  if (zone !== undefined) return { name: zone };
  const labels = name.replace(/\.$/, "").split(".");
  // A search that ends at a top-level domain was given wrong answers on the way: no operator watches one.
  const candidates = labels.map((_, index) => labels.slice(index).join(".")).slice(0, Math.max(1, labels.length - 1));
  for (const candidate of candidates) {
    const [alias, start] = await Promise.all([resolver.records(candidate, "CNAME"), resolver.start(candidate)]);
    // Where an alias leads, somebody else's zone may start: no zone of ours starts at an alias (RFC 1912, 2.4).
    if (alias.records.length > 0) continue;
    const failure = [alias, start].find((answer) => answer.failure && answer.failure !== "nxdomain")?.failure;
    if (failure) return unseen(`asked for the zone of ${candidate}, the resolver ${inWords(failure)}`);
    if (start.records.length > 0) return { name: candidate };
  }
  return unseen(`the resolver knows of no zone that ${name} is in (give it as \`zone\`)`);
}

function located(names: readonly string[], port: number, resolver: NameServer): Promise<readonly KnownServer[]> {
  return Promise.all(
    names.slice(0, 16).map(async (called): Promise<KnownServer> => {
      const answers = await Promise.all([resolver.records(called, "A"), resolver.records(called, "AAAA")]);
      const addresses = answers.flatMap(({ records }) => records.slice(0, 1));
      for (const address of addresses) {
        if (await hasRoute(address))
          return { called, at: isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}` };
      }
      if (addresses.length > 0) return { called, unseen: "has no address of a kind that this machine can reach" };
      const failed = answers.find(({ failure }) => failure && failure !== "nxdomain")?.failure;
      return failed ? { called, unseen: `is not found: the resolver ${inWords(failed)}` } : { called };
    }),
  );
}
