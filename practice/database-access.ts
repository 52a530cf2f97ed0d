/**
 * Refuses every connection to the practice database, as a broken migration or a wrong pg_hba.conf would, and allows
 * them again.
 */
import pg from "pg";

/** @param everybody whether PostgreSQL lets anybody in; if not, connections that are there are ended as well. */
export async function admit(everybody: boolean, superuserUrl: string): Promise<void> {
  const url = new URL(superuserUrl);
  const name = decodeURIComponent(url.pathname.slice(1));
  // A database cannot be closed from inside.
  url.pathname = "/postgres";
  const client = new pg.Client({ connectionString: url.href, application_name: "practice" });
  await client.connect();
  try {
    await client.query(`ALTER DATABASE ${client.escapeIdentifier(name)} ALLOW_CONNECTIONS ${everybody}`);
  } finally {
    await client.end();
  }
}
