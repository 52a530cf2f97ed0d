import { describe, expect, test } from "vitest";
import { openHttp } from "../../../collector/network/http-client.ts";
import { systemNameServers } from "../../../collector/network/system-name-servers.ts";
import { type Failure, openSelfCheck } from "../../../collector/probing/self-check.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { nameServer } from "../../helpers/name-server.ts";
import { until } from "../../helpers/program.ts";
import { closedPort, httpServer, tcpServer } from "../../helpers/servers.ts";
import { testLog } from "../../helpers/test-log.ts";

/** A connection of which nothing came back. */
const silence: Failure = { addresses: [{ address: "192.0.2.1", family: 4 }], isSilent: true };

function setup(anchors: readonly string[], require?: number, nameServers: readonly string[] = []) {
  const clock = new FakeClock();
  const log = testLog();
  const http = openHttp({ userAgent: "Tidewatch/test" });
  const settings = { anchors, http, clock, log, nameServers: () => nameServers, ...(require && { require }) };
  return { clock, log, http, selfCheck: openSelfCheck(settings) };
}

/** A web address nobody answers at: a refused one would be a sign of life of its host for a bare connection. */
async function deadAddress(): Promise<string> {
  return `http://127.0.0.1:${await closedPort()}`;
}

test("one anchor that answers, whatever it says, is enough by default", async () => {
  await using web = await httpServer((_request, response) => response.writeHead(500).end());
  const { selfCheck } = setup([await deadAddress(), web.url]);
  expect(await selfCheck.check(silence)).toEqual({ online: true });
});

test("without any anchor we see nothing, and say why, once", async () => {
  const [first, second] = [await deadAddress(), await deadAddress()];
  const { selfCheck, log, clock } = setup([first, second]);
  const connectivity = await selfCheck.check(silence);
  expect(connectivity.online).toBe(false);
  expect(connectivity).toMatchObject({ reason: expect.stringContaining(`${first}: refused on`) });
  await clock.turn(4);
  await selfCheck.check(silence);
  expect(log.lines.map(({ level }) => level)).toEqual(["warn"]);
});

test("as many as required must answer", async () => {
  await using web = await httpServer((_request, response) => response.end());
  const dead = await deadAddress();
  expect((await setup([web.url, dead], 2).selfCheck.check(silence)).online).toBe(false);
  expect((await setup([web.url, `127.0.0.1:${web.port}`, dead], 2).selfCheck.check(silence)).online).toBe(true);
});

test("a bare connection will do as an anchor, even a refused one", async () => {
  await using server = await tcpServer(() => {});
  expect((await setup([`127.0.0.1:${server.port}`]).selfCheck.check(silence)).online).toBe(true);
  expect((await setup([`tcp://127.0.0.1:${server.port}`]).selfCheck.check(silence)).online).toBe(true);
  expect((await setup([`127.0.0.1:${await closedPort()}`]).selfCheck.check(silence)).online).toBe(true);
  await server.allClosed();
});

test("an anchor that hangs costs three seconds and no more", async () => {
  const arrived = Promise.withResolvers<void>();
  await using server = await tcpServer((socket) => socket.once("data", () => arrived.resolve()));
  const { selfCheck, clock } = setup([server.url]);
  const looking = selfCheck.check(silence);
  await arrived.promise;
  await clock.turn(3);
  expect((await looking).online).toBe(false);
  await server.allClosed();
});

test("a hundred failures at once look once, and a later one looks again", async () => {
  let asked = 0;
  await using web = await httpServer((_request, response) => {
    asked += 1;
    response.end();
  });
  const { selfCheck, clock, log } = setup([web.url]);
  await Promise.all(Array.from({ length: 100 }, () => selfCheck.check(silence)));
  expect(asked).toBe(1);
  await clock.turn(2);
  await selfCheck.check(silence);
  expect(asked).toBe(1);
  await clock.turn(2);
  await selfCheck.check(silence);
  expect(asked).toBe(2);
  expect(log.lines).toEqual([]);
});

/** Nobody is configured: these name servers, and what was reached before, are asked. */
function unanchored(nameServers: readonly string[]) {
  const changes: boolean[] = [];
  const { clock, log, http } = setup([]);
  const onChange = (online: boolean) => void changes.push(online);
  const selfCheck = openSelfCheck({ anchors: [], http, clock, log, nameServers: () => nameServers, onChange });
  return { clock, log, selfCheck, changes };
}

describe("without anchors", () => {
  test("a name server that answers what nobody near can know is a sign of life, whatever it says", async () => {
    await using server = await nameServer({ names: {} });
    expect(await unanchored([server.at]).selfCheck.check(silence)).toEqual({ online: true });
    server.trouble = "refused";
    expect(await unanchored([server.at]).selfCheck.check(silence)).toEqual({ online: true });
    const names = server.asked.map((line) => /^udp ([0-9a-f]{16})\.com A$/.exec(line)?.[1]);
    expect(new Set(names).size).toBe(2);
    expect(names).not.toContain(undefined);
  });

  test("one that reaches nobody itself, or says nothing, is none", async () => {
    await using server = await nameServer({ names: {} });
    server.trouble = "servfail";
    const { selfCheck, log, changes } = unanchored([server.at]);
    expect(await selfCheck.check(silence)).toEqual({
      online: false,
      reason: `${server.at}: no answer (ESERVFAIL)`,
    });
    server.trouble = "silent";
    const other = unanchored([server.at]);
    const looking = other.selfCheck.check(silence);
    await until(() => expect(server.asked.length).toBeGreaterThan(1));
    await other.clock.turn(3);
    expect((await looking).online).toBe(false);
    expect(log.lines.map(({ level }) => level)).toEqual(["warn"]);
    expect(changes).toEqual([false]);
  });

  test("a refusal came over our own line, and needs nobody to say so", async () => {
    const { selfCheck } = unanchored([]);
    expect(await selfCheck.check({ ...silence, isSilent: false })).toEqual({ online: true });
  });

  test("where nobody can be asked, silence is ours, and it says what to do", async () => {
    const { selfCheck } = unanchored([]);
    expect(await selfCheck.check(silence)).toEqual({
      online: false,
      reason: "nobody can be asked: name places that always answer under selfCheck.anchors",
    });
  });

  test("what we reached before is asked, unless it is what fails, or only near", async () => {
    await using server = await tcpServer(() => {});
    const near: Failure = { addresses: [{ address: "10.9.8.7", family: 4 }], isSilent: true };
    const { selfCheck } = unanchored([]);
    selfCheck.reached({ address: "127.0.0.1", family: 4, port: server.port });
    expect(await selfCheck.check(near)).toEqual({ online: true });
    expect((await selfCheck.check({ ...near, addresses: [{ address: "127.0.0.1", family: 4 }] })).online).toBe(false);
    expect((await selfCheck.check(silence)).online).toBe(false);
    await server.allClosed();
  });

  test("the next run that comes through says that we see again", async () => {
    const { selfCheck, changes, log } = unanchored([]);
    await selfCheck.check(silence);
    selfCheck.reached({ address: "192.0.2.7", family: 4, port: 443 });
    selfCheck.reached({ address: "192.0.2.7", family: 4, port: 443 });
    expect(changes).toEqual([false, true]);
    expect(log.lines.map(({ message }) => message)).toEqual([
      "self-check failed: results are unknown until it succeeds",
      "self-check succeeds again",
    ]);
  });
});

describe("what has IPv6 alone", () => {
  const overIPv6: Failure = { addresses: [{ address: "2001:db8::1", family: 6 }], isSilent: true };

  test("says nothing while nobody answers over IPv6, and we are not blind by that", async () => {
    await using server = await nameServer({ names: {} });
    const { selfCheck, changes } = unanchored([server.at]);
    expect(await selfCheck.check(overIPv6)).toEqual({
      online: false,
      reason: "over IPv6 (nobody can be asked: name places that always answer under selfCheck.anchors)",
    });
    expect(await selfCheck.check(silence)).toEqual({ online: true });
    expect(changes).toEqual([]);
  });

  test("is believed where an anchor answers over IPv6, and not where it answers over IPv4 alone", async () => {
    await using six = await httpServer((_request, response) => response.end(), { host: "::1" });
    await using four = await httpServer((_request, response) => response.end());
    expect(await setup([`http://localhost:${six.port}`]).selfCheck.check(overIPv6)).toEqual({ online: true });
    const { selfCheck } = setup([four.url]);
    expect(await selfCheck.check(overIPv6)).toMatchObject({ online: false });
    expect(await selfCheck.check(silence)).toEqual({ online: true });
  });
});

describe("the name servers of this machine", () => {
  const stub = () => ["127.0.0.53"];

  test("are the real ones, where a stub stands before them", () => {
    const files: Readonly<Record<string, string>> = {
      "/run/systemd/resolve/resolv.conf":
        "# made\nnameserver 192.0.2.53\nnameserver 127.0.0.1\nnameserver 2001:db8::53\n",
    };
    expect(systemNameServers(stub, (file) => files[file] ?? "")).toEqual(["192.0.2.53", "2001:db8::53"]);
  });

  test("are the stub itself, where nothing is known of those behind it", () => {
    expect(systemNameServers(stub, () => "")).toEqual(["127.0.0.53"]);
  });

  test("are those that are configured, where they are others", () => {
    expect(
      systemNameServers(
        () => ["127.0.0.1", "192.0.2.9"],
        () => "nameserver 192.0.2.53",
      ),
    ).toEqual(["192.0.2.9"]);
  });
});
