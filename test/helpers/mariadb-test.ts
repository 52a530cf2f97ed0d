/** Tests that need a real MariaDB: skipped, with the reason printed, where none can be had. */
import { test } from "vitest";
import { Refused } from "../../core/errors.ts";
import { type MariadbServer, startMariadb } from "../../practice/servers/mariadb.ts";

export const mariadb = await serverOrReason();
if ("reason" in mariadb) console.warn(`skipped, because there is no MariaDB: ${mariadb.reason}`);

export const mariadbTest = test.skipIf("reason" in mariadb);

/** The server that the tests of one file share. */
export function theMariadb(): MariadbServer {
  if ("reason" in mariadb) throw new Error(mariadb.reason);
  return mariadb.server;
}

async function serverOrReason(): Promise<{ readonly server: MariadbServer } | { readonly reason: string }> {
  try {
    return { server: await startMariadb() };
  } catch (error) {
    if (error instanceof Refused) return { reason: `${error.message} ${error.remedy}` };
    throw error;
  }
}
