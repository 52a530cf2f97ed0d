/** Protection against CSRF: a form counts only when it came from a page of our own origin. */
import type { Context, MiddlewareHandler } from "hono";
import { type Env, fail, type PublicParts } from "./public-parts.ts";

/**
 * A form counts only when its page was at the configured address, or at the address of this request. Sec-Fetch-Site is
 * believed where a browser sends it. Not hono's csrf: it does not check every content type.
 */
export function sameOriginOnly(parts: PublicParts): MiddlewareHandler<Env> {
  return async (context, next) => {
    const site = context.req.header("sec-fetch-site");
    const trusted = site === undefined ? isOwnOrigin(context, parts) : site === "same-origin";
    if (!trusted) return fail(context, parts, "refused", 403);
    await next();
  };
}

function isOwnOrigin(context: Context<Env>, parts: PublicParts): boolean {
  const origin = URL.parse(context.req.header("origin") ?? "");
  if (!origin) return false;
  return origin.origin === URL.parse(parts.settings().baseUrl)?.origin || origin.host === context.req.header("host");
}
