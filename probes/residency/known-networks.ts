/** Networks as settings: IP ranges of which the operator knows the country and the owner. */
import { BlockList, isIP } from "node:net";
import { z } from "zod";
import { familyOf } from "../../core/private-networks.ts";
import { countryCode, type Place } from "./ip-location.ts";

const cidr = () =>
  z
    .string()
    .trim()
    .meta({ examples: ["192.0.2.0/24", "2001:db8::/32"] })
    .transform((text, context) => {
      const [address = "", bits = "", ...rest] = text.split("/");
      const longest = isIP(address) === 6 ? 128 : 32;
      const length = bits === "" && rest.length === 0 && !text.includes("/") ? longest : Number(bits || "x");
      if (isIP(address) && rest.length === 0 && Number.isInteger(length) && length >= 0 && length <= longest) {
        return { address, bits: length };
      }
      const message = `${JSON.stringify(text)} is not a network: write it like 192.0.2.0/24 or 2001:db8::/32`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    });

export const networkSettings = () =>
  z.strictObject({
    network: cidr().describe("The network, like 192.0.2.0/24 or 2001:db8::/32; or one address."),
    country: countryCode().describe("The country it is in, as two capital letters: CA."),
    owner: z.string().trim().min(1).max(100).optional().describe("Whose it is."),
  });

export type Network = z.output<ReturnType<typeof networkSettings>>;

/** What is written of the smallest network that an address is in. */
export function placeInNetworks(networks: readonly Network[], address: string): Omit<Place, "sources"> | undefined {
  const around = networks.filter(({ network }) => holds(network, address));
  const [smallest] = around.toSorted((a, b) => b.network.bits - a.network.bits);
  return smallest && { country: smallest.country, owner: smallest.owner };
}

function holds(network: Network["network"], address: string): boolean {
  const family = familyOf(network.address);
  if (familyOf(address) !== family) return false;
  const list = new BlockList();
  list.addSubnet(network.address, network.bits, family);
  return list.check(address, family);
}
