/**
 * Network route: whether this machine can reach an address at all, because a server with IPv6 only is not to blame
 * when we have none.
 */
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";

/** Nothing is sent: connecting a UDP socket only looks for a route. */
export function hasRoute(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
    const tell = (found: boolean) => {
      socket.close();
      resolve(found);
    };
    socket.once("error", () => tell(false));
    // From an address for the inside (fd00::…), as containers have them, the internet is not to be reached.
    socket.connect(53, address, () => tell(!isPublic(address) || isPublic(socket.address().address)));
  });
}

/** 2000::/3; of IPv4 nothing is to be told, because there private addresses are translated everywhere. */
const isPublic = (address: string): boolean => isIPv6(address) && /^[23]/.test(address);
