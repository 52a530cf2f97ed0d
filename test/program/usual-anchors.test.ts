/** Anchors for a first configuration: those that answer, in their order. */
import { expect, test } from "vitest";
import { firstConfig } from "../../commands/lib/first-config.ts";
import { answeringAnchors } from "../../program/usual-anchors.ts";
import { closedPort, httpServer, tcpServer } from "../helpers/servers.ts";

test("what answers is written, and what does not is left out", async () => {
  await using web = await httpServer((_request, response) => response.end());
  await using plain = await tcpServer(() => {});
  const dead = `http://127.0.0.1:${await closedPort()}`;
  const candidates = [web.url, dead, `127.0.0.1:${plain.port}`];
  const anchors = await answeringAnchors(candidates);
  expect(anchors).toEqual([web.url, `127.0.0.1:${plain.port}`]);
  const written = firstConfig({ found: [], anchors, timeZone: "UTC", kinds: {} });
  expect(written).toContain(`\nselfCheck: { anchors: ["${web.url}", "127.0.0.1:${plain.port}"] }\n`);
  await plain.allClosed();
});
