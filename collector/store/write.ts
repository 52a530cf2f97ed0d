/** One commit: everything that Changes holds, inside the transaction of the caller. */
import type { Incident } from "../../core/incident.ts";
import type { Changes } from "../../core/store.ts";
import type { Codes } from "./codes.ts";
import type { Connection } from "./connection.ts";
import { figureBytes, outcomeCode, readingBytes, type StoredSample, toStored } from "./figures.ts";
import { changeIncident } from "./incidents.ts";
import { sampleKey } from "./keys.ts";
import { addNotices } from "./outbox.ts";

export interface Written {
  readonly opened: readonly Incident[];
  /** Those that were not there before. */
  readonly samples: readonly StoredSample[];
  readonly transitions: readonly { readonly series: number; readonly at: number }[];
}

export function writeChanges(connection: Connection, codes: Codes, changes: Changes): Written {
  const samples = (changes.samples ?? []).flatMap((sample) => {
    const series = codes.seriesCode(sample);
    const stored = toStored(sample, series, (reading) => codes.readingCode(series, reading));
    return addSample(connection, stored) ? [stored] : [];
  });
  const transitions = (changes.transitions ?? []).map((transition) => {
    const series = codes.seriesCode(transition);
    const at = transition.at.epochMilliseconds;
    connection.run(
      "insert or replace into transition (series, at, outcome) values (?, ?, ?)",
      series,
      at,
      outcomeCode(transition.outcome),
    );
    return { series, at };
  });
  for (const { verdict, ...series } of changes.verdicts ?? []) {
    connection.run(
      "insert or replace into verdict (series, verdict) values (?, ?)",
      codes.seriesCode(series),
      JSON.stringify(verdict),
    );
  }
  for (const { threshold, labels, state, ...series } of changes.thresholds ?? []) {
    connection.run(
      "insert or replace into threshold (series, threshold, labels, state) values (?, ?, ?, ?)",
      codes.seriesCode(series),
      threshold,
      labels,
      JSON.stringify(state),
    );
  }
  const opened = (changes.incidents ?? []).flatMap((change) => changeIncident(connection, change) ?? []);
  addNotices(connection, changes.notices ?? []);
  return { opened, samples, transitions };
}

/** A series has one sample for each millisecond: the same one again, after a commit of unknown fate, changes nothing. */
function addSample(connection: Connection, sample: StoredSample): boolean {
  const added = connection.run(
    "insert into sample (id, outcome, figures, reason, detail, readings) values (?, ?, ?, ?, ?, ?) on conflict do nothing",
    sampleKey(sample.at, sample.series),
    sample.outcome,
    figureBytes(sample.figures),
    sample.reason ?? null,
    sample.detail ?? null,
    readingBytes(sample.readings),
  );
  return added === 1;
}
