/** A TCP server on loopback that takes every connection and never says a word. */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";

export interface SilentServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Resolves when there was a connection and all are closed again by the other side. */
  readonly everybodyLeft: Promise<void>;
}

/**
 * @param heard called at each connection as soon as something was said, or at once with `whenever: "connected"`.
 * @param at an address of loopback: what is watched on one address is one machine.
 */
export async function silentServer(
  heard: () => unknown,
  { whenever = "asked", at = "127.0.0.1" }: { readonly whenever?: "asked" | "connected"; readonly at?: string } = {},
): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  const left = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) left.resolve();
    });
    if (whenever === "connected") heard();
    else socket.once("data", heard);
    socket.resume();
  });
  server.listen(0, at);
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    host: `${at}:${port}`,
    port,
    everybodyLeft: left.promise,
    get open() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
