/**
 * What Castopod's background work has before it, asked of its MariaDB or MySQL in at most four questions. There is no queue
 * server: cron calls `php spark tasks:run` every minute, and what waits is in the tables. All times are those of the
 * database, in UTC, as Castopod compares them too.
 */
import { z } from "zod";
import { NotMeasured } from "../../core/errors.ts";
import type { Refusal } from "../databases/database-refusals.ts";
import { askRows, type MysqlReader } from "../databases/mysql-client.ts";
import type { WaitingQueue } from "../queues/latency-limits.ts";

export interface CastopodTasks {
  /** `broadcast` and `websub`, as far as our user may see them. */
  readonly queues: readonly TaskQueue[];
  /** Absent when `broadcast` is. */
  readonly sending: Sending | undefined;
  /** Why a queue is not among them. */
  readonly refused: ReadonlyMap<string, Refusal>;
}

export interface TaskQueue extends WaitingQueue {
  readonly latencySeconds: number;
  /** Names what waits the longest, to see later whether it is still the same. */
  readonly front: string | undefined;
}

/** Messages of its podcasts to other servers, beside those that wait. */
interface Sending {
  /** For a moment that has not come yet. */
  readonly planned: number;
  /** Taken by a run. */
  readonly processing: number;
  /** Names the oldest of those. */
  readonly processingIds: readonly string[];
  readonly failed: number;
  /** Of those, the ones that were to be sent within the last hour; when they failed is not kept. */
  readonly failedRecently: number;
}

/** A run takes ten; a hundred at once is trouble enough. */
const mostIds = 100;

export async function readCastopodTasks(mysql: MysqlReader, prefix: string): Promise<CastopodTasks> {
  const table = await tablesOf(mysql, prefix);
  const refused = new Map<string, Refusal>();
  const seen = <Answer>(name: string, answer: Answer | Refusal): Answer | undefined => {
    if (!isRefusal(answer)) return answer;
    refused.set(name, answer);
    return undefined;
  };
  const broadcast = seen("broadcast", await readBroadcast(mysql, table));
  const websub = seen("websub", await readWebsub(mysql, table));
  const queues = [broadcast?.queue, websub].filter((queue) => queue !== undefined);
  return { queues, sending: broadcast?.sending, refused };
}

type Tables = (name: string) => string;

const names = ["fediverse_activities", "podcasts", "episodes"];
const Place = z.object({ place: z.string() });

/** The database that has Castopod's tables, among those that our user may see: the address need not name it. */
async function tablesOf(mysql: MysqlReader, prefix: string): Promise<Tables> {
  const wanted = names.map((name) => `'${prefix}${name}'`).join(", ");
  const places = await askRows(
    mysql,
    `SELECT DISTINCT TABLE_SCHEMA AS place FROM information_schema.TABLES
       WHERE TABLE_NAME IN (${wanted}) AND TABLE_SCHEMA = COALESCE(DATABASE(), TABLE_SCHEMA) LIMIT 2`,
    Place,
  );
  if (isRefusal(places)) throw new NotMeasured(`MySQL does not tell which tables there are (${places})`);
  const [found, another] = places;
  if (!found)
    throw new NotMeasured(`our user sees no table ${prefix}fediverse_activities: ${grantColumns}, or set prefix`);
  if (another) throw new NotMeasured("there is more than one Castopod: name its database at the end of the address");
  return (name) => `\`${found.place.replaceAll("`", "``")}\`.\`${prefix}${name}\``;
}

export const grantColumns = "GRANT it SELECT on the columns that docs/access.md names";

const count = z.int().min(0);
/** The clocks of two servers may differ by a little. */
const late = z
  .number()
  .nullable()
  .transform((seconds) => Math.max(0, seconds ?? 0));
const front = z
  .string()
  .nullable()
  .transform((named) => named ?? undefined);
const Waiting = z.object({ jobs: count, latencySeconds: late, front });
const Activities = Waiting.extend({ planned: count, processing: count, failed: count, failedRecently: count });
const Id = z.object({ id: z.string() });

/** There is no index for it: like Castopod itself every minute, this goes through the table once. */
async function readBroadcast(
  mysql: MysqlReader,
  table: Tables,
): Promise<{ readonly queue: TaskQueue; readonly sending: Sending } | Refusal> {
  const activities = table("fediverse_activities");
  const due = "status = 'queued' AND scheduled_at <= UTC_TIMESTAMP()";
  const figures = await askOne(
    mysql,
    `SELECT COUNT(IF(${due}, 1, NULL)) AS jobs,
       TIMESTAMPDIFF(SECOND, MIN(IF(${due}, scheduled_at, NULL)), UTC_TIMESTAMP()) AS latencySeconds,
       MIN(IF(${due}, CONCAT(scheduled_at, ' ', HEX(id)), NULL)) AS front,
       COUNT(IF(status = 'queued' AND scheduled_at > UTC_TIMESTAMP(), 1, NULL)) AS planned,
       COUNT(IF(status = 'processing', 1, NULL)) AS processing,
       COUNT(IF(status = 'failed', 1, NULL)) AS failed,
       COUNT(IF(status = 'failed' AND scheduled_at > UTC_TIMESTAMP() - INTERVAL 1 HOUR, 1, NULL)) AS failedRecently
     FROM ${activities} WHERE status IN ('queued', 'processing', 'failed')`,
    Activities,
  );
  if (isRefusal(figures)) return figures;
  const oldest = `SELECT HEX(id) AS id FROM ${activities} WHERE status = 'processing' ORDER BY scheduled_at LIMIT ${mostIds}`;
  const ids = figures.processing === 0 ? [] : await askRows(mysql, oldest, Id);
  if (isRefusal(ids)) return ids;
  const { jobs, latencySeconds, front, ...sending } = figures;
  return {
    queue: { name: "broadcast", jobs, latencySeconds, front },
    sending: { ...sending, processingIds: ids.map(({ id }) => id) },
  };
}

/**
 * Podcasts that the next run will announce to the hubs of podcast apps. An edit sets an episode back to be announced again,
 * however old it is: so it waits since it was published or changed, whichever came last.
 */
async function readWebsub(mysql: MysqlReader, table: Tables): Promise<TaskQueue | Refusal> {
  const unannounced = (podcast: string, of: string) =>
    `SELECT ${podcast} AS podcast, GREATEST(published_at, updated_at) AS since FROM ${of}
       WHERE is_published_on_hubs = 0 AND published_at <= UTC_TIMESTAMP()`;
  const figures = await askOne(
    mysql,
    `SELECT COUNT(DISTINCT podcast) AS jobs,
       TIMESTAMPDIFF(SECOND, MIN(since), UTC_TIMESTAMP()) AS latencySeconds,
       MIN(CONCAT(since, ' ', podcast)) AS front
     FROM (${unannounced("id", table("podcasts"))} UNION ALL ${unannounced("podcast_id", table("episodes"))}) AS due`,
    Waiting,
  );
  return isRefusal(figures) ? figures : { name: "websub", ...figures };
}

async function askOne<Row>(mysql: MysqlReader, sql: string, row: z.ZodType<Row>): Promise<Row | Refusal> {
  const rows = await askRows(mysql, sql, row);
  return isRefusal(rows) ? rows : (rows[0] ?? "failed");
}

const isRefusal = (answer: unknown): answer is Refusal => typeof answer === "string";
