/** Seeds the store with an invented history of some months, through the store's own API, before the program starts. */
import { mkdir, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { noConfirmation } from "../../core/confirmation.ts";
import { Refused } from "../../core/errors.ts";
import type { Sample } from "../../core/sample.ts";
import type { Transition } from "../../core/store/judgements.ts";
import type { Series } from "../../core/store/series.ts";
import type { Store } from "../../core/store/store.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import type { TargetSettings } from "./tidewatch-process.ts";

export const vantagePoint = "here";
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export interface History {
  readonly days: number;
  /** And samples: of every check in the last hour, of those whose fullness is forecast each day. Else only transitions. */
  readonly samples?: boolean;
}

/** Transitions, samples and readings; the store derives hours and days of them as it does of what is measured. */
export async function writeHistory(
  database: string,
  targets: readonly TargetSettings[],
  { days, samples = false }: History,
  progress: (doing: string) => void,
): Promise<void> {
  await mkdir(dirname(database), { recursive: true });
  await using store = await openSqliteStore(database);
  const checks = targets.flatMap(({ id: target, checks }) =>
    checks.map(({ id: check }) => ({ target, check, vantagePoint })),
  );
  const now = Temporal.Now.instant().epochMilliseconds;
  const start = Math.floor(now / hourMs) * hourMs - days * dayMs;
  progress(`writing ${days} days of history of ${checks.length} checks`);
  await store.commit({ transitions: checks.flatMap((check, index) => transitionsOf(check, index, start, days)) });
  if (samples) await writeSamples(store, database, checks, { from: start, to: now }, progress);
  const confirmation = { ...noConfirmation, lastAt: now, lastKnown: true, settledUntil: now };
  await store.commit({ confirmations: checks.map((check) => ({ ...check, confirmation })) });
}

async function writeSamples(
  store: Store,
  database: string,
  checks: readonly Series[],
  { from, to }: { readonly from: number; readonly to: number },
  progress: (doing: string) => void,
): Promise<void> {
  const all = checks.map((check, index) => ({ check, index }));
  const commit = (those: typeof all, at: number) =>
    store.commit({ samples: those.map(({ check, index }) => sampleOf(check, index, at + index)) });
  const derive = async (now: number) => {
    progress("deriving hours and days");
    await deriveAll(store, database, Temporal.Instant.fromEpochMilliseconds(now));
  };
  // A forecast needs all of its past. Before the others have a sample, so that millions of hours need not be derived:
  // their uptime is known by the transitions.
  const forecast = all.filter(({ index }) => measuresFullness(index));
  for (let day = from; day < to - 2 * hourMs; day += dayMs) await commit(forecast, day);
  await derive(to - 2 * hourMs);
  progress("writing the last hour");
  for (let at = to - hourMs; at < to - 60_000; at += 60_000) await commit(all, at);
  await derive(to);
}

/** Until nothing is left to do: a program that starts with a past has long done that. */
async function deriveAll(store: Store, database: string, now: Temporal.Instant): Promise<void> {
  using file = new DatabaseSync(database, { readOnly: true });
  const version = file.prepare("pragma data_version");
  for (let before: unknown; ; ) {
    await store.maintain(now);
    const after = version.get()?.["data_version"];
    if (after === before) return;
    before = after;
  }
}

/** Up, but for a few stretches that differ from check to check. */
function transitionsOf(check: Series, index: number, start: number, days: number): readonly Transition[] {
  const transitionTo = (at: number, outcome: Transition["outcome"]) => ({
    ...check,
    at: Temporal.Instant.fromEpochMilliseconds(at),
    outcome,
  });
  const troubles = Array.from({ length: index % 7 }, (_, number) => {
    const began = start + ((index * 37 + number * 991) % (days * 24 - 3)) * hourMs + number;
    return { began, ended: began + (5 + ((index + number) % 90)) * 60_000, outcome: outcomeOf(number) };
  });
  return [
    transitionTo(start, "up"),
    ...troubles
      .toSorted((a, b) => a.began - b.began)
      .flatMap(({ began, ended, outcome }) => [transitionTo(began, outcome), transitionTo(ended, "up")]),
  ];
}

const outcomeOf = (number: number): Transition["outcome"] => (number % 3 === 0 ? "degraded" : "down");

/** As the probe of web pages over https would tell it. */
export function sampleOf(check: Series, index: number, at: number): Sample {
  const jitter = ((index * 7919 + Math.floor(at / 1000)) % 97) / 1000;
  const total = 0.05 + jitter;
  return {
    ...check,
    at: Temporal.Instant.fromEpochMilliseconds(at),
    outcome: "up",
    durationSeconds: total + 0.002,
    sinceLastSeconds: 60.01,
    loopDelaySeconds: 0,
    phases: { resolve: 0.001, connect: 0.01, tls: 0.02, processing: total - 0.041, transfer: 0.01, total },
    readings: [
      { metric: "certificate_expiry_timestamp_seconds", value: 1_800_000_000 },
      ...(measuresFullness(index)
        ? [{ metric: "storage_used_bytes", value: 40e9 + at / 1000, labels: { store: "disk" } }]
        : []),
    ],
  };
}

/** Every tenth also measures how full something is. */
const measuresFullness = (index: number) => index % 10 === 0;

const tmpfs = 0x01021994;

/** What is written to memory is counted nowhere. */
export async function refuseMemoryFolder(folder: string): Promise<void> {
  if ((await statfs(folder)).type !== tmpfs) return;
  throw new Refused(`${folder} is in memory, where nothing is written to disk.`, "Set TMPDIR to a folder on a disk.");
}
