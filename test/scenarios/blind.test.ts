/**
 * A sample of the proof by ten blind minutes, without root: connections that nobody takes, a name server that is silent, and a
 * clock that is turned between the runs. In network namespaces, with the whole program: `npm run proof -- blind`.
 */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openHttp } from "../../collector/network/http-client.ts";
import { runCheck } from "../../collector/probing/run-check.ts";
import { openSelfCheck } from "../../collector/probing/self-check.ts";
import { silentLog } from "../../core/log.ts";
import type { Notice } from "../../core/notice.ts";
import type { Outcome } from "../../core/sample.ts";
import { parseConfig } from "../../program/config-file.ts";
import { openConnectivity } from "../../program/connectivity-part.ts";
import { loadPlugins } from "../../program/plug-ins.ts";
import { judgeSettings } from "../../program/settings.ts";
import { systemClock } from "../../program/system-clock.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { beginLife } from "../helpers/life.ts";
import { nameServer, type TestNameServer } from "../helpers/name-server.ts";
import { type VanishingServer, vanishingServer } from "../helpers/vanishing-server.ts";

const patienceSeconds = 1;
/** When it is looked, from the loss on: often enough that an outage would be confirmed, and around the five minutes. */
const minutes = [1, 2, 3, 6, 7, 11];

interface SetUp {
  readonly hasAnchor?: true;
  /** Before, and while nothing comes through. */
  readonly resolver: readonly [TestNameServer["trouble"], TestNameServer["trouble"]];
  readonly isLost: (host: string) => boolean;
}

const all = () => true;
const setUps: readonly (readonly [string, SetUp])[] = [
  ["anchors", { hasAnchor: true, resolver: ["none", "silent"], isLost: all }],
  ["a stub resolver, which says SERVFAIL then", { resolver: ["none", "servfail"], isLost: all }],
  ["a resolver that swallows TCP", { resolver: ["silent over TCP", "silent"], isLost: all }],
  ["IPv6 alone lost", { resolver: ["none", "none"], isLost: (host) => host.includes(":") }],
];

test.concurrent.each(setUps)(
  "ten minutes blind, with %s: what is not seen is unknown, nothing is told of it",
  async (_name, setUp) => {
    await using undo = new AsyncDisposableStack();
    const folder = undo.use(await mkdtempDisposable(join(tmpdir(), "tidewatch-blind-")));
    const serve = async (host: string) => undo.use(await vanishingServer(host));
    const servers = { forum: await serve("127.0.0.11"), photos: await serve("127.0.0.12"), six: await serve("::1") };
    const anchors = setUp.hasAnchor ? [await serve("127.0.0.31")] : [];
    const resolver = undo.use(await nameServer({ names: {} }));
    const plugins = await loadPlugins();
    const config = parseConfig(yaml(servers), {
      ...plugins,
      file: "blind.yaml",
      env: { SMTP_URL: "smtp://mail.example" },
    });
    const clock = new FakeClock();
    const life = undo.use(await beginLife({ file: join(folder.path, "tidewatch.db"), clock, config }));
    const written: Notice[] = [];
    const alerts = { ...judgeSettings(config), signingKey: await life.store.keys.signing("action") };
    const recorder = {
      include: (changes?: { readonly notices?: readonly Notice[] }) => void written.push(...(changes?.notices ?? [])),
    };
    const connectivity = await openConnectivity({ clock, log: silentLog }, { alerts, recorder });
    const http = openHttp({ userAgent: "Tidewatch/test" });
    const selfCheck = openSelfCheck({
      anchors: anchors.map(({ host, port }) => `${host}:${port}`),
      http,
      clock: systemClock,
      log: silentLog,
      holdsSeconds: 0,
      timeoutSeconds: patienceSeconds,
      nameServers: () => [resolver.at],
      onChange: (online) => connectivity.changed(online),
    });
    const { signal } = new AbortController();
    const look = async (): Promise<Readonly<Record<string, Outcome>>> => {
      const seen = life.checks.map(async (check) => {
        const probe = plugins.probes[check.probe];
        if (!probe) throw new Error(`there is no probe ${check.probe}`);
        const parts = { probe, http, clock: systemClock, selfCheck, vantagePoint: "here", signal, memory: new Map() };
        const { outcome, reason } = await runCheck(check, { ...parts, log: silentLog });
        life.record(check, { outcome, ...(reason !== undefined && { reason }) });
        return [check.target, outcome] as const;
      });
      const outcomes = Object.fromEntries(await Promise.all(seen));
      await life.settle();
      return outcomes;
    };

    const [before, meanwhile] = setUp.resolver;
    resolver.trouble = before;
    const allUp = { forum: "up", photos: "up", six: "up" };
    expect(await look()).toEqual(allUp);
    resolver.trouble = meanwhile;
    const lost = [...Object.values(servers), ...anchors].filter(({ host }) => setUp.isLost(host));
    for (const server of lost) await server.vanish();
    const isBlind = setUp.isLost === all;
    for (const minute of minutes) {
      await clock.turn(minute * 60 - clock.monotonicSeconds());
      expect(await look()).toEqual(
        isBlind ? { forum: "unknown", photos: "unknown", six: "unknown" } : { ...allUp, six: "unknown" },
      );
      // What keeps our own heartbeats back.
      if (isBlind && minute > 6) expect(connectivity.fault?.()).toMatch(/^we have reached nobody for \d+ s ourselves$/);
      else expect(connectivity.fault?.()).toBeUndefined();
    }
    resolver.trouble = before;
    for (const server of lost) await server.comeBack();
    expect(await look()).toEqual(allUp);
    expect(connectivity.fault?.()).toBeUndefined();
    expect(written.map(({ headline }) => headline)).toEqual(
      isBlind ? ["[Tidewatch] We saw nothing for 10 minutes"] : [],
    );
    expect(await life.store.incidents.list({})).toEqual([]);
    expect(life.told).toEqual([]);
  },
);

const yaml = (servers: Readonly<Record<string, VanishingServer>>) => `
organisation: { name: Blind Co-op, languages: [en], timeZone: America/Vancouver }
server: { public: "127.0.0.1:8080", private: "127.0.0.1:9464", url: "https://status.example" }
targets:
${Object.entries(servers)
  .map(
    ([id, { host, port }]) =>
      `  - { id: ${id}, name: ${id}, checks: [{ id: connect, probe: tcp, host: "${host}", port: ${port}, timeout: ${patienceSeconds * 1000}ms }] }`,
  )
  .join("\n")}
alerts:
  contacts: [{ id: techops, name: TechOps, email: techops@coop.example, timeZone: America/Vancouver }]
  email: { from: tidewatch@coop.example, smtp: { env: SMTP_URL } }
  escalation: [{ after: 0s, notify: [techops] }]
`;
