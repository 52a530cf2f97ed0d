/** Writes the first configuration, a tidewatch.yaml for the software that `init` detected: short, commented, and valid as it is. */
import { stringify } from "yaml";
import { slug } from "../../core/config/settings.ts";
import type { Kind } from "../../core/probe.ts";
import type { Found } from "../../program/detect-software.ts";

export type Watchable = Exclude<Found, { readonly what: "nothing" }>;

export interface FirstConfig {
  readonly found: readonly Watchable[];
  /** Places that answered just now, to be asked whether our own connection works. */
  readonly anchors: readonly string[];
  /** Absent where nobody has the usual ones. */
  readonly ports?: { readonly public: number; readonly private: number } | undefined;
  /** IANA name. */
  readonly timeZone: string;
  /** Software that has standard checks, by name. */
  readonly kinds: Readonly<Record<string, Kind>>;
}

export function firstConfig({ found, anchors, ports, timeZone, kinds }: FirstConfig): string {
  const taken = new Set<string>(laterIds);
  const targets = found.map((each, index) => {
    const again = found.slice(0, index).some((other) => isSame(other, each));
    return target(each, idFor(each, taken), again, kinds);
  });
  return `# Made by \`tidewatch init\` from what the addresses said about themselves. Change it as you like:
# \`./tidewatch check-config\` says everything that is wrong with it at once, docs/configuration.md explains each
# setting, and tidewatch.example.yaml shows them all with the reasons.

organisation:
  name: ${quoted(organisationName(found))} # as members know it
  timeZone: ${quoted(timeZone)} # days begin and times are printed in this zone

# The url is how members reach the status page; links in mails begin with it. Until it is set they point to this machine.
# public (pages) and private (metrics) are where Tidewatch listens; ${ports ? "others listen on the usual ports, 8080 and 9464." : "these are the usual ports."}
${ports ? `server: { public: "0.0.0.0:${ports.public}", private: "127.0.0.1:${ports.private}" } # url: https://status.example.org` : '# server: { url: https://status.example.org, public: "0.0.0.0:8080", private: "127.0.0.1:9464" }'}

# Before a service is blamed: can we reach anything at all? Two or three places that answer whenever your own connection
# works, and that do not fail together with what is watched. ${anchors.length > 0 ? "These answered just now." : "Without, name servers and whatever else is watched are asked."}
${anchors.length > 0 ? `selfCheck: { anchors: [${anchors.map(quoted).join(", ")}] }` : '# selfCheck: { anchors: [https://www.example.org, "192.0.2.53:53"] }'}

targets:
${targets.join("\n")}
${laterTargets(found)}
# Who is told. Put in real addresses, take the # away, and set SMTP_URL where Tidewatch is started:
# smtp://user:password@mail.example.org:587
# alerts:
#   contacts:
#     - { id: first, name: First on call, email: first@example.org }
#     - { id: team, name: The whole team, email: team@example.org }
#   email: { from: tidewatch@example.org, smtp: { env: SMTP_URL } }
#   escalation:
#     - { after: 0m, notify: [first] }
#     - { after: 15m, notify: [team] }

# Somebody outside who notices when Tidewatch itself stops: an address that is called every minute.
# heartbeat: { url: { env: HEARTBEAT_URL }, every: 60s }
`;
}

/** Ids of the targets that stand in comments. */
const laterIds = ["database", "backup", "hosting"];

/** Targets that no address reveals, as comments that are valid once the # is taken away. */
function laterTargets(found: readonly Watchable[]): string {
  const names = found.map((each) => hostOf(each).replace(/^\[|\]$/g, ""));
  const hosts = [...new Set(names)].slice(0, 30).map(quoted).join(", ");
  return `  # What cannot be found out from outside. Take the # away from the lines of what you have, and put in what is yours;
  # the rights that the monitor needs there are in docs/access.md.

  # - id: database # when it is full, known weeks ahead; other targets may depend on it
  #   name: Database
  #   public: false # not on the members' page
  #   checks:
  #     - { id: growth, probe: postgres, every: 5m, url: { env: DATABASE_URL }, capacity: 100 GB }
  # - id: backup # its silence is the failure: \`./tidewatch heartbeat\` prints the address that it calls when done
  #   name: Backups
  #   public: false
  #   checks:
  #     - { id: nightly, probe: heartbeat, expectEvery: 1d, grace: 2h }
  # - id: hosting # an address that moves out of these countries is a ticket
  #   name: Hosting
  #   public: false
  #   checks:
  #     - id: residency
  #       probe: residency
  #       hosts: [${hosts}]
  #       countries: [CA]
  #       networks: [{ network: 192.0.2.0/24, country: CA, owner: Example Hosting Inc. }]
`;
}

/** As a YAML value on one line, whatever strangers put into it. */
const quoted = (text: string): string => stringify(text, { lineWidth: 0, defaultStringType: "QUOTE_DOUBLE" }).trimEnd();

/** In a comment on one line; it is plain text already. */
const comment = (text: string): string => text.replace(/\s+/g, " ");

const hostOf = (found: Watchable): string => new URL(found.url).hostname;

function organisationName(found: readonly Watchable[]): string {
  const named = found.find(({ title }) => title !== undefined);
  return named?.title ?? (found[0] ? hostOf(found[0]) : "Our co-op");
}

function idFor(found: Watchable, taken: Set<string>): string {
  const ofItsKind = found.what === "software" ? found.software : found.what === "feed" ? "podcast" : hostOf(found);
  const wishes = [ofItsKind, hostOf(found), `${ofItsKind} ${hostOf(found)}`].map(slug).filter(Boolean);
  const numbered = Array.from({ length: taken.size + 1 }, (_, index) => `target-${index + 1}`);
  const id = [...wishes, ...numbered].find((wish) => !taken.has(wish)) ?? "target";
  taken.add(id);
  return id;
}

const isSame = (one: Watchable, other: Watchable): boolean =>
  one.what === "software" && other.what === "software" && one.software === other.software;

/** @param again there is one of this software above: its name alone would not tell them apart. */
function target(found: Watchable, id: string, again: boolean, kinds: FirstConfig["kinds"]): string {
  const kind = found.what === "software" ? kindOf(found.software, kinds) : undefined;
  if (found.what !== "software" || kind === undefined) return byPages(found, id);
  const name = again ? undefined : kinds[kind]?.name.en;
  return ofKind(found, { id, kind, name: name ?? found.title ?? hostOf(found) }, kinds[kind]);
}

/** Forks that behave like the original and only call themselves differently. */
const forks = new Map([["hometown", "mastodon"]]);

function kindOf(software: string, kinds: FirstConfig["kinds"]): string | undefined {
  return [software, forks.get(software)].find((name) => name !== undefined && Object.hasOwn(kinds, name));
}

type Software = Extract<Watchable, { readonly what: "software" }>;

function ofKind(
  found: Software,
  { id, kind, name }: { readonly id: string; readonly kind: string; readonly name: string },
  does: Kind | undefined,
): string {
  const lines = [
    `  # ${said(found)}. \`kind\` brings the standard checks for it.`,
    `  - id: ${id}`,
    `    name: ${quoted(name)}`,
    "    objective: { goal: 99.5%, over: 30d } # leaves 3 h 36 min a month in which it may fail",
    `    kind: ${kind}`,
    `    url: ${quoted(found.url)}`,
    ...(takes("queues", does)
      ? [`    # queues: { env: ${secretOf(id)}_REDIS_URL } # its background jobs; see docs/probes.md`]
      : []),
    ...(takes("database", does) ? [`    # database: { env: ${secretOf(id)}_DATABASE_URL } # how fast it grows`] : []),
    ...(isOnPostgres(does) ? [dependsOn] : []),
    ...(does?.seesMore ? [`    # checks: [${does.seesMore.check}] # ${does.seesMore.why}`] : []),
    ...(kind === found.software ? [] : ["    checks:", `      - { id: service, software: ${quoted(found.software)} }`]),
  ];
  return `${lines.join("\n")}\n`;
}

const dependsOn =
  "    # dependsOn: [database/growth] # nobody is told twice while the database, watched as below, is the cause";

/** Each has a secret of its own: an address of one database is of no use to the other. */
const secretOf = (id: string): string => id.toUpperCase().replaceAll("-", "_");

/** The database that stands in comments is a PostgreSQL. */
function isOnPostgres(kind: Kind | undefined): boolean {
  if (!takes("database", kind)) return false;
  return (
    kind?.checks({ url: "https://service.example", database: {} }).some(({ probe }) => probe === "postgres") ?? false
  );
}

/** A kind that has no use for a field says so, or adds nothing for it. */
function takes(field: "queues" | "database", kind: Kind | undefined): boolean {
  const url = "https://service.example";
  try {
    return (kind?.checks({ url, [field]: {} }).length ?? 0) > (kind?.checks({ url }).length ?? 0);
  } catch {
    return false;
  }
}

/** What each software without a probe of its own answers when it is well. */
const wellPages: Readonly<Record<string, { readonly path: string; readonly contains?: string }>> = {
  peertube: { path: "/api/v1/ping", contains: "pong" },
  gotosocial: { path: "/readyz" },
};

function byPages(found: Watchable, id: string): string {
  const well =
    found.what === "software" && Object.hasOwn(wellPages, found.software) ? wellPages[found.software] : undefined;
  const feed = found.what === "feed" ? ', expect: { contains: "<enclosure" }' : "";
  const lines = [
    `  # ${said(found)}. ${reasonForPages(found)}`,
    `  - id: ${id}`,
    `    name: ${quoted(found.title ?? hostOf(found))}`,
    "    objective: { goal: 99%, over: 30d }",
    ...(found.what === "feed" ? [] : [`    url: ${quoted(found.url)}`]),
    "    checks:",
    `      - { id: ${found.what === "feed" ? "feed" : "web"}, probe: http, url: ${quoted(found.url)}, followRedirects: 3${feed} }`,
    ...(well ? [wellCheck(found.url, well)] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function wellCheck(url: string, { path, contains }: { readonly path: string; readonly contains?: string }): string {
  const expect = contains === undefined ? "" : `, expect: { contains: ${contains} }`;
  return `      - { id: service, probe: http, url: ${quoted(new URL(path, url).href)}${expect} }`;
}

function reasonForPages(found: Watchable): string {
  if (found.what === "feed") return "Asked for as podcast apps do.";
  if (found.what === "page") return "It did not say what it is: its page is asked for.";
  return "There is no probe of its own for it yet: its pages are asked for.";
}

/** "Mastodon 4.5.15 (Example Co-op) at social.example" */
export function said(found: Watchable): string {
  const what =
    found.what === "feed" ? "A podcast feed" : found.what === "page" ? "A web page" : capital(found.software);
  const version = found.what === "software" && found.version ? ` ${found.version}` : "";
  const title = found.title ? ` (${found.title})` : "";
  return comment(`${what}${version}${title} at ${hostOf(found)}`);
}

const capital = (name: string): string => name.slice(0, 1).toUpperCase() + name.slice(1);
