/** A tiny web server on loopback: for measurements in which the watched server must cost nothing, or must hang or flap. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";

export interface TinyServer extends AsyncDisposable {
  readonly url: string;
}

const answer: RequestListener = (_request, response) => void response.end("<p>Hello</p>");

export async function startTinyServer(respond: RequestListener = answer): Promise<TinyServer> {
  const server = createServer(respond).listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
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

const flapMs = 60_000;

/** Takes every request and never answers it; but what asks for `/flaps/SHARE` is answered in every other minute. */
export const hang: RequestListener = (request, response) => {
  const share = /^\/flaps\/([\d.]+)$/.exec(request.url ?? "")?.[1];
  if (share !== undefined && Math.floor(Date.now() / flapMs + Number(share)) % 2 === 0) answer(request, response);
};
