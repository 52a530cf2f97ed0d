/** One commit: everything that Changes holds, inside the transaction of the caller. */
import type { Incident } from "../../core/incident.ts";
import type { Changes } from "../../core/store/changes.ts";
import { addAnnotations } from "./annotations.ts";
import { writeBatches } from "./batch.ts";
import type { Codes } from "./codes.ts";
import type { Connection } from "./connection.ts";
import { outcomeCode, type StoredSample } from "./figures.ts";
import { changeIncident } from "./incidents.ts";
import { addNotices } from "./outbox.ts";
import { toStored } from "./stored-sample.ts";

export interface Written {
  readonly opened: readonly Incident[];
  readonly samples: readonly StoredSample[];
  readonly transitions: readonly { readonly series: number; readonly at: number }[];
}

export function writeChanges(connection: Connection, codes: Codes, changes: Changes): Written {
  const samples = (changes.samples ?? []).map((sample) => {
    const series = codes.seriesCode(sample);
    return toStored(sample, series, (reading) => codes.readingCode(series, reading));
  });
  writeBatches(connection, samples);
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
      "insert into verdict (series, verdict) values (?, ?) on conflict do update set verdict = excluded.verdict",
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
  addAnnotations(connection, changes.annotations ?? []);
  return { opened, samples, transitions };
}
