/**
 * What the state of a Redis means (memory, persistence, replication): the finding, its words, its readings, and the
 * thresholds.
 */
import type { Localised } from "../../core/language.ts";
import { spokenAge } from "../../core/member-texts.ts";
import { counter, gauge, type MetricFamily } from "../../core/metric-families.ts";
import { plainText } from "../../core/plain-text.ts";
import type { Finding, Outcome, Reading } from "../../core/sample.ts";
import type { Threshold } from "../../core/threshold.ts";
import { formatBytes } from "../../core/units.ts";
import type { Lately, RedisInfo } from "./redis-health.ts";

export interface RedisExpectation {
  /** It is a cache: evicting keys is its work, and nobody misses them. */
  readonly cache: boolean;
  readonly replicas: number;
}

const postingFails: Localised = {
  en: "Posting and signing in may fail at the moment.",
  fr: "La publication et la connexion peuvent échouer en ce moment.",
};
const someLost: Localised = {
  en: "Some recent posts and notifications may not have been delivered.",
  fr: "Certaines publications et notifications récentes n’ont peut-être pas été transmises.",
};
const nothingNoticed: Localised = {
  en: "Everything works, but the data is less well protected than it should be.",
  fr: "Tout fonctionne, mais les données sont moins bien protégées que prévu.",
};

type Trouble = readonly [Outcome, string, Localised];

export function judged(
  info: RedisInfo,
  lately: Lately,
  expected: RedisExpectation,
): Pick<Finding, "outcome" | "reason" | "explanation"> {
  const [first] = [...refusals(info, lately, expected), ...losses(info, lately, expected), ...risks(info, expected)];
  if (first) return { outcome: first[0], reason: first[1], explanation: first[2] };
  const note = remark(info, lately, expected);
  return { outcome: "up", ...(note && { reason: note }) };
}

/** What members notice at once. */
function refusals(info: RedisInfo, lately: Lately, { cache }: RedisExpectation): readonly Trouble[] {
  const troubles: Trouble[] = [];
  if (info.loading) {
    const share = info.loading_loaded_perc === undefined ? "" : ` (${Math.floor(info.loading_loaded_perc)}%)`;
    troubles.push(["down", `is still loading its data${share}`, postingFails]);
  }
  if (info.aof_enabled && info.aof_last_write_status !== "ok") {
    troubles.push(["down", "cannot write its append-only file, so it refuses all writes (MISCONF)", postingFails]);
  }
  if (!cache && isFull(info)) {
    troubles.push(["down", "its memory is full, so it refuses writes (OOM)", postingFails]);
  }
  if (lately.refusedWrites > 0 && !cache) {
    const why = info.rdb_last_bgsave_status === "ok" ? "" : ": it cannot save to disk (MISCONF)";
    troubles.push(["down", `refused ${lately.refusedWrites} writes within ten minutes${why}`, postingFails]);
  }
  if (lately.rejected > 0) {
    troubles.push(["degraded", `turned ${lately.rejected} clients away: its maxclients is reached`, postingFails]);
  }
  return troubles;
}

function losses(info: RedisInfo, lately: Lately, { cache }: RedisExpectation): readonly Trouble[] {
  if (cache) return [];
  const troubles: Trouble[] = [];
  // Keys expire while it is away; half of them do not.
  if (lately.keysLost > info.keys) {
    troubles.push(["degraded", `restarted and came up without ${lately.keysLost} of its keys`, someLost]);
  }
  if (lately.evicted > 0) {
    const policy = plainText(info.maxmemory_policy, 40);
    troubles.push([
      "degraded",
      `threw out ${lately.evicted} keys for want of memory (${policy}): jobs may be lost`,
      someLost,
    ]);
  }
  return troubles;
}

/** What nobody notices before something else goes wrong as well. */
function risks(info: RedisInfo, { replicas, cache }: RedisExpectation): readonly Trouble[] {
  const troubles: Trouble[] = [];
  if (info.role === "slave" && info.master_link_status !== "up") {
    const since = info.master_link_down_since_seconds;
    const span = since === undefined || since < 0 ? "" : ` for ${spokenAge(since).en}`;
    troubles.push(["degraded", `is a replica whose link to its primary has been down${span}`, nothingNoticed]);
  }
  if (info.connected_slaves < replicas) {
    troubles.push(["degraded", `${info.connected_slaves} of ${replicas} replicas follow`, nothingNoticed]);
  }
  if (info.rdb_last_bgsave_status !== "ok" && !cache) {
    troubles.push(["degraded", "could not save to disk; unless told otherwise it then refuses writes", nothingNoticed]);
  }
  if (info.aof_enabled && info.aof_last_bgrewrite_status !== "ok") {
    troubles.push(["degraded", "could not rewrite its append-only file, which now grows without end", nothingNoticed]);
  }
  return troubles;
}

function remark(info: RedisInfo, lately: Lately, { cache }: RedisExpectation): string | undefined {
  if (lately.restarted) return `restarted ${spokenAge(info.uptime_in_seconds).en} ago`;
  if (cache || info.maxmemory === 0 || keepsAll(info)) return undefined;
  return `its policy ${plainText(info.maxmemory_policy, 40)} throws out jobs when memory is full: set noeviction`;
}

const keepsAll = ({ maxmemory_policy }: RedisInfo) => maxmemory_policy === "noeviction" || maxmemory_policy === "";
/** A replica takes what its primary sends, whatever its own memory limit is. */
const isFull = (info: RedisInfo) =>
  info.role !== "slave" && info.maxmemory > 0 && keepsAll(info) && usedOf(info) >= info.maxmemory;

/** What stands against the limit: all of it where the machine is the limit. */
const usedOf = ({ used_memory, mem_not_counted_for_evict, maxmemory }: RedisInfo): number =>
  maxmemory > 0 ? Math.max(0, used_memory - mem_not_counted_for_evict) : used_memory;

const limitOf = ({ maxmemory, total_system_memory }: RedisInfo): number => maxmemory || total_system_memory;

export const redisMetrics: readonly MetricFamily[] = [
  gauge("redis_info", "Version and role of a Redis.", ["version", "role"]),
  gauge("redis_memory_used_bytes", "Memory that a Redis uses for its data."),
  gauge("redis_memory_limit_bytes", "Memory it may use: its own limit, else what the host has."),
  gauge("redis_memory_used_ratio", "Share of that limit that is used."),
  gauge("redis_connections", "Clients connected to a Redis."),
  gauge("redis_connections_ratio", "Clients connected, of those it admits."),
  gauge("redis_blocked_connections", "Clients that wait for a job or a message."),
  gauge("redis_start_timestamp_seconds", "When this Redis was started."),
  gauge("redis_unsaved_changes", "Changes since the last save to disk."),
  gauge("redis_last_save_timestamp_seconds", "When it last saved to disk."),
  gauge("redis_replication_lag_seconds", "How far the replica furthest behind is, or we are as a replica."),
  gauge("redis_replicas", "Replicas that follow a Redis."),
  counter("redis_evicted_keys_total", "Keys thrown out for want of memory since its start."),
  counter("redis_rejected_connections_total", "Clients turned away since its start."),
  counter("redis_refused_writes_total", "Commands refused for want of memory or a failed save since its start."),
];

/** @param now seconds since 1970. */
export function redisReadings(info: RedisInfo, now: number): readonly Reading[] {
  const limit = limitOf(info);
  const plain = (metric: string, value: number | undefined): readonly Reading[] =>
    value === undefined ? [] : [{ metric, value }];
  return [
    {
      metric: "redis_info",
      value: 1,
      labels: { version: plainText(info.redis_version, 40), role: plainText(info.role, 20) },
    },
    ...plain("redis_memory_used_bytes", info.used_memory),
    ...(limit > 0
      ? [...plain("redis_memory_limit_bytes", limit), ...plain("redis_memory_used_ratio", usedOf(info) / limit)]
      : []),
    ...plain("redis_connections", info.connected_clients),
    ...(info.maxclients > 0 ? plain("redis_connections_ratio", info.connected_clients / info.maxclients) : []),
    ...plain("redis_blocked_connections", info.blocked_clients),
    ...plain("redis_evicted_keys_total", info.evicted_keys),
    ...plain("redis_rejected_connections_total", info.rejected_connections),
    ...plain("redis_refused_writes_total", info.errorstat_OOM + info.errorstat_MISCONF),
    ...plain("redis_start_timestamp_seconds", Math.round(now - info.uptime_in_seconds)),
    ...plain("redis_unsaved_changes", info.rdb_changes_since_last_save),
    ...plain("redis_last_save_timestamp_seconds", info.rdb_last_save_time),
    ...plain("redis_replicas", info.connected_slaves),
    ...plain("redis_replication_lag_seconds", info.lagSeconds),
  ];
}

export function redisEvidence(info: RedisInfo, lately: Lately): string {
  const limit = info.maxmemory > 0 ? formatBytes(info.maxmemory, "iec") : "no limit of its own";
  const uncounted = info.mem_not_counted_for_evict;
  const besides = uncounted > 0 ? `, of which ${formatBytes(uncounted, "iec")} do not count` : "";
  const lines = [
    `Redis ${info.redis_version}, ${info.role}, up for ${spokenAge(info.uptime_in_seconds).en}${lately.restarted ? " (restarted)" : ""}, ${info.keys} keys`,
    `memory: ${formatBytes(info.used_memory, "iec")} of ${limit}${besides}, policy ${info.maxmemory_policy || "unknown"}`,
    `evicted ${info.evicted_keys}, refused writes ${info.errorstat_OOM + info.errorstat_MISCONF}, clients turned away ${info.rejected_connections} since its start`,
    `saved: ${info.rdb_last_bgsave_status}, ${info.rdb_changes_since_last_save} changes since; append-only file: ${info.aof_enabled ? info.aof_last_write_status : "off"}`,
  ];
  return plainText(lines.join("\n"), 1500);
}

export function redisThresholds({ cache, fullFor }: { readonly cache: boolean; readonly fullFor: number }) {
  const level = (rule: Pick<Threshold, "id" | "metric" | "raiseAt" | "title"> & Partial<Threshold>): Threshold => ({
    clearAt: Math.round((rule.raiseAt - 0.05) * 100) / 100,
    raiseAfterSeconds: fullFor,
    clearAfterSeconds: fullFor,
    urgency: "ticket",
    affects: "nothing",
    unit: "ratio",
    runbook: "redis-memory",
    ...rule,
  });
  const connections = level({
    id: "connections-many",
    metric: "redis_connections_ratio",
    raiseAt: 0.8,
    title: { en: "Redis runs out of connections", fr: "Redis n’a presque plus de connexions" },
  });
  // A cache is always full: that is what it is for.
  if (cache) return [connections];
  const metric = "redis_memory_used_ratio";
  return [
    level({
      id: "memory-filling",
      metric,
      raiseAt: 0.8,
      title: { en: "The memory of Redis is filling up", fr: "La mémoire de Redis se remplit" },
    }),
    level({
      id: "memory-full",
      metric,
      raiseAt: 0.95,
      urgency: "page",
      title: { en: "The memory of Redis is almost full", fr: "La mémoire de Redis est presque pleine" },
    }),
    connections,
  ];
}
