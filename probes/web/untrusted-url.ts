/** Addresses that a stranger's bytes give us: which may be asked at all, and which are the server's own. */

/** The address, written as it may be, where a browser could load it; undefined for `ftp:`, `javascript:` and what is none. */
export function webAddress(written: string | null | undefined, base?: URL): URL | undefined {
  const url = typeof written === "string" ? URL.parse(written.trim(), base) : null;
  return url?.protocol === "http:" || url?.protocol === "https:" ? url : undefined;
}

/** The same where it is on the server that said it: scheme, host and port. */
export function ownAddress(written: string | null | undefined, origin: URL): URL | undefined {
  const url = webAddress(written, origin);
  return url?.origin === origin.origin ? url : undefined;
}
