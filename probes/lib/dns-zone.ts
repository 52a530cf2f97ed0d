/** Asks each name server of a zone by itself: does it answer, for the same version of the zone, with the right records? */
import { plainText } from "../../core/plain-text.ts";
import type { ProbeContext } from "../../core/probe.ts";
import type { Finding } from "../../core/sample.ts";
import { type DnsAnswer, differenceOf, inWords, NameServer, type Seen, shown, someCannot, type Wanted } from "./dns.ts";
import { blemish, type Flaw } from "./flaw.ts";

/** What is set of a zone and its servers. */
interface ZoneSettings {
  readonly name: string;
  readonly zone?: string | undefined;
  readonly nameServers?: readonly string[] | undefined;
  readonly nameServerPort: number;
  readonly agreeWithin: number;
}

export interface Each {
  readonly flaws: readonly Flaw[];
  readonly notes: readonly string[];
  readonly readings: NonNullable<Finding["readings"]>;
}
export const nothingAsked: Each = { flaws: [], notes: [], readings: [] };

/** A name server: what it is called, and where it is asked. */
interface Known {
  readonly called: string;
  readonly at: string | undefined;
}

export async function askEach(
  settings: ZoneSettings,
  resolver: NameServer,
  wanted: readonly Wanted[],
  context: ProbeContext,
): Promise<Each> {
  const zone = await zoneOf(settings, resolver);
  const known = await nameServersOf(settings, zone, resolver);
  if (known.length === 0) {
    return { ...nothingAsked, flaws: [blemish(`no name servers of ${zone.name} are to be found`, someCannot)] };
  }
  const told = await Promise.all(known.map((server) => askOne(server, zone.name, settings, wanted, context)));
  const answering = told.filter(({ serial }) => serial !== undefined);
  const readings = [
    { metric: "dns_name_servers", value: answering.length, labels: { state: "answering" } },
    { metric: "dns_name_servers", value: told.length - answering.length, labels: { state: "failing" } },
  ];
  const faults = told.flatMap(({ fault }) => fault ?? []);
  const most = `${faults.length} of ${told.length} name servers`;
  const reason = `${told.length > 1 ? `${most}: ` : ""}${faults.slice(0, 2).join("; ")}`;
  const flaws = [
    ...(faults.length > 0 ? [blemish(reason, someCannot)] : []),
    ...versions(answering, settings, context),
  ];
  return { flaws, readings, notes: told.flatMap(({ notes }) => notes) };
}

interface Told {
  readonly called: string;
  readonly serial?: string;
  readonly fault?: string;
  readonly notes: readonly string[];
}

async function askOne(
  { called, at }: Known,
  zone: string,
  settings: ZoneSettings,
  wanted: readonly Wanted[],
  { signal }: ProbeContext,
): Promise<Told> {
  const who = plainText(called, 80);
  if (at === undefined) return { called: who, fault: `${who} has no address`, notes: [`${who}: no address`] };
  const server = new NameServer([at], signal);
  const soa = await server.serial(zone);
  if (soa.failure)
    return { called: who, fault: `${who} ${inWords(soa.failure)}`, notes: [`${who} (${at}): ${soa.code}`] };
  const [serial] = soa.records;
  const answers = await Promise.all(
    wanted.map(async ({ type }) => ({ type, answer: await server.records(settings.name, type) })),
  );
  const notes = [
    `${who} (${at}): serial ${serial ?? "none"}`,
    ...answers.map(({ type, answer }) => `${who}: ${type} ${shown(answer)}`),
  ];
  const told = { called: who, ...(serial !== undefined && { serial }), notes };
  const failed = answers.find(({ answer }) => answer.failure && !meantToBeMissing(answer, wanted));
  if (failed?.answer.failure) return { ...told, fault: `${who} ${inWords(failed.answer.failure)}` };
  // The name is another one's alias, and that is in somebody else's zone: its server does not have to know it.
  const elsewhere = await isAlias(server, settings.name, answers);
  const differences = elsewhere ? [] : answers.flatMap(({ type, answer }) => differenceOf(type, answer, wanted) ?? []);
  return differences.length > 0 ? { ...told, fault: `${who} has other records (${differences[0]})` } : told;
}

const meantToBeMissing = (answer: DnsAnswer, wanted: readonly Wanted[]): boolean =>
  answer.failure === "nxdomain" && wanted.every(({ records }) => records?.length === 0);

async function isAlias(server: NameServer, name: string, answers: readonly Seen[]): Promise<boolean> {
  if (answers.some(({ type, answer }) => type === "CNAME" || answer.records.length > 0)) return false;
  const { records } = await server.records(name, "CNAME");
  return records.length > 0;
}

/** After a change the others may need a while to fetch it. */
function versions(
  told: readonly Told[],
  { agreeWithin }: ZoneSettings,
  { memory, clock }: ProbeContext,
): readonly Flaw[] {
  const serials = Map.groupBy(told, ({ serial }) => serial);
  if (serials.size < 2) {
    memory.delete("differ since");
    return [];
  }
  const known = memory.get("differ since");
  const since = typeof known === "number" ? known : clock.monotonicSeconds();
  memory.set("differ since", since);
  if (clock.monotonicSeconds() - since < agreeWithin) return [];
  const groups = [...serials].map(
    ([serial, servers]) => `${servers.map(({ called }) => called).join(", ")}: ${serial}`,
  );
  return [blemish(`the name servers have different versions of the zone (${groups.join("; ")})`, someCannot)];
}

interface Zone {
  readonly name: string;
  readonly servers: readonly string[];
}

/** The name itself, or the nearest one above it that has name servers. */
async function zoneOf({ name, zone, nameServers }: ZoneSettings, resolver: NameServer): Promise<Zone> {
  const labels = name.replace(/\.$/, "").split(".");
  const candidates = zone === undefined ? labels.map((_, index) => labels.slice(index).join(".")) : [zone];
  for (const candidate of candidates) {
    // Where the servers are given, the zone is found by whoever answers for it.
    const { records } = nameServers ? await resolver.serial(candidate) : await resolver.records(candidate, "NS");
    if (records.length > 0) return { name: candidate, servers: records };
  }
  return { name: zone ?? name, servers: [] };
}

async function nameServersOf(
  { nameServers, nameServerPort: port }: ZoneSettings,
  zone: Zone,
  resolver: NameServer,
): Promise<readonly Known[]> {
  if (nameServers) return nameServers.map((at) => ({ called: at, at }));
  return Promise.all(
    zone.servers.slice(0, 16).map(async (called) => {
      const [v4, v6] = await Promise.all([resolver.records(called, "A"), resolver.records(called, "AAAA")]);
      // Most machines can ask over IPv4 only: the other family would look like a fault of the server.
      const [first] = v4.records;
      const [second] = v6.records;
      return { called, at: first ? `${first}:${port}` : second && `[${second}]:${port}` };
    }),
  );
}
