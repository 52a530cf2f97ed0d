/** What one commit writes in one transaction, and the one way to merge several such changes into one. */
import type { Notice } from "../notice.ts";
import type { Sample } from "../sample.ts";
import type { Annotation } from "../upgrade.ts";
import type { EscalationChange } from "./escalations.ts";
import type { IncidentChange } from "./incidents.ts";
import type { StoredConfirmation, StoredThreshold, Transition } from "./judgements.ts";
import type { AnsweredRequest } from "./requests.ts";
import { seriesName } from "./series.ts";

/** Everything that one transaction writes. Nothing of it is visible before, all of it after. */
export interface Changes {
  readonly samples?: readonly Sample[];
  readonly transitions?: readonly Transition[];
  readonly confirmations?: readonly StoredConfirmation[];
  readonly thresholds?: readonly StoredThreshold[];
  readonly incidents?: readonly IncidentChange[];
  readonly escalations?: readonly EscalationChange[];
  readonly notices?: readonly Notice[];
  readonly annotations?: readonly Annotation[];
  readonly answers?: readonly AnsweredRequest[];
}

/** How each field of several changes becomes one: a new field does not compile before it is named here. */
export type Merge<Fields> = (parts: readonly Changes[]) => { readonly [Field in keyof Fields]-?: Fields[Field] };

export const mergeFields: Merge<Changes> = (parts) => ({
  samples: parts.flatMap(({ samples }) => samples ?? []),
  transitions: parts.flatMap(({ transitions }) => transitions ?? []),
  confirmations: newestOfEach(parts.flatMap(({ confirmations }) => confirmations ?? [])),
  thresholds: parts.flatMap(({ thresholds }) => thresholds ?? []),
  incidents: parts.flatMap(({ incidents }) => incidents ?? []),
  escalations: parts.flatMap(({ escalations }) => escalations ?? []),
  notices: parts.flatMap(({ notices }) => notices ?? []),
  annotations: parts.flatMap(({ annotations }) => annotations ?? []),
  answers: parts.flatMap(({ answers }) => answers ?? []),
});

/** All of them as one, in order; what none of them names is left out. */
export function mergeChanges(all: readonly Changes[]): Changes {
  // For each sample there are several, and nearly always all of them are empty.
  const parts = all.filter((part) => Object.keys(part).length > 0);
  const [first = {}, ...others] = parts;
  if (others.length === 0) return first;
  const named = (field: string) => parts.some((part) => field in part);
  const merged: Changes = mergeFields(parts);
  return Object.fromEntries(Object.entries(merged).filter(([field, list]) => list.length > 0 || named(field)));
}

/** Whether there is nothing to write: what is decided and empty must not cost a commit of its own. */
export const isEmpty = (changes: Changes): boolean => Object.values(changes).every((list) => list.length === 0);

/** Of several confirmations about one check only the last one matters. */
function newestOfEach(confirmations: readonly StoredConfirmation[]): readonly StoredConfirmation[] {
  if (confirmations.length < 2) return confirmations;
  return [...new Map(confirmations.map((one) => [seriesName(one), one])).values()];
}
