/** Formats durations, sizes, addresses and lists for sentences: "12 ms", "10 s", "3 kB", "[::1]:443". */
import { isIPv6 } from "node:net";

export function inSeconds(seconds: number): string {
  if (seconds < 0.9995) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  return `${Number(seconds.toFixed(seconds < 9.95 ? 1 : 0))} s`;
}

export function inBytes(bytes: number): string {
  if (bytes === 1) return "1 byte";
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} kB`;
  return `${Number((bytes / 1_000_000).toFixed(1))} MB`;
}

export const endpoint = (address: string, port: number): string =>
  isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;

/** "a", "a and b", "a, b and 3 more". */
export function listed(things: readonly string[], most = 2): string {
  const shown = things.slice(0, most);
  const more = things.length - shown.length;
  if (more > 0) return `${shown.join(", ")} and ${more} more`;
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}` : shown.join("");
}
