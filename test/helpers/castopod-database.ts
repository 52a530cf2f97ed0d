/** A Castopod's tables in a real MariaDB, as its migrations of 1.15 and 2.0 make them, and a user with the documented rights. */
import { readFileSync } from "node:fs";
import { createConnection } from "mysql2/promise";
import { z } from "zod";
import { theMariadb } from "./mariadb-test.ts";

export interface CastopodDatabase extends AsyncDisposable {
  /** For the monitor; names no database. */
  readonly url: string;
  readonly name: string;
  /** As the administrator, inside this database, at the same moment as everybody else. */
  run(sql: string): Promise<unknown>;
  /** The first column of an answer. */
  column(sql: string): Promise<readonly string[]>;
  /** Puts in activities to be sent, which came due so many seconds ago. */
  queue(...secondsAgo: readonly number[]): Promise<void>;
  /** What `php spark tasks:run` does; a run that dies leaves what it took. */
  cron(ends?: "done" | "killed"): Promise<void>;
}

/** The database says that it is always this moment, so that no test depends on how long it takes. */
const moment = Date.UTC(2026, 10, 23, 15, 0, 0) / 1000;
let made = 0;

export async function castopodDatabase({
  prefix = "cp_",
  rights = documentedRights(),
} = {}): Promise<CastopodDatabase> {
  const { superuserUrl, url } = theMariadb();
  const connection = await createConnection({ uri: superuserUrl, multipleStatements: true });
  const run = (sql: string) => connection.query(sql);
  made += 1;
  const name = `castopod_${made}`;
  const user = `monitor_${made}`;
  await run(`SET GLOBAL init_connect = 'SET timestamp = ${moment}'; SET timestamp = ${moment}`);
  await run(`CREATE DATABASE ${name}; USE ${name}; CREATE USER ${user}@'127.0.0.1' IDENTIFIED BY 'monitor'`);
  for (const table of tables) await run(table.replaceAll("cp_", prefix));
  for (const right of rights) {
    await run(right.replace(/castopod\.cp_/, `${name}.${prefix}`).replace(/'tidewatch'@\S+/, `${user}@'127.0.0.1'`));
  }
  let activities = 0;
  return {
    name,
    url: url.replace(/\/\/.*@/, `//${user}:monitor@`),
    run,
    async column(sql) {
      const [rows] = await connection.query({ sql, rowsAsArray: true });
      return z
        .array(z.tuple([z.string()]).rest(z.unknown()))
        .parse(rows)
        .map(([first]) => first);
    },
    async queue(...secondsAgo) {
      for (const seconds of secondsAgo) {
        activities += 1;
        await run(`INSERT INTO ${prefix}fediverse_activities (id, actor_id, type, payload, status, scheduled_at, created_at)
          VALUES (UNHEX(LPAD('${activities}', 32, '0')), 1, 'Create', '{}', 'queued',
            UTC_TIMESTAMP() - INTERVAL ${seconds} SECOND, UTC_TIMESTAMP() - INTERVAL ${seconds} SECOND)`);
      }
    },
    async cron(ends = "done") {
      const due = "scheduled_at <= UTC_TIMESTAMP() AND status = 'queued' ORDER BY scheduled_at LIMIT 10";
      const after = ends === "done" ? "delivered" : "processing";
      await run(`UPDATE ${prefix}fediverse_activities SET status = '${after}' WHERE ${due}`);
      if (ends === "killed") return;
      for (const table of ["podcasts", "episodes"]) {
        await run(`UPDATE ${prefix}${table} SET is_published_on_hubs = 1 WHERE published_at <= UTC_TIMESTAMP()`);
      }
    },
    async [Symbol.asyncDispose]() {
      await run(`DROP DATABASE ${name}; DROP USER ${user}@'127.0.0.1'`);
      await connection.end();
    },
  };
}

/** From the docs, so that what people copy is what was tried. */
export function documentedRights(): readonly string[] {
  const text = readFileSync(new URL("../../docs/access.md", import.meta.url), "utf8");
  return text.match(/^GRANT SELECT .* ON castopod\.cp_.*;$/gm) ?? [];
}

/** The columns and types of Castopod's tables; those without a part in background work only where they take place. */
const tables = [
  `CREATE TABLE cp_fediverse_activities (
    id BINARY(16) NOT NULL PRIMARY KEY, actor_id INT UNSIGNED NOT NULL, target_actor_id INT UNSIGNED NULL,
    post_id BINARY(16) NULL, type VARCHAR(100) NOT NULL, payload JSON NOT NULL,
    status ENUM('queued', 'processing', 'delivered', 'failed') NULL,
    scheduled_at DATETIME NULL, created_at DATETIME NOT NULL,
    KEY (actor_id), KEY (target_actor_id), KEY (post_id))`,
  `CREATE TABLE cp_podcasts (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, handle VARCHAR(32) NOT NULL UNIQUE,
    description_markdown TEXT NOT NULL, custom_rss JSON NULL, is_published_on_hubs TINYINT(1) NOT NULL DEFAULT 0,
    published_at DATETIME NULL, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL)`,
  `CREATE TABLE cp_episodes (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, podcast_id INT UNSIGNED NOT NULL, slug VARCHAR(128) NOT NULL,
    description_markdown TEXT NOT NULL, custom_rss JSON NULL, is_published_on_hubs TINYINT(1) NOT NULL DEFAULT 0,
    published_at DATETIME NULL, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL,
    UNIQUE KEY (podcast_id, slug))`,
];
