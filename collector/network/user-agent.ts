/**
 * The User-Agent header by which we introduce ourselves: with an address where people can read who we are and whom to
 * ask.
 */
import type { Config } from "../../core/config/config.ts";

export function userAgent({ server, onCall }: Pick<Config, "server" | "onCall">, version: string): string {
  const contact = onCall.contacts.find(({ email }) => email !== undefined)?.email;
  // Only what may stand in a header; an address with other letters stays at home.
  const printable = contact && /^[\x21-\x7e]+$/.test(contact) ? `; ${contact}` : "";
  return `Tidewatch/${version} (+${encodeURI(decodeURI(server.url))}/${printable})`;
}
