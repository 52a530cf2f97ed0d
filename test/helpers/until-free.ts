/** For servers that need one port twice, over TCP and UDP or at two addresses: the second may be somebody else's. */

/** @param start begins anew with another port each time, and leaves nothing open when it fails. */
export async function untilFree<Server>(start: () => Promise<Server>): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
      if (!isTaken || attempt === 10) throw error;
    }
  }
}
