/** The streaming probe against the captured answers, streams that never end, and everything that stands in their way. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";
import { practiceToken, startMastodon } from "../../practice/stand-ins/mastodon.ts";
import probe from "../../probes/mastodon-streaming.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { runProbe } from "../helpers/run-probe.ts";
import { type Answers, asHtml, asJson, smallServer } from "../helpers/small-server.ts";

const token = new Secret(practiceToken);
const captured = (name: string) =>
  readFileSync(new URL(`../fixtures/mastodon/streaming/${name}`, import.meta.url), "utf8");

const missing = { status: 401, ...asJson({ error: "Missing access token" }) };
const noToken = { status: 401, headers: { "x-error-message": "Missing access token" } };
/** As the library `ws` turns one away by verifyClient, which Mastodon used until 4.3. */
const webSocketOf42 = { status: 401, headers: { "content-type": "text/html" }, body: "Unauthorized" };
const health = { headers: { "content-type": "text/plain" }, body: "OK" };
/** An instance document that names where it streams. */
const instance = (streaming: unknown) =>
  asJson({ domain: "social.example", version: "4.5.15", configuration: { urls: { streaming } } });

const parts = (changes: Answers = {}): Answers => ({
  "/api/v2/instance": (url) => instance(url.replace("http", "ws")),
  "/api/v1/streaming/health": health,
  "/api/v1/streaming/public": missing,
  "/api/v1/streaming": noToken,
  ...changes,
});

async function withParts(changes: Answers, options: object = {}) {
  await using server = await smallServer(parts(changes));
  return await runProbe(probe, { url: server.url, ...options });
}

describe("a streaming server that works", () => {
  test.each(["4.2", "4.5"] as const)(
    "is up without a token, and opens a real stream with one (%s)",
    async (version) => {
      await using mastodon = await startMastodon({ version });
      expect(await runProbe(probe, { url: mastodon.url })).toMatchObject({ outcome: "up" });
      expect(await runProbe(probe, { url: mastodon.url, token })).toMatchObject({ outcome: "up" });
    },
  );

  test("that streams without end is left after its first two characters", async () => {
    const hungUp = Promise.withResolvers<void>();
    await using server = await endless((_request, response) => {
      response.once("close", () => hungUp.resolve());
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(":)\n");
    });
    expect(await runProbe(probe, { url: server.url, token })).toMatchObject({ outcome: "up" });
    await hungUp.promise;
  });

  test("tells its address once in ten minutes, and a server that stops telling changes nothing", async () => {
    await using streaming = await smallServer(parts());
    let tells = true;
    await using web = await smallServer({
      "/api/v2/instance": () => (tells ? instance(streaming.url.replace("http", "ws")) : { status: 500 }),
    });
    const [clock, memory] = [new FakeClock(), new Map()];
    const again = () => runProbe(probe, { url: web.url }, { clock, memory });
    expect(await again()).toMatchObject({ outcome: "up" });
    await clock.turn(599);
    expect(await again()).toMatchObject({ outcome: "up" });
    expect(web.requests).toHaveLength(1);
    tells = false;
    await clock.turn(1);
    expect(await again()).toMatchObject({ outcome: "up" });
    expect(web.requests).toHaveLength(2);
    expect(streaming.requests.filter((asked) => asked.endsWith("/health"))).toHaveLength(3);
  });

  test("is found at the web server's own address when that describes itself to members only", async () => {
    await using mastodon = await startMastodon({ version: "4.2", limitedFederation: true });
    expect(await runProbe(probe, { url: mastodon.url })).toMatchObject({ outcome: "up" });
  });
});

describe("what is wrong", () => {
  test.each<[string, Answers, string, RegExp]>([
    [
      "the health page is slow to be right",
      { "/api/v1/streaming/health": { body: "no" } },
      "degraded",
      /does not say OK/,
    ],
    [
      "a bot wall before it",
      { "/api/v1/streaming/health": { status: 403 } },
      "unknown",
      /^blocked: the monitor is refused/,
    ],
    [
      "planned work",
      { "/api/v1/streaming/health": { status: 503, headers: { "retry-after": "600" } } },
      "degraded",
      /^says it is under maintenance \(503, asks to come back in 600 s\)$/,
    ],
    [
      "a password prompt",
      { "/api/v1/streaming/public": { status: 401 } },
      "degraded",
      /asks for a password of its own/,
    ],
    [
      "an open door that is none",
      { "/api/v1/streaming/public": asHtml("<h1>") },
      "degraded",
      /answers 200 instead of 401/,
    ],
    [
      "a password before WebSockets only",
      { "/api/v1/streaming": { status: 401, headers: { "www-authenticate": "Basic" } } },
      "degraded",
      /^something before WebSockets asks for a password of its own$/,
    ],
    ["a fake WebSocket", { "/api/v1/streaming": { status: 200 } }, "degraded", /^WebSockets are answered with 200$/],
    ["an address of nonsense", { "/api/v2/instance": instance("nonsense") }, "degraded", /"nonsense" is no address/],
    ["an address of another kind", { "/api/v2/instance": instance("file:///etc/passwd") }, "degraded", /is no address/],
  ])("%s", async (_what, changes, outcome, reason) => {
    const sample = await withParts(changes);
    expect(sample).toMatchObject({ outcome, reason: expect.stringMatching(reason) });
    expect(sample.explanation).toEqual({ en: expect.any(String), fr: expect.any(String) });
  });

  test("members read of maintenance where it is one", async () => {
    await using mastodon = await startMastodon();
    await mastodon.become("maintenance");
    expect(await runProbe(probe, { url: mastodon.url })).toMatchObject({
      outcome: "degraded",
      explanation: { en: "Mastodon says it is under maintenance." },
    });
  });

  test("a host of its own that is gone is no outage of the whole", async () => {
    const gone = await smallServer({});
    await gone[Symbol.asyncDispose]();
    const sample = await withParts({ "/api/v2/instance": instance(`ws://${gone.host}`) });
    expect(sample).toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/^streaming \(health\) on 127\.0\.0\.1:\d+: refused/),
      explanation: { en: "New posts do not appear by themselves: pages must be reloaded to see them." },
    });
  });

  test("a token that is refused is our own business", async () => {
    await using mastodon = await startMastodon();
    const wrong = new Secret("a-token-that-was-revoked");
    const sample = await runProbe(probe, { url: mastodon.url, token: wrong });
    expect(sample).toMatchObject({ outcome: "unknown", reason: expect.stringContaining("the token is refused") });
    expect(JSON.stringify(sample)).not.toContain("a-token-that-was-revoked");
  });

  test("a proxy that drops the header with the token from WebSockets only", async () => {
    const opened = { headers: { "content-type": "text/event-stream" }, body: ":)\n" };
    expect(await withParts({ "/api/v1/streaming/public": opened }, { token })).toMatchObject({
      outcome: "degraded",
      reason: "the token gets lost on the way of a WebSocket: does the proxy drop its header?",
    });
  });

  test.each<[string, Answers]>([
    ["before 4.3", { "/api/v1/streaming": webSocketOf42 }],
    ["today", { "/api/v1/streaming": { status: 500, headers: { "x-error-message": "An unexpected error occurred" } } }],
  ])("a database that is gone is told once, of the stream (%s)", async (_when, webSocket) => {
    const failed = { status: 500, ...asJson({ error: "An unexpected error occurred" }) };
    const sample = await withParts({ "/api/v1/streaming/public": failed, ...webSocket }, { token });
    expect(sample).toMatchObject({
      outcome: "degraded",
      reason: "streaming answers 500 while its health page says OK: it cannot reach its database",
    });
  });

  test("a server that repeats the token in its error does not get it into our books", async () => {
    const parrot = { status: 418, body: practiceToken, headers: { server: practiceToken } };
    const sample = await withParts({ "/api/v1/streaming/public": parrot, "/api/v1/streaming": parrot }, { token });
    expect(sample.outcome).toBe("degraded");
    expect(JSON.stringify(sample)).not.toContain(practiceToken);
  });

  test("a proxy that buffers the stream, so that nothing ever comes through", async () => {
    const clock = new FakeClock();
    await using server = await endless((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      void clock.turn(6);
    });
    const sample = await runProbe(probe, { url: server.url, token }, { clock, timeoutSeconds: 20 });
    expect(sample).toMatchObject({ outcome: "degraded", reason: "streaming (stream): no answer within 5 s" });
  });

  test("an answer that is slower than it should be", async () => {
    await using mastodon = await startMastodon({ slowSeconds: 0.06 });
    await mastodon.become("slow");
    expect(await runProbe(probe, { url: mastodon.url, maxSeconds: 0.05 })).toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/^the streaming server took [\d.]+ s to answer, more than 0\.05 s$/),
      explanation: { en: "New posts appear by themselves, but slowly." },
    });
  });
});

describe("a server that speaks Mastodon's API without being Mastodon", () => {
  const relative = (webSocket: Answers[string], name = "gotosocial"): Answers => ({
    "/.well-known/nodeinfo": (url) =>
      asJson({ links: [{ rel: "http://nodeinfo.diaspora.software/ns/schema/2.0", href: `${url}/nodeinfo/2.0` }] }),
    "/nodeinfo/2.0": asJson({ software: { name, version: "0.20.2" } }),
    "/api/v1/streaming/health": { status: 404 },
    "/api/v1/streaming/public": { status: 404 },
    "/api/v1/streaming": webSocket,
  });

  test("needs no streaming health page, and is asked whether WebSockets are answered", async () => {
    const turnedAway = { status: 400, ...asJson({ error: "Bad Request" }) };
    expect(await withParts(relative(turnedAway))).toMatchObject({
      outcome: "up",
      reason: "is gotosocial, without a streaming health page: only asked whether WebSockets are answered",
    });
    expect(await withParts(relative({ status: 502 }))).toMatchObject({
      outcome: "degraded",
      reason: "WebSockets are answered with 502",
    });
  });

  test("is not what a Mastodon is whose proxy loses streaming", async () => {
    expect(await withParts(relative({ status: 404 }, "mastodon"))).toMatchObject({
      outcome: "degraded",
      reason: expect.stringMatching(/^streaming is lost on the way/),
    });
  });
});

describe("what it hears", () => {
  /** @param postEvery seconds from one public post to the next; 0 where nobody may read them. */
  async function hearing(texts: readonly string[], minutesBetween: number, postEvery = 60) {
    let at = 0;
    const [clock, memory] = [new FakeClock(), new Map()];
    const timeline = () => {
      const now = clock.now().epochMilliseconds;
      const posts = Array.from({ length: 20 }, (_, index) => {
        const written = now - (index + 1) * postEvery * 1000;
        return { id: `${BigInt(written) << 16n}`, created_at: new Date(written).toISOString() };
      });
      const open = asJson(posts, { date: new Date(now).toUTCString() });
      return postEvery > 0 ? open : { status: 422, ...asJson({ error: "This method requires an authenticated user" }) };
    };
    await using metrics = await smallServer({ "*": () => ({ body: texts[at] ?? "" }) });
    await using server = await smallServer(parts({ "/api/v1/timelines/public": timeline }));
    const samples = [];
    for (at = 0; at < texts.length; at++) {
      samples.push(await runProbe(probe, { url: server.url, metrics: `${metrics.url}/metrics` }, { clock, memory }));
      await clock.turn(minutesBetween * 60);
    }
    return samples;
  }
  const counted = (clients: number, messages: number) =>
    `connected_clients{type="websocket"} ${clients}\nredis_messages_received_total ${messages}\n`;
  /** The same with somebody who listens to all posts. */
  const listening = (clients: number, messages: number) =>
    `${counted(clients, messages)}connected_channels{type="websocket",channel="public"} 1\n`;
  const outcomes = async (...texts: readonly string[]) => (await hearing(texts, 8)).map(({ outcome }) => outcome);

  test("is read from the captured figures", async () => {
    const [sample] = await hearing([captured("metrics-two-clients-two-messages.txt")], 1);
    expect(sample).toMatchObject({
      outcome: "up",
      readings: [
        { metric: "mastodon_streaming_clients", value: 1, labels: { type: "websocket" } },
        { metric: "mastodon_streaming_clients", value: 1, labels: { type: "eventsource" } },
        { metric: "mastodon_streaming_messages_received_total", value: 2 },
      ],
    });
    expect(await outcomes(captured("metrics-idle.txt"), captured("metrics-idle.txt"))).toEqual(["up", "up"]);
  });

  test("deaf is who hears nothing of the posts that come in for a quarter of an hour, while somebody listens to all", async () => {
    expect(await outcomes(listening(3, 9), listening(3, 9), listening(2, 9), listening(2, 10))).toEqual([
      "up",
      "up",
      "degraded",
      "up",
    ]);
    const captures = Array.from({ length: 3 }, () => captured("metrics-two-clients-two-messages.txt"));
    expect((await hearing(captures, 8)).at(-1)).toMatchObject({
      outcome: "degraded",
      reason: "streaming is deaf: 2 connected, no message from Redis for 16 min, while 15 posts came in",
    });
  });

  test.each<[string, readonly string[], number]>([
    ["one member who follows nobody that writes at night", Array.from({ length: 10 }, () => counted(1, 9)), 60],
    ["a night in which nobody writes", Array.from({ length: 10 }, () => listening(3, 9)), 7200],
    ["a timeline that nobody may read", Array.from({ length: 10 }, () => listening(3, 9)), 0],
    ["who listens to all has only just come", [...Array.from({ length: 9 }, () => counted(3, 9)), listening(3, 9)], 60],
  ])("quiet is not deaf: %s", async (_what, texts, postEvery) => {
    expect((await hearing(texts, 8, postEvery)).at(-1)).toMatchObject({
      outcome: "up",
      reason: expect.stringMatching(
        /^\d connected, no message from Redis for 72 min: nothing says that it missed any$/,
      ),
    });
  });

  test("deaf is also who tells ten members nothing for an hour and a quarter, whomever they follow", async () => {
    const samples = await hearing(
      Array.from({ length: 11 }, () => counted(10, 9)),
      8,
    );
    expect(samples.map(({ outcome }) => outcome)).toEqual([
      ...Array.from({ length: 9 }, () => "up"),
      "degraded",
      "degraded",
    ]);
  });

  test("an hour without anybody who listens, a restart, and one message are no deafness", async () => {
    expect(await outcomes(...Array.from({ length: 6 }, () => listening(0, 9)))).not.toContain("degraded");
    expect(await outcomes(listening(3, 9), listening(3, 9), listening(3, 0), listening(3, 0))).not.toContain(
      "degraded",
    );
    expect(await outcomes(listening(3, 9), listening(3, 9), listening(0, 9), listening(3, 9))).not.toContain(
      "degraded",
    );
  });

  test.each([
    "",
    "<h1>not metrics</h1>",
    "redis_messages_received_total NaN",
    `redis_messages_received_total ${"9".repeat(400)}`,
  ])("figures that are none are our own failure: %s", async (text) => {
    const [sample] = await hearing([text], 1);
    expect(sample).toMatchObject({
      outcome: "unknown",
      reason: expect.stringContaining("could not see what streaming hears"),
    });
  });
});

describe("the stand-in", () => {
  test("of 4.2 turns WebSockets away in the words of its library", async () => {
    await using mastodon = await startMastodon({ version: "4.2" });
    expect(await ask(mastodon.url, "/api/v1/streaming", true)).toEqual({
      status: 401,
      contentType: "text/html",
      error: undefined,
      body: "Unauthorized",
    });
  });

  test("answers what the real server was captured answering", async () => {
    await using mastodon = await startMastodon();
    const seen = await Promise.all(answers().map(({ path, upgrade }) => ask(mastodon.url, path, upgrade)));
    expect(answers().length).toBe(6);
    answers().forEach((answer, index) => {
      expect({ path: answer.path, ...seen[index] }).toEqual({ path: answer.path, ...answer.said });
    });
  });
});

/** Status, kind and body of each captured answer; the token of the capture becomes ours. */
function answers() {
  return captured("http-answers.txt")
    .replaceAll("\r", "")
    .split(/^\$ /m)
    .filter((section) => section.startsWith("GET"))
    .flatMap((section) => {
      const [, request = "", head = "", body = ""] = /^GET ([^\n]*)\n(.*?)\n\n(.*)$/s.exec(section) ?? [];
      const path = (request.split(" ")[0] ?? "").replace("probe-token", practiceToken);
      // The root of its own port, which no proxy passes on.
      if (path === "/") return [];
      return [{ path, upgrade: request.includes("ws upgrade"), said: saying(head, body.trim()) }];
    });
}

const saying = (head: string, body: string) => ({
  status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]),
  contentType: /^content-type: (.*)$/im.exec(head)?.[1]?.trim(),
  error: /^x-error-message: (.*)$/im.exec(head)?.[1]?.trim(),
  body,
});

/** Over a bare socket, so that nothing is added or left out. */
async function ask(base: string, path: string, upgrade: boolean) {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  const wish = upgrade
    ? "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="
    : "connection: close";
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${hostname}\r\n${wish}\r\n\r\n`);
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    if (upgrade && text.includes("\r\n\r\n")) socket.end();
  });
  await once(socket, "close");
  const [head = "", body = ""] = text.split("\r\n\r\n");
  return saying(head.replaceAll("\r", ""), body.trim());
}

/** Everything else works; a stream is answered as the test says, and stays open. */
async function endless(stream: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?", 1)[0];
    if (path === "/api/v1/streaming/public") return stream(request, response);
    if (path === "/api/v1/streaming/health") return response.end("OK");
    if (path === "/api/v1/streaming")
      return response.writeHead(401, { "x-error-message": "Missing access token" }).end();
    response.writeHead(500).end();
  });
  server.on("upgrade", (request, socket) => {
    const key = request.headers["sec-websocket-key"] ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.end(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
