/** A commit becomes one transaction here: samples, transitions, incidents, notices and all else that Changes holds. */
import type { Incident } from "../../core/incident.ts";
import type { Reading, Sample } from "../../core/sample.ts";
import type { Changes } from "../../core/store/changes.ts";
import type { IncidentChange } from "../../core/store/incidents.ts";
import type { StoredConfirmation, StoredThreshold, Transition } from "../../core/store/judgements.ts";
import type { Series } from "../../core/store/series.ts";
import { addAnnotations } from "./annotations.ts";
import { changeEscalation } from "./escalation-changes.ts";
import { changeIncident } from "./incidents.ts";
import { addNotices } from "./outbox.ts";
import { answerRequests } from "./requests.ts";
import { outcomeIndex, type StoredReading, type StoredSample } from "./sample-bytes.ts";
import type { SeriesIds } from "./series-ids.ts";
import { run, statement, type Transaction } from "./statements.ts";
import { toStored } from "./stored-sample.ts";
import { writeBatches } from "./unpacked-batch.ts";

export interface Written {
  readonly opened: readonly Incident[];
  readonly samples: readonly StoredSample[];
  readonly transitions: readonly { readonly series: number; readonly at: number }[];
}

const upsertTransition = statement(
  `insert into transition (series, at, outcome) values (?, ?, ?)
   on conflict (series, at) do update set outcome = excluded.outcome`,
);
const upsertConfirmation = statement(
  "insert into verdict (series, verdict) values (?, ?) on conflict (series) do update set verdict = excluded.verdict",
);
const upsertThreshold = statement(
  `insert into threshold (series, threshold, labels, state) values (?, ?, ?, ?)
   on conflict (series, threshold, labels) do update set state = excluded.state`,
);

export function* writeChanges(ids: SeriesIds, changes: Changes): Transaction<Written> {
  const samples = yield* writeSamples(ids, changes.samples ?? []);
  const transitions = yield* writeTransitions(ids, changes.transitions ?? []);
  yield* writeConfirmations(ids, changes.confirmations ?? []);
  yield* writeThresholds(ids, changes.thresholds ?? []);
  const opened = yield* changeIncidents(changes.incidents ?? []);
  for (const change of changes.escalations ?? []) yield* changeEscalation(change);
  yield* addNotices(changes.notices ?? []);
  yield* addAnnotations(changes.annotations ?? []);
  yield* answerRequests(changes.answers ?? []);
  return { opened, samples, transitions };
}

function* writeSamples(ids: SeriesIds, samples: readonly Sample[]): Transaction<readonly StoredSample[]> {
  const stored: StoredSample[] = [];
  for (const sample of samples) {
    const series = ids.seriesId(sample) ?? (yield* ids.addSeries(sample));
    const readings = sample.readings ? yield* storedReadings(ids, series, sample.readings) : [];
    stored.push(toStored(sample, series, readings));
  }
  yield* writeBatches(stored);
  return stored;
}

/** Of several readings with the same name the last one counts; NaN and infinite values are not kept. */
function* storedReadings(
  ids: SeriesIds,
  series: number,
  readings: readonly Reading[],
): Transaction<readonly StoredReading[]> {
  const values = new Map<number, number>();
  for (const reading of readings) {
    if (!Number.isFinite(reading.value)) continue;
    const id = ids.readingId(series, reading) ?? (yield* ids.addReading(series, reading));
    values.set(id, reading.value);
  }
  return [...values].map(([id, value]) => ({ id, value }));
}

function* writeTransitions(ids: SeriesIds, transitions: readonly Transition[]): Transaction<Written["transitions"]> {
  const written: Written["transitions"][number][] = [];
  for (const transition of transitions) {
    const series = yield* seriesIdOf(ids, transition);
    const at = transition.at.epochMilliseconds;
    yield* run(upsertTransition, series, at, outcomeIndex(transition.outcome));
    written.push({ series, at });
  }
  return written;
}

function* writeConfirmations(ids: SeriesIds, confirmations: readonly StoredConfirmation[]): Transaction<void> {
  for (const { confirmation, ...series } of confirmations) {
    yield* run(upsertConfirmation, yield* seriesIdOf(ids, series), JSON.stringify(confirmation));
  }
}

function* writeThresholds(ids: SeriesIds, thresholds: readonly StoredThreshold[]): Transaction<void> {
  for (const { threshold, labels, state, ...series } of thresholds) {
    yield* run(upsertThreshold, yield* seriesIdOf(ids, series), threshold, labels, JSON.stringify(state));
  }
}

function* changeIncidents(changes: readonly IncidentChange[]): Transaction<readonly Incident[]> {
  const opened: Incident[] = [];
  for (const change of changes) {
    const incident = yield* changeIncident(change);
    if (incident) opened.push(incident);
  }
  return opened;
}

function* seriesIdOf(ids: SeriesIds, series: Series): Transaction<number> {
  return ids.seriesId(series) ?? (yield* ids.addSeries(series));
}
