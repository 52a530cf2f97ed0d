/**
 * A line that can lose packets in silence, its link still up: three network namespaces, "here", the line, and "away", which is
 * everybody else. What is lost goes into a blackhole route of the line, of which neither end hears anything.
 */
import { execFileSync } from "node:child_process";
import { CannotTry } from "./proof.ts";

/** Addresses for documentation: public ones, as far as the program can tell. */
export const away = { network: "198.51.100.0/24", networkIPv6: "2001:db8:c::/64" } as const;
/** Of the far end of the line itself: what is asked here is not lost. */
export const farEnd = "203.0.113.2";

export interface Line {
  readonly here: string;
  readonly line: string;
  readonly away: string;
}

export const lineNamed = (name: string): Line => ({
  here: `${name}-here`,
  line: `${name}-line`,
  away: `${name}-away`,
});

/** @param hosts addresses that answer away. @throws {CannotTry} where this user may not make namespaces. */
export function openLine(name: string, hosts: readonly string[]): Line & Disposable {
  try {
    return makeLine(name, hosts);
  } catch (error) {
    const why = error instanceof Error ? error.message.trim().split("\n").at(-1) : String(error);
    throw new CannotTry(`network namespaces cannot be made here, it needs root and iproute2 (${why})`);
  }
}

function makeLine(name: string, hosts: readonly string[]): Line & Disposable {
  const { here, line, away: far } = lineNamed(name);
  using undo = new DisposableStack();
  for (const namespace of [here, line, far]) {
    ip("netns", "add", namespace);
    undo.defer(() => ip("netns", "del", namespace));
    ip("-n", namespace, "link", "set", "lo", "up");
  }
  join({ line, end: here, device: "near", ours: "192.0.2.1", theirs: "192.0.2.2", six: "2001:db8:a::" });
  join({ line, end: far, device: "far", ours: "203.0.113.1", theirs: farEnd, six: "2001:db8:b::" });
  for (const host of hosts) ip("-n", far, "addr", "add", host, "dev", "lo");
  const forwarding = ["ipv4/ip_forward", "ipv6/conf/all/forwarding"].map((file) => `echo 1 > /proc/sys/net/${file}`);
  ip("netns", "exec", line, "sh", "-c", forwarding.join("; "));
  for (const network of [away.network, away.networkIPv6]) find(line, network);
  const held = undo.move();
  return { here, line, away: far, [Symbol.dispose]: () => held.dispose() };
}

/** From now on what is sent there vanishes. @param network or one address of it, "198.51.100.13/32". */
export const lose = (line: string, network: string): void => ip("-n", line, "route", "replace", "blackhole", network);

/** The end of that. */
export function find(line: string, network: string): void {
  ip("-n", line, "route", "replace", network, "via", network.includes(":") ? "2001:db8:b::2" : farEnd);
}

interface Joint {
  readonly line: string;
  readonly end: string;
  readonly device: string;
  readonly ours: string;
  readonly theirs: string;
  readonly six: string;
}

function join({ line, end, device, ours, theirs, six }: Joint): void {
  ip("-n", line, "link", "add", device, "type", "veth", "peer", "name", "up0", "netns", end);
  ip("-n", line, "link", "set", device, "up");
  ip("-n", end, "link", "set", "up0", "up");
  ip("-n", line, "addr", "add", `${ours}/24`, "dev", device);
  ip("-n", end, "addr", "add", `${theirs}/24`, "dev", "up0");
  ip("-n", line, "addr", "add", `${six}1/64`, "dev", device, "nodad");
  ip("-n", end, "addr", "add", `${six}2/64`, "dev", "up0", "nodad");
  ip("-n", end, "route", "add", "default", "via", ours);
  ip("-n", end, "-6", "route", "add", "default", "via", `${six}1`);
}

const ip = (...words: readonly string[]): void =>
  void execFileSync("ip", words, { stdio: ["ignore", "ignore", "pipe"] });
