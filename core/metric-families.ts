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
  gauge("storage_used_bytes", "Bytes used of something that fills."),
  gauge("storage_limit_bytes", "Bytes at which it is full."),
];
