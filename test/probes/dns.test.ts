/** The dns probe against real name servers on loopback, several of one zone, in every kind of trouble. */
import { expect, test } from "vitest";
import { untilFree } from "../../practice/servers/ports.ts";
import probe from "../../probes/dns.ts";
import { hasRoute } from "../../probes/names/route.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { nameServer, type TestNameServer } from "../helpers/name-server.ts";
import { type RunProbeSettings, runProbe } from "../helpers/run-probe.ts";

const zone = {
  "social.example": {
    SOA: ["2026112301"],
    NS: ["ns1.example", "ns2.example"],
    A: ["192.0.2.10", "192.0.2.11"],
    AAAA: ["2001:db8::10"],
    MX: ["10 mail.social.example"],
    TXT: ["v=spf1 mx -all", "other=1"],
    CAA: ["0 issue letsencrypt.org"],
  },
  "www.social.example": { CNAME: ["social.example"], A: ["192.0.2.10"] },
};
const servers = { "ns1.example": { A: ["127.0.0.2"] }, "ns2.example": { A: ["127.0.0.3"] } };

/** A resolver that knows everything, and two name servers on the same port that it names. */
const setup = () => untilFree(started);

async function started() {
  await using undo = new AsyncDisposableStack();
  const first = undo.use(await nameServer({ host: "127.0.0.2", names: zone }));
  const second = undo.use(await nameServer({ host: "127.0.0.3", port: first.port, names: zone }));
  const resolver = undo.use(await nameServer({ names: { ...zone, ...servers } }));
  const held = undo.move();
  const look = (more: object = {}, settings: RunProbeSettings = {}) =>
    runProbe(
      probe,
      { name: "social.example", servers: [resolver.at], nameServerPort: first.port, ...more },
      { timeoutSeconds: 30, ...settings },
    );
  return { first, second, resolver, look, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

const withZone = (server: TestNameServer, change: object) => {
  server.names = { ...server.names, "social.example": { ...server.names["social.example"], ...change } };
};

test("records as expected, in whatever order and spelling, at both name servers: up", async () => {
  await using dns = await setup();
  const sample = await dns.look({
    expect: {
      A: ["192.0.2.11", "192.0.2.10"],
      AAAA: ["2001:DB8:0:0::10"],
      MX: ["10 Mail.social.example."],
      TXT: ["v=spf1 mx -all"],
      CAA: ['0 issue "letsencrypt.org"'],
      SRV: [],
    },
  });
  expect(sample).toMatchObject({ outcome: "up" });
  expect(sample.readings).toEqual([
    { metric: "dns_name_servers", value: 2, labels: { state: "answering" } },
    { metric: "dns_name_servers", value: 0, labels: { state: "failing" } },
  ]);
  expect(dns.first.asked).toContain("udp social.example SOA");
  expect(dns.second.asked).toContain("udp social.example MX");
});

test("without records to compare, an address of either kind is enough", async () => {
  await using dns = await setup();
  expect(await dns.look()).toMatchObject({ outcome: "up" });
  for (const server of [dns.first, dns.second, dns.resolver]) withZone(server, { A: [], AAAA: [] });
  expect(await dns.look()).toMatchObject({ outcome: "down", reason: expect.stringContaining("has no address") });
});

test.each([
  [{ A: ["192.0.2.99"] }, "down", "A records: 192.0.2.99 is missing, 192.0.2.10, 192.0.2.11 should not be there"],
  [{ A: ["192.0.2.10"] }, "down", "A records: 192.0.2.11 should not be there"],
  [{ MX: ["10 other.example"] }, "degraded", "MX records: 10 other.example is missing"],
  [{ TXT: ["v=spf1 -all"] }, "degraded", "TXT records: v=spf1 -all is missing"],
  [{ CAA: [] }, "degraded", "CAA records: 0 issue letsencrypt.org should not be there"],
])("%j that is not so is told", async (records, outcome, reason) => {
  await using dns = await setup();
  const sample = await dns.look({ expect: records, authoritative: false });
  expect(sample).toMatchObject({ outcome, explanation: { fr: expect.any(String) }, runbook: "dns" });
  expect(sample.reason).toContain(reason);
});

test("a name that does not exist is told apart from one whose servers fail", async () => {
  await using dns = await setup();
  expect(await dns.look({ name: "gone.example", authoritative: false })).toMatchObject({
    outcome: "down",
    reason: "the name gone.example does not exist (NXDOMAIN)",
  });
  expect(await dns.look({ name: "gone.example", authoritative: false, expect: { A: [] } })).toMatchObject({
    outcome: "up",
  });
  dns.resolver.trouble = "servfail";
  expect(await dns.look()).toMatchObject({ outcome: "down", reason: expect.stringContaining("SERVFAIL") });
  dns.resolver.trouble = "refused";
  expect(await dns.look()).toMatchObject({ outcome: "down", reason: expect.stringContaining("REFUSED") });
});

test("a resolver that says nothing ends in a sentence, and in time", async () => {
  await using dns = await setup();
  dns.resolver.trouble = "silent";
  expect(await dns.look({ authoritative: false })).toMatchObject({
    outcome: "down",
    reason: "asked for social.example, the resolver does not answer",
  });
});

test("one name server in trouble is degraded, whatever the trouble", async () => {
  await using dns = await setup();
  for (const [trouble, words] of [
    ["servfail", "fails (SERVFAIL)"],
    ["refused", "refuses to answer for this zone"],
    ["silent", "does not answer"],
  ] as const) {
    dns.second.trouble = trouble;
    const sample = await dns.look();
    expect(sample, trouble).toMatchObject({ outcome: "degraded" });
    expect(sample.reason).toContain(`1 of 2 name servers: ns2.example ${words}`);
    expect(sample.readings).toContainEqual({ metric: "dns_name_servers", value: 1, labels: { state: "failing" } });
  }
});

test("a name server that forgot the name, or has old records, is found", async () => {
  await using dns = await setup();
  withZone(dns.second, { A: ["192.0.2.77"] });
  const old = await dns.look({ expect: { A: ["192.0.2.10", "192.0.2.11"] } });
  expect(old).toMatchObject({ outcome: "degraded", reason: expect.stringContaining("ns2.example has other records") });
  const { "social.example": apex } = dns.second.names;
  dns.second.names = { "social.example": apex ?? {} };
  const forgot = await dns.look({ name: "www.social.example" });
  expect(forgot).toMatchObject({
    outcome: "degraded",
    reason: expect.stringContaining("ns2.example says that the name"),
  });
});

test("versions may differ for a while after a change, not for ever", async () => {
  await using dns = await setup();
  const [clock, memory] = [new FakeClock(), new Map()];
  const look = () => dns.look({ agreeWithin: "30m" }, { clock, memory });
  withZone(dns.second, { SOA: ["2026112300"] });
  expect(await look()).toMatchObject({ outcome: "up" });
  await clock.turn(1799);
  expect(await look()).toMatchObject({ outcome: "up" });
  await clock.turn(1);
  expect(await look()).toMatchObject({
    outcome: "degraded",
    reason: expect.stringContaining("ns1.example: 2026112301; ns2.example: 2026112300"),
  });
  withZone(dns.second, { SOA: ["2026112301"] });
  expect(await look()).toMatchObject({ outcome: "up" });
});

test("two providers count their versions each for themselves", async () => {
  await using dns = await setup();
  const [clock, memory] = [new FakeClock(), new Map()];
  withZone(dns.second, { SOA: ["77 ns2.example"] });
  expect(await dns.look({}, { clock, memory })).toMatchObject({ outcome: "up" });
  await clock.turn(86_400);
  const sample = await dns.look({}, { clock, memory });
  expect(sample).toMatchObject({ outcome: "up" });
  expect(sample.reason).toBeUndefined();
});

test("an alias of the start of somebody else's zone is looked up in ours", async () => {
  const theirs = { "host.other.example": { SOA: ["1"], NS: ["ns1.other.example"], A: ["192.0.2.9"] } };
  const alias = { "status.social.example": { CNAME: ["host.other.example"] } };
  await using dns = await setup();
  for (const server of [dns.first, dns.second]) server.names = { ...server.names, ...alias };
  // A resolver follows the alias, whatever it is asked for.
  const followed = { CNAME: ["host.other.example"], ...theirs["host.other.example"] };
  dns.resolver.names = { ...dns.resolver.names, ...theirs, "status.social.example": followed };
  const sample = await dns.look({ name: "status.social.example" });
  expect(sample).toMatchObject({ outcome: "up" });
  expect(sample.readings).toContainEqual({ metric: "dns_name_servers", value: 2, labels: { state: "answering" } });
  expect(dns.first.asked).toContain("udp social.example SOA");
});

test.each([
  ["NS", "the name servers were not asked: asked for those of social.example, the resolver fails (SERVFAIL)"],
  ["SOA", "the name servers were not asked: asked for the zone of social.example, the resolver fails (SERVFAIL)"],
])("a resolver that has no answer to %s accuses nobody above", async (type, reason) => {
  await using dns = await setup();
  dns.resolver.names = { ...dns.resolver.names, example: { SOA: ["1"], NS: ["ns1.example"] } };
  dns.resolver.fails.add(`social.example ${type}`);
  const sample = await dns.look({ name: "www.social.example" });
  expect(sample).toMatchObject({ outcome: "up", reason });
  expect(dns.first.asked).toEqual([]);
});

test("a resolver that keeps the zone to itself does not make a top-level domain ours", async () => {
  await using dns = await setup();
  withZone(dns.resolver, { SOA: [], NS: [] });
  dns.resolver.names = { ...dns.resolver.names, example: { SOA: ["1"], NS: ["ns1.example"] } };
  const sample = await dns.look();
  expect(sample).toMatchObject({ outcome: "up", reason: expect.stringContaining("give it as `zone`") });
  expect(dns.first.asked).toEqual([]);
  expect(await dns.look({ zone: "social.example" })).toMatchObject({
    outcome: "degraded",
    reason: "no name servers of social.example are to be found",
  });
});

test("a name server with IPv6 only is not blamed by a machine without", async () => {
  await using dns = await setup();
  dns.resolver.names = { ...dns.resolver.names, "ns2.example": { AAAA: ["2001:db8::53"] } };
  const sample = await dns.look();
  // Where there is a way, it leads to nobody: the address is one for documentation (RFC 3849).
  expect(sample).toMatchObject(
    (await hasRoute("2001:db8::53"))
      ? { outcome: "degraded", reason: expect.stringContaining("ns2.example does not answer") }
      : {
          outcome: "up",
          reason: "not asked: ns2.example has no address of a kind that this machine can reach",
        },
  );
});

test("a name server whose address the resolver cannot find is not blamed; one without an address is", async () => {
  await using dns = await setup();
  dns.resolver.fails.add("ns2.example A");
  expect(await dns.look()).toMatchObject({
    outcome: "up",
    reason: "not asked: ns2.example is not found: the resolver fails (SERVFAIL)",
  });
  dns.resolver.fails.clear();
  dns.resolver.names = { ...dns.resolver.names, "ns2.example": {} };
  expect(await dns.look()).toMatchObject({
    outcome: "degraded",
    reason: "1 of 2 name servers: ns2.example has no address",
  });
});

test("a domain that takes no mail says so with a dot", async () => {
  await using dns = await setup();
  for (const server of [dns.first, dns.second, dns.resolver]) withZone(server, { MX: ["0 ."] });
  expect(await dns.look({ expect: { MX: ["0 ."] } })).toMatchObject({ outcome: "up" });
});

test("an alias is looked up in the zone that it is in", async () => {
  await using dns = await setup();
  expect(await dns.look({ name: "www.social.example", expect: { CNAME: ["social.example"] } })).toMatchObject({
    outcome: "up",
  });
});

test("name servers can be given by address, and answers too long for one packet come over TCP", async () => {
  await using dns = await setup();
  dns.first.trouble = "truncated";
  const sample = await dns.look({ nameServers: [dns.first.at], expect: { A: ["192.0.2.10", "192.0.2.11"] } });
  expect(sample).toMatchObject({ outcome: "up" });
  expect(dns.first.asked).toContain("tcp social.example A");
});

test("it asks anew each time", async () => {
  await using dns = await setup();
  await dns.look({ authoritative: false });
  await dns.look({ authoritative: false });
  expect(dns.resolver.asked.filter((question) => question === "udp social.example A")).toHaveLength(2);
});

test("it ends when it is told to", async () => {
  await using dns = await setup();
  dns.resolver.trouble = "silent";
  const stop = new AbortController();
  const looking = dns.look({}, { signal: stop.signal });
  await expect.poll(() => dns.resolver.asked.length).toBeGreaterThan(0);
  stop.abort(new Error("shutdown"));
  await expect(looking).rejects.toThrow("shutdown");
});

test("addresses that are none are refused with an example", () => {
  const refused = (more: object) => probe.options.safeParse({ name: "social.example", ...more }).error?.message ?? "";
  expect(refused({ servers: ["dns.example"] })).toContain("192.0.2.53");
  expect(refused({ name: "https://social.example/" })).toContain("perhaps social.example");
});

test.each([
  ["A", "300.0.2.1"],
  ["AAAA", "192.0.2.1"],
  ["CNAME", "https://host.example/"],
  ["MX", "mail.example"],
  ["MX", "70000 mail.example"],
  ["NS", "two words"],
  ["CAA", "letsencrypt.org"],
  ["CAA", "300 issue letsencrypt.org"],
  ["SRV", "5060 sip.example"],
])("an %s record %s would never be found, and is refused with an example", (type, record) => {
  const { error } = probe.options.safeParse({ name: "social.example", expect: { [type]: [record] } });
  expect(error?.issues[0]?.message).toContain(`"${record}" is no record of type ${type}: write it like "`);
});

test("records of every type are taken in each of their spellings, and none at all; nothing expected is no expectation", () => {
  const taken = (wanted: object) => probe.options.safeParse({ name: "social.example", expect: wanted }).success;
  const every = {
    A: ["192.0.2.10"],
    AAAA: ["2001:DB8:0:0::10", "::ffff:192.0.2.1"],
    CNAME: ["host.example."],
    MX: ["10 mail.example", "0 .", " 65535  Mail.Example. "],
    TXT: ["v=spf1 mx -all", '"quoted"'],
    NS: ["ns1.example", "_odd.example"],
    CAA: ['0 issue "letsencrypt.org; validationmethods=dns-01"', '128 iodef "mailto:a@b.example"', "0 issue ;"],
    SRV: ["0 5 5060 sip.example", "0 0 0 ."],
  };
  expect(taken(every)).toBe(true);
  expect(taken({ A: [] })).toBe(true);
  expect(taken({})).toBe(false);
});
