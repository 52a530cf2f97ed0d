/** Finds a free port on 127.0.0.1 for a server that cannot choose one itself, or needs the same one twice. */
import { once } from "node:events";
import { createServer } from "node:net";
import { errorCode } from "../../core/error-code.ts";
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
  return port === undefined ? untilFree(async () => start(await freePort())) : start(port);
}

/** @param start tries another port each time, and leaves nothing open when somebody else has it. */
export async function untilFree<Server>(start: () => Promise<Server>): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (!isTaken(error) || attempt === 10) throw error;
    }
  }
}

const isTaken = (error: unknown): boolean =>
  error instanceof DidNotStart ? error.portTaken : errorCode(error) === "EADDRINUSE";
