/**
 * The metrics that checks may yield as readings, with their help texts: an interface (DESIGN), guarded by a golden
 * file. A reading whose metric is not listed here is kept in the store but not exported.
 */

export interface MetricFamily {
  /** Without the prefix `tidewatch_`. */
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
}

const gauge = (name: string, help: string): MetricFamily => ({ name, type: "gauge", help });
const counter = (name: string, help: string): MetricFamily => ({ name, type: "counter", help });

export const readingFamilies: readonly MetricFamily[] = [
  gauge("certificate_expiry_timestamp_seconds", "When the first certificate of the chain ends."),
  gauge("mastodon_info", "Version the Mastodon server says it runs."),
  gauge("mastodon_streaming_clients", "Apps and browsers that listen for new posts, by the way they do."),
  counter("mastodon_streaming_messages_received_total", "Messages that the streaming server has had from Redis."),
  gauge(
    "mastodon_timeline_age_seconds",
    "Time in which at most two posts came on a public timeline, by the server's clock.",
  ),
  gauge("castopod_info", "Version the Castopod server says it runs."),
  gauge("pixelfed_info", "Version the Pixelfed server says it runs."),
  gauge("lemmy_info", "Version the Lemmy server says it runs."),
  gauge("discourse_info", "Version the Discourse forum says it runs."),
  gauge("discourse_post_age_seconds", "Age of the newest post in the public topics of a Discourse forum."),
  gauge("cloudron_info", "Version the Cloudron says it runs."),
  gauge("cloudron_apps", "Apps on a Cloudron, by state."),
  gauge("federation_peers", "Other servers seen within three days, by how what we send reaches them."),
  gauge("federation_behind_ratio", "Share of those that are an hour behind or refuse what we send."),
  gauge("federation_lag_seconds", "How far the median of those is behind the one that is furthest."),
  gauge("federation_last_success_timestamp_seconds", "When the newest post was published that any of those has got."),
  gauge("queue_latency_seconds", "Age of the oldest job that waits in a queue."),
  gauge("queue_jobs", "Jobs in a queue or set, by state."),
  gauge("queue_processes", "Worker processes with a live heartbeat."),
  counter("queue_processed_total", "Jobs processed, as the queue itself counts them."),
  counter("queue_failed_total", "Failed attempts, as the queue itself counts them."),
  gauge("queue_quiet_processes", "Worker processes that were told to take no further job."),
  gauge("queue_serving_processes", "Worker processes that take jobs from a queue."),
  gauge("queue_threads", "Jobs that all live worker processes can do at once."),
  gauge("queue_threads_busy_ratio", "Worker threads that do a job, of those that could."),
  gauge("queue_processed_jobs_per_second", "Jobs processed a second since the last look."),
  gauge("queue_failed_jobs_per_second", "Failed attempts a second since the last look."),
  gauge("queue_abandoned_jobs", "Jobs taken by a worker that should have given them back by now: it died."),
  gauge("queue_overdue_jobs", "Jobs of a set that should have been taken up a minute ago or earlier."),
  gauge("queue_overdue_seconds", "How late the first job of a set is that was to be taken up at a moment in time."),
  gauge(
    "queue_retry_age_seconds",
    "Time since the first failure of the longest failing retry, of the 500 whose next try is furthest away.",
  ),
  gauge("queue_retry_growth_jobs", "Jobs more that wait for another try than up to an hour ago."),
  gauge("queue_dead_recent_jobs", "Jobs given up for good within the last hour."),
  counter("queue_deaths_total", "Jobs given up for good since the check began to look."),
  gauge("queue_cron_age_seconds", "Time since the cron jobs last ran that run every few minutes."),
  gauge("queue_stagnant_seconds", "For how long the same job has stood at the front of a queue."),
  gauge("queue_supervisors", "Horizon's supervisors and masters, by role and status."),
  gauge("postgres_database_size_bytes", "Size of a database on disk."),
  gauge("postgres_wal_bytes", "Size of the write-ahead log on disk."),
  gauge("postgres_connections_ratio", "Client connections in use, of those that may be used."),
  counter("postgres_wal_written_bytes_total", "Write-ahead log written since the cluster was made."),
  gauge("postgres_temp_bytes", "Temporary files of running queries on disk."),
  gauge("postgres_relation_size_bytes", "Estimated size of a table with its indexes and TOAST."),
  gauge("postgres_relation_file_bytes", "Exact size of one table, index or TOAST table."),
  gauge("postgres_slot_retained_bytes", "Write-ahead log kept for a replication slot."),
  gauge("postgres_wraparound_ratio", "Oldest transaction number, of those that can exist before writes stop."),
  gauge("redis_info", "Version and role of a Redis."),
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
  gauge("mysql_database_size_bytes", "Size of a MySQL or MariaDB database on disk."),
  gauge("mysql_log_bytes", "Size of a log on disk: binary, redo."),
  gauge("mysql_connections_ratio", "Client connections in use, of those that may be used."),
  gauge("prometheus_value", "A value that somebody else measures, by the name it has in the configuration."),
  gauge("dns_name_servers", "Name servers of a zone, by whether they answer for it."),
  gauge("heartbeat_success_timestamp_seconds", "When a job last called and said that it went well."),
  gauge("heartbeat_run_seconds", "How long the last run of a job took, from its start call to its end."),
  gauge("residency_inside_addresses", "Addresses that are where they may be, and whose they may be."),
  gauge("residency_outside_addresses", "Addresses that are somewhere else, or somebody else's."),
  gauge("residency_unknown_addresses", "Addresses of which nobody says where they are or whose."),
  gauge("storage_used_bytes", "Bytes used of something that fills."),
  gauge("storage_limit_bytes", "Bytes at which it is full."),
  gauge("storage_used_ratio", "Share of the limit that is used."),
  gauge("storage_inodes_ratio", "Share of a file system's inodes that is used."),
];
