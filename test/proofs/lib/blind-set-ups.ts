/** In which ways a monitor can be blind, and what is served away from it. */
import { away } from "./line.ts";

/** Address of each thing away; those of targets come first. */
export const hosts = {
  forum: "198.51.100.11",
  photos: "198.51.100.12",
  git: "198.51.100.13",
  both: "198.51.100.14",
  bothIPv6: "2001:db8:c::14",
  six: "2001:db8:c::15",
  mail: "198.51.100.25",
  anchor: "198.51.100.31",
  otherAnchor: "198.51.100.32",
  nameServer: "198.51.100.53",
} as const;

export const names = {
  "forum.example": { A: [hosts.forum] },
  "both.example": { A: [hosts.both], AAAA: [hosts.bothIPv6] },
  "six.example": { AAAA: [hosts.six] },
} as const;

/** Watched by name, by address, over either family, and over IPv6 alone. */
export const targets = ["forum", "photos", "git", "both", "six-by-name", "six-by-address"] as const;
export const overIPv6Alone: readonly string[] = ["six-by-name", "six-by-address"];

export interface SetUp {
  readonly anchors: boolean;
  /** What stands in resolv.conf: the name server itself, or a stub on this machine that asks it. */
  readonly resolver: "name server" | "stub";
  /** It answers by UDP alone. */
  readonly swallowsTcp: boolean;
  readonly lost: readonly string[];
}

const lost = [away.network, away.networkIPv6];
const plain: SetUp = { anchors: false, resolver: "name server", swallowsTcp: false, lost };

export const setUps: Readonly<Record<string, SetUp>> = {
  anchors: { ...plain, anchors: true },
  stub: { ...plain, resolver: "stub" },
  "swallows-tcp": { ...plain, swallowsTcp: true },
  "ipv6-lost": { ...plain, lost: [away.networkIPv6] },
  "ipv6-lost-with-anchors": { ...plain, anchors: true, lost: [away.networkIPv6] },
};
