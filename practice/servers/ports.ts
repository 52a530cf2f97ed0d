/** Finds a port on 127.0.0.1 for a server that cannot choose one itself. */
import { once } from "node:events";
import { createServer } from "node:net";
import { DidNotStart } from "./process.ts";

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("the system gave no TCP port");
  return address.port;
}

/**
 * Starts a server on `port`, or on a free one; when somebody else takes that first, on another.
 * @param start may be called several times.
 */
export async function onPort<Server>(
  port: number | undefined,
  start: (port: number) => Promise<Server>,
): Promise<Server> {
  if (port !== undefined) return start(port);
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (!(error instanceof DidNotStart && error.portTaken) || attempt === 5) throw error;
    }
  }
}
