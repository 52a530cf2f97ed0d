/** Private networks (RFC 1918, loopback, link-local, multicast): their addresses mean another machine in every place. */
import { BlockList, isIPv6 } from "node:net";

export const familyOf = (address: string) => (isIPv6(address) ? "ipv6" : "ipv4");

function networks(written: readonly string[]): BlockList {
  const list = new BlockList();
  for (const each of written) {
    const [network = "", bits] = each.split("/");
    list.addSubnet(network, Number(bits), familyOf(network));
  }
  return list;
}

const inside = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "::/127",
  "fc00::/7",
  "fe80::/10",
];
const privateNetworks = networks(inside);
const ownNetworks = networks([...inside, "224.0.0.0/3", "ff00::/8"]);

/** Leads into the network of whoever asks: a public server must not send us there (SSRF). */
export function isPrivate(address: string): boolean {
  const bare = address.replace(/%.*$/, "");
  return privateNetworks.check(bare, familyOf(bare));
}

/** Exists many times, or is many machines at once: nobody but ourselves can say where it is. */
export const isForOwnUse = (address: string): boolean => ownNetworks.check(address, familyOf(address));
