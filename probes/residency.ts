/** The residency probe: in which country everything that a service uses is hosted, and by whom. */
import { z } from "zod";
import { duration, webAddress } from "../core/config/settings.ts";
import { isDeadline } from "../core/deadline.ts";
import { NotMeasured, Unreachable } from "../core/errors.ts";
import { sameInAll } from "../core/language.ts";
import { gauge, unexported } from "../core/metric-families.ts";
import { isForOwnUse } from "../core/private-networks.ts";
import { defineProbe, type ProbeContext } from "../core/probe.ts";
import type { Finding, Reading } from "../core/sample.ts";
import { publicResidencyMetric, residencySources } from "../core/status/residency.ts";
import { askInstance } from "./fediverse/instance.ts";
import { hostName } from "./lib/host-settings.ts";
import { NameServer } from "./names/dns-query.ts";
import { bare, type Host, mailHosts, nameServerAddress, type Resolved, resolve } from "./residency/hosts.ts";
import { completed, countryCode, nowhere, type Place, standing } from "./residency/ip-location.ts";
import { networkSettings, placeInNetworks } from "./residency/known-networks.ts";
import { type Database, openDatabase } from "./residency/mmdb.ts";
import { Rdap } from "./residency/rdap.ts";

const day = 86_400;
/** More than any service has; a wrong answer must not make us ask for ever. */
const atMost = { hosts: 60, addresses: 200 };

const options = z
  .strictObject({
    hosts: z
      .array(hostName())
      .max(30)
      .prefault([])
      .describe("The hosts it uses: web, media, streaming, relays, object storage."),
    mail: z.array(hostName()).max(10).prefault([]).describe("Domains whose mail exchangers (MX) belong to it as well."),
    url: webAddress()
      .optional()
      .describe("A server with Mastodon's API: it is asked for its hosts of media and streaming, beside its own."),
    countries: z.array(countryCode()).min(1).max(50).describe("Where its addresses may be, as codes: [CA]."),
    owners: z
      .array(z.string().trim().min(1).max(100))
      .min(1)
      .max(50)
      .optional()
      .describe("Whose they may be; some whole words of the name are enough. Default: anybody's"),
    networks: z
      .array(networkSettings())
      .max(500)
      .prefault([])
      .describe("Networks of which you know where they are and whose: asked first, and believed."),
    databases: z
      .array(
        z
          .string()
          .max(4096)
          .refine((path) => path.startsWith("/"), { error: "write the whole path, beginning with /" }),
      )
      .max(5)
      .prefault([])
      .describe("MMDB files on this machine (countries, owners), asked next; a newer file is taken up by itself."),
    rdap: z
      .strictObject({
        url: webAddress().describe("Base address of an RDAP service; the part /ip/ADDRESS is added to it."),
        keepFor: duration({ atLeast: 3600, atMost: 90 * day })
          .prefault("7d")
          .describe("How long answers are kept."),
      })
      .optional()
      .describe("A registry to ask about what is not known yet. It learns which addresses you look up."),
    servers: z
      .array(nameServerAddress())
      .max(8)
      .prefault([])
      .describe("The resolvers to ask. Default: those of this machine."),
    public: z
      .boolean()
      .prefault(false)
      .describe(
        "true: the members' page says in which country it is hosted, and what that was checked against: your networks or databases. A registry names the country of an owner, not of a building, so that its word alone is not shown.",
      ),
  })
  .superRefine(({ hosts, mail, url, networks, databases, rdap }, context) => {
    const nothingAsked = hosts.length + mail.length === 0 && url === undefined;
    const nothingToAsk = networks.length + databases.length === 0 && rdap === undefined;
    if (nothingAsked)
      context.addIssue({ code: "custom", message: "nothing would be looked up: add hosts, mail or url" });
    if (nothingToAsk) {
      const message = "nothing says where an address is: add networks, databases or rdap";
      context.addIssue({ code: "custom", message });
    }
  });
type Options = z.output<typeof options>;

export default defineProbe({
  summary: "Looks up in which country the addresses of a service are, and whose they are.",
  internal: true,
  readings: [
    gauge("residency_inside_addresses", "Addresses that are where they may be, and whose they may be."),
    gauge("residency_outside_addresses", "Addresses that are somewhere else, or somebody else's."),
    gauge("residency_unknown_addresses", "Addresses of which nobody says where they are or whose."),
    unexported(publicResidencyMetric, "Addresses that the public page may speak of, while all are where they may be.", [
      "countries",
      "against",
    ]),
  ],
  options,
  example: {
    hosts: ["social.example", "media.social.example"],
    mail: ["social.example"],
    countries: ["CA"],
    owners: ["Example Hosting"],
    networks: [{ network: "192.0.2.0/24", country: "CA", owner: "Example Hosting Inc." }],
  },
  defaults: { everySeconds: 3600, timeoutSeconds: 60 },

  files: ({ databases }) => databases.map((name, index) => ({ name, path: ["databases", index] })),

  thresholds: () => [
    {
      id: "outside",
      metric: "residency_outside_addresses",
      raiseAt: 1,
      clearAt: 0.5,
      raiseAfterSeconds: 0,
      // A name whose answers alternate (round robin) is one ticket, not one for each answer.
      clearAfterSeconds: day,
      urgency: "ticket",
      affects: "nothing",
      unit: "count",
      title: {
        en: "Something is hosted where it should not be",
        fr: "Une partie est hébergée là où elle ne devrait pas l’être",
      },
      runbook: "residency",
    },
  ],

  async run(settings, context) {
    context.signal.throwIfAborted();
    try {
      const found = await look(settings, context);
      context.signal.throwIfAborted();
      return findingOf(found, settings);
    } catch (error) {
      // Nothing is down because we were slow to find out where it is.
      if (isDeadline(context.signal.reason)) throw new NotMeasured("the lookups did not end in time");
      throw error;
    }
  },
});

interface Located {
  readonly host: Host;
  readonly address: string;
  readonly place: Place;
  readonly standing: ReturnType<typeof standing>;
  readonly note: string | undefined;
}

interface Found {
  readonly located: readonly Located[];
  readonly failures: readonly string[];
}

async function look(settings: Options, context: ProbeContext): Promise<Found> {
  const names = new NameServer(settings.servers, context.signal);
  const databases = await Promise.all(settings.databases.map((path) => openDatabase(path, context.memory)));
  const [own, ...mails] = await Promise.all([
    serverHosts(settings.url, context),
    ...settings.mail.map((domain) => mailHosts(domain, names)),
  ]);
  const hosts = unique([
    ...settings.hosts.map((name) => ({ use: "host", name: bare(name) })),
    ...own.hosts,
    ...mails.flatMap((mail) => mail.hosts),
  ]);
  const resolved = await Promise.all(hosts.slice(0, atMost.hosts).map((host) => resolve(host, names)));
  const located = await locate(resolved, { settings, databases, context });
  return {
    located,
    failures: [
      ...own.failures,
      ...mails.flatMap((mail) => mail.failures),
      ...resolved.flatMap((one) => one.failures),
      ...(hosts.length > atMost.hosts ? [`there are ${hosts.length} hosts: only ${atMost.hosts} were looked up`] : []),
    ],
  };
}

/** The hosts a server names for itself. Once named they are remembered: they are looked up though it is down. */
async function serverHosts(
  url: string | undefined,
  context: ProbeContext,
): Promise<{ readonly hosts: readonly Host[]; readonly failures: readonly string[] }> {
  if (url === undefined) return { hosts: [], failures: [] };
  const origin = new URL(url);
  const web = { use: "web", name: bare(origin.hostname) };
  const named = await namedHosts(origin, context);
  if (named) context.memory.set("hosts", named);
  const known = hostList.safeParse(named ?? context.memory.get("hosts"));
  if (known.success) return { hosts: [web, ...known.data], failures: [] };
  return { hosts: [web], failures: [`${web.name} did not say which hosts it uses`] };
}

const hostList = z.array(z.object({ use: z.string(), name: z.string() }));

async function namedHosts(origin: URL, context: ProbeContext): Promise<readonly Host[] | undefined> {
  try {
    const { instance } = await askInstance(origin, sameInAll(origin.host), context);
    if (!instance) return undefined;
    return [
      ...hostsOf("streaming", [instance.streaming ?? ""]),
      ...hostsOf("media", instance.pictures),
      ...hostsOf("accounts", [`https://${instance.domain}`]),
    ];
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof Unreachable) return undefined;
    throw error;
  }
}

/** A stranger's document: what is no name of a host is left out. */
function hostsOf(use: string, addresses: readonly string[]): readonly Host[] {
  return addresses.flatMap((address) => {
    const name = bare(URL.parse(address)?.hostname ?? "");
    return hostName().safeParse(name).success ? [{ use, name }] : [];
  });
}

function unique(hosts: readonly Host[]): readonly Host[] {
  return [...Map.groupBy(hosts, ({ name }) => name)].map(([name, same]) => ({
    name,
    use: [...new Set(same.map(({ use }) => use))].join(", "),
  }));
}

interface Means {
  readonly settings: Options;
  readonly databases: readonly Database[];
  readonly context: ProbeContext;
}

async function locate(resolved: readonly Resolved[], means: Means): Promise<readonly Located[]> {
  const pairs = resolved.flatMap((host) => host.addresses.map((address) => ({ host, address })));
  const { rdap } = means.settings;
  const registry = rdap && new Rdap({ url: rdap.url, keepForSeconds: rdap.keepFor }, means.context);
  const places = new Map<string, { readonly place: Place; readonly note: string | undefined }>();
  // One after the other: registries block whoever asks much at once.
  for (const { address } of pairs.slice(0, atMost.addresses)) {
    if (!places.has(address)) places.set(address, await placeOf(address, means, registry));
  }
  registry?.forgetAllBut(new Set(places.keys()));
  return pairs.map(({ host, address }) => {
    const { place, note } = places.get(address) ?? { place: nowhere, note: "too many addresses" };
    return { host, address, place, note, standing: standing(place, means.settings) };
  });
}

async function placeOf(address: string, { settings, databases }: Means, registry: Rdap | undefined) {
  const written = placeInNetworks(settings.networks, address);
  let place = written ? completed(nowhere, written, "networks") : nowhere;
  if (isForOwnUse(address)) return { place, note: written ? undefined : "an address of a private network" };
  for (const database of databases) place = completed(place, database(address), "database");
  const complete = place.country !== undefined && (place.owner !== undefined || settings.owners === undefined);
  if (complete || !registry) return { place, note: undefined };
  const said = await registry.look(address);
  return { place: completed(place, said, "RDAP"), note: said.failure && `RDAP: ${said.failure}` };
}

function findingOf({ located, failures }: Found, settings: Options): Finding {
  const count = (wanted: Located["standing"]) =>
    new Set(located.filter(({ standing: is }) => is === wanted).map(({ address }) => address)).size;
  const [inside, outside, unknown] = [count("inside"), count("outside"), count("unknown")];
  if (located.length === 0 && failures.length === 0)
    throw new NotMeasured("these names lead to no host: check hosts and mail");
  // Only the beginning is kept.
  const worstFirst = (["outside", "unknown", "inside"] as const).flatMap((is) =>
    located.filter((one) => one.standing === is),
  );
  const evidence = [...failures, ...worstFirst.map(line)].join("\n");
  const readings: readonly Reading[] = [
    { metric: "residency_inside_addresses", value: inside },
    { metric: "residency_outside_addresses", value: outside },
    { metric: "residency_unknown_addresses", value: unknown },
  ];
  if (outside > 0) return { outcome: "up", reason: outsideReason(located, outside), readings, evidence };
  const [missing] = [...located.filter((one) => one.standing === "unknown").map(unknownReason), ...failures];
  if (missing !== undefined) {
    return {
      outcome: "unknown",
      reason: missing,
      explanation: {
        en: "We could not check where everything is hosted.",
        fr: "Nous n’avons pas pu vérifier où tout est hébergé.",
      },
      evidence,
    };
  }
  const countries = [...new Set(located.flatMap(({ place }) => place.country ?? []))].toSorted();
  const all = `${inside} ${inside === 1 ? "address" : "addresses, all"} in ${countries.join(", ")}`;
  if (!settings.public) return { outcome: "up", reason: all, readings, evidence };
  const doubtful = located.find(({ place }) => place.countryBy === "RDAP");
  if (doubtful) return { outcome: "up", reason: `${all}; ${notShown(doubtful)}`, readings, evidence };
  return { outcome: "up", reason: all, readings: [...readings, publicReading(located, countries)], evidence };
}

/** A registry says whose a network is, with the country of the head office: members would read it as a place. */
const notShown = ({ address }: Located): string =>
  `not shown to members: only the registry names a country for ${address}, add it to networks or databases`;

/** For the members' page: what was found, and who said so. */
function publicReading(located: readonly Located[], countries: readonly string[]): Reading {
  const sources = new Set(located.flatMap(({ place }) => place.sources));
  const against = residencySources.filter((source) => sources.has(source)).join(" ");
  const value = new Set(located.map(({ address }) => address)).size;
  return { metric: publicResidencyMetric, value, labels: { countries: countries.join(" "), against } };
}

const line = ({ host, address, place, standing: is, note }: Located) =>
  `${is}: ${host.name} (${host.use}) ${address}: ${inPlace(place)}${note ? `; ${note}` : ""}`;

function inPlace({ country, owner, sources }: Place): string {
  const where = `${country ?? "country not known"}, ${owner ?? "owner not known"}`;
  return sources.length > 0 ? `${where} (${sources.join(", ")})` : where;
}

function outsideReason(located: readonly Located[], outside: number): string {
  const first = located.find((one) => one.standing === "outside");
  const others = outside > 1 ? `; ${outside - 1} more` : "";
  return first ? `outside: ${first.host.name} at ${first.address}: ${inPlace(first.place)}${others}` : "outside";
}

const unknownReason = ({ host, address, place, note }: Located) =>
  `not known: ${host.name} at ${address}: ${note ?? inPlace(place)}`;
