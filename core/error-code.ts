/** The code of a system or library error (errno), like "ECONNREFUSED" or "ERR_TLS_CERT_ALTNAME_INVALID". */

/** Of several addresses tried, the first one's. Only what looks like a code, else "": a message may hold a secret. */
export function errorCode(error: unknown): string {
  if (error instanceof AggregateError) return errorCode(error.errors[0]);
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" && /^[A-Z0-9_]{2,60}$/.test(error.code) ? error.code : "";
}

/** For a sentence that has to name something: what has no code is named by its class. */
export const codeOrName = (error: unknown): string =>
  errorCode(error) || (error instanceof Error ? error.name : "unknown");
