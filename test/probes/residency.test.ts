/** The residency probe with real sockets and real files: names, networks, databases and registries. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { advanceThreshold, calmThreshold } from "../../core/threshold.ts";
import residency from "../../probes/residency.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { mmdb } from "../helpers/mmdb.ts";
import { runProbe } from "../helpers/run-probe.ts";

/** `{ "social.example": { A: ["192.0.2.1"] } }`; a name that is not there does not exist. */
type Zone = Record<string, { A?: string[]; AAAA?: string[]; MX?: string[] } | "fails" | "silent">;

async function nameServer(zone: Zone) {
  const socket = createSocket("udp4");
  socket.on("message", (question, { port, address }) => {
    const answer = answerTo(question, zone);
    if (answer) socket.send(answer, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    servers: [`127.0.0.1:${socket.address().port}`],
    zone,
    [Symbol.asyncDispose]: async () => void socket.close(),
  };
}

function answerTo(question: Buffer, zone: Zone): Buffer | undefined {
  const labels: string[] = [];
  let at = 12;
  for (let size = question[at] ?? 0; size > 0; size = question[at] ?? 0) {
    labels.push(question.toString("latin1", at + 1, at + 1 + size));
    at += size + 1;
  }
  const type = question.readUInt16BE(at + 1);
  const records = zone[labels.join(".").toLowerCase()];
  if (records === "silent") return undefined;
  const found = typeof records === "object" ? recordsOf(records, type) : [];
  const code = records === undefined ? 3 : records === "fails" ? 2 : 0;
  const head = Buffer.from([0, 0, 0x81, 0x80 | code, 0, 1, 0, found.length, 0, 0, 0, 0]);
  question.copy(head, 0, 0, 2);
  const answers = found.map((data) => {
    const fixed = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]);
    return Buffer.concat([fixed, data]);
  });
  return Buffer.concat([head, question.subarray(12, at + 5), ...answers]);
}

function recordsOf({ A = [], AAAA = [], MX = [] }: Exclude<Zone[string], string>, type: number): readonly Buffer[] {
  if (type === 1) return A.map((address) => Buffer.from(address.split(".").map(Number)));
  if (type === 28) return AAAA.map((hex) => Buffer.from(hex, "hex"));
  if (type !== 15) return [];
  return MX.map((host) => {
    const labels = host === "." ? [] : host.split(".");
    const name = labels.flatMap((label) => [label.length, ...Buffer.from(label)]);
    return Buffer.from([0, 10, ...name, 0]);
  });
}

type Reply = { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: unknown };

async function webServer(reply: (path: string, request: IncomingMessage) => Reply) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const { status = 200, headers = {}, body = {} } = reply(request.url ?? "", request);
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const home = { network: "192.0.2.0/24", country: "CA", owner: "Example Hosting Inc." };
const abroad = { network: "203.0.113.0/24", country: "US", owner: "Large Cloud, LLC" };
const networks = [home, abroad];
const counts = (sample: { readonly readings?: readonly { readonly metric: string; readonly value: number }[] }) =>
  Object.fromEntries((sample.readings ?? []).map(({ metric, value }) => [metric, value]));

describe("with networks that are configured", () => {
  test("everything inside is up, with every address of every host and mail exchanger", async () => {
    await using names = await nameServer({
      "social.example": { A: ["192.0.2.1", "192.0.2.2"], MX: ["mx.example"] },
      "mx.example": { A: ["192.0.2.25"] },
    });
    const { servers } = names;
    const settings = { hosts: ["social.example"], mail: ["social.example"], countries: ["CA"], networks, servers };
    const sample = await runProbe(residency, { ...settings, owners: ["example hosting"] });
    expect(sample).toMatchObject({ outcome: "up", reason: "3 addresses, all in CA" });
    expect(counts(sample)).toEqual({
      residency_inside_addresses: 3,
      residency_outside_addresses: 0,
      residency_unknown_addresses: 0,
    });
    expect(sample.evidence).toContain("mx.example (mail) 192.0.2.25: CA, Example Hosting Inc. (networks)");
  });

  test("an address that moves out is a ticket that members do not see, and nothing is down", async () => {
    await using names = await nameServer({ "social.example": { A: ["192.0.2.1"] } });
    const settings = { hosts: ["social.example"], countries: ["CA"], networks, servers: names.servers };
    expect((await runProbe(residency, settings)).outcome).toBe("up");
    names.zone["social.example"] = { A: ["192.0.2.1", "203.0.113.9"] };
    const moved = await runProbe(residency, settings);
    expect(moved).toMatchObject({
      outcome: "up",
      reason: "outside: social.example at 203.0.113.9: US, Large Cloud, LLC (networks)",
    });
    expect(moved.explanation).toBeUndefined();
    const [rule] = residency.thresholds?.(residency.options.parse(settings)) ?? [];
    if (!rule) throw new Error("there is no threshold");
    expect(rule).toMatchObject({ metric: "residency_outside_addresses", urgency: "ticket", affects: "nothing" });
    const value = counts(moved)[rule.metric] ?? 0;
    expect(advanceThreshold(calmThreshold, value, 0, rule).change?.raised).toBe(true);
  });

  test("the right country and the wrong owner is outside as well", async () => {
    await using names = await nameServer({ "social.example": { A: ["192.0.2.1"] } });
    const settings = { hosts: ["social.example"], countries: ["CA"], networks, servers: names.servers };
    const sample = await runProbe(residency, { ...settings, owners: ["Other Hosting"] });
    expect(counts(sample)).toMatchObject({ residency_outside_addresses: 1 });
  });

  test("the smallest network counts, in both address families", async () => {
    await using names = await nameServer({
      "social.example": { A: ["192.0.2.200"], AAAA: ["20010db8000000000000000000000001"] },
    });
    const settings = {
      hosts: ["social.example"],
      countries: ["CA"],
      servers: names.servers,
      networks: [
        { network: "192.0.2.0/24", country: "US" },
        { network: "192.0.2.128/25", country: "CA" },
        { network: "0.0.0.0/0", country: "FR" },
        { network: "2001:db8::/32", country: "CA" },
      ],
    };
    expect(await runProbe(residency, settings)).toMatchObject({ outcome: "up", reason: "2 addresses, all in CA" });
  });
});

describe("unknown stays unknown", () => {
  const cases: [string, Zone[string], RegExp][] = [
    ["an address nobody knows", { A: ["198.51.100.1"] }, /not known: social.example at 198.51.100.1/],
    ["an address of a private network", { A: ["10.0.0.1"] }, /private network/],
    ["a name without an address", {}, /has no address/],
    ["a resolver that fails", "fails", /SERVFAIL/],
  ];
  test.each(cases)("%s", async (_what, records, reason) => {
    const zone: Zone = { "social.example": records };
    await using names = await nameServer(zone);
    const settings = { hosts: ["social.example"], countries: ["CA"], networks, servers: names.servers };
    const sample = await runProbe(residency, settings);
    expect(sample).toMatchObject({ outcome: "unknown", reason: expect.stringMatching(reason) });
    expect(sample.readings ?? []).toEqual([]);
  });

  test("and one that is outside is told all the same", async () => {
    await using names = await nameServer({ "social.example": { A: ["198.51.100.1", "203.0.113.1"] } });
    const settings = { hosts: ["social.example"], countries: ["CA"], networks, servers: names.servers };
    expect(counts(await runProbe(residency, settings))).toMatchObject({
      residency_outside_addresses: 1,
      residency_unknown_addresses: 1,
    });
  });

  test("a name server that never answers ends at the deadline, and nothing is down", async () => {
    await using names = await nameServer({ "social.example": "silent" });
    const clock = new FakeClock();
    const settings = { hosts: ["social.example"], countries: ["CA"], networks, servers: names.servers };
    const run = runProbe(residency, settings, { clock, timeoutSeconds: 10 });
    await clock.turn(10);
    expect(await run).toMatchObject({ outcome: "unknown", reason: "the lookups did not end in time" });
  });

  test("a domain that takes no mail has no mail hosts", async () => {
    await using names = await nameServer({ "social.example": { A: ["192.0.2.1"], MX: ["."] } });
    const settings = { hosts: ["social.example"], mail: ["social.example"], countries: ["CA"], networks };
    const sample = await runProbe(residency, { ...settings, servers: names.servers });
    expect(sample).toMatchObject({ outcome: "up", reason: "1 address in CA" });
  });
});

test("what is outside stands first in the evidence, of which only the beginning is kept", async () => {
  const A = [...Array.from({ length: 60 }, (_, index) => `192.0.2.${index + 1}`), "203.0.113.9"];
  await using names = await nameServer({ "social.example": { A } });
  const settings = { hosts: ["social.example"], countries: ["CA"], networks, servers: names.servers };
  expect((await runProbe(residency, settings)).evidence).toMatch(
    /^outside: social\.example \(host\) 203\.0\.113\.9: US/,
  );
});

describe("with local databases", () => {
  const rows = {
    "192.0.2.0/24": { country: { iso_code: "CA" } },
    "2001:db8::/32": { country_code: "CA", as_name: "Example Hosting" },
  };
  const owners = {
    "192.0.2.0/25": { autonomous_system_number: 64500, autonomous_system_organization: "Example Hosting" },
  };

  test("country and owner come from as many files as it takes, and a newer file is taken up", async () => {
    await using folder = await scratch();
    const [countries, systems] = [join(folder.path, "country.mmdb"), join(folder.path, "owner.mmdb")];
    await writeFile(countries, mmdb(rows));
    await writeFile(systems, mmdb(owners));
    await using names = await nameServer({
      "social.example": { A: ["192.0.2.1"], AAAA: ["20010db8000000000000000000000001"] },
    });
    const memory = new Map();
    const settings = {
      hosts: ["social.example"],
      countries: ["CA"],
      owners: ["Example Hosting"],
      databases: [countries, systems],
      servers: names.servers,
    };
    const sample = await runProbe(residency, settings, { memory });
    expect(sample).toMatchObject({ outcome: "up", reason: "2 addresses, all in CA" });
    await writeFile(
      countries,
      mmdb({ ...rows, "192.0.2.0/24": { country: { iso_code: "US" } }, "198.51.100.0/24": {} }),
    );
    expect(counts(await runProbe(residency, settings, { memory }))).toMatchObject({ residency_outside_addresses: 1 });
  });

  test.each([
    ["that is not there", undefined, /there is no file .*: check the path/],
    ["that is something else", Buffer.from("<html>"), /is not a sound MMDB file/],
    ["that was cut off", mmdb(rows).subarray(0, 200), /is not a sound MMDB file/],
    ["whose tree leads astray", broken(mmdb(rows)), /not a sound MMDB file|not known/],
  ])("a file %s makes it unknown, and says what to mend", async (_what, content, reason) => {
    await using folder = await scratch();
    const path = join(folder.path, "country.mmdb");
    if (content) await writeFile(path, content);
    await using names = await nameServer({ "social.example": { A: ["192.0.2.1"] } });
    const settings = { hosts: ["social.example"], countries: ["CA"], databases: [path], servers: names.servers };
    expect(await runProbe(residency, settings)).toMatchObject({
      outcome: "unknown",
      reason: expect.stringMatching(reason),
    });
  });

  function broken(file: Buffer): Buffer {
    const copy = Buffer.from(file);
    return copy.fill(0xff, 0, 600);
  }
});

describe("with a registry (RDAP)", () => {
  const answer = {
    objectClassName: "ip network",
    country: "ca",
    name: "EXAMPLE-NET",
    entities: [
      { roles: ["abuse"], vcardArray: ["vcard", [["fn", {}, "text", "Abuse Desk"]]] },
      {
        roles: ["registrant"],
        vcardArray: [
          "vcard",
          [
            ["version", {}, "text", "4.0"],
            ["fn", {}, "text", "Example Hosting"],
          ],
        ],
      },
    ],
  };
  const settings = { hosts: ["social.example"], countries: ["CA"], owners: ["Example Hosting"] };

  test("it is asked about what is not known yet, follows where it is led, and is remembered for days", async () => {
    await using registry = await webServer((path) =>
      path.startsWith("/first") ? { status: 302, headers: { location: path.replace("/first", "") } } : { body: answer },
    );
    await using names = await nameServer({ "social.example": { A: ["198.51.100.7", "192.0.2.1"] } });
    const clock = new FakeClock();
    const memory = new Map();
    const all = {
      ...settings,
      networks,
      servers: names.servers,
      rdap: { url: `${registry.url}/first/`, keepFor: "7d" },
    };
    const run = () => runProbe(residency, all, { clock, memory });
    expect(await run()).toMatchObject({
      outcome: "up",
      evidence: expect.stringContaining("198.51.100.7: CA, Example Hosting (RDAP)"),
    });
    expect(registry.asked).toEqual(["/first/ip/198.51.100.7", "/ip/198.51.100.7"]);
    await clock.turn(6 * 86_400);
    await run();
    expect(registry.asked).toHaveLength(2);
    await clock.turn(2 * 86_400);
    await run();
    expect(registry.asked).toHaveLength(4);
    names.zone["social.example"] = { A: ["192.0.2.1"] };
    await run();
    expect([...memory.keys()].filter((key) => key.startsWith("rdap"))).toEqual([]);
  });

  test("ARIN's answers name the country only at the end of an address on a letter", async () => {
    const label = "350 Example Street\nMontreal\nQC\nH2X 1A1\nCanada";
    const adr = ["adr", { label }, "text", ["", "", "", "", "", "", ""]];
    const registrant = { roles: ["registrant"], vcardArray: ["vcard", [["fn", {}, "text", "Example Hosting"], adr]] };
    const arin = { objectClassName: "ip network", name: "EXAMPLE-1", entities: [registrant] };
    await using registry = await webServer(() => ({ body: arin }));
    await using names = await nameServer({ "social.example": { A: ["198.51.100.7"] } });
    const all = { ...settings, servers: names.servers, rdap: { url: registry.url } };
    expect(await runProbe(residency, all)).toMatchObject({ outcome: "up", reason: "1 address in CA" });
    adr[1] = { label: "1 Main Street\nAnytown\nNY\n10001\nUnited States" };
    expect(await runProbe(residency, all)).toMatchObject({
      reason: expect.stringContaining("outside: social.example"),
    });
    adr[1] = { label: "Somewhere\nNarnia" };
    expect((await runProbe(residency, all)).outcome).toBe("unknown");
  });

  test("members are not told where something is by the word of a registry alone", async () => {
    await using registry = await webServer(() => ({ body: answer }));
    await using zone = await nameServer({ "social.example": { A: ["198.51.100.7", "192.0.2.1"] } });
    const all = { ...settings, public: true, networks, servers: zone.servers, rdap: { url: registry.url } };
    const doubtful = await runProbe(residency, all);
    expect(doubtful).toMatchObject({ outcome: "up", reason: expect.stringContaining("for 198.51.100.7, add it to") });
    expect(doubtful.readings?.map(({ metric }) => metric)).not.toContain("residency_public_addresses");
    const own = [...networks, { network: "198.51.100.0/24", country: "CA" }];
    const sure = await runProbe(residency, { ...all, networks: own });
    expect(sure.readings).toContainEqual({
      metric: "residency_public_addresses",
      value: 2,
      labels: { countries: "CA", against: "networks RDAP" },
    });
  });

  test("one that fails is left alone for an hour; what it said before holds for a while", async () => {
    let reply: Reply = { status: 429 };
    await using registry = await webServer(() => reply);
    await using names = await nameServer({ "social.example": { A: ["198.51.100.7"] } });
    const clock = new FakeClock();
    const memory = new Map();
    const all = { ...settings, servers: names.servers, rdap: { url: registry.url } };
    const run = () => runProbe(residency, all, { clock, memory });
    expect(await run()).toMatchObject({ outcome: "unknown", reason: expect.stringContaining("RDAP: answered 429") });
    reply = { body: answer };
    await run();
    expect(registry.asked).toHaveLength(1);
    await clock.turn(3601);
    expect((await run()).outcome).toBe("up");
    reply = { status: 500 };
    await clock.turn(8 * 86_400);
    expect((await run()).outcome).toBe("up");
    await clock.turn(30 * 86_400);
    expect((await run()).outcome).toBe("unknown");
  });

  test("many addresses are asked about a few at a time", async () => {
    await using registry = await webServer(() => ({ body: answer }));
    const A = Array.from({ length: 30 }, (_, index) => `198.51.100.${index + 1}`);
    await using names = await nameServer({ "social.example": { A } });
    const memory = new Map();
    const all = { ...settings, servers: names.servers, rdap: { url: registry.url } };
    expect((await runProbe(residency, all, { memory })).outcome).toBe("unknown");
    expect(registry.asked).toHaveLength(20);
    expect((await runProbe(residency, all, { memory })).outcome).toBe("up");
    expect(registry.asked).toHaveLength(30);
  });

  test.each([
    ["HTML", "<html>"],
    ["an error object", { errorCode: 404 }],
    ["wild types", { objectClassName: "ip network", country: 7, entities: [null, { roles: 3, vcardArray: "x" }] }],
    ["deep nesting", `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`],
    ["nothing that helps", { objectClassName: "ip network", country: "Canada", entities: [] }],
  ])("%s for an answer is not known, and no accident", async (_what, body) => {
    await using registry = await webServer(() => ({ body }));
    await using names = await nameServer({ "social.example": { A: ["198.51.100.7"] } });
    const all = { ...settings, servers: names.servers, rdap: { url: registry.url } };
    const sample = await runProbe(residency, all);
    expect(sample).toMatchObject({ outcome: "unknown", reason: expect.stringMatching(/^not known: /) });
  });
});

describe("with the address of a server", () => {
  const document = {
    domain: "social.example",
    version: "4.4.0",
    configuration: { urls: { streaming: "wss://streaming.example" } },
    thumbnail: { url: "https://media.example/picture.png" },
    contact: { account: { username: "admin", avatar: "javascript:alert(1)", header: "https://media.example/h.png" } },
  };

  test("the hosts that it names are looked up too, also later while it is down", async () => {
    let up = true;
    await using web = await webServer(() => (up ? { body: document } : { status: 502 }));
    await using names = await nameServer({
      "social.example": { A: ["192.0.2.1"] },
      "streaming.example": { A: ["192.0.2.2"] },
      "media.example": { A: ["203.0.113.3"] },
    });
    const memory = new Map();
    const settings = {
      url: web.url,
      countries: ["CA"],
      networks: [...networks, { network: "127.0.0.1", country: "CA" }],
      servers: names.servers,
    };
    const reason = "outside: media.example at 203.0.113.3: US, Large Cloud, LLC (networks)";
    expect(await runProbe(residency, settings, { memory })).toMatchObject({ outcome: "up", reason });
    up = false;
    expect(await runProbe(residency, settings, { memory })).toMatchObject({ outcome: "up", reason });
    expect(await runProbe(residency, settings)).toMatchObject({
      outcome: "unknown",
      reason: "127.0.0.1 did not say which hosts it uses",
    });
  });
});

test("what members may read stands in a reading only when it is wanted and all is inside", async () => {
  await using names = await nameServer({ "social.example": { A: ["192.0.2.1"] } });
  const settings = { hosts: ["social.example"], countries: ["CA"], networks, servers: names.servers, public: true };
  expect((await runProbe(residency, settings)).readings).toContainEqual({
    metric: "residency_public_addresses",
    value: 1,
    labels: { countries: "CA", against: "networks" },
  });
  names.zone["social.example"] = { A: ["192.0.2.1", "203.0.113.1"] };
  expect(Object.keys(counts(await runProbe(residency, settings)))).not.toContain("residency_public_addresses");
});

test.each([
  ["nothing to look up", { countries: ["CA"], networks }, "add hosts, mail or url"],
  ["nobody to ask", { hosts: ["a.example"], countries: ["CA"] }, "add networks, databases or rdap"],
  [
    "a name server by name",
    { hosts: ["a.example"], countries: ["CA"], networks, servers: ["dns.example"] },
    "of a name server",
  ],
  ["a country in words", { hosts: ["a.example"], countries: ["Canada"], networks }, "two capital letters, like CA"],
  ...["192.0.2.0/33", "192.0.2.0/", "300.0.0.0/8", "192.0.2.0/8/8", "::/129", "example"].map(
    (network): [string, object, string] => [
      `the network ${network}`,
      { hosts: ["a.example"], countries: ["CA"], networks: [{ network, country: "CA" }] },
      "is not a network: write it like",
    ],
  ),
])("%s is refused with a sentence", (_what, settings, message) => {
  expect(JSON.stringify(residency.options.safeParse(settings).error?.issues)).toContain(message);
});

async function scratch() {
  const path = await mkdtemp(join(tmpdir(), "tidewatch-residency-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
