/** Pixelfed's Horizon queues: what is in each, how late it may be, and the other thresholds of its Horizon. */
import type { Localised } from "../../core/language.ts";
import type { Threshold } from "../../core/threshold.ts";
import { givenUpTicket, type KnownQueue, type KnownQueues, queuePage, queueTicket } from "./latency-limits.ts";

const minute = 60;
const hour = 3600;

const queue = (ticket: number, page: number | undefined, en: string, fr: string): KnownQueue => ({
  tolerance: { ticket, page },
  title: { en, fr },
});

/** Horizon itself calls half a minute a long wait; the tolerances here are ours. */
export const pixelfedQueues: KnownQueues = new Map([
  [
    "high",
    queue(
      minute,
      5 * minute,
      "Posts and photos are processed late",
      "Les publications et les photos sont traitées en retard",
    ),
  ],
  [
    "default",
    queue(
      2 * minute,
      10 * minute,
      "Posts and notifications arrive late",
      "Les publications et les notifications arrivent en retard",
    ),
  ],
  [
    "follow",
    queue(
      5 * minute,
      30 * minute,
      "Follow requests are answered late",
      "Les demandes d’abonnement sont traitées en retard",
    ),
  ],
  ["shared", queue(5 * minute, 30 * minute, "Shared posts arrive late", "Les partages arrivent en retard")],
  [
    "inbox",
    queue(
      2 * minute,
      30 * minute,
      "Posts from other servers arrive late",
      "Les publications des autres serveurs arrivent en retard",
    ),
  ],
  [
    "feed",
    queue(2 * minute, 15 * minute, "Timelines are filled late", "Les fils d’actualité se remplissent en retard"),
  ],
  ["low", queue(15 * minute, 6 * hour, "Lesser work runs late", "Les travaux secondaires ont du retard")],
  ["story", queue(15 * minute, 2 * hour, "Stories are processed late", "Les stories sont traitées en retard")],
  ["delete", queue(15 * minute, 6 * hour, "Deletions run late", "Les suppressions se font en retard")],
  [
    "mmo",
    queue(
      5 * minute,
      hour,
      "Photos and videos are optimised late",
      "Les photos et les vidéos sont optimisées en retard",
    ),
  ],
  ["intbg", queue(15 * minute, 6 * hour, "Background work runs late", "Les travaux de fond ont du retard")],
]);

const abandonedTitle: Localised = {
  en: "Jobs of a worker that died are not taken up again",
  fr: "Les tâches d’un processus disparu ne sont pas reprises",
};

const overdueTitle: Localised = {
  en: "Delayed jobs do not start when they are due",
  fr: "Les tâches différées ne démarrent pas à l’heure",
};

const cronTitle: Localised = {
  en: "Regular work of the server has stopped",
  fr: "Les travaux réguliers du serveur sont arrêtés",
};

export function horizonThresholds({
  failures,
  lateFor,
}: {
  readonly failures: number;
  readonly lateFor: number;
}): readonly Threshold[] {
  const late = (id: string, metric: string, raiseAt: number, forSeconds: number, title: Localised) =>
    ({ id, metric, unit: "seconds", raiseAt, forSeconds, title, runbook: "queue-latency" }) as const;
  const overdueFor = Math.max(lateFor, 5 * minute);
  const abandonedFor = Math.max(lateFor, 10 * minute);
  return [
    givenUpTicket(failures),
    // Whoever works on a queue gives such jobs back within seconds: these are seen by nobody.
    {
      ...queueTicket({ ...late("abandoned", "queue_abandoned_jobs", 1, abandonedFor, abandonedTitle), unit: "count" }),
      clearAt: 0.5,
    },
    queueTicket(late("overdue", "queue_overdue_seconds", 5 * minute, overdueFor, overdueTitle)),
    queueTicket(late("cron", "queue_cron_age_seconds", 15 * minute, lateFor, cronTitle)),
    queuePage(late("cron-long", "queue_cron_age_seconds", 2 * hour, lateFor, cronTitle)),
  ];
}
