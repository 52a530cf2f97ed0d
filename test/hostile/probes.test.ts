/** Every probe that speaks HTTP, asked of hostile servers: a clear outcome, in time, in bounded memory. */
import { env } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Probe } from "../../core/probe.ts";
import { startCastopod } from "../../practice/stand-ins/castopod.ts";
import { cloudronToken, startCloudron } from "../../practice/stand-ins/cloudron.ts";
import { startDiscourse } from "../../practice/stand-ins/discourse.ts";
import { startLemmy } from "../../practice/stand-ins/lemmy.ts";
import { practiceToken, startMastodon } from "../../practice/stand-ins/mastodon.ts";
import { startPixelfed } from "../../practice/stand-ins/pixelfed.ts";
import type { StandIn } from "../../practice/stand-ins/stand-in.ts";
import { loadProbes } from "../../program/plug-ins.ts";
import { certificate } from "../helpers/certificates.ts";
import { type Attack, protocolAttacks, slowAttacks, tlsAttacks } from "./attacks.ts";
import { bodyAttacks } from "./body-attacks.ts";
import { type HostileServer, hostileLine, hostileServer } from "./hostile-server.ts";
import { type End, exampleOf, type Subject, startSubjects } from "./subject.ts";

type Settings = Readonly<Record<string, unknown>>;

/** Every probe with the address of a web server in its example, and how it is set for a server at HOST. */
const settingsOf: Readonly<Record<string, Settings>> = {
  ...Object.fromEntries(
    Object.entries(await loadProbes())
      .filter(([, probe]) => typeof exampleOf(probe)["url"] === "string")
      .map(([name, probe]) => [name, settingsFor(probe)]),
  ),
  residency: {
    hosts: ["198.51.100.7"],
    countries: ["CA"],
    url: "http://HOST",
    rdap: { url: "http://HOST" },
    servers: ["127.0.0.1:1"],
  },
};
const names = Object.keys(settingsOf);

/** Whoever keeps us waiting does so until then. */
const shortSeconds = 0.25;
/** All others come to an end by themselves; on a busy machine that takes a while. */
const longSeconds = 5;

/** These keep 8 to 16 MB of an answer, and are in processes of their own; the others keep 1 MB, and share some. */
const hungry = ["castopod", "lemmy", "prometheus"];
const modest = names.filter((name) => !hungry.includes(name));
const companies = [
  ...hungry.map((name) => ({ together: [name], mostMegabytes: 112 })),
  ...[0, 1, 2].map((place) => ({ together: modest.filter((_, index) => index % 3 === place), mostMegabytes: 64 })),
];

const authority = certificate({ name: "Test Root", authority: true });
const certified = certificate({ name: "127.0.0.1", hosts: ["127.0.0.1"], by: authority });

let subjects: ReadonlyMap<string, Subject>;

beforeAll(async () => {
  await using server = await hostileServer({ attack: refuse });
  const started = companies.map(({ together, mostMegabytes }) =>
    startSubjects({
      mostMegabytes,
      authority: authority.certPem,
      first: Object.fromEntries(
        together.map((name) => [name, { settings: at(name, server.host, "http"), timeoutSeconds: longSeconds }]),
      ),
    }),
  );
  subjects = new Map((await Promise.all(started)).flat().map((subject) => [subject.name, subject]));
});

afterAll(async () => {
  await Promise.all([...subjects.values()].map((subject) => subject[Symbol.asyncDispose]()));
});

const refuse: Attack = (socket) => socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");

test("the probes that speak HTTP are all here", () => {
  expect(names).toEqual(
    expect.arrayContaining([
      "http",
      "mastodon",
      "castopod",
      "pixelfed",
      "lemmy",
      "discourse",
      "cloudron",
      "prometheus",
    ]),
  );
});

describe.each([
  { how: "late or never", attacks: slowAttacks, timeoutSeconds: shortSeconds },
  { how: "against the rules", attacks: protocolAttacks, timeoutSeconds: longSeconds },
  { how: "by the rules", attacks: bodyAttacks, timeoutSeconds: longSeconds },
])("every probe gets away from a server that answers everything, $how, with", ({ attacks, timeoutSeconds }) => {
  test.for(Object.entries(attacks))("%s", { concurrent: true }, async ([, attack], { expect }) => {
    const ends = await allMeet(() => hostileServer({ attack }), timeoutSeconds);
    expect(ends.flatMap(({ faults }) => faults)).toEqual([]);
  });
});

describe("every probe gets away from a server that says in place of TLS", () => {
  test.for(Object.entries(tlsAttacks))("%s", { concurrent: true }, async ([, attack], { expect }) => {
    const ends = await allMeet(() => hostileLine(attack), shortSeconds, "https");
    expect(ends.flatMap(({ faults }) => faults)).toEqual([]);
    expect(ends.filter(({ outcome }) => outcome === "up")).toEqual([]);
  });
});

describe("every probe gets away from a server with a good certificate that says under its protection", () => {
  const all = { ...slowAttacks, ...protocolAttacks };
  const attacks = [
    "a body of 2 GB",
    "a body of 2 GB in chunks of one byte",
    "one header without end",
    "headers that drip",
    "a body that drips",
    "a gzip bomb of 1 GB",
    "50 redirects",
    "a chunk extension without end",
    "a length that is too long",
    "another protocol",
    "a hang-up",
  ];
  test.for(attacks)("%s", { concurrent: true }, async (what, { expect }) => {
    const { [what]: attack = refuse } = all;
    const timeoutSeconds = what in slowAttacks ? shortSeconds : longSeconds;
    const ends = await allMeet(() => hostileServer({ attack, certified }), timeoutSeconds, "https");
    expect(ends.flatMap(({ faults }) => faults)).toEqual([]);
    expect(ends.filter(({ reason }) => reason.startsWith("TLS"))).toEqual([]);
  });
});

const systems: readonly (readonly [system: string, start: () => Promise<StandIn>, token: string])[] = [
  ["mastodon", startMastodon, practiceToken],
  ["castopod", () => startCastopod({ podcasts: ["cooking"] }), "secret"],
  ["pixelfed", startPixelfed, "secret"],
  ["lemmy", startLemmy, "secret"],
  ["discourse", startDiscourse, "secret"],
  ["cloudron", startCloudron, cloudronToken],
];

/** Every third one of each page, in turn; all of them with HOSTILE=all, which takes some minutes. */
const share = env["HOSTILE"] === "all" ? 1 : 3;

describe("one page may be hostile in every way, while all others are good, of a", () => {
  test.for(systems)("%s", { concurrent: true, timeout: 600_000 }, async ([system, start, token], { expect }) => {
    await using standIn = await start();
    const good = new URL(standIn.url).host;
    const own = names.filter((name) => name.split("-")[0] === system);
    const met = await Promise.all(own.map((name) => meetPages(name, good, token)));
    expect(met.flat().flatMap(({ faults }) => faults)).toEqual([]);
    expect(met.flat().length).toBeGreaterThan(10);
  });
});

async function meetPages(name: string, good: string, token: string): Promise<readonly End[]> {
  const more = name === "mastodon-streaming" ? { metrics: "http://HOST/metrics" } : {};
  const meet = async (attack: Attack, page: string, paths?: Set<string>): Promise<End> => {
    await using server = await hostileServer({ attack, at: page, good });
    const end = await subjectOf(name).meet(server, {
      settings: at(name, server.host, "http", more),
      token,
      timeoutSeconds: longSeconds,
    });
    for (const path of server.paths) paths?.add(path);
    return end;
  };
  // What the probe asks for while all is well.
  const known = new Set<string>();
  await meet(refuse, "/nowhere", known);
  const ends: End[] = [];
  for (const [place, page] of [...known].entries()) {
    const attacks = Object.entries(bodyAttacks)
      .filter(([what]) => fits(what, page))
      // What was made for one kind of page is never left out there.
      .filter(([what], index) => /^counts|feed/.test(what) || (index + place) % share === 0);
    for (const [what, attack] of attacks) {
      const { faults, ...end } = await meet(attack, page);
      ends.push({ ...end, faults: faults.map((fault) => `${page}, ${what}: ${fault}`) });
    }
  }
  return ends;
}

describe.each(systems)("a %s whose every address begins", (system, start, token) => {
  const schemes = ["ftp", "javascript", "file", "blob:http", "wss", "http://user@[", "//"];
  test.for(schemes)("%s:// is no internal error", { concurrent: true }, async (scheme, { expect }) => {
    await using standIn = await start();
    const good = new URL(standIn.url).host;
    const own = names.filter((name) => name.split("-")[0] === system);
    const ends = await Promise.all(
      own.map(async (name) => {
        await using server = await hostileServer({ attack: refuse, at: "/nowhere", good, scheme });
        const settings = at(name, server.host, "http");
        return await subjectOf(name).meet(server, { settings, token, timeoutSeconds: longSeconds });
      }),
    );
    expect(ends.flatMap(({ faults }) => faults)).toEqual([]);
  });
});

/** Feeds are for who reads feeds, and so on: what is no document of the kind that was asked for is soon laid aside. */
function fits(what: string, at: string): boolean {
  if (/^counts/.test(what)) return at === "/metrics";
  if (/feed|Atom|declaration/.test(what)) return /feed|atom|rss/.test(at);
  if (/links|titles|blanks|HTML/.test(what)) return !/api|well-known|metrics/.test(at);
  return true;
}

/** All at the same time, each in its own process. */
function allMeet(
  start: () => Promise<HostileServer>,
  timeoutSeconds: number,
  scheme = "http",
): Promise<readonly End[]> {
  return Promise.all(
    names.map(async (name) => {
      await using server = await start();
      const settings = at(name, server.host, scheme);
      // Awaited, or the server would be gone before it is met.
      return await subjectOf(name).meet(server, { settings, timeoutSeconds });
    }),
  );
}

function subjectOf(name: string): Subject {
  const subject = subjects.get(name);
  if (!subject) throw new Error(`there is no process for ${name}`);
  return subject;
}

/** The example, for a server at HOST. */
function settingsFor(probe: Probe): Settings {
  const written = JSON.stringify(exampleOf(probe))
    .replaceAll(/https?:\/\/[^/"]+/g, "http://HOST")
    .replaceAll(/@[a-z.]+\.example/g, "@social.example");
  return z.record(z.string(), z.unknown()).parse(JSON.parse(written));
}

function at(name: string, host: string, scheme: string, more: Settings = {}): unknown {
  const written = JSON.stringify({ ...settingsOf[name], ...more });
  return JSON.parse(written.replaceAll("http://HOST", `${scheme}://${host}`));
}
