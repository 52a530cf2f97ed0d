/** A real HTTP server on loopback with answers written in the test. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";

export interface SmallServer extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  /** Method and path with query, in order. */
  readonly requests: readonly string[];
  /** Headers of the last request. */
  readonly lastHeaders: () => Readonly<Record<string, string | string[] | undefined>>;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** It comes after this, and not before. */
  readonly after?: Promise<unknown>;
}

/**
 * An answer by path, with or without its query; `*` for every other. A function gets the server's own address and the
 * path with its query; what it gives no answer to is never answered.
 */
export type Answers = Readonly<Record<string, Answer | ((url: string, path: string) => Answer | undefined)>>;

export async function smallServer(answers: Answers): Promise<SmallServer> {
  const requests: string[] = [];
  let headers: SmallServer["lastHeaders"] extends () => infer Seen ? Seen : never = {};
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    headers = request.headers;
    const path = request.url ?? "/";
    const answer = answers[path] ?? answers[path.split("?", 1)[0] ?? ""] ?? answers["*"] ?? { status: 404 };
    const given = typeof answer === "function" ? answer(url, path) : answer;
    if (given) void send(response, given);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const host = `127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  const url = `http://${host}`;
  return {
    url,
    host,
    requests,
    lastHeaders: () => headers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function send(response: ServerResponse, { status = 200, headers = {}, body = "", after }: Answer): Promise<void> {
  if (after) await after;
  response.writeHead(status, headers);
  response.end(body);
}

export const asJson = (document: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  headers: { "content-type": "application/json", ...headers },
  body: typeof document === "string" ? document : JSON.stringify(document),
});

export const asHtml = (body: string, status = 200): Answer => ({
  status,
  headers: { "content-type": "text/html" },
  body,
});
