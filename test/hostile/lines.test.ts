/** Every probe that speaks another protocol than HTTP, asked of hostile servers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadProbes } from "../../program/plug-ins.ts";
import { certificate } from "../helpers/certificates.ts";
import { type Attack, tlsAttacks } from "./attacks.ts";
import { hostileNames, nameAttacks } from "./hostile-names.ts";
import { type HostileServer, hostileLine } from "./hostile-server.ts";
import { insideTls } from "./inside-tls.ts";
import { anyLine, asked, redisAttacks, sidekiqAttacks, slowLine, smtpAttacks } from "./line-attacks.ts";
import { mysqlAttacks, mysqlAttacksBefore, mysqlAttacksInside, mysqlHelloWithTls } from "./mysql-attacks.ts";
import { postgresAttacks } from "./postgres-attacks.ts";
import { type Meeting, type Subject, startSubjects } from "./subject.ts";

/** Whoever keeps us waiting does so until then. */
const shortSeconds = 0.25;
/** Most others come to an end by themselves; on a busy machine that takes a while. */
const longSeconds = 2;

type Attacks = Readonly<Record<string, Attack>>;

interface Language {
  readonly probe: string;
  /** For a server there. */
  settings(at: string): Omit<Meeting, "timeoutSeconds">;
  readonly attacks: Attacks;
}

/** The address is a secret, for there is usually a password in it. */
const secretly = (url: (at: string) => string) => (at: string) => ({
  settings: { url: { env: "URL" } },
  token: url(at),
});

const openly =
  (more: object = {}) =>
  (at: string) => {
    const [host, port] = at.split(":");
    return { settings: { host, port: Number(port), ...more } };
  };

/** After the server agreed to encrypt. */
const afterYes = (yes: string): Attacks =>
  Object.fromEntries(
    Object.entries(tlsAttacks).map(([what, attack]) => [`${what} in place of TLS`, asked(yes, attack)]),
  );

const authority = certificate({ name: "Test Root", authority: true });
const certified = certificate({ name: "127.0.0.1", hosts: ["127.0.0.1", "localhost"], by: authority });

const languages: Readonly<Record<string, Language>> = {
  Redis: {
    probe: "redis",
    settings: secretly((at) => `redis://:secret@${at}/1`),
    attacks: { ...anyLine, ...slowLine, ...redisAttacks },
  },
  "Redis, asked for Sidekiq": {
    probe: "sidekiq",
    settings: secretly((at) => `redis://${at}`),
    attacks: { ...redisAttacks, ...sidekiqAttacks },
  },
  "Redis, asked for Horizon": { probe: "horizon", settings: secretly((at) => `redis://${at}`), attacks: redisAttacks },
  "Redis, found by sentinels": {
    probe: "redis",
    settings: secretly((at) => `redis-sentinel://${at},${at}/0?master=main`),
    attacks: redisAttacks,
  },
  "Redis over TLS": { probe: "redis", settings: secretly((at) => `rediss://${at}`), attacks: tlsAttacks },
  PostgreSQL: {
    probe: "postgres",
    settings: secretly((at) => `postgres://tidewatch:secret@${at}/mastodon`),
    attacks: { ...anyLine, ...slowLine, ...postgresAttacks },
  },
  "PostgreSQL over TLS": {
    probe: "postgres",
    settings: secretly((at) => `postgres://tidewatch:secret@${at}/mastodon?sslmode=require`),
    attacks: afterYes("S"),
  },
  "PostgreSQL inside TLS": {
    probe: "postgres",
    settings: secretly((at) => `postgres://tidewatch:secret@${at}/mastodon?sslmode=verify-full`),
    attacks: insideTls(postgresAttacks, { yes: "S", wishBytes: 8, certified }),
  },
  MySQL: {
    probe: "mysql",
    settings: secretly((at) => `mysql://tidewatch:secret@${at}`),
    attacks: { ...anyLine, ...slowLine, ...mysqlAttacks },
  },
  "MySQL inside TLS": {
    probe: "mysql",
    settings: secretly((at) => `mysql://tidewatch:secret@${at}?ssl-mode=REQUIRED`),
    attacks: {
      ...mysqlAttacksBefore,
      ...insideTls(mysqlAttacksInside, { hello: mysqlHelloWithTls, wishBytes: 36, certified }),
    },
  },
  "MySQL, asked for Castopod": {
    probe: "castopod-tasks",
    settings: secretly((at) => `mysql://tidewatch:secret@${at}/castopod`),
    attacks: mysqlAttacks,
  },
  SMTP: { probe: "smtp", settings: openly(), attacks: { ...anyLine, ...slowLine, ...smtpAttacks } },
  "SMTP over TLS": { probe: "smtp", settings: openly({ tls: "implicit" }), attacks: tlsAttacks },
  TLS: { probe: "tls", settings: openly(), attacks: { ...anyLine, ...slowLine, ...tlsAttacks } },
  SSH: { probe: "tcp", settings: openly({ expect: "SSH-2.0-" }), attacks: { ...anyLine, ...slowLine } },
};

const domains: Readonly<Record<string, (at: string) => object>> = {
  dns: (at) => ({
    name: "social.example",
    expect: { A: ["192.0.2.10"], MX: ["10 mail.social.example"], TXT: ["v=spf1 -all"] },
    servers: [at],
    nameServers: [at],
  }),
  residency: (at) => ({
    hosts: ["social.example"],
    mail: ["social.example"],
    countries: ["CA"],
    networks: [{ network: "192.0.2.0/24", country: "CA" }],
    servers: [at],
  }),
};

const mostMegabytes = 64;

const companies = [
  ["redis", "sidekiq", "horizon"],
  ["postgres", "mysql", "castopod-tasks"],
  ["smtp", "tls", "tcp", "dns", "residency"],
];

let subjects: ReadonlyMap<string, Subject>;

beforeAll(async () => {
  await using silent = await hostileLine((socket) => socket.end());
  const first = (probe: string): Meeting => {
    const { settings } = Object.values(languages).find((language) => language.probe === probe) ?? {};
    const { [probe]: names } = domains;
    return {
      ...(settings ? settings(silent.host) : { settings: names?.(silent.host) }),
      timeoutSeconds: longSeconds,
    };
  };
  const started = companies.map((names) =>
    startSubjects({
      mostMegabytes,
      authority: authority.certPem,
      first: Object.fromEntries(names.map((name) => [name, first(name)])),
    }),
  );
  subjects = new Map((await Promise.all(started)).flat().map((subject) => [subject.name, subject]));
});

afterAll(async () => {
  await Promise.all([...subjects.values()].map((subject) => subject[Symbol.asyncDispose]()));
});

test("all probes that connect by themselves are here or with those that speak HTTP", async () => {
  const inside = ["disk", "heartbeat"];
  const here = [...Object.values(languages).map(({ probe }) => probe), ...Object.keys(domains), ...inside];
  const others = Object.entries(await loadProbes()).filter(([name]) => !here.includes(name));
  expect(others.filter(([, probe]) => !/"url":"http/.test(JSON.stringify(probe.example)))).toEqual([]);
});

/** The first one of each language, then the second: so that no process waits for the others. */
const cases = Object.entries(languages)
  .flatMap(([language, { attacks, ...how }]) =>
    Object.entries(attacks).map(([what, attack], place) => ({ language, what, attack, place, ...how })),
  )
  .toSorted((one, other) => one.place - other.place);

describe("a server that should speak", () => {
  test.for(cases)(
    "$language and says $what",
    { concurrent: true },
    async ({ probe, settings, what, attack }, { expect }) => {
      await using server = await hostileLine(attack);
      const timeoutSeconds = what in slowLine || what in tlsAttacks ? shortSeconds : longSeconds;
      const { outcome, faults } = await subjectOf(probe).meet(server, { ...settings(server.host), timeoutSeconds });
      expect(faults).toEqual([]);
      expect(outcome).not.toBe("up");
    },
  );
});

describe.each(Object.entries(domains))("%s gets away from a name server that says", (probe, settings) => {
  test.for(Object.entries(nameAttacks))("%s", { concurrent: true }, async ([, { names, overTcp }], { expect }) => {
    await using server: HostileServer = await hostileNames(names, overTcp);
    const meeting = { settings: settings(server.host), timeoutSeconds: shortSeconds };
    const { faults } = await subjectOf(probe).meet(server, meeting);
    expect(faults).toEqual([]);
  });
});

function subjectOf(name: string): Subject {
  const subject = subjects.get(name);
  if (!subject) throw new Error(`there is no process for ${name}`);
  return subject;
}
