/** Confirmations and states of thresholds in the store, the newest of each. Transitions are read by transitions.ts. */
import { z } from "zod";
import { Confirmation } from "../../core/confirmation.ts";
import type { StoredConfirmation, StoredThreshold } from "../../core/store/judgements.ts";
import type { Series } from "../../core/store/series.ts";
import { allReadable, json, type Row, text } from "./rows.ts";
import { all, statement, type Transaction } from "./statements.ts";

const ThresholdState = z.object({ raised: z.boolean(), crossedAt: z.number().nullable() });

const allConfirmations = statement(
  "select target, check_id, vantage_point, verdict from verdict join series on series.id = verdict.series order by series.id",
);
const allThresholds = statement(
  `select target, check_id, vantage_point, threshold, labels, state
   from threshold join series on series.id = threshold.series order by series.id, threshold, labels`,
);

export function* readConfirmations(): Transaction<readonly StoredConfirmation[]> {
  return allReadable(yield* all(allConfirmations), confirmationFrom);
}

export function* readThresholds(): Transaction<readonly StoredThreshold[]> {
  return allReadable(yield* all(allThresholds), thresholdFrom);
}

export const confirmationFrom = (row: Row): StoredConfirmation => ({
  ...seriesFrom(row),
  confirmation: json(row, "verdict", Confirmation),
});

export const thresholdFrom = (row: Row): StoredThreshold => ({
  ...seriesFrom(row),
  threshold: text(row, "threshold"),
  labels: text(row, "labels"),
  state: json(row, "state", ThresholdState),
});

const seriesFrom = (row: Row): Series => ({
  target: text(row, "target"),
  check: text(row, "check_id"),
  vantagePoint: text(row, "vantage_point"),
});
