/** Mastodon's queues: what is in each, how late it may be, and what it means when it is later than that. */
import type { Localised } from "../../core/language.ts";
import type { Threshold } from "../../core/threshold.ts";

export interface Tolerance {
  /** Seconds of latency that are worth a look this week. */
  readonly ticket?: number | undefined;
  /** Seconds of latency that wake somebody. */
  readonly page?: number | undefined;
}

const minute = 60;
const hour = 3600;

interface KnownQueue {
  readonly tolerance: Tolerance;
  readonly title: Localised;
}

/** By importance, as Mastodon documents it. The tolerances are ours. */
const mastodonQueues: ReadonlyMap<string, KnownQueue> = new Map([
  [
    "default",
    {
      tolerance: { ticket: 15, page: 2 * minute },
      title: { en: "Posts and notifications arrive late", fr: "Publications et notifications en retard" },
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
      title: { en: "Posts from other servers arrive late", fr: "Publications d’autres serveurs en retard" },
    },
  ],
  [
    "mailers",
    {
      tolerance: { ticket: 5 * minute, page: 30 * minute },
      title: { en: "E-mails to members arrive late", fr: "Courriels aux membres en retard" },
    },
  ],
  [
    "pull",
    {
      tolerance: { ticket: 15 * minute, page: 6 * hour },
      title: { en: "Link previews and imports arrive late", fr: "Aperçus de liens et importations en retard" },
    },
  ],
  [
    "scheduler",
    {
      tolerance: { ticket: 10 * minute, page: hour },
      title: { en: "Scheduled posts and clean-ups run late", fr: "Publications programmées et nettoyages en retard" },
    },
  ],
  [
    "fasp",
    {
      tolerance: { ticket: hour },
      title: { en: "Search and discovery services get data late", fr: "Services de découverte servis en retard" },
    },
  ],
]);

const titleOf = (queue: string): Localised =>
  mastodonQueues.get(queue)?.title ?? {
    en: `Jobs of the queue “${queue}” run late`,
    fr: `Tâches de la file « ${queue} » en retard`,
  };

/**
 * The tolerances in force: Mastodon's, with what is configured in their place, and without what is ignored.
 * Queues of other software are watched when they are configured.
 */
export function tolerances(
  configured: Readonly<Record<string, Tolerance>>,
  ignored: readonly string[],
): ReadonlyMap<string, Tolerance> {
  const all = new Map([...mastodonQueues].map(([name, { tolerance }]) => [name, tolerance]));
  for (const [name, own] of Object.entries(configured)) {
    all.set(name, { ticket: own.ticket ?? all.get(name)?.ticket, page: own.page ?? all.get(name)?.page });
  }
  for (const name of ignored) all.delete(name);
  return all;
}

/** Raised when it stays late for `lateForSeconds`, cleared when it stays below a third for as long. */
export function latencyThresholds(
  watched: ReadonlyMap<string, Tolerance>,
  lateForSeconds: number,
): readonly Threshold[] {
  return [...watched].flatMap(([queue, { ticket, page }]) => {
    const level = (raiseAt: number) => ({
      metric: "queue_latency_seconds",
      labels: { queue },
      raiseAt,
      clearAt: raiseAt / 3,
      unit: "seconds" as const,
      title: titleOf(queue),
      runbook: "queue-latency",
    });
    const rules: Threshold[] = [];
    if (page !== undefined) {
      rules.push({
        ...level(page),
        id: `late-${queue}`,
        raiseAfterSeconds: lateForSeconds,
        clearAfterSeconds: lateForSeconds,
        urgency: "page",
        affects: "degraded",
      });
    }
    if (ticket !== undefined && (page === undefined || ticket < page)) {
      rules.push({
        ...level(ticket),
        id: `slow-${queue}`,
        // Busy hours come and go; what stays for half an hour will not go by itself.
        raiseAfterSeconds: Math.max(lateForSeconds, 30 * minute),
        clearAfterSeconds: Math.max(lateForSeconds, 30 * minute),
        urgency: "ticket",
        affects: "nothing",
      });
    }
    return rules;
  });
}
