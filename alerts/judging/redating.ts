/** Incidents that go on while the wall clock is set: what is known of them is dated anew, so that nothing lasts longer or shorter. */
import type { News } from "../../core/escalation.ts";
import { type Changes, mergeChanges } from "../../core/store/changes.ts";
import type { Escalate } from "../../core/store/escalations.ts";
import type { Incidents, Tracked } from "./open-incidents.ts";

/** No clock is wrong by more, unless it starts from nothing; by then the moment at which the incident began tells so. */
const plausibleMilliseconds = 2 * 86_400_000;

/** The wall clock was set by so many milliseconds. */
export function clockSet(incidents: Incidents, milliseconds: number): Changes {
  incidents.redatePast(milliseconds);
  return mergeChanges(incidents.all().map((tracked) => redate(incidents, tracked, shiftOf(tracked, milliseconds))));
}

/** At a start: what an earlier process left may lie ahead of the clock. @param lastKnown when anything was measured last. */
export function clockBehind(incidents: Incidents, lastKnown: Temporal.Instant, now: Temporal.Instant): Changes {
  const all = incidents.all().map((tracked) => {
    tracked.datedBack = behind(tracked.facts, lastKnown, now);
    return redate(incidents, tracked, tracked.datedBack);
  });
  return mergeChanges(all);
}

/** Where the clock is right again, what an earlier process wrote is right as it was. */
function shiftOf(tracked: Tracked, milliseconds: number): number {
  const { datedBack } = tracked;
  if (datedBack === 0) return milliseconds;
  tracked.datedBack = Math.min(0, datedBack + milliseconds);
  return Math.min(milliseconds, milliseconds > 0 ? -datedBack : milliseconds);
}

/** All moments of it that are told or shown, later by so much. */
function redate(incidents: Incidents, tracked: Tracked, milliseconds: number): Changes {
  if (milliseconds === 0) return {};
  const later = (at: Temporal.Instant) => at.add({ milliseconds });
  tracked.facts = redatedFacts(tracked.facts, later);
  tracked.news = redatedNews(tracked.news, later);
  if (tracked.downAt) tracked.downAt = later(tracked.downAt);
  if (tracked.rollAt) tracked.rollAt = later(tracked.rollAt);
  if (tracked.escalation.state === "waiting") {
    tracked.escalation = { ...tracked.escalation, until: later(tracked.escalation.until) };
  }
  const quietSince = tracked.flapping?.quietSince && later(tracked.flapping.quietSince);
  if (tracked.flapping && quietSince) tracked.flapping = { ...tracked.flapping, quietSince };
  const { startedAt, confirmedAt } = tracked.facts;
  // The steps that are planned keep the clock that they were planned by: due-steps.ts.
  const escalate: Escalate = ({ escalation }) =>
    escalation?.news ? { escalation: { ...escalation, news: redatedNews(escalation.news, later) } } : {};
  // Written in its place among the changes: what is told after it is dated rightly as it is.
  return incidents.follow(tracked, (id) => ({
    incidents: [{ change: "redate", id, startedAt, confirmedAt, quietSince, escalate }],
  }));
}

/**
 * By how much an incident of an earlier process is to be dated anew because the clock was put back since, as on a machine that
 * starts without the time: what was stored of it before is the longest that can be proven.
 * @param lastKnown when anything was measured last.
 */
function behind(
  { startedAt, confirmedAt }: Tracked["facts"],
  lastKnown: Temporal.Instant,
  now: Temporal.Instant,
): number {
  const [start, confirmed, last] = [startedAt, confirmedAt, lastKnown].map((at) => at.epochMilliseconds);
  const missing = Math.max(confirmed ?? 0, last ?? 0) - now.epochMilliseconds;
  if (missing <= 0) return 0;
  return (start ?? 0) > now.epochMilliseconds || missing < plausibleMilliseconds ? -missing : 0;
}

type Later = (at: Temporal.Instant) => Temporal.Instant;

const redatedFacts = <Facts extends News["facts"]>(facts: Facts, later: Later): Facts => ({
  ...facts,
  startedAt: later(facts.startedAt),
  confirmedAt: later(facts.confirmedAt),
});

function redatedNews(news: News, later: Later): News {
  const { again, flapping, seen } = news;
  return {
    ...news,
    facts: redatedFacts(news.facts, later),
    seen: seen.kind === "tries" ? { ...seen, tries: seen.tries.map((one) => ({ ...one, at: later(one.at) })) } : seen,
    ...(again && { again: { ...again, resolvedAt: later(again.resolvedAt) } }),
    ...(flapping && { flapping: { ...flapping, resolvedAt: later(flapping.resolvedAt) } }),
  };
}
