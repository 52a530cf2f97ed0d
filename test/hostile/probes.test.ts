/** Every probe that speaks HTTP, asked of servers that mean it harm: a clear outcome, in time, in bounded memory. */
import { env } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { loadProbes } from "../../commands/lib/plug-ins.ts";
import type { Probe } from "../../core/probe.ts";
import { startCastopod } from "../../practice/stand-ins/castopod.ts";
import { cloudronToken, startCloudron } from "../../practice/stand-ins/cloudron.ts";
import { startDiscourse } from "../../practice/stand-ins/discourse.ts";
import { startLemmy } from "../../practice/stand-ins/lemmy.ts";
import { practiceToken, startMastodon } from "../../practice/stand-ins/mastodon.ts";
import { startPixelfed } from "../../practice/stand-ins/pixelfed.ts";
import type { StandIn } from "../../practice/stand-ins/stand-in.ts";
import { type Attack, bodyAttacks, protocolAttacks, tlsAttacks } from "./attacks.ts";
import { type HostileServer, hostileLine, hostileServer } from "./hostile-server.ts";
import { type Prober, type Report, startProber } from "./orders.ts";

/** Nothing that hangs is waited for longer; what is late by more than a second is a fault. */
const timeoutSeconds = 2;
/** The grace that a probe gets, and what other tests on the same cores may take away from its thread. */
const graceSeconds = 1 + 2;
const probes = Object.entries(await loadProbes()).filter(([, probe]) => typeof exampleOf(probe)["url"] === "string");

let prober: Prober;
let restBytes = 0;

beforeAll(async () => {
  prober = await startProber();
  await Promise.all(probes.map(([name, probe]) => attacked(name, probe, () => hostileServer({ attack: refuse }))));
  restBytes = prober.highestBytes;
});

afterAll(async () => {
  await prober[Symbol.asyncDispose]();
});

const refuse: Attack = (socket) => socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");

test("the probes that speak HTTP are all here", () => {
  expect(probes.map(([name]) => name)).toEqual(
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

/** Most of those who break the rules only keep us waiting, and may do so together. */
describe.each([
  { how: "against the rules", attacks: protocolAttacks, concurrent: true },
  { how: "by the rules", attacks: bodyAttacks, concurrent: false },
])("every probe gets away from a server that answers everything, $how, with", ({ attacks, concurrent }) => {
  test.for(Object.entries(attacks))("%s", { concurrent }, async ([, attack], { expect }) => {
    const ends = await Promise.all(
      probes.map(([name, probe]) => attacked(name, probe, () => hostileServer({ attack }))),
    );
    expect(ends.flatMap(faultsOf)).toEqual([]);
  });
});

describe("every probe gets away from a server that says in place of TLS", () => {
  test.each(Object.entries(tlsAttacks))("%s", async (_name, attack) => {
    const ends = await Promise.all(
      probes.map(([name, probe]) => attacked(name, probe, () => hostileLine(attack), "https")),
    );
    expect(ends.flatMap(faultsOf)).toEqual([]);
    expect(ends.filter(({ ended }) => "outcome" in ended && ended.outcome === "up")).toEqual([]);
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

describe.each(systems)("one page of a good %s", (system, start, token) => {
  const own = probes.filter(([name]) => name.split("-")[0] === system);

  test("may be hostile in every way", { timeout: 120_000 }, async () => {
    await using standIn = await start();
    const good = new URL(standIn.url).host;
    const faults: string[] = [];
    let runs = 0;
    for (const [name, probe] of own) {
      const settings = {
        ...settingsFor(probe),
        ...(name === "mastodon-streaming" && { metrics: "http://HOST/metrics" }),
      };
      const known = await pathsOf(name, settings, good, token);
      const cases = known.flatMap((at, place) =>
        Object.entries(bodyAttacks)
          .filter(([what]) => fits(what, at))
          // What was made for one kind of page is never left out there.
          .filter(([what], index) => /^counts|feed/.test(what) || (index + place) % share === 0)
          .map(([what, attack]) => ({ at, what, attack })),
      );
      await eachOf(cases, 6, async ({ at, what, attack }) => {
        const end = await attacked(name, probe, () => hostileServer({ attack, at, good }), "http", { settings, token });
        faults.push(...faultsOf(end).map((fault) => `${at}, ${what}: ${fault}`));
        runs += 1;
      });
    }
    expect(faults).toEqual([]);
    expect(runs).toBeGreaterThan(10);
  });
});

describe.each(systems)("a %s whose every address begins", (system, start, token) => {
  test.each(["ftp", "javascript", "file", "blob:http", "wss", "http://user@[", "//"])(
    "%s:// is no accident",
    async (scheme) => {
      await using standIn = await start();
      const good = new URL(standIn.url).host;
      const own = probes.filter(([name]) => name.split("-")[0] === system);
      const ends = await Promise.all(
        own.map(([name, probe]) =>
          attacked(name, probe, () => hostileServer({ attack: refuse, at: "/nowhere", good, scheme }), "http", {
            settings: settingsFor(probe),
            token,
          }),
        ),
      );
      expect(ends.flatMap(faultsOf)).toEqual([]);
    },
  );
});

test("all of it together took little memory", () => {
  expect((prober.highestBytes - restBytes) / 1e6).toBeLessThan(256);
});

/** Feeds are for who reads feeds, and so on: what is no document of the kind that was asked for is soon laid aside. */
function fits(what: string, at: string): boolean {
  if (/^counts/.test(what)) return at === "/metrics";
  if (/feed|Atom|declaration/.test(what)) return /feed|atom|rss/.test(at);
  if (/links|titles|blanks|HTML/.test(what)) return !/api|well-known|metrics/.test(at);
  return true;
}

interface End {
  readonly name: string;
  readonly ended: Report["ended"];
}

async function attacked(
  name: string,
  probe: Probe,
  start: () => Promise<HostileServer>,
  scheme = "http",
  { settings = settingsFor(probe), token = "secret" } = {},
): Promise<End> {
  await using server = await start();
  const ended = await prober.run({ probe: name, settings: at(settings, server.host, scheme), token, timeoutSeconds });
  await server.allClosed();
  return { name, ended };
}

function faultsOf({ name, ended }: End): readonly string[] {
  if ("thrown" in ended) return [`${name} threw ${ended.thrown}`];
  const { outcome, reason, evidence, durationSeconds, accidents } = ended;
  return [
    ...accidents.map((accident) => `accident: ${accident}`),
    ...(durationSeconds > timeoutSeconds + graceSeconds ? [`took ${durationSeconds} s`] : []),
    ...(outcome !== "up" && !/\S/.test(reason) ? ["has no reason"] : []),
    ...(/the check itself failed|did not end within .* told to/.test(reason) ? [reason] : []),
    ...(unprintable.test(reason + evidence.replaceAll("\n", "")) ? [`unprintable: ${JSON.stringify(reason)}`] : []),
  ].map((fault) => `${name}: ${fault}`);
}

const unprintable = /[\p{Cc}\p{Cf}\p{Cs}]/u;

/** What the probe asks for while all is well. */
async function pathsOf(probe: string, settings: unknown, good: string, token: string): Promise<readonly string[]> {
  await using server = await hostileServer({ attack: refuse, at: "/nowhere", good });
  await prober.run({ probe, settings: at(settings, server.host, "http"), token, timeoutSeconds: 20 });
  return [...server.paths];
}

async function eachOf<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const left = all.values();
  const take = async () => {
    for (const one of left) await work(one);
  };
  await Promise.all(Array.from({ length: atOnce }, take));
}

function exampleOf(probe: Probe): Readonly<Record<string, unknown>> {
  return z.record(z.string(), z.unknown()).parse(probe.example);
}

/** The example, for a server at HOST. */
function settingsFor(probe: Probe): Readonly<Record<string, unknown>> {
  const written = JSON.stringify(exampleOf(probe))
    .replaceAll(/https?:\/\/[^/"]+/g, "http://HOST")
    .replaceAll(/@[a-z.]+\.example/g, "@social.example");
  return z.record(z.string(), z.unknown()).parse(JSON.parse(written));
}

function at(settings: unknown, host: string, scheme: string): unknown {
  return JSON.parse(JSON.stringify(settings).replaceAll("http://HOST", `${scheme}://${host}`));
}
