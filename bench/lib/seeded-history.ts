/** Seeds the store with an invented history of some months, through the store's own API, before the program starts. */
import { mkdir, statfs } from "node:fs/promises";
import { dirname } from "node:path";
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

export interface History {
  readonly days: number;
  /** Each check has a sample so often, and in the last hour one a minute; without it there are only transitions. */
  readonly sampleEveryHours?: number;
}

/** Transitions, samples and readings; the store derives hours and days of them as it does of what is measured. */
export async function writeHistory(
  database: string,
  targets: readonly TargetSettings[],
  { days, sampleEveryHours }: History,
  progress: (doing: string) => void,
): Promise<void> {
  await mkdir(dirname(database), { recursive: true });
  await using store = await openSqliteStore(database);
  const checks = targets.flatMap(({ id: target, checks }) =>
    checks.map(({ id: check }) => ({ target, check, vantagePoint })),
  );
  const now = Temporal.Now.instant().epochMilliseconds;
  const start = Math.floor(now / hourMs) * hourMs - days * 24 * hourMs;
  progress(`writing ${days} days of history of ${checks.length} checks`);
  await store.commit({ transitions: checks.flatMap((check, index) => transitionsOf(check, index, start, days)) });
  if (sampleEveryHours !== undefined) {
    await writeSamples(store, checks, { from: start, to: now, everyMs: sampleEveryHours * hourMs }, progress);
  }
  const confirmation = { ...noConfirmation, lastAt: now, lastKnown: true, settledUntil: now };
  await store.commit({ confirmations: checks.map((check) => ({ ...check, confirmation })) });
}

async function writeSamples(
  store: Store,
  checks: readonly Series[],
  span: { readonly from: number; readonly to: number; readonly everyMs: number },
  progress: (doing: string) => void,
): Promise<void> {
  const dayMs = 24 * hourMs;
  for (let day = span.from; day < span.to; day += dayMs) {
    if ((day - span.from) % (10 * dayMs) === 0) progress(`writing history, day ${(day - span.from) / dayMs}`);
    for (let at = day; at < Math.min(day + dayMs, span.to - hourMs); at += span.everyMs) {
      await store.commit({ samples: checks.map((check, index) => sampleOf(check, index, at)) });
    }
    await store.maintain(Temporal.Instant.fromEpochMilliseconds(Math.min(day + dayMs, span.to)));
  }
  for (let at = span.to - hourMs; at < span.to - 60_000; at += 60_000) {
    await store.commit({ samples: checks.map((check, index) => sampleOf(check, index, at + index)) });
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
      // Every tenth also measures how full something is.
      ...(index % 10 === 0
        ? [{ metric: "storage_used_bytes", value: 40e9 + at / 1000, labels: { store: "disk" } }]
        : []),
    ],
  };
}

const tmpfs = 0x01021994;

/** What is written to memory is counted nowhere. */
export async function refuseMemoryFolder(folder: string): Promise<void> {
  if ((await statfs(folder)).type !== tmpfs) return;
  throw new Refused(`${folder} is in memory, where nothing is written to disk.`, "Set TMPDIR to a folder on a disk.");
}
