import { expect, test } from "vitest";
import type { NameResolver } from "../../../collector/network/dns-resolver.ts";
import { openHttp } from "../../../collector/network/http-client.ts";
import { openSelfCheck } from "../../../collector/probing/self-check.ts";
import { Unreachable } from "../../../core/errors.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { closedPort, httpServer, tcpServer } from "../../helpers/servers.ts";
import { testLog } from "../../helpers/test-log.ts";

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
  expect(await selfCheck.check()).toEqual({ online: true });
});

test("without any anchor we see nothing, and say why, once", async () => {
  const [first, second] = [await deadAddress(), await deadAddress()];
  const { selfCheck, log, clock } = setup([first, second]);
  const connectivity = await selfCheck.check();
  expect(connectivity.online).toBe(false);
  expect(connectivity).toMatchObject({ reason: expect.stringContaining(`${first}: refused on`) });
  await clock.turn(4);
  await selfCheck.check();
  expect(log.lines.map(({ level }) => level)).toEqual(["warn"]);
});

test("as many as required must answer", async () => {
  await using web = await httpServer((_request, response) => response.end());
  const dead = await deadAddress();
  expect((await setup([web.url, dead], 2).selfCheck.check()).online).toBe(false);
  expect((await setup([web.url, `127.0.0.1:${web.port}`, dead], 2).selfCheck.check()).online).toBe(true);
});

test("a bare connection will do as an anchor, even a refused one", async () => {
  await using server = await tcpServer(() => {});
  expect((await setup([`127.0.0.1:${server.port}`]).selfCheck.check()).online).toBe(true);
  expect((await setup([`tcp://127.0.0.1:${server.port}`]).selfCheck.check()).online).toBe(true);
  expect((await setup([`127.0.0.1:${await closedPort()}`]).selfCheck.check()).online).toBe(true);
  await server.allClosed();
});

test("an anchor that hangs costs three seconds and no more", async () => {
  const arrived = Promise.withResolvers<void>();
  await using server = await tcpServer((socket) => socket.once("data", () => arrived.resolve()));
  const { selfCheck, clock } = setup([server.url]);
  const looking = selfCheck.check();
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
  await Promise.all(Array.from({ length: 100 }, () => selfCheck.check()));
  expect(asked).toBe(1);
  await clock.turn(2);
  await selfCheck.check();
  expect(asked).toBe(1);
  await clock.turn(2);
  await selfCheck.check();
  expect(asked).toBe(2);
  expect(log.lines).toEqual([]);
});

test("with nothing to ask we assume that we see", async () => {
  expect(await setup([]).selfCheck.check()).toEqual({ online: true });
});

test("the silence of a name server counts only after it has answered once", async () => {
  await using server = await tcpServer(() => {});
  const { http, clock, log } = setup([]);
  let reachable = false;
  const resolver: NameResolver = {
    async addresses() {
      if (reachable) return [{ address: "127.0.0.1", family: 4 }];
      throw new Unreachable("no answer", { stage: "resolve" });
    },
  };
  const nameServers = () => [`dns.example:${server.port}`];
  const selfCheck = openSelfCheck({ anchors: [], http, clock, log, resolver, nameServers });
  expect((await selfCheck.check()).online).toBe(true);
  reachable = true;
  await clock.turn(4);
  expect((await selfCheck.check()).online).toBe(true);
  reachable = false;
  await clock.turn(4);
  expect((await selfCheck.check()).online).toBe(false);
  reachable = true;
  await clock.turn(4);
  expect((await selfCheck.check()).online).toBe(true);
  expect(log.lines.map(({ level }) => level)).toEqual(["warn", "info"]);
});
