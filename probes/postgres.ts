/**
 * The postgres probe: how full a PostgreSQL is: databases, write-ahead log, connections, transaction numbers,
 * replication slots.
 */
import { z } from "zod";
import { bytes } from "../core/config/settings.ts";
import { defineProbe, type ProbeContext } from "../core/probe.ts";
import type { Finding } from "../core/sample.ts";
import { findingWithoutConnection } from "./databases/database-refusals.ts";
import { capacityPlan, storageMetrics, storageReadings, storageSettings } from "./databases/disk-space.ts";
import { type PostgresReader, postgresUrl, withPostgres } from "./databases/postgres-client.ts";
import { Findings, postgresMetrics, type RowOf, sum } from "./databases/postgres-findings.ts";
import * as questions from "./databases/postgres-questions.ts";
import { postgresThresholds } from "./databases/postgres-thresholds.ts";
import { certificateAuthority } from "./lib/certificate.ts";

const options = z.strictObject({
  url: postgresUrl().describe(
    "Address of the database, as a secret: `postgres://tidewatch:password@db.example:5432/mastodon?sslmode=require`. The role needs CONNECT and pg_monitor, and nothing else.",
  ),
  ca: certificateAuthority(),
  capacity: bytes({ atLeast: 1_000_000 })
    .optional()
    .describe("How much the cluster's disk holds. Without it growth is shown, but nobody is told when it is full."),
  fixedOverhead: bytes()
    .prefault("0 B")
    .describe("Bytes on the same disk that PostgreSQL does not know of: the provider's figure minus ours, once."),
  ...storageSettings,
});
type Options = z.output<typeof options>;

export default defineProbe({
  summary: "Measures sizes, connections and what could fill a PostgreSQL, with read-only questions of bounded cost.",
  internal: true,
  runbook: "database",
  readings: [...postgresMetrics, ...storageMetrics],
  options,
  example: {
    url: { env: "MASTODON_DATABASE_URL" },
    capacity: "100 GB",
    sizes: [
      { name: "100 GB", capacity: "100 GB", monthly: 120 },
      { name: "160 GB", capacity: "160 GB", monthly: 185 },
    ],
  },
  // Nine statements of at most 4 s each would still be a measurement, and no outage.
  defaults: { everySeconds: 300, timeoutSeconds: 45 },

  thresholds: postgresThresholds,
  capacity: (settings, checkId) =>
    settings.capacity === undefined ? undefined : capacityPlan(checkId, settings, settings.capacity),

  run: look,
});

async function look(settings: Options, context: ProbeContext): Promise<Finding> {
  const { signal, clock } = context;
  try {
    const { answer, phases } = await withPostgres(settings.url, { signal, clock, ca: settings.ca }, (postgres) =>
      measure(postgres, settings, context),
    );
    return { ...answer, phases };
  } catch (error) {
    return findingWithoutConnection(error, "database-connections");
  }
}

async function measure(postgres: PostgresReader, settings: Options, context: ProbeContext): Promise<Finding> {
  const findings = new Findings();
  const every = timetable(context);
  const now = await postgres.group(async (ask) => ({
    databases: await findings.ask(ask, "sizes of databases", questions.databases),
    instance: await findings.ask(ask, "connections", questions.instance),
    wal: await findings.ask(ask, "write-ahead log", questions.wal),
    slots: await findings.ask(ask, "replication slots", questions.slots),
  }));
  const hourly = await every("hourly", 3600, () =>
    postgres.group(async (ask) => ({
      temporary: await findings.ask(ask, "temporary files", questions.temporary),
      relations: await findings.ask(ask, "tables", questions.relations),
      progress: await findings.ask(ask, "progress", questions.progress),
      holders: await findings.ask(ask, "transactions", questions.holders),
    })),
  );
  const daily = await every("daily", 86_400, () =>
    postgres.group(async (ask) => ({ files: await findings.ask(ask, "files", questions.files) })),
  );

  findings.databases(now.databases ?? []);
  findings.instance(now.instance?.[0]);
  findings.slots(now.slots ?? []);
  if (hourly?.relations) findings.relations(hourly.relations, now.databases ?? []);
  findings.files(daily?.files ?? []);
  findings.activity(hourly?.progress ?? [], hourly?.holders ?? []);
  const walBytes = findings.size("postgres_wal_bytes", now.wal?.[0]?.bytes);
  const temporaryBytes = findings.size("postgres_temp_bytes", hourly?.temporary?.[0]?.bytes);
  const used = usedBytes(context.memory, findings, { databases: now.databases, walBytes, temporaryBytes });
  if (used !== undefined) {
    const store = settings.store ?? "postgres";
    findings.readings.push(...storageReadings(store, used + settings.fixedOverhead, settings.capacity));
  }
  return findings.finding();
}

/** What is asked rarely is asked at the first run of a process, then by the clock that never jumps. */
function timetable({ memory, clock }: ProbeContext) {
  const now = clock.monotonicSeconds();
  return async <T>(what: string, seconds: number, questions: () => Promise<T>): Promise<T | undefined> => {
    const last = memory.get(what);
    // A little early is better than a whole interval late.
    if (typeof last === "number" && now - last < seconds - 30) return undefined;
    const answers = await questions();
    memory.set(what, now);
    return answers;
  };
}

/**
 * Databases, write-ahead log and temporary files. A part that our role may never see is left out, and belongs into
 * `fixedOverhead`; one that was only not measured this time counts as it was, because it did not vanish.
 */
function usedBytes(
  memory: Map<string, unknown>,
  { refused }: Findings,
  parts: {
    readonly databases: readonly RowOf<typeof questions.databases>[] | undefined;
    readonly walBytes: number | undefined;
    readonly temporaryBytes: number | undefined;
  },
): number | undefined {
  const lately = (what: string, bytes: number | undefined): number | undefined => {
    if (bytes !== undefined) memory.set(what, bytes);
    const known = memory.get(what);
    return typeof known === "number" ? known : undefined;
  };
  const wal = lately("wal", parts.walBytes) ?? (refused.get("write-ahead log") === "not allowed" ? 0 : undefined);
  const temporary = lately("temporary", parts.temporaryBytes) ?? 0;
  if (!parts.databases || wal === undefined) return undefined;
  return sum(parts.databases.map(({ bytes }) => bytes ?? 0)) + wal + temporary;
}
