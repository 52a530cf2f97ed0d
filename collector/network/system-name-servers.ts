/**
 * The name servers that this machine asks, the real ones where a stub on this machine stands before them; and whether one of
 * them answers.
 */
import { randomBytes } from "node:crypto";
import { getServers } from "node:dns";
import { Resolver } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { orAborted } from "../../core/deadline.ts";
import { codeOrName } from "../../core/error-code.ts";
import { Unreachable } from "../../core/errors.ts";

/** Where systemd-resolved and NetworkManager name the servers that their stubs ask. */
const behindStubs = ["/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf"];

/** "192.0.2.53", "[2001:db8::53]:5353". The stub itself, where nothing is known of those behind it. */
export function systemNameServers(
  configured: () => readonly string[] = getServers,
  read: (file: string) => string = readOrNothing,
): readonly string[] {
  const servers = configured();
  const outside = servers.filter(isOutside);
  if (outside.length > 0) return outside;
  const behind = behindStubs.flatMap((file) => namedIn(read(file))).filter(isOutside);
  return behind.length > 0 ? [...new Set(behind)] : servers;
}

const isOutside = (server: string): boolean => !/^(127\.|\[?::1\b|0\.0\.0\.0)/.test(server);

const namedIn = (resolvConf: string): readonly string[] =>
  [...resolvConf.matchAll(/^nameserver\s+(\S+)/gm)].flatMap(([, server]) => server ?? []);

/** What a name server, or the stub before it, says when it reaches nobody itself. */
const saysNothing: ReadonlySet<string> = new Set(["ETIMEOUT", "ESERVFAIL", "ECONNREFUSED", "ECANCELLED", "EBADRESP"]);

/**
 * Resolves when it answers, by UDP as everybody asks it, a question to which nobody near can know the answer: what a router
 * remembers says nothing about the line behind it. Rejects with `Unreachable`, or the signal's reason.
 */
export async function askNameServer(server: string, signal: AbortSignal): Promise<void> {
  const resolver = new Resolver({ timeout: 800, tries: 3 });
  resolver.setServers([server]);
  try {
    await orAborted(resolver.resolve4(`${randomBytes(8).toString("hex")}.com`), signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const code = codeOrName(error);
    if (saysNothing.has(code)) throw new Unreachable(`no answer (${code})`, { stage: "resolve", cause: error });
  } finally {
    resolver.cancel();
  }
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
