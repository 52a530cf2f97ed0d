/** What a Redis says about itself in INFO (memory, persistence, replicas), and which of its counters grew lately. */
import { z } from "zod";
import { Unreachable } from "../../core/errors.ts";
import { remembered } from "../lib/check-memory.ts";

const number = z
  .string()
  .regex(/^-?\d{1,18}(?:\.\d{1,9})?$/)
  .transform(Number);
const orNone = number.optional().catch(undefined);
const orZero = number.catch(0);
const word = z.string().max(40).catch("");
const fine = z.string().catch("ok");

/** Fields that old versions and relatives lack have a harmless value; without the first three it is no Redis. */
const Info = z.object({
  redis_version: z.string().max(40),
  uptime_in_seconds: number,
  used_memory: number,
  /** What is on its way to replicas and to the append-only file: no reason for Redis to refuse a write. */
  mem_not_counted_for_evict: orZero,
  run_id: word,
  role: word,
  loading: orZero,
  loading_loaded_perc: orNone,
  maxmemory: orZero,
  maxmemory_policy: word,
  total_system_memory: orZero,
  connected_clients: orZero,
  maxclients: orZero,
  blocked_clients: orZero,
  rejected_connections: orZero,
  evicted_keys: orZero,
  errorstat_OOM: orZero,
  errorstat_MISCONF: orZero,
  rdb_changes_since_last_save: orZero,
  rdb_last_save_time: orNone,
  rdb_last_bgsave_status: fine,
  aof_enabled: orZero,
  aof_last_write_status: fine,
  aof_last_bgrewrite_status: fine,
  master_link_status: z.string().catch("up"),
  master_link_down_since_seconds: orNone,
  connected_slaves: orZero,
});

export type RedisInfo = z.output<typeof Info> & {
  /** In all databases. */
  readonly keys: number;
  /** Of the replica furthest behind, or ours as a replica. */
  readonly lagSeconds: number | undefined;
};

export function parseInfo(text: string): RedisInfo {
  const fields = new Map(
    text.split("\n").flatMap((line): [string, string][] => {
      const colon = line.indexOf(":");
      return colon < 1 || line.startsWith("#") ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()]];
    }),
  );
  // "errorstat_OOM:count=3", "db0:keys=5,expires=0", "slave0:ip=…,state=online,offset=…,lag=1".
  const inside = (value: string | undefined, name: string) =>
    new RegExp(`(?:^|,)${name}=(\\d{1,15})(?:,|$)`).exec(value ?? "")?.[1];
  for (const error of ["errorstat_OOM", "errorstat_MISCONF"]) {
    fields.set(error, inside(fields.get(error), "count") ?? "0");
  }
  const parsed = Info.safeParse(Object.fromEntries(fields));
  if (!parsed.success) throw new Unreachable("answered something that is not Redis' INFO", { stage: "protocol" });
  const all = (names: RegExp, what: string): readonly number[] =>
    [...fields].flatMap(([name, value]) => (names.test(name) ? [Number(inside(value, what) ?? 0)] : []));
  const ownLag = Number(fields.get("master_last_io_seconds_ago") ?? Number.NaN);
  const lag = parsed.data.role === "slave" ? ownLag : Math.max(...all(/^slave\d+$/, "lag"));
  return {
    ...parsed.data,
    keys: all(/^db\d+$/, "keys").reduce((sum, keys) => sum + keys, 0),
    lagSeconds: Number.isFinite(lag) && lag >= 0 ? lag : undefined,
  };
}

/** What happened within the last ten minutes: long enough to be confirmed, short enough to be news. */
export interface Lately {
  readonly evicted: number;
  readonly rejected: number;
  readonly refusedWrites: number;
  /** Since we saw that it was another process than before. */
  readonly restarted: boolean;
  /** Of the keys before that restart, those that are gone. */
  readonly keysLost: number;
}

const counters = {
  evicted: ({ evicted_keys }: RedisInfo) => evicted_keys,
  rejected: ({ rejected_connections }: RedisInfo) => rejected_connections,
  refusedWrites: ({ errorstat_OOM, errorstat_MISCONF }: RedisInfo) => errorstat_OOM + errorstat_MISCONF,
} as const;
type Counter = keyof typeof counters;

const newsSeconds = 600;

interface News {
  readonly at: number;
  readonly what: Counter | "restarted" | "keysLost";
  readonly count: number;
}

export class RedisHistory {
  #last: RedisInfo | undefined;
  #news: readonly News[] = [];

  /** The one in the memory of a check, or a new one. */
  static of(memory: Map<string, unknown>): RedisHistory {
    return remembered(memory, "history", RedisHistory);
  }

  /** @param at monotonic seconds. */
  note(info: RedisInfo, at: number): Lately {
    const last = this.#last;
    this.#last = info;
    const fresh = last ? newsSince(last, info) : [];
    this.#news = [...this.#news, ...fresh.map((news) => ({ ...news, at }))].filter(
      (news) => news.count > 0 && at - news.at < newsSeconds,
    );
    const sum = (what: News["what"]) =>
      this.#news.filter((news) => news.what === what).reduce((total, { count }) => total + count, 0);
    return {
      evicted: sum("evicted"),
      rejected: sum("rejected"),
      refusedWrites: sum("refusedWrites"),
      restarted: sum("restarted") > 0,
      keysLost: sum("keysLost"),
    };
  }
}

function newsSince(last: RedisInfo, now: RedisInfo): readonly Omit<News, "at">[] {
  const restarted = last.run_id !== now.run_id || now.uptime_in_seconds < last.uptime_in_seconds;
  const grown = (["evicted", "rejected", "refusedWrites"] as const).map((what) => {
    const [before, after] = [counters[what](last), counters[what](now)];
    // A new process, or CONFIG RESETSTAT, counts from nothing.
    return { what, count: restarted || after < before ? after : after - before };
  });
  if (!restarted) return grown;
  return [
    ...grown,
    { what: "restarted", count: 1 },
    // While it loads, it has not lost anything yet.
    { what: "keysLost", count: now.loading ? 0 : Math.max(0, last.keys - now.keys) },
  ];
}
