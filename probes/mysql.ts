/** The mysql probe: how full a MySQL or MariaDB is: sizes of databases and logs, connections. */
import { z } from "zod";
import { bytes } from "../core/config/settings.ts";
import { defineProbe, type ProbeContext } from "../core/probe.ts";
import type { Finding, Reading } from "../core/sample.ts";
import { connectionThresholds } from "./databases/connection-thresholds.ts";
import { findingOfQuestions, findingWithoutConnection } from "./databases/database-refusals.ts";
import {
  capacityPlan,
  fullThresholds,
  storageMetrics,
  storageReadings,
  storageSettings,
} from "./databases/disk-space.ts";
import { type MysqlReader, mysqlUrl, questionSeconds, withMysql } from "./databases/mysql-client.ts";
import { measureMysql, mysqlMetrics } from "./databases/mysql-sizes.ts";
import { certificateAuthority } from "./lib/certificate.ts";

const options = z.strictObject({
  url: mysqlUrl().describe(
    "Address of the server, as a secret: `mysql://tidewatch:password@db.example:3306`, with `?ssl-mode=REQUIRED` for TLS. The user needs PROCESS and REPLICATION CLIENT, and no right to any table: `CREATE USER tidewatch@'%' IDENTIFIED BY '…' WITH MAX_USER_CONNECTIONS 3; GRANT PROCESS, REPLICATION CLIENT ON *.* TO tidewatch@'%'`.",
  ),
  ca: certificateAuthority(),
  capacity: bytes({ atLeast: 1_000_000 })
    .optional()
    .describe("How much the server's disk holds. Without it growth is shown, but nobody is told when it is full."),
  fixedOverhead: bytes()
    .prefault("0 B")
    .describe("Bytes on the same disk that the server does not know of: the provider's figure minus ours, once."),
  ...storageSettings,
});
type Options = z.output<typeof options>;

export default defineProbe({
  summary: "Measures sizes and connections of a MySQL or MariaDB, with read-only questions of bounded cost.",
  internal: true,
  runbook: "database",
  readings: [...mysqlMetrics, ...storageMetrics],
  options,
  example: { url: { env: "CASTOPOD_DATABASE_URL" }, capacity: "20 GB" },
  // Five questions of at most 4 s each would still be a measurement, and no outage.
  defaults: { everySeconds: 300, timeoutSeconds: 30 },

  thresholds: (settings) => [
    ...(settings.capacity === undefined ? [] : fullThresholds(settings)),
    ...connectionThresholds(settings.fullFor, "mysql_connections_ratio", "mysql-connections"),
  ],
  capacity: (settings, checkId) =>
    settings.capacity === undefined ? undefined : capacityPlan(checkId, settings, settings.capacity),

  run: look,
});

async function look(settings: Options, { net }: ProbeContext): Promise<Finding> {
  try {
    const { answer, phases } = await withMysql(settings.url, { net, ca: settings.ca }, (mysql) =>
      measure(mysql, settings),
    );
    return { ...answer, phases };
  } catch (error) {
    return findingWithoutConnection(error, "mysql-connections");
  }
}

async function measure(mysql: MysqlReader, settings: Options): Promise<Finding> {
  const { readings, usedBytes, refused, notes } = await measureMysql(mysql);
  const stored: readonly Reading[] =
    usedBytes === undefined
      ? []
      : storageReadings(settings.store ?? "mysql", usedBytes + settings.fixedOverhead, settings.capacity);
  const all = [...readings, ...stored];
  return findingOfQuestions(
    { readings: all, answered: all.length > 0, refused, notes },
    { grant: "GRANT PROCESS, REPLICATION CLIENT to our user", seconds: questionSeconds },
  );
}
