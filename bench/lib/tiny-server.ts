/** A tiny web server on loopback: for measurements in which the watched server must cost nothing. */
import { once } from "node:events";
import { createServer } from "node:http";

export interface TinyServer extends AsyncDisposable {
  readonly url: string;
}

export async function startTinyServer(): Promise<TinyServer> {
  const server = createServer((_request, response) => response.end("<p>Hello</p>")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the system gave no TCP port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
