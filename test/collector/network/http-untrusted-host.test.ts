/** Requests that a stranger's document led to, and those that ask to go on as something else. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import { openHttp } from "../../../collector/network/http-client.ts";
import { smallServer } from "../../helpers/small-server.ts";

const client = () => openHttp({ userAgent: "Tidewatch/test" }).forRun(new AbortController().signal);

test("a server in public must not name an address inside our network", async () => {
  await using server = await smallServer({ "*": { body: "secret" } });
  await expect(client().get(server.url, { namedBy: { address: "203.0.113.7" } })).rejects.toThrow(
    "leads to a private address (127.0.0.1)",
  );
  expect(server.requests).toEqual([]);
});

test("one that is inside our network itself may", async () => {
  await using server = await smallServer({ "*": { body: "fine" } });
  const answer = await client().get(server.url, { namedBy: { address: "10.0.0.7" } });
  expect(answer.text()).toBe("fine");
});

test("a server that goes along with a WebSocket is heard and left", async () => {
  const key = randomBytes(16).toString("base64");
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const server = createServer();
  const left = Promise.withResolvers<void>();
  server.on("upgrade", (request, socket) => {
    expect(request.headers["user-agent"]).toBe("Tidewatch/test");
    socket.on("error", () => {});
    socket.once("close", () => left.resolve());
    socket.once("end", () => socket.end());
    socket.resume();
    socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n");
    socket.write(`sec-websocket-accept: ${accept}\r\n\r\n\u0081\u0005hello`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const http = client();
  const answer = await http.get(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`, {
    upgrade: "websocket",
    headers: { "sec-websocket-key": key, "sec-websocket-version": "13" },
  });
  expect([answer.status, answer.headers.get("sec-websocket-accept")]).toEqual([101, accept]);
  expect(answer.phases.total).toBeGreaterThan(0);
  await left.promise;
  server.close();
  await once(server, "close");
});

test("a server that does not go along gives its ordinary answer", async () => {
  await using server = await smallServer({ "*": { status: 401, body: "no", headers: { "x-error-message": "no" } } });
  const answer = await client().get(server.url, { upgrade: "websocket" });
  expect([answer.status, answer.text(), answer.headers.get("x-error-message")]).toEqual([401, "no", "no"]);
});

test("a server that agrees to what nobody asked for breaks the rules", async () => {
  await using server = await smallServer({
    "*": { status: 101, headers: { upgrade: "websocket", connection: "upgrade" } },
  });
  await expect(client().get(server.url)).rejects.toThrow(/./);
});
