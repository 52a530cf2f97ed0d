/**
 * The background tasks of Castopod (cron every minute) as queues: their names, how late each may be, and the
 * thresholds.
 */
import type { Threshold } from "../../core/threshold.ts";
import { type KnownQueues, latencyThresholds, queueTicket, type Tolerance } from "../queues/latency-limits.ts";

const minute = 60;
export const runbook = "castopod-tasks";

/** Named after Castopod's own commands, `fediverse:broadcast` and `websub:publish`. */
export const castopodQueues: KnownQueues = new Map([
  [
    "broadcast",
    {
      tolerance: { ticket: 3 * minute, page: 10 * minute },
      title: {
        en: "New episodes and posts reach followers late",
        fr: "Les nouveaux épisodes et les publications parviennent en retard aux abonnés",
      },
    },
  ],
  [
    "websub",
    {
      tolerance: { ticket: 5 * minute, page: 30 * minute },
      title: {
        en: "Podcast apps hear of new episodes late",
        fr: "Les applications de balados apprennent en retard la parution d’épisodes",
      },
    },
  ],
]);

export function castopodTasksThresholds(
  watched: ReadonlyMap<string, Tolerance>,
  { failures, lateFor }: { readonly failures: number; readonly lateFor: number },
): readonly Threshold[] {
  return [
    ...latencyThresholds(castopodQueues, watched, lateFor, runbook),
    ...(watched.has("broadcast") ? [leftBehind, unsent(failures)] : []),
  ];
}

/** Writing to thousands of followers takes a while; what stays for half an hour more will not go by itself. */
const leftBehind: Threshold = {
  ...queueTicket({
    id: "left-behind",
    metric: "queue_jobs",
    unit: "count",
    raiseAt: 1,
    forSeconds: 30 * minute,
    title: {
      en: "Posts of podcasts were left half sent",
      fr: "Des publications de balados sont restées à moitié envoyées",
    },
    runbook,
  }),
  labels: { queue: "broadcast", state: "abandoned" },
  clearAt: 0.5,
};

const unsent = (failures: number): Threshold =>
  queueTicket({
    id: "failed",
    metric: "queue_dead_recent_jobs",
    unit: "count",
    raiseAt: failures,
    forSeconds: 0,
    title: {
      en: "Posts of podcasts could not be sent",
      fr: "Des publications de balados n’ont pas pu être envoyées",
    },
    runbook,
  });
