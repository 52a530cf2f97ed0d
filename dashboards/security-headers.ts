/**
 * The security headers of every page (Content-Security-Policy): nothing is loaded from elsewhere, no script runs, no site
 * may frame us. They are few, because each is sent with each view: what a policy without scripts makes pointless is left out.
 */
import type { MiddlewareHandler } from "hono";
import { styleSource } from "./parts/layout.ts";

/**
 * A constant record and not hono's secure-headers: the status page is served 70 000 times a second, and a middleware on
 * its way would cost a third of that.
 * @param style source expression of the style sheet that stands in the page
 */
export function securityHeaders(style: string = styleSource()): Readonly<Record<string, string>> {
  return {
    "content-security-policy": `default-src 'none'; style-src ${style}; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    "x-content-type-options": "nosniff",
    // Not "no-referrer": with it browsers send `Origin: null` from our own forms, and origins could not be checked.
    "referrer-policy": "same-origin",
  };
}

const privateHeaders = Object.entries({
  ...securityHeaders(),
  "cache-control": "no-store",
  "x-robots-tag": "noindex",
});

/** For pages that belong to one person: no cache keeps them, no search engine lists them. */
export const privatePage: MiddlewareHandler = async (context, next) => {
  await next();
  for (const [name, value] of privateHeaders) context.res.headers.set(name, value);
};
