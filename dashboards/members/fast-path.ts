/**
 * The fast path for thousands of visitors during an outage: answers from the page cache straight from the socket, without
 * the objects that a route of hono makes. The answers are the same as those of the routes.
 */
import type { IncomingMessage } from "node:http";
import type { FastPath } from "../listen.ts";
import type { PageAnswer } from "./compressed-page.ts";
import type { Pages } from "./page-making.ts";

export function fastPath(pages: Pick<Pages, "get">): FastPath {
  return (request, response) => {
    const answer = request.method === "GET" ? cachedAnswer(pages, request) : undefined;
    if (!answer) return false;
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
    return true;
  };
}

function cachedAnswer(pages: Pick<Pages, "get">, { url = "", headers }: IncomingMessage): PageAnswer | undefined {
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
