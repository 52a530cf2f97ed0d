/**
 * The way that thousands take during an outage: from the socket to the finished page, without the objects that a route
 * of hono gets. The same answers as the routes give.
 */
import type { IncomingMessage } from "node:http";
import type { ShortCut } from "../listen.ts";
import type { PageAnswer } from "./encoded-page.ts";
import type { Pages } from "./page-making.ts";

export function straightToPages(pages: Pick<Pages, "get">): ShortCut {
  return (request, response) => {
    const answer = request.method === "GET" ? finished(pages, request) : undefined;
    if (!answer) return false;
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
    return true;
  };
}

function finished(pages: Pick<Pages, "get">, { url = "", headers }: IncomingMessage): PageAnswer | undefined {
  const query = url.indexOf("?");
  try {
    return pages.get(query < 0 ? url : url.slice(0, query), {
      encoding: oneHeader(headers["accept-encoding"]),
      language: headers["accept-language"],
      ifNoneMatch: headers["if-none-match"],
    });
  } catch {
    // The route meets the same error, and tells it.
    return undefined;
  }
}

const oneHeader = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === "object" ? value.join(", ") : value;
