/**
 * Decides, sample by sample, which incidents open and end, and who is told; what an outage goes through in between is
 * decided in open-outage.ts. It is written in the transaction of the sample that caused it, so that nothing is decided
 * without being told, nor told twice.
 */

import { type Clock, instant, secondsBetween } from "../../core/clock.ts";
import type { News, Seen } from "../../core/escalation.ts";
import type { Incident, IncidentUpdate } from "../../core/incident.ts";
import type { JudgedSample, SampleJudge } from "../../core/judge.ts";
import { sameInAll } from "../../core/language.ts";
import type { Log } from "../../core/log.ts";
import { confirmedText, outageTitle, recoveredText, steadyAgainText, unwatchedText } from "../../core/member-texts.ts";
import { type Changes, isEmpty, mergeChanges } from "../../core/store/changes.ts";
import type { Store } from "../../core/store/store.ts";
import type { Check, Target } from "../../core/target.ts";
import type { Threshold } from "../../core/threshold.ts";
import { type AlertSettings, Policy, type PolicyOptions } from "../escalation/policy.ts";
import { begin, end as endOf } from "../escalation/transitions.ts";
import { reasonOf } from "../escalation/wording.ts";
import { lastMeasured, WallClock } from "../wall-clock.ts";
import { isBad, Outages } from "./confirmed-outages.ts";
import { Flaps } from "./flaps.ts";
import { Hosts } from "./hosts.ts";
import { type Facts, intermittentFacts, newsOf, outageFacts, ruleFacts, shown } from "./incident-facts.ts";
import { Inhibition } from "./inhibition.ts";
import { Incidents, type Tracked } from "./open-incidents.ts";
import { OutageProgress } from "./open-outage.ts";
import { clockBehind, clockSet } from "./redating.ts";
import { Refusals, refusalFacts, refusalKey, refusalSeen } from "./refusals.ts";
import { RootCauses } from "./root-cause.ts";
import { RunsOfResults } from "./runs-of-results.ts";
import { Storms } from "./storms.ts";
import { type RuleStanding, ruleKey, Thresholds } from "./thresholds.ts";
import { type Found, WaitingTickets } from "./waiting-tickets.ts";

type Instant = Temporal.Instant;

export interface JudgeOptions extends PolicyOptions {
  readonly store: Pick<Store, "judgements" | "samples" | "incidents" | "escalations">;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Judge extends SampleJudge {
  /** What goes on now as this process sees it, written already or not. */
  incidents(): readonly Tracked[];
  /** Call once before the first sample: ends what is open but not watched any more. Tells nothing else. */
  start(): Changes | undefined;
  /** After a reload; the same for what is not watched any more. */
  reconfigure(settings: AlertSettings): Changes | undefined;
}

/** A relapse sooner than this after the end says so. */
const relapseSeconds = 3600;

export async function openJudge(options: JudgeOptions): Promise<Judge> {
  const { store, clock } = options;
  const open = await store.incidents.list({ open: true });
  const past = await store.incidents.list({ since: clock.now().subtract({ hours: 48 }), limit: 1000 });
  return new RunningJudge(options, {
    incidents: new Incidents(open, past, await store.escalations.open()),
    outages: await Outages.load(store, clock.now()),
    thresholds: await Thresholds.load(store),
    refusals: await Refusals.load(store),
    policy: await Policy.open(options),
    lastKnown: await lastMeasured(store),
  });
}

interface State {
  readonly incidents: Incidents;
  readonly outages: Outages;
  readonly thresholds: Thresholds;
  readonly refusals: Refusals;
  readonly policy: Policy;
  /** When anything was measured last, by an earlier process. */
  readonly lastKnown: Instant;
}

class RunningJudge implements Judge {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #incidents: Incidents;
  readonly #outages: Outages;
  readonly #thresholds: Thresholds;
  readonly #refusals: Refusals;
  readonly #causes: RootCauses;
  readonly #hosts = new Hosts();
  readonly #storms: Storms;
  readonly #inhibition: Inhibition;
  readonly #progress: OutageProgress;
  readonly #flaps: Flaps;
  readonly #tickets: WaitingTickets;
  readonly #policy: Policy;
  readonly #wall: WallClock;
  readonly #runs: RunsOfResults;
  readonly #lastKnown: Instant;
  #targets: readonly Target[];

  constructor({ clock, log, targets }: JudgeOptions, state: State) {
    this.#clock = clock;
    this.#log = log;
    this.#targets = targets;
    this.#incidents = state.incidents;
    this.#outages = state.outages;
    this.#thresholds = state.thresholds;
    this.#refusals = state.refusals;
    this.#policy = state.policy;
    this.#wall = new WallClock(clock);
    this.#runs = new RunsOfResults(clock);
    this.#lastKnown = state.lastKnown;
    this.#tickets = new WaitingTickets(state.outages);
    this.#causes = new RootCauses(state, targets);
    this.#storms = new Storms({
      ...state,
      hosts: this.#hosts,
      targets: () => this.#targets.filter(({ planned }) => !planned),
    });
    this.#inhibition = new Inhibition({
      ...state,
      causes: this.#causes,
      storms: this.#storms,
      target: (id) => this.#target(id),
    });
    this.#progress = new OutageProgress({ ...state, inhibition: this.#inhibition });
    this.#flaps = new Flaps({ ...state, clock, inhibition: this.#inhibition, storms: this.#storms });
  }

  incidents(): readonly Tracked[] {
    return this.#incidents.all();
  }

  start(): Changes | undefined {
    const now = this.#clock.now();
    const redated = clockBehind(this.#incidents, this.#lastKnown, now);
    this.#inhibition.takeUp(now);
    return ifAny(mergeChanges([redated, ...this.#reconcileAll()]));
  }

  reconfigure(settings: AlertSettings): Changes | undefined {
    this.#policy.reconfigure(settings);
    this.#targets = settings.targets;
    this.#causes.reconfigure(settings.targets);
    this.#inhibition.takeUp(this.#clock.now());
    return ifAny(mergeChanges(this.#reconcileAll()));
  }

  consider(recorded: JudgedSample): Changes | undefined {
    const redated = this.#clockSet();
    const target = this.#target(recorded.sample.target);
    if (!target) return ifAny(redated);
    const event = this.#runs.dated(recorded);
    this.#runs.note(event);
    this.#hosts.learn(event.sample);
    const outage = this.#considerOutage(event, target);
    const named = isBad(event.sample) ? this.#storms.nameWithLeader(target, event.sample) : {};
    const refusal = this.#considerRefusal(event, target);
    const { rules, stored } = this.#thresholds.evaluate(event.sample, event.check);
    const thresholds = rules.map((rule) => this.#considerRule(event, target, rule));
    const unmeasured = event.check.thresholds.map((rule) => this.#considerUnmeasured(event, target, rule));
    const others = [...unmeasured, this.#inhibition.explainOthers(event.sample), this.#inhibition.clear(event.sample)];
    return ifAny(mergeChanges([redated, outage, named, refusal, { thresholds: stored }, ...thresholds, ...others]));
  }

  committed(opened: readonly Incident[]): Changes | undefined {
    for (const { id, key, impact, urgency, title, reason } of opened) {
      this.#log.info("incident opened", { incident: id, key, impact, urgency, title: title.en, reason });
    }
    return ifAny(this.#incidents.committed(opened));
  }

  /** Before anything is decided: what goes on is dated as the clock counts now. */
  #clockSet(): Changes {
    const milliseconds = this.#wall.moved();
    if (milliseconds === 0) return {};
    this.#outages.clockSet(milliseconds);
    return clockSet(this.#incidents, milliseconds);
  }

  #considerOutage(event: JudgedSample, target: Target): Changes {
    const { sample, check } = event;
    const tracked = this.#incidents.get(target.id);
    // Only what is open asks for it; to work it out for each result costs more than all else here.
    const before = tracked ? this.#outages.worstOf(target) : "up";
    const standing = this.#outages.update(event);
    if (tracked) {
      const over = standing === "up" && sample.outcome === "up" && this.#outages.isOver(target, tracked.facts.checks);
      if (over) return this.#end(event, tracked);
      const isBack = check.required && standing !== "up" && isBad(sample);
      const relapse = isBack ? this.#flaps.relapse(tracked, outageFacts(event, target, standing)) : {};
      return mergeChanges([relapse, this.#progress.goesOn({ ...event, target, tracked, standing, before })]);
    }
    // Also without a change: the check may have become required while it was down.
    const isFound = check.required && standing !== "up" && (isBad(sample) || event.confirmation.intermittence?.on);
    const begun = isFound ? { ...event, startedAt: this.#runs.beginning(event) } : undefined;
    const found = this.#tickets.ready(target, begun, sample.at);
    return found ? this.#openOutage(found, target) : {};
  }

  #openOutage(event: Found, target: Target): Changes {
    const { sample, check, confirmation, startedAt } = event;
    const { intermittence, degraded, down } = confirmation;
    if (intermittence?.on && !degraded.on && !down.on) {
      const seen = this.#outages.seenIntermittent(sample, intermittence);
      return this.#open(intermittentFacts(event, target, { intermittence, seen }), target, seen);
    }
    const impact = down.on ? "down" : "degraded";
    return this.#open({ ...outageFacts(event, target, impact), startedAt }, target, this.#outages.seen(sample, check));
  }

  #end(event: JudgedSample, tracked: Tracked): Changes {
    return this.#over(tracked, { resolvedAt: this.#runs.beginning(event), at: event.sample.at });
  }

  /** Told at once; what comes and goes, when it has been well for a while. */
  #over(tracked: Tracked, end: { readonly resolvedAt: Instant; readonly at: Instant }): Changes {
    const held = this.#flaps.hold(tracked, end);
    const resolvedAt = tracked.flapping?.quietSince ?? end.resolvedAt;
    return held ?? this.#resolve(tracked, { ...end, resolvedAt, unwatched: false });
  }

  #considerRule({ sample, check }: JudgedSample, target: Target, standing: RuleStanding): Changes {
    const { rule, raised, levels, clearedAt } = standing;
    const key = ruleKey(sample, rule.id);
    const tracked = this.#incidents.get(key);
    if (!tracked) {
      const told = this.#thresholds.levelsToTell(check, rule);
      // An expired certificate is down; that it ends within days needs no notice beside that.
      if (told.length === 0 || this.#outages.speaksFor(check, sample.at)) return {};
      const seen: Seen = { kind: "levels", check: check.id, levels: told };
      const labels = raised.map((one) => one.labels);
      return this.#open(ruleFacts(key, sample, target, { ...standing, levels: told }, seen), target, seen, labels);
    }
    if (!this.#thresholds.isRaised(key)) {
      const resolvedAt = clearedAt === undefined ? sample.at : instant(clearedAt);
      return this.#resolve(tracked, { resolvedAt, at: sample.at, unwatched: false });
    }
    const seen: Seen = { kind: "levels", check: check.id, levels };
    const told = this.#inhibition.goesOn(tracked, target, sample, seen);
    const more = raised.filter(({ labels }) => !tracked.labels.has(labels));
    for (const { labels } of more) tracked.labels.add(labels);
    if (more.length === 0) return told;
    const text = sameInAll(`${check.id}: ${reasonOf(seen)}`);
    const update = { at: sample.at, kind: "joined", text, public: false } as const;
    return mergeChanges([this.#incidents.record(tracked, () => ({ check: check.id, update })), told]);
  }

  /** What was kept quiet for a cause that is over is told, though it cannot be measured just now; as outages are. */
  #considerUnmeasured({ sample, check }: JudgedSample, target: Target, rule: Threshold): Changes {
    const key = ruleKey(sample, rule.id);
    const tracked = sample.outcome === "unknown" ? this.#incidents.get(key) : undefined;
    if (tracked?.escalation.state !== "inhibited" || !this.#thresholds.isRaised(key)) return {};
    const seen: Seen = { kind: "levels", check: check.id, levels: this.#thresholds.levels(sample, rule) };
    return this.#inhibition.goesOn(tracked, target, sample, seen);
  }

  /** While its outage is open, that is what is told; but not of one that is well for now, as far as we can see. */
  #considerRefusal(event: JudgedSample, target: Target): Changes {
    const { sample } = event;
    this.#refusals.update(event);
    const tracked = this.#incidents.get(refusalKey(target));
    const since = this.#refusals.since(target);
    if (tracked) {
      const end = { resolvedAt: sample.at, at: sample.at, unwatched: false };
      return since === undefined ? this.#resolve(tracked, end) : {};
    }
    const outage = this.#incidents.get(target.id);
    const isTold = outage !== undefined && outage.flapping?.quietSince === undefined;
    if (since === undefined || !sample.connected || isTold) return {};
    return this.#open(refusalFacts(sample, target, since), target, refusalSeen(sample));
  }

  #open(found: Facts, target: Target, seen: Seen, labels: readonly string[] = []): Changes {
    const explained = this.#inhibition.of(found, found.confirmedAt);
    const flapping = this.#flaps.endedJustBefore(found);
    if (flapping) return this.#flaps.reopen(flapping, explained, target, seen);
    const { facts, rootCause, explanation, escalation } = explained;
    const again = this.#endedWithinTheHour(facts);
    const isPublic = shown(target, facts);
    const text = confirmedText(explanation);
    const news = newsOf(target, seen, {
      facts,
      membersSee: isPublic ? text : undefined,
      company: this.#companyOf(facts, target),
      again,
    });
    const tracked: Tracked = {
      facts,
      news,
      labels: new Set(labels),
      openingTitle: facts.title,
      escalation,
      rootCause: rootCause?.key,
      ...(facts.impact === "down" && { downAt: facts.confirmedAt }),
      datedBack: 0,
      id: undefined,
    };
    const revision = { news, foundAt: facts.confirmedAt, as: escalation, title: tracked.openingTitle };
    return this.#incidents.open(tracked, {
      change: "open",
      facts,
      update: { at: facts.confirmedAt, kind: "confirmed", text, public: isPublic },
      escalate: (id) => begin(this.#policy, id, revision),
    });
  }

  #companyOf({ kind, impact, startedAt }: Facts, target: Target): ReturnType<Storms["companyOf"]> | undefined {
    return kind === "outage" && impact === "down" ? this.#storms.companyOf(target, startedAt) : undefined;
  }

  #endedWithinTheHour({ key, confirmedAt }: Facts): News["again"] {
    const past = this.#incidents.past(key);
    if (past?.tracked.id === undefined || secondsBetween(past.resolvedAt, confirmedAt) >= relapseSeconds)
      return undefined;
    return { id: past.tracked.id, resolvedAt: past.resolvedAt };
  }

  #resolve(tracked: Tracked, end: { resolvedAt: Instant; at: Instant; unwatched: boolean }): Changes {
    const { facts } = tracked;
    const target = this.#targets.find(({ id }) => id === facts.target);
    const name = target?.name ?? sameInAll(facts.target);
    // The wall clock may have been put back: nothing ends before it began.
    const resolvedAt = later(end.resolvedAt, facts.startedAt);
    // Of one that was less bad at the end nobody knows from these moments how long it was out of reach.
    tracked.overSeconds = this.#clock.monotonicSeconds();
    const lastedSeconds = secondsBetween(facts.startedAt, resolvedAt);
    const wasEased = facts.title.en !== outageTitle(name, "down").en;
    const impact = facts.kind === "outage" && !wasEased ? facts.impact : "degraded";
    const update: Omit<IncidentUpdate, "incident"> = {
      at: end.at,
      kind: "resolved",
      text: end.unwatched
        ? unwatchedText(name)
        : tracked.flapping
          ? steadyAgainText(name, lastedSeconds)
          : recoveredText(name, impact, lastedSeconds),
      public: target ? shown(target, facts) : false,
    };
    const { openingTitle: title } = tracked;
    const { unwatched } = end;
    this.#log.info("incident resolved", { incident: tracked.id, key: facts.key, unwatched, text: update.text.en });
    const over = { news: { facts, name }, title, resolvedAt, unwatched, now: this.#clock.now() };
    return this.#incidents.close(tracked, resolvedAt, (id) => ({
      incidents: [{ change: "resolve", id, at: resolvedAt, update, escalate: endOf(this.#policy, over) }],
    }));
  }

  #reconcileAll(): readonly Changes[] {
    return this.#incidents.all().map((tracked) => this.#reconcile(tracked));
  }

  /** Ends what nobody watches any more, and what ended while its end could not be written. */
  #reconcile(tracked: Tracked): Changes {
    const now = this.#clock.now();
    const { facts } = tracked;
    const target = this.#target(facts.target);
    const checks = target?.checks.filter(({ id }) => facts.checks.includes(id)) ?? [];
    if (!target || !isWatched(facts, target, checks)) {
      return this.#resolve(tracked, { resolvedAt: now, at: now, unwatched: true });
    }
    return this.#isOver(facts, target) ? this.#over(tracked, { resolvedAt: now, at: now }) : {};
  }

  #isOver({ kind, key, checks }: Facts, target: Target): boolean {
    if (kind === "outage") return this.#outages.isOver(target, checks);
    return key === refusalKey(target) ? this.#refusals.since(target) === undefined : !this.#thresholds.isRaised(key);
  }

  /** Only what is in service. */
  #target(id: string): Target | undefined {
    return this.#targets.find((target) => target.id === id && !target.planned);
  }
}

function isWatched(facts: Facts, target: Target, checks: readonly Check[]): boolean {
  if (facts.kind === "outage" || facts.key === refusalKey(target)) return checks.some(({ required }) => required);
  return checks.some((check) =>
    check.thresholds.some(({ id }) => ruleKey({ target: check.target, check: check.id }, id) === facts.key),
  );
}

const later = (a: Instant, b: Instant) => (Temporal.Instant.compare(a, b) >= 0 ? a : b);

function ifAny(changes: Changes): Changes | undefined {
  return isEmpty(changes) ? undefined : changes;
}
