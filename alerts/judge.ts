/**
 * Decides, sample by sample, which incidents open, grow and end, and who is told. What it decides is written in the
 * transaction of the sample that caused it, so that nothing is decided without being told, nor told twice.
 */
import type { Clock } from "../core/clock.ts";
import type { Decide, Judged } from "../core/decide.ts";
import type { Incident, IncidentFacts, IncidentUpdate } from "../core/incident.ts";
import { type Language, type Localised, sameInAll } from "../core/language.ts";
import type { Log } from "../core/log.ts";
import {
  causeFoundText,
  confirmedText,
  outageExplanation,
  outageTitle,
  raisedText,
  recoveredText,
  unwatchedText,
  withCause,
} from "../core/member-texts.ts";
import type { OnCall, Organisation } from "../core/organisation.ts";
import { checkKey, type Sample } from "../core/sample.ts";
import type { Changes, Store } from "../core/store.ts";
import type { Check, Target } from "../core/target.ts";
import { type Cause, Causes } from "./causes.ts";
import { emptySteps, type Plan, planNotices, planRecovery, threadName } from "./escalate.ts";
import { Incidents, mergeChanges, type Thread, type Told, type Tracked, toldBy } from "./incidents.ts";
import { isBad, isWorse, Outages } from "./outages.ts";
import { type FirstSteps, readRunbooks } from "./runbooks.ts";
import { type RuleStanding, ruleKey, Thresholds } from "./thresholds.ts";
import { plain, reasonOf, type Seen, secondsBetween, subject, type Trouble } from "./wording.ts";

type Instant = Temporal.Instant;
type Facts = Omit<IncidentFacts, "id">;

/** What a reload of the configuration may change. */
interface JudgeSettings {
  readonly organisation: Organisation;
  readonly targets: readonly Target[];
  readonly onCall: OnCall;
  /** Names of the configured channels. */
  readonly channels: readonly string[];
  /** Address of the public pages, for the links in notices. */
  readonly baseUrl: string;
}

export interface JudgeOptions extends JudgeSettings {
  readonly store: Pick<Store, "verdicts" | "thresholds" | "samples" | "latestSamples" | "incidents" | "noticesOf">;
  readonly clock: Clock;
  readonly log: Log;
  /** Signs the links that acknowledge: `store.signingKey("action")`. */
  readonly signingKey: Uint8Array;
  /** Which of the names and titles stand in notices; their own words are English. */
  readonly language?: Language;
  /** Marks every notice: these services do not exist. */
  readonly practice?: boolean;
}

export interface Judge extends Decide {
  /** Call once before the first sample: ends what is open but not watched any more. Tells nothing else. */
  start(): Changes | undefined;
  /** After a reload; the same for what is not watched any more. */
  reconfigure(settings: JudgeSettings): Promise<Changes | undefined>;
}

/** A relapse sooner than this after the end says so. */
const relapseSeconds = 3600;
const runbookOf = { down: "service-down", degraded: "service-degraded" } as const;

export async function openJudge(options: JudgeOptions): Promise<Judge> {
  const { store, clock } = options;
  const open = await store.incidents({ open: true });
  const past = await store.incidents({ since: clock.now().subtract({ hours: 48 }), limit: 1000 });
  const told = new Map<number, Told>();
  for (const incident of open) told.set(incident.id, toldBy(await store.noticesOf(incident.id), incident));
  return new RunningJudge(options, {
    incidents: new Incidents(open, past, (id) => told.get(id)),
    outages: await Outages.load(store, clock.now()),
    thresholds: await Thresholds.load(store),
    firstSteps: await readFirstSteps(options.targets),
  });
}

interface State {
  readonly incidents: Incidents;
  readonly outages: Outages;
  readonly thresholds: Thresholds;
  readonly firstSteps: FirstSteps;
}

class RunningJudge implements Judge {
  readonly #options: JudgeOptions;
  readonly #incidents: Incidents;
  readonly #outages: Outages;
  readonly #thresholds: Thresholds;
  readonly #causes: Causes;
  #settings: JudgeSettings;
  #firstSteps: FirstSteps;

  constructor(options: JudgeOptions, state: State) {
    this.#options = options;
    this.#settings = options;
    this.#incidents = state.incidents;
    this.#outages = state.outages;
    this.#thresholds = state.thresholds;
    this.#causes = new Causes(state, options.targets);
    this.#firstSteps = state.firstSteps;
    this.#warnOfSilence();
  }

  start(): Changes | undefined {
    const now = this.#options.clock.now();
    for (const tracked of this.#incidents.all()) tracked.because = this.#causes.of(tracked.facts, now)?.key;
    return ifAny(mergeChanges(this.#incidents.all().map((tracked) => this.#reconcile(tracked))));
  }

  async reconfigure(settings: JudgeSettings): Promise<Changes | undefined> {
    this.#firstSteps = await readFirstSteps(settings.targets);
    this.#settings = settings;
    this.#causes.reconfigure(settings.targets);
    this.#warnOfSilence();
    return this.start();
  }

  consider(event: Judged): Changes | undefined {
    const target = this.#target(event.sample.target);
    if (!target) return undefined;
    const outage = this.#considerOutage(event, target);
    const { rules, stored } = this.#thresholds.take(event.sample, event.check);
    const thresholds = rules.map((rule) => this.#considerRule(event, target, rule));
    const mayExplain = isBad(event.sample) && this.#causes.mayExplain(checkKey(event.sample));
    const found = mayExplain ? this.#explainOthers(event.sample.at) : {};
    return ifAny(mergeChanges([outage, { thresholds: stored }, ...thresholds, found]));
  }

  committed(opened: readonly Incident[]): Changes | undefined {
    for (const { id, key, impact, urgency } of opened) {
      this.#options.log.info("incident opened", { incident: id, key, impact, urgency });
    }
    return ifAny(this.#incidents.committed(opened));
  }

  #considerOutage(event: Judged, target: Target): Changes {
    const { sample, check } = event;
    const standing = this.#outages.take(event);
    const tracked = this.#incidents.get(target.id);
    if (!tracked) {
      // Also without a change: the check may have become required while it was down.
      if (!check.required || standing === "up" || !isBad(sample)) return {};
      return this.#open(this.#outageFacts(event, target, standing), target, this.#tries(sample, check));
    }
    if (standing === "up") return this.#endIfOver(event, target, tracked);
    if (!check.required || !isBad(sample)) return {};
    const worse = isWorse(standing, tracked.facts.impact);
    if (worse) return this.#worsen(tracked, this.#outageFacts(event, target, standing), target, sample, check);
    const seen = this.#tries(sample, check);
    if (tracked.facts.checks.includes(check.id)) return this.#goesOn(tracked, target, sample, seen);
    const text = sameInAll(`${check.id}: ${plain(sample.reason ?? sample.outcome)}`);
    const joined = this.#join(tracked, check.id, sample.at, text);
    return mergeChanges([joined, this.#goesOn(tracked, target, sample, seen)]);
  }

  #endIfOver({ sample, change }: Judged, target: Target, tracked: Tracked): Changes {
    if (sample.outcome !== "up" || !this.#outages.isOver(target, tracked.facts.checks)) return {};
    const resolvedAt = change ? instant(change.since) : sample.at;
    return this.#resolve(tracked, { resolvedAt, at: sample.at, unwatched: false });
  }

  #outageFacts({ sample, change }: Judged, target: Target, impact: "down" | "degraded"): Facts {
    const { check } = sample;
    const seen = this.#outages.tries(sample, 1);
    return {
      key: target.id,
      kind: "outage",
      target: target.id,
      checks: [check],
      impact,
      urgency: impact === "down" ? "page" : "ticket",
      title: outageTitle(target.name, impact),
      explanation: sample.explanation ?? outageExplanation(target.name, impact),
      reason: reasonOf({ kind: "tries", tries: seen, needed: 1 }),
      runbook: runbookOf[impact],
      startedAt: change ? instant(change.since) : sample.at,
      confirmedAt: sample.at,
    };
  }

  #tries(sample: Sample, check: Check): Seen {
    const needed = check.confirm.failures;
    return { kind: "tries", tries: this.#outages.tries(sample, needed), needed };
  }

  #considerRule({ sample, check }: Judged, target: Target, standing: RuleStanding): Changes {
    const { rule, raised, levels, clearedAt } = standing;
    const key = ruleKey(sample, rule.id);
    const tracked = this.#incidents.get(key);
    if (!tracked) {
      if (levels.length === 0) return {};
      const seen: Seen = { kind: "levels", check: check.id, levels };
      const since = raised.length > 0 ? Math.min(...raised.map((one) => one.since)) : sample.at.epochMilliseconds;
      const labels = raised.map((one) => one.labels);
      return this.#open(this.#ruleFacts(key, sample, target, standing, seen, instant(since)), target, seen, labels);
    }
    if (!this.#thresholds.isRaised(key)) {
      const resolvedAt = clearedAt === undefined ? sample.at : instant(clearedAt);
      return this.#resolve(tracked, { resolvedAt, at: sample.at, unwatched: false });
    }
    const seen: Seen = { kind: "levels", check: check.id, levels };
    const told = this.#goesOn(tracked, target, sample, seen);
    const more = raised.filter(({ labels }) => !tracked.labels.has(labels));
    for (const { labels } of more) tracked.labels.add(labels);
    if (more.length === 0) return told;
    const joined = this.#join(tracked, check.id, sample.at, sameInAll(`${check.id}: ${reasonOf(seen)}`));
    return mergeChanges([joined, told]);
  }

  #ruleFacts(key: string, sample: Sample, target: Target, { rule }: RuleStanding, seen: Seen, since: Instant): Facts {
    return {
      key,
      kind: "threshold",
      target: target.id,
      checks: [sample.check],
      impact: rule.affects === "degraded" ? "degraded" : "none",
      urgency: rule.urgency,
      title: titled(target.name, rule.title),
      explanation: withStop(rule.title),
      reason: reasonOf(seen),
      runbook: rule.runbook,
      startedAt: since,
      confirmedAt: sample.at,
    };
  }

  #open(found: Facts, target: Target, seen: Seen, labels: readonly string[] = []): Changes {
    const cause = this.#causes.of(found, found.confirmedAt);
    const facts = cause ? { ...found, reason: becauseOf(found, cause) } : found;
    const past = this.#incidents.past(facts.key);
    const again = past && secondsBetween(past.resolvedAt, facts.confirmedAt) < relapseSeconds ? past : undefined;
    const tracked: Tracked = { facts, labels: new Set(labels), openingTitle: facts.title, id: undefined };
    explain(tracked, cause);
    const isPublic = shown(target, facts);
    const text = confirmedText(explanationWith(facts, cause));
    return this.#incidents.open(tracked, {
      change: "open",
      facts,
      update: { at: facts.confirmedAt, kind: "confirmed", text, public: isPublic },
      notices: (id) => {
        if (cause) return [];
        const trouble = this.#trouble(id, facts, target, seen, isPublic ? text : undefined);
        return planNotices(again ? { ...trouble, again } : trouble, this.#plan(), {
          ...this.#thread(tracked, id),
          round: "page",
          from: facts.confirmedAt,
        });
      },
    });
  }

  /** Another check of the same trouble: for the record; nobody is told again. */
  #join(tracked: Tracked, check: string, at: Instant, text: Localised): Changes {
    tracked.facts = { ...tracked.facts, checks: [...new Set([...tracked.facts.checks, check])] };
    const update = { at, kind: "joined", text, public: false } as const;
    const { impact } = tracked.facts;
    return this.#incidents.follow(tracked, (id) => ({ incidents: [{ change: "join", id, check, impact, update }] }));
  }

  /** Degraded before, down now: told as if it were new, in the same thread. */
  #worsen(tracked: Tracked, found: Facts, target: Target, sample: Sample, check: Check): Changes {
    const { impact, urgency, title, explanation, runbook } = found;
    const seen = this.#tries(sample, check);
    const checks = [...new Set([...tracked.facts.checks, check.id])];
    const cause = this.#causes.of({ ...tracked.facts, urgency, checks }, sample.at);
    const reason = cause ? becauseOf(found, cause) : found.reason;
    const facts = { ...tracked.facts, impact, urgency, title, explanation, reason, runbook };
    tracked.facts = { ...facts, checks };
    explain(tracked, cause);
    const isPublic = shown(target, facts);
    const text = raisedText(explanationWith(facts, cause));
    const raised = { urgency, title, explanation, reason, runbook };
    return this.#incidents.follow(tracked, (id) => ({
      incidents: [
        {
          change: "join",
          id,
          check: check.id,
          impact,
          raised,
          update: { at: sample.at, kind: "joined", text, public: isPublic },
        },
      ],
      notices: cause
        ? []
        : planNotices(
            this.#trouble(id, { ...facts, confirmedAt: sample.at }, target, seen, isPublic ? text : undefined),
            this.#plan(),
            { ...this.#thread(tracked, id), round: "raised", from: sample.at },
          ),
    }));
  }

  /** One more bad try: what explained it may be over by now, and then it counts for itself. */
  #goesOn(tracked: Tracked, target: Target, sample: Sample, seen: Seen): Changes {
    const { because, untold = false } = tracked;
    if ((because === undefined && !untold) || this.#causes.of(tracked.facts, sample.at)) return {};
    tracked.because = undefined;
    return untold
      ? this.#tellNow(tracked, target, sample, seen, because)
      : this.#note(tracked, sample.at, {
          text: sameInAll(`${because} explains it no longer, and it goes on`),
          public: false,
        });
  }

  #tellNow(tracked: Tracked, target: Target, sample: Sample, seen: Seen, outlasts: string | undefined): Changes {
    tracked.untold = false;
    tracked.facts = { ...tracked.facts, reason: reasonOf(seen) };
    const { facts } = tracked;
    const { impact, urgency, title, explanation, reason, runbook } = facts;
    const text = sameInAll(`told now: ${outlasts ?? "what explained it"} is no longer the cause, and it goes on`);
    const update = { at: sample.at, kind: "joined", text, public: false } as const;
    const membersSee = shown(target, facts) ? confirmedText(explanation) : undefined;
    return this.#incidents.follow(tracked, (id) => {
      const trouble = this.#trouble(id, facts, target, seen, membersSee);
      const notices = planNotices({ ...trouble, ...(outlasts !== undefined && { outlasts }) }, this.#plan(), {
        ...this.#thread(tracked, id),
        round: "page",
        from: sample.at,
      });
      // Where nobody can be told, there is nothing to say about it either.
      if (notices.length === 0) return {};
      const raised = { urgency, title, explanation, reason, runbook };
      return { incidents: [{ change: "join", id, check: sample.check, impact, raised, update }], notices };
    });
  }

  /** What is going on already may have its cause in what was just found: those incidents say so from now on. */
  #explainOthers(at: Instant): Changes {
    return mergeChanges(
      this.#incidents.all().map((tracked) => {
        const cause = this.#causes.of(tracked.facts, at);
        if (!cause || cause.key === tracked.because) return {};
        tracked.because = cause.key;
        const target = this.#target(tracked.facts.target);
        const forMembers = causeForMembers(tracked.facts, cause);
        const technical = sameInAll(`because ${cause.key}: ${plain(cause.reason)}`);
        const isPublic = forMembers !== undefined && target !== undefined && shown(target, tracked.facts);
        return mergeChanges([
          this.#note(tracked, at, { text: technical, public: false }),
          isPublic ? this.#note(tracked, at, { text: causeFoundText(forMembers), public: true }) : {},
        ]);
      }),
    );
  }

  /** A line in the record of an incident; nobody is told. */
  #note(tracked: Tracked, at: Instant, said: { readonly text: Localised; readonly public: boolean }): Changes {
    const { impact, checks } = tracked.facts;
    const update = { at, kind: "note", ...said } as const;
    const [check = ""] = checks;
    return this.#incidents.follow(tracked, (id) => ({ incidents: [{ change: "join", id, check, impact, update }] }));
  }

  #resolve(tracked: Tracked, end: { resolvedAt: Instant; at: Instant; unwatched: boolean }): Changes {
    const { facts } = tracked;
    const target = this.#settings.targets.find(({ id }) => id === facts.target);
    const name = target?.name ?? sameInAll(facts.target);
    // The wall clock may have been put back: nothing ends before it began.
    const resolvedAt = later(end.resolvedAt, facts.startedAt);
    const update: Omit<IncidentUpdate, "incident"> = {
      at: end.at,
      kind: "resolved",
      text: end.unwatched
        ? unwatchedText(name)
        : facts.kind === "outage"
          ? recoveredText(name, facts.impact, secondsBetween(facts.startedAt, resolvedAt))
          : recoveredText(name, "degraded", secondsBetween(facts.startedAt, resolvedAt)),
      public: target ? shown(target, facts) : false,
    };
    this.#options.log.info("incident resolved", { incident: tracked.id, key: facts.key, unwatched: end.unwatched });
    return this.#incidents.close(tracked, resolvedAt, (id) => ({
      incidents: [
        {
          change: "resolve",
          id,
          at: resolvedAt,
          update,
          notices: (existing) =>
            planRecovery(
              { ...this.#about(id, facts, name), resolvedAt, unwatched: end.unwatched },
              this.#plan(),
              existing,
              this.#options.clock.now(),
            ),
        },
      ],
    }));
  }

  /** Ends what nobody watches any more, and what ended while its end could not be written. */
  #reconcile(tracked: Tracked): Changes {
    const now = this.#options.clock.now();
    const { facts } = tracked;
    const target = this.#target(facts.target);
    const checks = target?.checks.filter(({ id }) => facts.checks.includes(id)) ?? [];
    if (!target || !isWatched(facts, checks)) {
      return this.#resolve(tracked, { resolvedAt: now, at: now, unwatched: true });
    }
    const over =
      facts.kind === "outage" ? this.#outages.isOver(target, facts.checks) : !this.#thresholds.isRaised(facts.key);
    return over ? this.#resolve(tracked, { resolvedAt: now, at: now, unwatched: false }) : {};
  }

  #trouble(id: number, facts: Facts, target: Target, seen: Seen, text: Localised | undefined): Trouble {
    const membersSee = text?.[this.#language];
    return { ...this.#about(id, facts, target.name), seen, membersSee, steps: this.#firstSteps(facts.runbook) };
  }

  #about(id: number, facts: Facts, name: Localised) {
    const language = this.#language;
    return { id, facts, name: name[language], language, statusUrl: `${this.#plan().baseUrl}/` };
  }

  #thread(tracked: Tracked, id: number): Thread {
    const { practice = false } = this.#options;
    if (tracked.thread) return tracked.thread;
    return {
      thread: threadName(id, this.#plan()),
      subject: subject(id, tracked.openingTitle[this.#language], practice),
    };
  }

  #plan(): Plan {
    const { onCall, channels, baseUrl, organisation } = this.#settings;
    const { signingKey } = this.#options;
    return { onCall, channels, baseUrl: baseUrl.replace(/\/+$/, ""), signingKey, timeZone: organisation.timeZone };
  }

  /** Only what is in service. */
  #target(id: string): Target | undefined {
    return this.#settings.targets.find((target) => target.id === id && !target.planned);
  }

  get #language(): Language {
    return this.#options.language ?? "en";
  }

  /** A configuration that can wake nobody is legal (a status page alone), but not in silence. */
  #warnOfSilence(): void {
    const { log } = this.#options;
    const empty = emptySteps(this.#plan());
    if (this.#settings.onCall.escalation.length === 0) log.warn("nobody is told about incidents: no escalation is set");
    for (const { afterSeconds, notify } of empty) {
      log.warn("an escalation step reaches nobody", { afterSeconds, notify });
    }
  }
}

function isWatched(facts: Facts, checks: readonly Check[]): boolean {
  if (facts.kind === "outage") return checks.some(({ required }) => required);
  return checks.some((check) =>
    check.thresholds.some(({ id }) => ruleKey({ target: check.target, check: check.id }, id) === facts.key),
  );
}

function explain(tracked: Tracked, cause: Cause | undefined): void {
  tracked.because = cause?.key;
  tracked.untold = cause !== undefined;
}

const becauseOf = ({ reason }: Pick<Facts, "reason">, { key, reason: why }: Cause) =>
  plain(`${reason}, because ${key}: ${why}`);

/** Members are told of a cause only by a name that stands on their page, and never that something causes itself. */
function causeForMembers({ target }: Pick<Facts, "target">, cause: Cause): Localised | undefined {
  return cause.target.public && cause.target.id !== target ? cause.target.name : undefined;
}

function explanationWith(facts: Pick<Facts, "target" | "explanation">, cause: Cause | undefined): Localised {
  const name = cause && causeForMembers(facts, cause);
  return name ? withCause(facts.explanation, name) : facts.explanation;
}

/** What members read about: public targets, and of thresholds those that they notice. */
function shown(target: Target, facts: Facts): boolean {
  return target.public && facts.impact !== "none";
}

function titled(name: Localised, title: Localised): Localised {
  return { en: `${name.en}: ${title.en}`, fr: `${name.fr} : ${title.fr}` };
}

function withStop(text: Localised): Localised {
  const stop = (sentence: string) => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);
  return { en: stop(text.en), fr: stop(text.fr) };
}

function readFirstSteps(targets: readonly Target[]): Promise<FirstSteps> {
  const ofRules = targets.flatMap(({ checks }) => checks.flatMap(({ thresholds }) => thresholds));
  return readRunbooks([...Object.values(runbookOf), ...ofRules.map(({ runbook }) => runbook)]);
}

const instant = (milliseconds: number) => Temporal.Instant.fromEpochMilliseconds(Math.floor(milliseconds));
const later = (a: Instant, b: Instant) => (Temporal.Instant.compare(a, b) >= 0 ? a : b);

function ifAny(changes: Changes): Changes | undefined {
  return Object.keys(changes).length > 0 ? changes : undefined;
}
