/**
 * The questions put to PostgreSQL and the shape of their answers. Each was measured: none opens a table, none waits
 * behind a locked one; the dearest (sizes of the databases) stats each of their files.
 */
import { z } from "zod";

/** bigint and numeric arrive as text. */
const number = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+(?:\.\d+)?$/)
    .transform(Number),
]);

export const databases = {
  sql: `SELECT d.datname AS name, d.datname = current_database() AS here,
      CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) END AS bytes,
      age(d.datfrozenxid) AS xid_age, mxid_age(d.datminmxid) AS mxid_age
    FROM pg_database d WHERE d.datallowconn ORDER BY bytes DESC NULLS LAST, name`,
  row: z.object({ name: z.string(), here: z.boolean(), bytes: number.nullable(), xid_age: number, mxid_age: number }),
};

/** Without pg_read_all_stats the sessions of others hide what kind they are: then they cannot be counted. */
export const instance = {
  sql: `SELECT pg_is_in_recovery() AS standby,
      CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn AS wal_position,
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(nullif(current_setting('reserved_connections', true), '')::int, 0) AS usable_connections,
      CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE')
        THEN (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') END AS used_connections`,
  row: z.object({
    standby: z.boolean(),
    wal_position: number.nullable(),
    usable_connections: number,
    used_connections: number.nullable(),
  }),
};

export const wal = {
  sql: "SELECT coalesce(sum(size), 0)::bigint AS bytes FROM pg_ls_waldir()",
  row: z.object({ bytes: number }),
};

export const slots = {
  sql: `SELECT slot_name AS name, active, wal_status,
      ((CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END) - restart_lsn)::bigint AS retained_bytes
    FROM pg_replication_slots ORDER BY retained_bytes DESC NULLS LAST, name LIMIT 20`,
  row: z.object({
    name: z.string(),
    active: z.boolean(),
    wal_status: z.string().nullable(),
    retained_bytes: number.nullable(),
  }),
};

export const temporary = {
  sql: "SELECT coalesce(sum(size), 0)::bigint AS bytes FROM pg_ls_tmpdir()",
  row: z.object({ bytes: number }),
};

/** From the page counts in the catalogue: takes no lock on a table and opens no file, and lags until the next vacuum. */
export const relations = {
  sql: `SELECT n.nspname || '.' || t.relname AS name,
      current_setting('block_size')::bigint * (t.relpages::bigint + coalesce(tt.relpages, 0) + coalesce(ti.pages, 0) + coalesce(ix.pages, 0)) AS bytes
    FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
    LEFT JOIN pg_class tt ON tt.oid = t.reltoastrelid
    LEFT JOIN LATERAL (SELECT sum(c.relpages) AS pages FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE i.indrelid = t.reltoastrelid) ti ON true
    LEFT JOIN LATERAL (SELECT sum(c.relpages) AS pages FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE i.indrelid = t.oid) ix ON true
    WHERE t.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND t.relpersistence <> 't'
    ORDER BY bytes DESC, name LIMIT 20`,
  row: z.object({ name: z.string(), bytes: number }),
};

/** What makes a step: VACUUM FULL, CLUSTER, an index being built, a base backup. */
export const progress = {
  sql: `SELECT 'vacuum' AS what, phase FROM pg_stat_progress_vacuum WHERE datname = current_database()
    UNION ALL SELECT lower(command), phase FROM pg_stat_progress_cluster WHERE datname = current_database()
    UNION ALL SELECT lower(command), phase FROM pg_stat_progress_create_index WHERE datname = current_database()
    UNION ALL SELECT 'base backup', phase FROM pg_stat_progress_basebackup LIMIT 10`,
  row: z.object({ what: z.string().nullable(), phase: z.string().nullable() }),
};

/** Who keeps old versions of rows alive, so that space cannot be used again. */
export const holders = {
  sql: `SELECT backend_type AS what, extract(epoch FROM now() - xact_start)::bigint AS seconds
    FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    ORDER BY xact_start LIMIT 3`,
  row: z.object({ what: z.string().nullable(), seconds: number.nullable() }),
};

/** Exact, file by file; relations that somebody locks are left out, because asking for their size would wait. */
export const files = {
  sql: `WITH busy AS MATERIALIZED (SELECT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
      big AS MATERIALIZED (SELECT c.oid, n.nspname || '.' || c.relname AS name, i.indrelid
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
        WHERE c.relkind IN ('r', 'm', 'i', 't') AND c.relpersistence <> 't' AND c.relpages > 0 ORDER BY c.relpages DESC LIMIT 50)
    SELECT b.name, pg_relation_size(b.oid) AS bytes FROM big b
    WHERE b.oid NOT IN (SELECT relation FROM busy) AND (b.indrelid IS NULL OR b.indrelid NOT IN (SELECT relation FROM busy))
    ORDER BY bytes DESC NULLS LAST, name LIMIT 20`,
  row: z.object({ name: z.string(), bytes: number.nullable() }),
};
