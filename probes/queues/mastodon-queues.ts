/** Mastodon's Sidekiq queues: what is in each, how late it may be, and the other thresholds of its Sidekiq. */
import type { Localised } from "../../core/language.ts";
import type { Threshold } from "../../core/threshold.ts";
import { givenUpTicket, type KnownQueues, queuePage, queueTicket, type Tolerance } from "./latency-limits.ts";

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
  const late = (id: string, metric: string, raiseAt: number, title: Localised) =>
    ({ id, metric, unit: "seconds", raiseAt, forSeconds: Math.max(lateFor, 5 * minute), title, runbook }) as const;
  return [
    givenUpTicket(deaths),
    queueTicket({
      id: "retries",
      metric: "queue_retry_growth_jobs",
      unit: "count",
      raiseAt: retryGrowth,
      forSeconds: 10 * minute,
      title: {
        en: "More and more jobs fail and wait for another try",
        fr: "De plus en plus de tâches échouent et attendent un nouvel essai",
      },
      runbook: "queue-dead",
    }),
    queueTicket(late("overdue", "queue_overdue_seconds", 5 * minute, overdueTitle)),
    queuePage(late("overdue-long", "queue_overdue_seconds", hour, overdueTitle)),
    queueTicket(late("cron", "queue_cron_age_seconds", 15 * minute, cronTitle)),
    queuePage(late("cron-long", "queue_cron_age_seconds", hour, cronTitle)),
    quietWorker,
    ...(watched.has("scheduler") ? [twoSchedulers] : []),
  ];
}

const runbook = "queue-latency";

const overdueTitle: Localised = {
  en: "Retries and planned jobs do not start when they are due",
  fr: "Les nouveaux essais et les tâches prévues ne démarrent pas à l’heure",
};

const cronTitle: Localised = {
  en: "Regular work such as scheduled posts has stopped",
  fr: "Les travaux réguliers, comme les publications programmées, sont arrêtés",
};

const quietWorker: Threshold = {
  ...queueTicket({
    id: "quiet",
    metric: "queue_quiet_processes",
    unit: "count",
    raiseAt: 1,
    forSeconds: hour,
    title: {
      en: "A worker was told to stop and did not",
      fr: "Un processus à qui l’on a demandé de s’arrêter tourne encore",
    },
    runbook,
  }),
  clearAt: 0.5,
};

/** During a deploy there are two for a moment; Mastodon says there must never be two for longer. */
const twoSchedulers: Threshold = {
  ...queueTicket({
    id: "schedulers",
    metric: "queue_serving_processes",
    unit: "count",
    raiseAt: 2,
    forSeconds: 10 * minute,
    title: {
      en: "Two processes do the regular work, which then runs twice",
      fr: "Deux processus font les travaux réguliers, qui s’exécutent alors en double",
    },
    runbook,
  }),
  labels: { queue: "scheduler" },
  clearAt: 1.5,
};
