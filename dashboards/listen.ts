/** Listening on a port: time limits for slow clients, errors (port in use) that name the setting to mend, a graceful shutdown. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { errorCode } from "../core/error-code.ts";
import { Refused } from "../core/errors.ts";

/** Answers what it has ready; false when the app is to answer. */
export type FastPath = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface HttpListener extends AsyncDisposable {
  readonly port: number;
}

/** How long requests that are being answered may still take when we stop. */
const closingMilliseconds = 3000;

/**
 * @param at `setting` is the line of the configuration to mend when listening fails, e.g. "server.public".
 * @throws Refused with that line in it
 */
export async function listen(
  app: { readonly fetch: Parameters<typeof getRequestListener>[0] },
  at: { readonly host: string; readonly port: number; readonly setting?: string },
  fastPath: FastPath = () => false,
): Promise<HttpListener> {
  const answerByApp = getRequestListener(app.fetch, { hostname: "localhost" });
  const limits = {
    maxHeaderSize: 16 * 1024,
    headersTimeout: 10_000,
    requestTimeout: 15_000,
    keepAliveTimeout: 20_000,
    connectionsCheckingInterval: 5_000,
  };
  const server = createServer(limits, (request, response) => {
    if (!fastPath(request, response)) void answerByApp(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(refusal(error, at)));
    server.listen({ host: at.host, port: at.port, backlog: 1024 }, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : at.port;
  return { port, [Symbol.asyncDispose]: () => close(server) };
}

function refusal(
  error: Error,
  { host, port, setting = "server.public or server.private" }: Parameters<typeof listen>[1],
): Error {
  const code = errorCode(error);
  const at = (any: number) => `${host.includes(":") ? `[${host}]` : host}:${any}`;
  const where = at(port);
  if (code === "EADDRINUSE") {
    return new Refused(
      `Something else already listens on ${where}.`,
      `Stop it, or choose another port with ${setting} in the configuration, like "${at((port % 65535) + 1)}". "ss -ltnp" shows who listens where.`,
    );
  }
  if (code === "EACCES") {
    return new Refused(
      `This user may not listen on ${where}.`,
      `Choose a port above 1023 with ${setting}, and let a web server in front forward to it.`,
    );
  }
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return new Refused(
      `${host} is not an address of this machine.`,
      `Set ${setting} to 0.0.0.0:${port} (everywhere), 127.0.0.1:${port} (this machine only) or an address from "ip addr".`,
    );
  }
  return error;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const deadline = setTimeout(() => server.closeAllConnections(), closingMilliseconds);
  await closed;
  clearTimeout(deadline);
}
