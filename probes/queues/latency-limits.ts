/** Limits of a queue's latency: how late it may be before a ticket or a page, the settings for it, and what members are told. */
import { z } from "zod";
import { duration } from "../../core/config/settings.ts";
import type { Localised } from "../../core/language.ts";
import { spokenAge } from "../../core/member-texts.ts";
import type { Finding } from "../../core/sample.ts";
import type { Threshold } from "../../core/threshold.ts";
import { formatDuration } from "../../core/units.ts";

export interface Tolerance {
  /** Seconds of latency that are worth a look this week. */
  readonly ticket?: number | undefined;
  /** Seconds of latency that wake somebody. */
  readonly page?: number | undefined;
}

export interface KnownQueue {
  readonly tolerance: Tolerance;
  /** What members notice when it is late. */
  readonly title: Localised;
}

export type KnownQueues = ReadonlyMap<string, KnownQueue>;

/** Undefined when the oldest job does not tell since when it waits. */
export interface WaitingQueue {
  readonly name: string;
  readonly jobs: number;
  readonly latencySeconds: number | undefined;
}

type LateQueue = WaitingQueue & { readonly latencySeconds: number };

const queueName = z
  .string()
  .regex(/^[\w.:-]{1,100}$/, { error: "a queue's name has letters, digits, dots, colons, hyphens and underscores" });

/** @param usually the levels in force where nothing is configured, for the documentation. */
export const queueSettings = (usually: string) => ({
  queues: z
    .record(
      queueName,
      z
        .strictObject({
          ticket: duration({ atLeast: 1 }).optional().describe("Latency that is worth a look this week."),
          page: duration({ atLeast: 1 }).optional().describe("Latency that wakes somebody."),
        })
        .superRefine(({ ticket, page }, context) => {
          if (ticket === undefined || page === undefined || ticket < page) return;
          const message = `a ticket at ${formatDuration(ticket)} would never be: somebody is woken at ${formatDuration(page)} already. Let it be less than the page`;
          context.addIssue({ code: "custom", message });
        }),
    )
    .prefault({})
    .describe(`How late each queue may be, where it is not as usual: ${usually}.`),
  ignore: z
    .array(queueName)
    .prefault([])
    .describe("Queues that nobody is told about, such as one that this server does not use."),
  lateFor: duration().prefault("5m").describe("How long a queue must stay late before somebody is woken."),
});

/**
 * The tolerances in force: the usual ones, with what is configured in their place, and without what is ignored.
 * Queues of other software are watched when they are configured.
 */
export function tolerances(
  usual: KnownQueues,
  configured: Readonly<Record<string, Tolerance>>,
  ignored: readonly string[],
): ReadonlyMap<string, Tolerance> {
  const all = new Map([...usual].map(([name, { tolerance }]) => [name, tolerance]));
  for (const [name, own] of Object.entries(configured)) {
    all.set(name, { ticket: own.ticket ?? all.get(name)?.ticket, page: own.page ?? all.get(name)?.page });
  }
  for (const name of ignored) all.delete(name);
  return all;
}

const minute = 60;

/** An incident keeps these words while the job grows older or is done. */
const oldestThen: Localised = {
  en: "when we noticed, the oldest waiting job was {age} old",
  fr: "quand nous l’avons remarqué, la plus ancienne tâche attendait depuis {age}",
};

type QueueLevel = Pick<Threshold, "id" | "metric" | "unit" | "raiseAt" | "title" | "runbook"> & {
  readonly forSeconds: number;
};

/** A level of a queue's figures that is worth a look this week; it is over below a third. */
export const queueTicket = ({ forSeconds, ...level }: QueueLevel): Threshold => ({
  ...level,
  clearAt: level.raiseAt / 3,
  raiseAfterSeconds: forSeconds,
  clearAfterSeconds: forSeconds,
  urgency: "ticket",
  affects: "nothing",
});

/** The same where members notice it, so that somebody is woken. */
export const queuePage = (level: QueueLevel): Threshold => ({
  ...queueTicket(level),
  urgency: "page",
  affects: "degraded",
});

/** So many jobs given up within an hour that they are worth a look. */
export const givenUpTicket = (raiseAt: number): Threshold =>
  queueTicket({
    id: "died",
    metric: "queue_dead_recent_jobs",
    unit: "count",
    raiseAt,
    forSeconds: 0,
    title: { en: "Jobs are given up for good", fr: "Des tâches sont abandonnées définitivement" },
    runbook: "queue-dead",
  });

/** Raised when it stays late for `lateForSeconds`, cleared when it stays below a third for as long. */
export function latencyThresholds(
  known: KnownQueues,
  watched: ReadonlyMap<string, Tolerance>,
  lateForSeconds: number,
  runbook = "queue-latency",
): readonly Threshold[] {
  return [...watched].flatMap(([queue, { ticket, page }]) => {
    const level = (raiseAt: number) => ({
      metric: "queue_latency_seconds",
      labels: { queue },
      raiseAt,
      clearAt: raiseAt / 3,
      unit: "seconds" as const,
      title: titleOf(known, queue),
      age: oldestThen,
      runbook,
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

const titleOf = (known: KnownQueues, queue: string): Localised =>
  known.get(queue)?.title ?? {
    en: `Jobs of the queue “${queue}” run late`,
    fr: `Les tâches de la file « ${queue} » ont du retard`,
  };

/** The queue that is furthest beyond the level that wakes somebody; undefined when none is. */
export function latest<Queue extends WaitingQueue>(
  queues: readonly Queue[],
  watched: ReadonlyMap<string, Tolerance>,
): (Queue & LateQueue) | undefined {
  const [worst] = queues
    .flatMap((queue) => {
      const { latencySeconds } = queue;
      const page = watched.get(queue.name)?.page;
      if (latencySeconds === undefined || page === undefined || latencySeconds < page) return [];
      return [{ queue: { ...queue, latencySeconds }, excess: latencySeconds / page }];
    })
    .toSorted((a, b) => b.excess - a.excess);
  return worst?.queue;
}

/** Whether a late queue is an incident is for the thresholds, who know for how long; a check only gives it its words. */
export function lateFinding(known: KnownQueues, late: LateQueue): Pick<Finding, "outcome" | "reason" | "explanation"> {
  const reason = `${late.name}: its oldest job has waited for ${spokenAge(late.latencySeconds).en}`;
  return { outcome: "up", reason, explanation: lateExplanation(known, late) };
}

/** For members: "Posts and notifications arrive late: the oldest waiting job is 14 minutes old." */
export function lateExplanation(
  known: KnownQueues,
  { name, latencySeconds }: Pick<WaitingQueue, "name" | "latencySeconds">,
): Localised {
  const title = titleOf(known, name);
  return withOldest({ en: `${title.en}.`, fr: `${title.fr}.` }, latencySeconds);
}

/** Adds the age of the oldest job, where it is known, to a sentence for members. */
export function withOldest({ en, fr }: Localised, latencySeconds: number | undefined): Localised {
  if (latencySeconds === undefined) return { en, fr };
  const age = spokenAge(latencySeconds);
  return {
    en: `${en.slice(0, -1)}: the oldest waiting job is ${age.en} old.`,
    fr: `${fr.slice(0, -1)} : la plus ancienne tâche attend depuis ${age.fr}.`,
  };
}
