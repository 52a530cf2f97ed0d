import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { sendHeartbeats } from "../../../collector/export/outgoing-heartbeat.ts";
import { silentLog } from "../../../core/log.ts";
import type { Http } from "../../../core/probe.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";

async function setup() {
  let beats = 0;
  let arrived = () => {};
  const server = createServer((_request, response) => {
    beats += 1;
    response.end("ok");
    arrived();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const clock = new FakeClock();
  const stop = new AbortController();
  const state: { stuck: string | undefined } = { stuck: undefined };
  const http = (signal: AbortSignal): Http => ({
    async get(url) {
      const answer = await fetch(url, { signal });
      return {
        url: new URL(answer.url),
        status: answer.status,
        headers: answer.headers,
        body: new Uint8Array(),
        truncated: false,
        text: () => "",
        json: () => undefined,
        phases: {},
        address: "127.0.0.1",
        family: 4,
        redirects: [],
      };
    },
  });
  const running = sendHeartbeats(
    { url: `http://127.0.0.1:${address.port}/`, everySeconds: 60 },
    { clock, log: silentLog, http, healthy: () => state.stuck },
    stop.signal,
  ).catch(() => {});
  return {
    clock,
    state,
    beats: () => beats,
    arrival: () =>
      new Promise<void>((resolve) => {
        arrived = resolve;
      }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("somebody outside hears from us each interval", async () => {
  await using outside = await setup();
  const arrival = outside.arrival();
  await outside.clock.turn(60);
  await arrival;
  expect(outside.beats()).toBe(1);
});

test("while a part of us stands still, nobody outside is told that we are well", async () => {
  await using outside = await setup();
  outside.state.stuck = "the judge has not moved for 90 s";
  await outside.clock.turn(300);
  outside.state.stuck = undefined;
  const arrival = outside.arrival();
  await outside.clock.turn(60);
  await arrival;
  expect(outside.beats()).toBe(1);
});
