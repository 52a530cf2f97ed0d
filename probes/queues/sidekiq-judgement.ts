/** Judges the state of a Sidekiq: no worker, stuck, or late, in words for the person on call and for members. */
import type { Localised } from "../../core/language.ts";
import { spokenAge } from "../../core/member-texts.ts";
import { plainText } from "../../core/plain-text.ts";
import type { Finding } from "../../core/sample.ts";
import { counted } from "../../core/units.ts";
import {
  lateExplanation,
  lateFinding,
  latest,
  type Tolerance,
  type WaitingQueue,
  withOldest,
} from "./latency-limits.ts";
import { mastodonQueues } from "./mastodon-queues.ts";
import type { Trend } from "./sidekiq-history.ts";
import type { SidekiqState } from "./sidekiq-state.ts";
import { type IdleTime, outlastsRestart } from "./workers.ts";

type Judgement = Pick<Finding, "outcome" | "reason" | "explanation">;

const arrivesLate: Localised = {
  en: "Posts and notifications arrive late, here and on other servers.",
  fr: "Les publications et les notifications arrivent en retard, ici et sur les autres serveurs.",
};
const mayArriveLate: Localised = {
  en: "Posts and notifications may soon arrive late, here and on other servers.",
  fr: "Les publications et les notifications pourraient bientôt arriver en retard, ici et sur les autres serveurs.",
};
const someLost: Localised = {
  en: "Posts and notifications do not arrive, and some recent ones may be lost.",
  fr: "Les publications et les notifications n’arrivent plus, et certaines, récentes, sont peut-être perdues.",
};

/** A job may well take some minutes; all of them at once, and nothing else, is no work any more. */
const stuckAfterSeconds = 300;
/** The cron jobs we look at run at least this often while any Sidekiq lives. */
const cronSeconds = 300;
/** Of several queues that nobody serves, members are told about the most important. */
const mostSentences = 2;

export function judged(state: SidekiqState, trend: Trend, watched: ReadonlyMap<string, Tolerance>): Judgement {
  const { everywhere } = trend.idle;
  const trouble = everywhere ? standstill(state, everywhere) : (unserved(state, trend, watched) ?? stuck(state, trend));
  if (trouble && trouble.outcome !== "up") return trouble;
  const late = latest(state.queues, watched);
  return late ? lateFinding(mastodonQueues, late) : (trouble ?? { outcome: "up" });
}

/** Nobody takes any job: every process is gone, or was told to stop. */
function standstill({ queues, processes, lost, cronAgeSeconds = 0 }: SidekiqState, idleTime: IdleTime): Judgement {
  const waiting = queues.filter(({ jobs }) => jobs > 0);
  const oldest = oldestOf(waiting);
  const dead = processes.length === 0;
  const what = dead
    ? "no Sidekiq process is alive"
    : "every Sidekiq process is quiet: it was told to stop and takes no further job";
  if (!outlastsRestart(idleTime, Math.max(oldest ?? 0, dead ? cronAgeSeconds - cronSeconds : 0))) {
    const reason = `${what}, perhaps only for a restart`;
    // Where nobody was ever seen at work, it may as well have been so for days.
    return { outcome: idleTime.atMostSeconds === undefined ? "unknown" : "up", reason };
  }
  if (lost)
    return { outcome: "down", reason: `Redis has lost all data of Sidekiq, and ${what}`, explanation: someLost };
  if (waiting.length === 0) {
    return { outcome: "degraded", reason: dead ? `${what}; no job waits yet` : what, explanation: mayArriveLate };
  }
  const explanation = withOldest(arrivesLate, oldest);
  return dead
    ? { outcome: "down", reason: `${theyWait(waiting)} and ${what}`, explanation }
    : { outcome: "degraded", reason: what, explanation };
}

/** Somebody works, but not on every queue that has work. */
function unserved(
  { queues }: SidekiqState,
  { idle }: Trend,
  watched: ReadonlyMap<string, Tolerance>,
): Judgement | undefined {
  const orphans = queues.flatMap((queue) => {
    const idleTime = idle.queues.get(queue.name);
    const counts = idleTime && queue.jobs > 0 && watched.get(queue.name)?.page !== undefined;
    return counts && outlastsRestart(idleTime, queue.latencySeconds ?? 0) ? [queue] : [];
  });
  if (orphans.length === 0) return undefined;
  const byRank = [...mastodonQueues.keys()].flatMap((name) => orphans.filter((queue) => queue.name === name));
  const sentences = [...new Set([...byRank, ...orphans])]
    .slice(0, mostSentences)
    .map((queue) => lateExplanation(mastodonQueues, queue));
  const names = orphans.map(({ name }) => name).join(", ");
  return {
    outcome: "degraded",
    reason: `jobs wait, and no Sidekiq process serves ${plainText(names, 100)}`,
    explanation: {
      en: sentences.map(({ en }) => en).join(" "),
      fr: sentences.map(({ fr }) => fr).join(" "),
    },
  };
}

function stuck({ queues }: SidekiqState, { stuckSeconds }: Trend): Judgement | undefined {
  if (stuckSeconds < stuckAfterSeconds) return undefined;
  const waiting = queues.filter(({ jobs }) => jobs > 0);
  const since = spokenAge(stuckSeconds).en;
  return {
    outcome: "degraded",
    reason: `${theyWait(waiting)}, every thread is busy and none has finished a job for ${since}`,
    explanation: withOldest(arrivesLate, oldestOf(waiting)),
  };
}

function theyWait(waiting: readonly WaitingQueue[]): string {
  const jobs = waiting.reduce((sum, queue) => sum + queue.jobs, 0);
  return `${counted(jobs, "job")} ${jobs === 1 ? "waits" : "wait"}`;
}

/** Undefined when no job tells. */
function oldestOf(waiting: readonly WaitingQueue[]): number | undefined {
  const ages = waiting.map(({ latencySeconds }) => latencySeconds).filter((age) => age !== undefined);
  return ages.length === 0 ? undefined : Math.max(...ages);
}
