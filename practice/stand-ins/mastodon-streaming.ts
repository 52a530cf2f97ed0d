/**
 * A stand-in for Mastodon's streaming server: whom it refuses, and how a stream begins.
 *
 * 4.5 answers as 4.5.15 was captured;
 * 4.2 as its source says, where the library `ws` turns WebSockets away (its verifyClient, until 4.3).
 */
import { createHash } from "node:crypto";
import type { Asked, Reply } from "./stand-in.ts";

export type StreamingServer = (asked: Asked) => Reply;
export type StreamingVersion = "4.2" | "4.5";

export function streamingServer(token: string, version: StreamingVersion): StreamingServer {
  const { closed, refused, stream } = manners[version];
  let messages = 1000;
  return ({ url, headers }) => {
    if (url.pathname === "/metrics") {
      messages += 3;
      return metrics(messages);
    }
    if (url.pathname === "/api/v1/streaming/health") return health;
    const upgrade = headers.upgrade?.toLowerCase() === "websocket";
    const given = tokenOf(url, headers);
    if (upgrade) {
      if (given !== token) return closed(given === undefined ? "Missing access token" : "Invalid access token");
      return agreed(headers["sec-websocket-key"] ?? "", given);
    }
    if (!/^\/api\/v1\/streaming\/(?:user|public|direct|hashtag|list)\b/.test(url.pathname)) return unknownChannel;
    if (given === undefined) return refused(401, "Missing access token");
    return given === token ? stream : refused(401, "Invalid access token");
  };
}

interface Manners {
  /** What a stream is answered that may not begin. */
  refused(status: number, error: string): Reply;
  /** What becomes of a WebSocket without a good token; `status` 500 when it cannot ask its database. */
  closed(error: string, status?: number): Reply;
  /** As far as it goes until the first post; the real one stays open. */
  readonly stream: Reply;
}

const express = { "x-powered-by": "Express", "access-control-allow-origin": "*" };

function tokenOf(url: URL, headers: Asked["headers"]): string | undefined {
  const [, bearer] = /^Bearer (.+)$/.exec(headers.authorization ?? "") ?? [];
  return bearer ?? headers["sec-websocket-protocol"] ?? url.searchParams.get("access_token") ?? undefined;
}

const health: Reply = {
  status: 200,
  headers: { ...express, "content-type": "text/plain", "cache-control": "private, no-store" },
  body: "OK",
};

const said = (status: number, error: string): Reply => ({
  status,
  headers: { ...express, "content-type": "application/json" },
  body: JSON.stringify({ error }),
});

export const unknownChannel: Reply = said(400, "Unknown channel requested");

function agreed(key: string, protocol: string): Reply {
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return {
    status: 101,
    headers: {
      upgrade: "websocket",
      connection: "Upgrade",
      "sec-websocket-accept": accept,
      "sec-websocket-protocol": protocol,
    },
  };
}

const stream = (cacheControl: string, body: string): Reply => ({
  status: 200,
  headers: { ...express, "content-type": "text/event-stream", "cache-control": cacheControl },
  body,
});

export const manners: Readonly<Record<StreamingVersion, Manners>> = {
  "4.2": {
    refused: (status, error) => said(status, status === 401 ? `Error: ${error}` : error),
    // For whatever reason: it does not tell a wrong token from a database that is gone.
    closed: () => ({
      status: 401,
      headers: { connection: "close", "content-type": "text/html" },
      body: "Unauthorized",
    }),
    stream: stream("no-store", ":)\n:thump\n"),
  },
  "4.5": {
    refused: said,
    closed: (error, status = 401) => ({
      status,
      headers: { "content-type": "text/plain", "x-error-message": error },
    }),
    stream: stream("private, no-store", ":)\n:thump\n\n"),
  },
};

/** As captured with two listeners, without the figures of the process. */
export const metrics = (messages: number): Reply => ({
  status: 200,
  headers: { ...express, "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  body: `# HELP connected_clients The number of clients connected to the streaming server
# TYPE connected_clients gauge
connected_clients{type="websocket"} 1
connected_clients{type="eventsource"} 1

# TYPE connected_channels gauge
connected_channels{type="websocket",channel="public"} 1
connected_channels{type="eventsource",channel="public"} 1

# HELP redis_messages_received_total The total number of messages the streaming server has received from redis subscriptions
# TYPE redis_messages_received_total counter
redis_messages_received_total ${messages}
`,
});
