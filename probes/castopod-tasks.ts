/**
 * The castopod-tasks probe: reads Castopod's background tasks from its database: does cron run, how late are they, and
 * what was left undone?
 */
import { z } from "zod";
import { duration } from "../core/config/settings.ts";
import { NotMeasured } from "../core/errors.ts";
import { defineProbe, type ProbeContext } from "../core/probe.ts";
import type { Finding } from "../core/sample.ts";
import { judged, seenTasks, tasksEvidence, tasksMetrics, tasksReadings } from "./castopod/tasks-findings.ts";
import { castopodQueues, castopodTasksThresholds, runbook } from "./castopod/tasks-queues.ts";
import { readCastopodTasks } from "./castopod/tasks-state.ts";
import { NoConnectionLeft } from "./databases/database-refusals.ts";
import { mysqlUrl, withMysql } from "./databases/mysql-client.ts";
import { certificateAuthority } from "./lib/certificate.ts";
import { queueSettings, tolerances } from "./queues/latency-limits.ts";

const options = z.strictObject({
  url: mysqlUrl().describe(
    "Address of Castopod's MariaDB or MySQL, as a secret: `mysql://tidewatch:password@db.example:3306`, with `?ssl-mode=REQUIRED` for TLS, and `/castopod` after the port where there is more than one Castopod. The user needs to read a few columns of three tables: docs/access.md has the lines.",
  ),
  ca: certificateAuthority(),
  prefix: z
    .string()
    .regex(/^\w{0,32}$/, { error: "a prefix of tables has letters, digits and underscores" })
    .prefault("cp_")
    .describe("CP_DATABASE_PREFIX, which the names of Castopod's tables begin with."),
  stuckAfter: duration({ atLeast: 60 })
    .prefault("10m")
    .describe(
      "How long sending a message may take before its process is taken for dead. Followers are written to one after the other: longer for a podcast that has thousands.",
    ),
  ...queueSettings("broadcast 3m/10m, websub 5m/30m, named after Castopod's own tasks"),
  failures: z
    .int()
    .min(1)
    .prefault(3)
    .describe("So many messages of an hour that could not be sent are worth a look this week."),
});
type Options = z.output<typeof options>;

export default defineProbe({
  summary: "Reads from Castopod's database what waits for its cron, for how long, and what was left half done.",
  internal: true,
  readings: tasksMetrics,
  options,
  example: { url: { env: "CASTOPOD_DATABASE_URL" } },
  // Its largest question goes through a table without an index, as Castopod itself does every minute.
  defaults: { everySeconds: 120, timeoutSeconds: 30 },

  thresholds: ({ queues, ignore, ...settings }) =>
    castopodTasksThresholds(tolerances(castopodQueues, queues, ignore), settings),

  run: look,
});

async function look(
  { url, ca, prefix, stuckAfter, queues, ignore }: Options,
  { net, clock, memory }: ProbeContext,
): Promise<Finding> {
  const { answer, phases } = await withMysql(url, { net, ca }, (mysql) => readCastopodTasks(mysql, prefix)).catch(
    (error: unknown) => {
      // That the database has no connection left is for the check of the database to say.
      throw error instanceof NoConnectionLeft ? new NotMeasured(`MySQL ${error.message}`) : error;
    },
  );
  const state = seenTasks(answer, stuckAfter, { clock, memory });
  return {
    ...judged(state, tolerances(castopodQueues, queues, ignore)),
    runbook,
    readings: tasksReadings(state),
    evidence: tasksEvidence(state),
    phases,
  };
}
