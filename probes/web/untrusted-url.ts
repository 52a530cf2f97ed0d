/** An untrusted URL, which stood in what a stranger sent: whether it may be asked at all, and whether it is the same server. */

/** The address, written as it may be, where a browser could load it; undefined for `ftp:`, `javascript:` and what is none. */
export function untrustedUrl(written: string | null | undefined, base?: URL): URL | undefined {
  const url = typeof written === "string" ? URL.parse(written.trim(), base) : null;
  return url?.protocol === "http:" || url?.protocol === "https:" ? url : undefined;
}

/** The same where it is on the server that said it: scheme, host and port. */
export function sameOriginUrl(written: string | null | undefined, origin: URL): URL | undefined {
  const url = untrustedUrl(written, origin);
  return url?.origin === origin.origin ? url : undefined;
}
