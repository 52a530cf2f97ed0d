/** Mastodon's queues: what is in each and how late it may be; and the other levels of its Sidekiq. */
import type { Localised } from "../../core/language.ts";
import type { Threshold } from "../../core/threshold.ts";
import type { KnownQueues, Tolerance } from "./queue-lateness.ts";

const minute = 60;
const hour = 3600;

/** By importance, as Mastodon documents it. The tolerances are ours. */
export const mastodonQueues: KnownQueues = new Map([
  [
    "default",
    {
      tolerance: { ticket: 15, page: 2 * minute },
      title: {
        en: "Posts and notifications arrive late",
        fr: "Les publications et les notifications arrivent en retard",
      },
    },
  ],
  [
    "push",
    {
      tolerance: { ticket: minute, page: 10 * minute },
      title: { en: "Other servers see our posts late", fr: "Les autres serveurs voient nos publications en retard" },
    },
  ],
  [
    "ingress",
    {
      tolerance: { ticket: 2 * minute, page: 30 * minute },
      title: {
        en: "Posts from other servers arrive late",
        fr: "Les publications des autres serveurs arrivent en retard",
      },
    },
  ],
  [
    "mailers",
    {
      tolerance: { ticket: 5 * minute, page: 30 * minute },
      title: { en: "E-mails to members arrive late", fr: "Les courriels aux membres partent en retard" },
    },
  ],
  [
    "pull",
    {
      tolerance: { ticket: 15 * minute, page: 6 * hour },
      title: {
        en: "Link previews and imports arrive late",
        fr: "Les aperçus de liens et les importations ont du retard",
      },
    },
  ],
  [
    "scheduler",
    {
      tolerance: { ticket: 10 * minute, page: hour },
      title: {
        en: "Scheduled posts and clean-ups run late",
        fr: "Les publications programmées et les nettoyages ont du retard",
      },
    },
  ],
  [
    "fasp",
    {
      tolerance: { ticket: hour },
      title: {
        en: "Search and discovery services get data late",
        fr: "Les services de recherche et de découverte sont servis en retard",
      },
    },
  ],
]);

/** Beside the latency of its queues: what is due, what was given up, who works. */
export function sidekiqThresholds(
  watched: ReadonlyMap<string, Tolerance>,
  { deaths, retryGrowth, lateFor }: { readonly deaths: number; readonly retryGrowth: number; readonly lateFor: number },
): readonly Threshold[] {
  const late = (id: string, metric: string, urgency: Threshold["urgency"], raiseAt: number, title: Localised) => ({
    ...ticket(id, metric, "seconds", raiseAt, Math.max(lateFor, 5 * minute), title),
    urgency,
    affects: urgency === "page" ? ("degraded" as const) : ("nothing" as const),
    runbook: "queue-latency",
  });
  return [
    ticket("died", "queue_dead_recent_jobs", "count", deaths, 0, {
      en: "Jobs are given up for good",
      fr: "Des tâches sont abandonnées définitivement",
    }),
    ticket("retries", "queue_retry_growth_jobs", "count", retryGrowth, 10 * minute, {
      en: "More and more jobs fail and wait for another try",
      fr: "De plus en plus de tâches échouent et attendent un nouvel essai",
    }),
    late("overdue", "queue_overdue_seconds", "ticket", 5 * minute, overdueTitle),
    late("overdue-long", "queue_overdue_seconds", "page", hour, overdueTitle),
    late("cron", "queue_cron_age_seconds", "ticket", 15 * minute, cronTitle),
    late("cron-long", "queue_cron_age_seconds", "page", hour, cronTitle),
    {
      ...ticket("quiet", "queue_quiet_processes", "count", 1, hour, {
        en: "A worker was told to stop and did not",
        fr: "Un processus à qui l’on a demandé de s’arrêter tourne encore",
      }),
      clearAt: 0.5,
      runbook: "queue-latency",
    },
    ...(watched.has("scheduler") ? [twoSchedulers] : []),
  ];
}

const overdueTitle: Localised = {
  en: "Retries and planned jobs do not start when they are due",
  fr: "Les nouveaux essais et les tâches prévues ne démarrent pas à l’heure",
};

const cronTitle: Localised = {
  en: "Regular work such as scheduled posts has stopped",
  fr: "Les travaux réguliers, comme les publications programmées, sont arrêtés",
};

/** Below a third of the level it is over. */
const ticket = (
  id: string,
  metric: string,
  unit: Threshold["unit"],
  raiseAt: number,
  forSeconds: number,
  title: Localised,
): Threshold => ({
  id,
  metric,
  raiseAt,
  clearAt: raiseAt / 3,
  raiseAfterSeconds: forSeconds,
  clearAfterSeconds: forSeconds,
  urgency: "ticket",
  affects: "nothing",
  unit,
  title,
  runbook: "queue-dead",
});

/** During a deploy there are two for a moment; Mastodon says there must never be two for longer. */
const twoSchedulers: Threshold = {
  ...ticket("schedulers", "queue_serving_processes", "count", 2, 10 * minute, {
    en: "Two processes do the regular work, which then runs twice",
    fr: "Deux processus font les travaux réguliers, qui s’exécutent alors en double",
  }),
  labels: { queue: "scheduler" },
  clearAt: 1.5,
  runbook: "queue-latency",
};
