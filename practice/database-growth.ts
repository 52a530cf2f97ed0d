/** Makes the practice PostgreSQL grow and shrink for real: rows that take bytes on disk, and their removal. */
import pg from "pg";
import { Refused } from "../core/errors.ts";

export interface DatabaseGrowth extends AsyncDisposable {
  /** Size of the practice database now. */
  bytes(): Promise<number>;
  /** Inserts until the practice database has at least this size. */
  growTo(bytes: number): Promise<void>;
  /** Gives back all that was grown. */
  shrink(): Promise<void>;
}

const pageBytes = 8192;
/** Practice must not fill a newcomer's disk. */
const mostBytes = 2_000_000_000;

/** @param superuserUrl of a server that is for practice only. */
export async function openDatabaseGrowth(superuserUrl: string): Promise<DatabaseGrowth> {
  const client = new pg.Client({ connectionString: superuserUrl, application_name: "practice" });
  // The server is stopped with us when the practice ends; a query that fails says so itself.
  client.on("error", () => {});
  await client.connect();
  await furnish(client);
  return {
    bytes: () => bytes(client),
    async growTo(wanted) {
      if (wanted > mostBytes) {
        throw new Refused("That is more than practice may use.", `Stay below ${mostBytes} bytes.`);
      }
      await client.query(`
        CREATE UNLOGGED TABLE IF NOT EXISTS media_cache (id bigserial, filler text);
        ALTER TABLE media_cache ALTER COLUMN filler SET STORAGE PLAIN;
      `);
      for (let missing = wanted - (await bytes(client)); missing > 0; missing = wanted - (await bytes(client))) {
        // One row a page, and no more than 32 MB a statement, so that a watcher sees it coming.
        const pages = Math.ceil(Math.min(missing, 32_000_000) / pageBytes);
        await client.query("INSERT INTO media_cache (filler) SELECT repeat('x', 8000) FROM generate_series(1, $1)", [
          pages,
        ]);
      }
    },
    async shrink() {
      await client.query("DROP TABLE IF EXISTS media_cache");
    },
    async [Symbol.asyncDispose]() {
      await client.end().catch(() => {});
    },
  };
}

async function bytes(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>("SELECT pg_database_size(current_database()) AS bytes");
  return Number(rows[0]?.bytes);
}

/** A few of Mastodon's tables with made-up rows, so that the list of what grows has names one knows. */
async function furnish(client: pg.Client): Promise<void> {
  await client.query(`
    CREATE TABLE IF NOT EXISTS accounts (id bigint PRIMARY KEY, username text NOT NULL, note text NOT NULL);
    CREATE TABLE IF NOT EXISTS statuses (id bigint PRIMARY KEY, account_id bigint NOT NULL, text text NOT NULL, created_at timestamptz NOT NULL);
    CREATE INDEX IF NOT EXISTS index_statuses_on_account_id ON statuses (account_id, id DESC);
    CREATE TABLE IF NOT EXISTS notifications (id bigint PRIMARY KEY, account_id bigint NOT NULL, activity_id bigint NOT NULL);
    INSERT INTO accounts SELECT n, 'member' || n, repeat('a practice account ', 8) FROM generate_series(1, 500) n ON CONFLICT DO NOTHING;
    INSERT INTO statuses SELECT n, n % 500 + 1, repeat('a practice post ', 12), now() - n * interval '10 minutes' FROM generate_series(1, 20000) n ON CONFLICT DO NOTHING;
    INSERT INTO notifications SELECT n, n % 500 + 1, n FROM generate_series(1, 30000) n ON CONFLICT DO NOTHING;
    ANALYZE;
  `);
}
