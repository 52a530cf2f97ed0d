/**
 * What is asked of a MySQL or MariaDB. Sizes come from the list of InnoDB's files, which needs no right to any table and
 * opens none; without PROCESS, from the tables that our user may see.
 */
import { z } from "zod";
import { gauge, type MetricFamily } from "../../core/metric-families.ts";
import { plainText } from "../../core/plain-text.ts";
import type { Reading } from "../../core/sample.ts";
import type { Refusal } from "./database-refusals.ts";
import { askRows, type MysqlReader } from "./mysql-client.ts";

/** Sums are DECIMAL, and large numbers arrive as text. */
const number = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+(?:\.\d+)?$/)
    .transform(Number),
]);

const Size = z.object({ name: z.string(), bytes: number.nullable() });
const BinaryLog = z.looseObject({ File_size: number });
const Variable = z.object({ Variable_name: z.string(), Value: z.string() });

/** Tables each in a file of their own, and beside them the files that all share: undo, temporary, system. */
const fileSizes = (mariadb: boolean) =>
  `SELECT IF(LOCATE('/', NAME) > 0, SUBSTRING_INDEX(NAME, '/', 1), '${shared}') AS name,
     SUM(IF(ALLOCATED_SIZE > 0, ALLOCATED_SIZE, FILE_SIZE)) AS bytes
   FROM information_schema.${mariadb ? "INNODB_SYS_TABLESPACES" : "INNODB_TABLESPACES"} GROUP BY 1 ORDER BY 2 DESC`;
const tableSizes = `SELECT TABLE_SCHEMA AS name, SUM(DATA_LENGTH + INDEX_LENGTH + DATA_FREE) AS bytes
  FROM information_schema.TABLES WHERE ENGINE IS NOT NULL AND TABLE_SCHEMA <> 'information_schema'
  GROUP BY 1 ORDER BY 2 DESC`;
const settings = `SHOW GLOBAL VARIABLES WHERE Variable_name IN
  ('max_connections', 'log_bin', 'innodb_log_file_size', 'innodb_log_files_in_group', 'innodb_redo_log_capacity')`;
const connected = "SHOW GLOBAL STATUS LIKE 'Threads_connected'";

const shared = "(shared)";
const mostDatabases = 50;

export const mysqlMetrics: readonly MetricFamily[] = [
  gauge("mysql_database_size_bytes", "Size of a MySQL or MariaDB database on disk.", ["database"]),
  gauge("mysql_log_bytes", "Size of a log on disk: binary, redo.", ["log"]),
  gauge("mysql_connections_ratio", "Client connections in use, of those that may be used."),
];

export interface MysqlMeasures {
  readonly readings: readonly Reading[];
  /** Absent when a part of it could not be measured: less than everything would look like a clean-up. */
  readonly usedBytes: number | undefined;
  readonly refused: ReadonlyMap<string, Refusal>;
  readonly notes: readonly string[];
}

export async function measureMysql(mysql: MysqlReader): Promise<MysqlMeasures> {
  const refused = new Map<string, Refusal>();
  const notes = [`version ${plainText(mysql.version, 60)}`];
  const ask = async <Row>(what: string, sql: string, row: z.ZodType<Row>): Promise<readonly Row[] | undefined> => {
    const answer = await askRows(mysql, sql, row);
    if (typeof answer !== "string") return answer;
    refused.set(what, answer);
    return undefined;
  };

  const sizes = await databaseSizes(mysql, ask, { refused, notes });
  const variables = asMap((await ask("settings", settings, Variable)) ?? []);
  const threads = asMap((await ask("connections", connected, Variable)) ?? []).get("threads_connected");
  const redo = redoBytes(variables);
  const binary = await binaryLogs(variables, ask);
  const most = variables.get("max_connections");

  const readings = [
    ...databaseReadings(sizes ?? []),
    ...(binary === undefined ? [] : [{ metric: "mysql_log_bytes", value: binary, labels: { log: "binary" } }]),
    ...(redo === undefined ? [] : [{ metric: "mysql_log_bytes", value: redo, labels: { log: "redo" } }]),
    ...(threads === undefined || !most ? [] : [{ metric: "mysql_connections_ratio", value: threads / most }]),
  ];
  // A part that our user may never see belongs into `fixedOverhead`; one that only failed now did not vanish.
  const logs = binary ?? (refused.get("binary logs") === "not allowed" ? 0 : undefined);
  const whole = sizes !== undefined && logs !== undefined && variables.size > 0;
  const usedBytes = whole ? sum(sizes.map(({ bytes }) => bytes ?? 0)) + logs + (redo ?? 0) : undefined;
  return { readings, usedBytes, refused, notes };
}

type Ask = <Row>(what: string, sql: string, row: z.ZodType<Row>) => Promise<readonly Row[] | undefined>;
type Sizes = readonly z.output<typeof Size>[];

async function databaseSizes(
  mysql: MysqlReader,
  ask: Ask,
  { refused, notes }: { readonly refused: Map<string, Refusal>; readonly notes: string[] },
): Promise<Sizes | undefined> {
  const files = await ask("sizes of databases", fileSizes(mysql.mariadb), Size);
  if (files || refused.get("sizes of databases") !== "not allowed") return files;
  if (!mysql.mariadb) await mysql.ask("SET SESSION information_schema_stats_expiry = 0");
  const tables = await ask("sizes of tables", tableSizes, Size);
  if (!tables?.some(({ bytes }) => (bytes ?? 0) > 0)) return undefined;
  refused.delete("sizes of databases");
  notes.push("sizes are estimates, of the tables that our user may see: GRANT PROCESS gives those of the files");
  return tables;
}

function databaseReadings(sizes: Sizes): readonly Reading[] {
  const reading = (database: string, value: number): Reading => ({
    metric: "mysql_database_size_bytes",
    value,
    labels: { database },
  });
  const [biggest, others] = [sizes.slice(0, mostDatabases), sizes.slice(mostDatabases)];
  return [
    ...biggest.map(({ name, bytes }) => reading(decoded(name), bytes ?? 0)),
    ...(others.length > 0 ? [reading("(others)", sum(others.map(({ bytes }) => bytes ?? 0)))] : []),
  ];
}

/** In file names, "my-app" is "my@002dapp". */
const decoded = (name: string): string =>
  name.replace(/@([\da-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

function redoBytes(variables: ReadonlyMap<string, number>): number | undefined {
  const capacity = variables.get("innodb_redo_log_capacity");
  if (capacity) return capacity;
  const each = variables.get("innodb_log_file_size");
  return each === undefined ? undefined : each * (variables.get("innodb_log_files_in_group") ?? 1);
}

async function binaryLogs(variables: ReadonlyMap<string, number>, ask: Ask): Promise<number | undefined> {
  if (variables.get("log_bin") === 0) return 0;
  const logs = await ask("binary logs", "SHOW BINARY LOGS", BinaryLog);
  return logs && sum(logs.map(({ File_size: bytes }) => bytes));
}

function asMap(rows: readonly z.output<typeof Variable>[]): ReadonlyMap<string, number> {
  const value = (text: string) => (text === "ON" ? 1 : text === "OFF" ? 0 : Number(text));
  return new Map(
    rows
      .map((row): [string, number] => [row.Variable_name.toLowerCase(), value(row.Value)])
      .filter(([, figure]) => Number.isFinite(figure)),
  );
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
