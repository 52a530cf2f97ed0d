import { expect, test } from "vitest";
import { z } from "zod";
import { defineChannel } from "../../../core/channel.ts";
import { type Config, type Plugins, readConfig } from "../../../core/config/config.ts";
import { duration, secret, webAddress } from "../../../core/config/settings.ts";
import { defineProbe } from "../../../core/probe.ts";
import { Secret } from "../../../core/secret.ts";

const page = defineProbe({
  summary: "Asks for a page.",
  options: z.strictObject({ url: webAddress(), slow: duration().prefault("5s"), word: z.string().optional() }),
  example: { url: "https://social.example" },
  run: async () => ({ outcome: "up" }),
});

const queues = defineProbe({
  summary: "Looks at queues.",
  options: z.strictObject({ url: secret() }),
  example: { url: { env: "REDIS_URL" } },
  defaults: { everySeconds: 30, timeoutSeconds: 4 },
  thresholds: () => [
    {
      id: "latency",
      metric: "queue_latency_seconds",
      raiseAt: 300,
      clearAt: 60,
      raiseAfterSeconds: 0,
      clearAfterSeconds: 0,
      urgency: "page",
      affects: "degraded",
      unit: "seconds",
      title: { en: "Posts arrive late", fr: "Les messages arrivent en retard" },
      runbook: "queue-latency",
    },
  ],
  capacity: (_options, check) => ({ check, limitBytes: 100e9, usableFraction: 0.9, leadDays: 14, sizes: [] }),
  run: async () => ({ outcome: "up" }),
});

const server = defineProbe({
  ...page,
  kind: {
    name: { en: "Server", fr: "Serveur" },
    checks: ({ url, queues: at, database }) => {
      if (database !== undefined) throw new Error("its database is not watched yet: take `database` out");
      return [
        { id: "web", probe: "page", url, every: "2m", slow: "3s" },
        { id: "service", probe: "server", url },
        ...(at === undefined ? [] : [{ id: "queues", probe: "queues", url: at }]),
      ];
    },
  },
});

const postcard = defineChannel({
  summary: "Sends postcards.",
  residency: "own",
  options: z.strictObject({ stamp: z.string() }),
  example: { stamp: "maple" },
  address: z.string().min(5),
  open: async () => ({ deliver: async () => ({}), async [Symbol.asyncDispose]() {} }),
});

const plugins: Plugins = { probes: { page, queues, server }, channels: { postcard } };
const social = { id: "social", kind: "server", url: "https://social.example" };
const settings = (more: Readonly<Record<string, unknown>>) => ({
  organisation: { name: "Co-op", timeZone: "America/Vancouver" },
  targets: [social],
  ...more,
});

function good(written: unknown): Omit<Config, "warnings"> {
  const reading = readConfig(written, plugins);
  if ("faults" in reading) throw new Error(JSON.stringify(reading.faults));
  return reading.config;
}

function faults(written: unknown): readonly string[] {
  const reading = readConfig(written, plugins);
  return "faults" in reading ? reading.faults.map(({ path, message }) => `${path.join(".")}: ${message}`) : [];
}

const withTarget = (target: unknown) => settings({ targets: [target] });

test("everything that is not written has a sensible value", () => {
  expect(good(settings({}))).toMatchObject({
    organisation: { name: { en: "Co-op", fr: "Co-op" }, languages: ["en", "fr"] },
    server: {
      public: { host: "0.0.0.0", port: 8080 },
      private: { host: "127.0.0.1", port: 9464 },
      url: "http://localhost:8080",
      metrics: "private",
    },
    store: { sqlite: "./data/tidewatch.db" },
    data: "./data",
    vantagePoint: "here",
    selfCheck: { anchors: [], require: 0 },
    onCall: { contacts: [], escalation: [] },
    channels: {},
    practice: false,
  });
});

test("what is kept beside the store has the folder it always had, or one of its own", () => {
  expect(good(settings({ store: { sqlite: "/var/lib/tidewatch/here.db" } }))).toMatchObject({
    data: "/var/lib/tidewatch",
  });
  const apart = settings({ store: { sqlite: "/var/lib/tidewatch/here.db" }, data: "/srv/pages" });
  expect(good(apart)).toMatchObject({ store: { sqlite: "/var/lib/tidewatch/here.db" }, data: "/srv/pages" });
});

test("a kind brings its checks; the target's own change them setting by setting, replace them or add to them", () => {
  const { targets } = good(
    withTarget({
      ...social,
      checks: [
        { id: "web", every: "30s", word: "hello" },
        { id: "service", probe: "page", url: "https://social.example/other" },
        { id: "about", probe: "page", url: "https://social.example/about", required: false },
      ],
    }),
  );
  const [target] = targets;
  expect(target?.name).toEqual({ en: "Server", fr: "Serveur" });
  expect(target?.checks).toMatchObject([
    {
      id: "web",
      probe: "page",
      everySeconds: 30,
      required: true,
      options: { url: social.url, slow: 3, word: "hello" },
    },
    { id: "service", probe: "page", options: { url: "https://social.example/other", slow: 5 } },
    { id: "about", probe: "page", everySeconds: 60, required: false },
  ]);
});

test("what a kind is given reaches its checks as it is, with the levels and plans of their probe", () => {
  const redis = new Secret("redis://127.0.0.1");
  const [target] = good(withTarget({ ...social, queues: redis })).targets;
  const check = target?.checks.find(({ id }) => id === "queues");
  expect(check).toMatchObject({ everySeconds: 30, timeoutSeconds: 4, thresholds: [{ id: "latency" }] });
  expect(z.object({ url: z.instanceof(Secret) }).parse(check?.options).url).toBe(redis);
  expect(target?.capacity).toEqual([
    { check: "queues", limitBytes: 100e9, usableFraction: 0.9, leadDays: 14, sizes: [] },
  ]);
});

test("what a kind refuses is told in its own words at the field", () => {
  expect(faults(withTarget({ ...social, database: new Secret("postgres://db") }))).toEqual([
    "targets.0.database: database: its database is not watched yet: take `database` out",
  ]);
});

test("confirmation: the usual one, the organisation's, the check's own, and never slower than the interval by itself", () => {
  const check = (more: object) => ({ id: "a", checks: [{ id: "web", probe: "page", url: social.url, ...more }] });
  const confirmation = (more: object, confirm: object = {}) =>
    good(settings({ targets: [check(more)], alerts: { confirm } })).targets[0]?.checks[0]?.confirm;
  expect(confirmation({})).toEqual({ failures: 3, retrySeconds: 20, successes: 2, recoverySeconds: 30 });
  expect(confirmation({ every: "5s" })).toEqual({ failures: 3, retrySeconds: 5, successes: 2, recoverySeconds: 5 });
  expect(confirmation({ confirm: { failures: 5 } }, { failures: 2, retryEvery: "1s" })).toMatchObject({
    failures: 5,
    retrySeconds: 1,
    recoverySeconds: 30,
  });
});

test("a timeout nobody wrote gives way to a short interval; a written one must fit", () => {
  const one = (more: object) =>
    withTarget({ id: "a", checks: [{ id: "web", probe: "page", url: social.url, ...more }] });
  expect(good(one({ every: "5s" })).targets[0]?.checks[0]?.timeoutSeconds).toBe(4);
  expect(good(one({ timeout: "40s" })).targets[0]?.checks[0]).toMatchObject({ everySeconds: 60, timeoutSeconds: 40 });
  expect(faults(one({ timeout: "60s" }))[0]).toContain("timeout 1m is not shorter than every 1m");
});

test("a planned target is kept without checks, and needs no address yet", () => {
  const { targets } = good(
    settings({
      targets: [
        { ...social, url: undefined, planned: true },
        { id: "later", planned: true },
      ],
    }),
  );
  expect(targets).toMatchObject([
    { id: "social", planned: true, checks: [], capacity: [] },
    { id: "later", name: { en: "later" }, checks: [] },
  ]);
});

test("contacts carry their addresses, their zone or the organisation's", () => {
  const { onCall, channels } = good(
    settings({
      alerts: {
        contacts: [
          { id: "a", name: "A", email: "a@social.example", postcard: "1 Main Street", timeZone: "America/Toronto" },
          { id: "b", name: "B", postcard: "2 Main Street" },
        ],
        postcard: { stamp: "maple" },
        escalation: [
          { after: "0m", notify: ["a"] },
          { after: "15m", notify: ["a", "b"] },
        ],
      },
    }),
  );
  expect(channels).toEqual({ postcard: { stamp: "maple" } });
  expect(onCall.contacts).toEqual([
    {
      id: "a",
      name: "A",
      timeZone: "America/Toronto",
      email: "a@social.example",
      addresses: { postcard: "1 Main Street", email: "a@social.example" },
    },
    { id: "b", name: "B", timeZone: "America/Vancouver", addresses: { postcard: "2 Main Street" } },
  ]);
  expect(onCall.escalation[1]).toEqual({ afterSeconds: 900, notify: ["a", "b"] });
});

test("listeners: any address and port, also of IPv6; zero means any free port and never clashes", () => {
  const server = (open: string, own: string) => settings({ server: { public: open, private: own } });
  expect(good(server("[::1]:80", "localhost:0")).server).toMatchObject({
    public: { host: "::1", port: 80 },
    private: { host: "localhost", port: 0 },
    url: "http://[::1]:80",
  });
  expect(good(server("127.0.0.1:0", "127.0.0.1:0")).server.private.port).toBe(0);
  expect(good(server("127.0.0.1:80", "127.0.0.2:80")).server.private.port).toBe(80);
  expect(faults(server("0.0.0.0:80", "127.0.0.1:80"))[0]).toContain("both listen on port 80");
  for (const wrong of ["8080", ":8080", "127.0.0.1:65536", "::1:80", "http://a:80"]) {
    expect(faults(server(wrong, "127.0.0.1:9464"))[0]).toContain("is not an address to listen on");
  }
});

test("half of the anchors must answer where nobody says how many", () => {
  const anchors = (...list: readonly string[]) => good(settings({ selfCheck: { anchors: list } })).selfCheck;
  expect(anchors("192.0.2.53:53", "https://a.example", "tcp://mail.example:25")).toEqual({
    anchors: ["tcp://192.0.2.53:53", "https://a.example", "tcp://mail.example:25"],
    require: 2,
  });
  expect(anchors("https://a.example", "https://b.example").require).toBe(1);
});

test("advice: what works but is probably not meant so", () => {
  const reading = readConfig(settings({ server: { url: "http://status.social.example/" } }), plugins);
  const warnings = "warnings" in reading ? reading.warnings.map(({ message }) => message) : [];
  expect(warnings).toEqual([
    expect.stringContaining("the address is not https"),
    expect.stringContaining("nobody is told of an outage"),
    expect.stringContaining("nobody can sign in"),
    expect.stringContaining("no anchors"),
    expect.stringContaining("no heartbeat"),
  ]);
  const practice = readConfig(settings({ practice: true }), plugins);
  expect(practice).toMatchObject({ warnings: [], config: { practice: true } });
});

test("a private listener for other machines is warned of, unless it is said that strangers are kept away", () => {
  const warned = (server: Readonly<Record<string, unknown>>) => {
    const reading = readConfig(settings({ server: { url: "https://status.social.example", ...server } }), plugins);
    if (!("warnings" in reading)) throw new Error(JSON.stringify(reading.faults));
    return reading.warnings.filter(({ path }) => path.join(".") === "server.private").map(({ message }) => message);
  };
  for (const open of ["0.0.0.0:9464", "[::]:9464", "10.0.0.5:9464", "monitor.example:9464"]) {
    const host = open.replace(/:\d+$/, "").replace(/[[\]]/g, "");
    expect(warned({ private: open })).toEqual([
      expect.stringContaining(`server.private listens on ${host}, for other`),
    ]);
    expect(warned({ private: open, privateIsShielded: true })).toEqual([]);
  }
  for (const own of ["127.0.0.1:9464", "127.1.2.3:0", "[::1]:9464", "localhost:9464"]) {
    expect(warned({ private: own })).toEqual([]);
  }
  expect(warned({})).toEqual([]);
});

test("settings of any shape are refused with sentences, never with an internal error", () => {
  const odd: readonly unknown[] = [undefined, null, 3, "a", [], [[]], {}, { targets: {} }, { targets: [null, 3, []] }];
  const deeper: readonly unknown[] = [null, 3, "a", [], {}, [null], [{}], [[]], { a: null }, true];
  const everywhere = deeper.flatMap((value) => [
    ...["organisation", "server", "store", "selfCheck", "targets", "alerts", "heartbeat"].map((key) =>
      settings({ [key]: value }),
    ),
    ...["id", "kind", "url", "queues", "checks", "planned", "name"].map((key) =>
      withTarget({ ...social, [key]: value }),
    ),
    ...["contacts", "escalation", "confirm", "postcard"].map((key) => settings({ alerts: { [key]: value } })),
    withTarget({ id: "a", checks: [value] }),
    settings({ alerts: { escalation: [{ after: "0m", notify: value }] } }),
  ]);
  for (const written of [...odd, ...everywhere]) {
    for (const message of faults(written)) expect(message).not.toMatch(/undefined|\[object|NaN|Invalid input/);
  }
  for (const written of odd) expect(faults(written).length).toBeGreaterThan(0);
});
