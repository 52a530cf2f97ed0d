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
  gauge("castopod_info", "Version the Castopod server says it runs."),
  gauge("pixelfed_info", "Version the Pixelfed server says it runs."),
  gauge("queue_latency_seconds", "Age of the oldest job that waits in a queue."),
  gauge("queue_jobs", "Jobs in a queue or set, by state."),
  gauge("queue_processes", "Worker processes with a live heartbeat."),
  counter("queue_processed_total", "Jobs processed, as the queue itself counts them."),
  counter("queue_failed_total", "Failed attempts, as the queue itself counts them."),
  gauge("postgres_database_size_bytes", "Size of a database on disk."),
  gauge("postgres_wal_bytes", "Size of the write-ahead log on disk."),
  gauge("postgres_connections_ratio", "Client connections in use, of those that may be used."),
  counter("postgres_wal_written_bytes_total", "Write-ahead log written since the cluster was made."),
  gauge("postgres_temp_bytes", "Temporary files of running queries on disk."),
  gauge("postgres_relation_size_bytes", "Estimated size of a table with its indexes and TOAST."),
  gauge("postgres_relation_file_bytes", "Exact size of one table, index or TOAST table."),
  gauge("postgres_slot_retained_bytes", "Write-ahead log kept for a replication slot."),
  gauge("postgres_wraparound_ratio", "Oldest transaction number, of those that can exist before writes stop."),
  gauge("storage_used_bytes", "Bytes used of something that fills."),
  gauge("storage_limit_bytes", "Bytes at which it is full."),
  gauge("storage_used_ratio", "Share of the limit that is used."),
  gauge("storage_inodes_ratio", "Share of a file system's inodes that is used."),
];
