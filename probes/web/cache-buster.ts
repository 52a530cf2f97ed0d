/**
 * A cache buster: a query parameter that nobody has used before, so that no cache can answer in place of the server.
 */
import { randomUUID } from "node:crypto";

export function cacheBusted(url: URL): URL {
  const fresh = new URL(url);
  fresh.searchParams.set("_", randomUUID());
  return fresh;
}
