/** Checks a DNS zone: does each of its name servers answer, with the same serial number and the expected records? */
import { gauge } from "../../core/metric-families.ts";
import { plainText } from "../../core/plain-text.ts";
import type { ProbeContext } from "../../core/probe.ts";
import type { Finding } from "../../core/sample.ts";
import { degradation, type Problem } from "../lib/problem.ts";
import {
  type DnsAnswer,
  differenceOf,
  inWords,
  NameServer,
  type SeenRecords,
  shown,
  someCannot,
  type WantedRecords,
} from "./dns-query.ts";
import { type KnownServer, type ServerSettings, serversOf } from "./name-servers.ts";

interface ZoneSettings extends ServerSettings {
  readonly agreeWithin: number;
}

export interface Each {
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
  /** What could not be seen, said when all else is well. */
  readonly note?: string;
  readonly readings: NonNullable<Finding["readings"]>;
}

export const nameServerMetric = gauge("dns_name_servers", "Name servers of a zone, by whether they answer for it.", [
  "check",
  "state",
]);

export const nothingAsked: Each = { problems: [], notes: [], readings: [] };

export async function askEach(
  settings: ZoneSettings,
  resolver: NameServer,
  wanted: readonly WantedRecords[],
  context: ProbeContext,
): Promise<Each> {
  const found = await serversOf(settings, resolver);
  // That the resolver answers for the name was seen before: of what it does not say, nobody can be accused.
  if (found.unseen !== undefined) return { ...nothingAsked, note: found.unseen, notes: [found.unseen] };
  const { zone, known } = found;
  if (known.length === 0) {
    return { ...nothingAsked, problems: [degradation(`no name servers of ${zone} are to be found`, someCannot)] };
  }
  const [asked, unasked] = [known.filter(({ unseen }) => !unseen), known.filter(({ unseen }) => unseen)];
  const told = await Promise.all(asked.map((server) => askOne(server, zone, settings, wanted, context)));
  const answering = told.filter(({ serial }) => serial !== undefined);
  const readings = [
    { metric: "dns_name_servers", value: answering.length, labels: { state: "answering" } },
    { metric: "dns_name_servers", value: told.length - answering.length, labels: { state: "failing" } },
  ];
  const faults = told.flatMap(({ fault }) => fault ?? []);
  const most = `${faults.length} of ${told.length} name servers`;
  const reason = `${told.length > 1 ? `${most}: ` : ""}${faults.slice(0, 2).join("; ")}`;
  const problems = [
    ...(faults.length > 0 ? [degradation(reason, someCannot)] : []),
    ...versions(answering, settings, context),
  ];
  const skipped = unasked.map(({ called, unseen }) => `${plainText(called, 80)} ${unseen}`);
  return {
    problems,
    readings,
    notes: [...told.flatMap(({ notes }) => notes), ...skipped],
    ...(skipped.length > 0 && { note: `not asked: ${skipped.slice(0, 2).join("; ")}` }),
  };
}

interface Told {
  readonly called: string;
  readonly serial?: string;
  /** Who gave out that serial. */
  readonly source?: string;
  readonly fault?: string;
  readonly notes: readonly string[];
}

async function askOne(
  { called, at }: KnownServer,
  zone: string,
  settings: ZoneSettings,
  wanted: readonly WantedRecords[],
  { signal }: ProbeContext,
): Promise<Told> {
  const who = plainText(called, 80);
  if (at === undefined) return { called: who, fault: `${who} has no address`, notes: [`${who}: no address`] };
  const server = new NameServer([at], signal);
  const soa = await server.start(zone);
  if (soa.failure)
    return { called: who, fault: `${who} ${inWords(soa.failure)}`, notes: [`${who} (${at}): ${soa.code}`] };
  const [serial, source] = soa.records;
  const answers = await Promise.all(
    wanted.map(async ({ type }) => ({ type, answer: await server.records(settings.name, type) })),
  );
  const notes = [
    `${who} (${at}): serial ${serial ?? "none"}`,
    ...answers.map(({ type, answer }) => `${who}: ${type} ${shown(answer)}`),
  ];
  const told = { called: who, ...(serial !== undefined && { serial }), ...(source !== undefined && { source }), notes };
  const failed = answers.find(({ answer }) => answer.failure && !meantToBeMissing(answer, wanted));
  if (failed?.answer.failure) return { ...told, fault: `${who} ${inWords(failed.answer.failure)}` };
  // The name is another one's alias, and that is in somebody else's zone: its server does not have to know it.
  const elsewhere = await isAlias(server, settings.name, answers);
  const differences = elsewhere ? [] : answers.flatMap(({ type, answer }) => differenceOf(type, answer, wanted) ?? []);
  return differences.length > 0 ? { ...told, fault: `${who} has other records (${differences[0]})` } : told;
}

const meantToBeMissing = (answer: DnsAnswer, wanted: readonly WantedRecords[]): boolean =>
  answer.failure === "nxdomain" && wanted.every(({ records }) => records?.length === 0);

async function isAlias(server: NameServer, name: string, answers: readonly SeenRecords[]): Promise<boolean> {
  if (answers.some(({ type, answer }) => type === "CNAME" || answer.records.length > 0)) return false;
  const { records } = await server.records(name, "CNAME");
  return records.length > 0;
}

/**
 * After a change the others may need a while to fetch it. Two providers each count for themselves: versions are compared
 * among the servers that name the same source.
 */
function versions(
  told: readonly Told[],
  { agreeWithin }: ZoneSettings,
  { memory, clock }: ProbeContext,
): readonly Problem[] {
  const differing = [...Map.groupBy(told, ({ source }) => source).values()]
    .map((servers) => Map.groupBy(servers, ({ serial }) => serial))
    .find((serials) => serials.size > 1);
  if (!differing) {
    memory.delete("differ since");
    return [];
  }
  const known = memory.get("differ since");
  const since = typeof known === "number" ? known : clock.monotonicSeconds();
  memory.set("differ since", since);
  if (clock.monotonicSeconds() - since < agreeWithin) return [];
  const groups = [...differing].map(
    ([serial, servers]) => `${servers.map(({ called }) => called).join(", ")}: ${serial}`,
  );
  return [degradation(`the name servers have different versions of the zone (${groups.join("; ")})`, someCannot)];
}
