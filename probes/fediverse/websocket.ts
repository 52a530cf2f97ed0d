/** The WebSocket handshake (RFC 6455, section 4): whether a server, and every proxy before it, accepts the upgrade. */
import { createHash, randomBytes } from "node:crypto";
import type { HttpAnswer, HttpRequest } from "../../core/probe.ts";

export interface WebSocketHandshake {
  readonly request: HttpRequest;
  /** The server answered 101 to this very request. */
  agreed(answer: HttpAnswer): boolean;
}

const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** @param protocol what a browser would give as subprotocol. */
export function handshake(protocol?: string): WebSocketHandshake {
  const key = randomBytes(16).toString("base64");
  const accept = createHash("sha1").update(`${key}${magic}`).digest("base64");
  return {
    request: {
      upgrade: "websocket",
      headers: {
        "sec-websocket-version": "13",
        "sec-websocket-key": key,
        ...(protocol !== undefined && { "sec-websocket-protocol": protocol }),
      },
    },
    agreed: ({ status, headers }) => status === 101 && headers.get("sec-websocket-accept") === accept,
  };
}
