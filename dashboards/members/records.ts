/** The records that the pages show (transitions, incidents, upgrades), read from the store; when it fails, what was read before. */
import type { Clock } from "../../core/clock.ts";
import type { Interval } from "../../core/confirmation.ts";
import { withinTime } from "../../core/deadline.ts";
import type { Incident, IncidentStatus } from "../../core/incident.ts";
import type { CheckState } from "../../core/live-state.ts";
import type { Log } from "../../core/log.ts";
import { joined, measuredTimes } from "../../core/status/measured.ts";
import { isForMembers } from "../../core/status/status.ts";
import type { AnnotationStore } from "../../core/store/annotations.ts";
import type { IncidentStore } from "../../core/store/incidents.ts";
import type { JudgementStore, Transition } from "../../core/store/judgements.ts";
import type { Target } from "../../core/target.ts";
import type { Annotation } from "../../core/upgrade.ts";

export interface Records {
  /** When they were read; absent before the first time. */
  readonly at?: Temporal.Instant;
  readonly transitions: readonly Transition[];
  readonly incidents: readonly IncidentStatus[];
  /** Of incidents that began before this not all are here; absent when all are. */
  readonly completeSince?: Temporal.Instant;
  readonly annotations: readonly Annotation[];
  /** When at least one service was measured. */
  readonly measured: readonly Interval[];
}

/** What is looked at, and as it stands now. */
interface WatchedTargets {
  readonly targets: readonly Target[];
  readonly checks: readonly CheckState[];
}

/** How far back: transitions for the bars of each day, everything else for the months. */
interface ReadSince {
  readonly days: Temporal.Instant;
  readonly months: Temporal.Instant;
}

export interface RecordStore {
  readonly judgements: Pick<JudgementStore, "transitions">;
  readonly incidents: Pick<IncidentStore, "list" | "updates">;
  readonly annotations: AnnotationStore;
}

/** A store that does not answer within this time is treated like one that fails. */
const answerWithinSeconds = 5;
const mostIncidents = 1000;
/** Those of services that members do not see are among them. */
const mostAnnotations = 500;

export class RecordReader {
  readonly #store: RecordStore;
  readonly #clock: Clock;
  readonly #log: Log;
  #records: Records = { transitions: [], incidents: [], annotations: [], measured: [] };
  /** What came before the days: it does not change any more. */
  #before:
    | { readonly targets: readonly Target[]; readonly until: Temporal.Instant; readonly measured: readonly Interval[] }
    | undefined;
  /** Under way; a store that hangs is not asked a second time. */
  #reading: Promise<Records> | undefined;
  #fails = false;

  constructor(store: RecordStore, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  get records(): Records {
    return this.#records;
  }

  get fails(): boolean {
    return this.#fails;
  }

  async read(watched: WatchedTargets, since: ReadSince): Promise<void> {
    try {
      this.#reading ??= this.#fetch(watched, since).finally(() => {
        this.#reading = undefined;
      });
      this.#records = await withinTime(this.#reading, { seconds: answerWithinSeconds, clock: this.#clock }, giveUp);
      if (this.#fails) this.#log.info("the public pages can read the store again");
      this.#fails = false;
    } catch (error) {
      if (!this.#fails) this.#log.error("the public pages cannot read the store", { error });
      this.#fails = true;
    }
  }

  async #fetch(watched: WatchedTargets, since: ReadSince): Promise<Records> {
    const now = this.#clock.now();
    const transitions = await this.#store.judgements.transitions({ from: since.days, to: now });
    const annotations = await this.#store.annotations.list({ from: since.months, to: now, limit: mostAnnotations });
    const open = await this.#store.incidents.list({ open: true, limit: 100 });
    const past = await this.#store.incidents.list({ since: since.months, limit: mostIncidents });
    const all = new Map([...past, ...open].map((incident) => [incident.id, incident]));
    const known = new Map(this.#records.incidents.map((one) => [one.incident.id, one]));
    const incidents: IncidentStatus[] = [];
    for (const incident of [...all.values()].toSorted((a, b) => b.id - a.id)) {
      if (!isForMembers(incident, watched.targets)) continue;
      incidents.push(await this.#withUpdates(incident, known.get(incident.id)));
    }
    const lately = measuredTimes(watched.targets, { ...watched, transitions, span: spanOf(since.days, now) });
    const measured = joined([...(await this.#measuredBefore(watched, since)), ...lately]);
    const completeSince = past.length < mostIncidents ? undefined : past.at(-1)?.startedAt;
    return { at: now, transitions, incidents, ...(completeSince && { completeSince }), annotations, measured };
  }

  async #withUpdates(incident: Incident, before: IncidentStatus | undefined): Promise<IncidentStatus> {
    // What is over does not change any more.
    if (incident.state === "resolved" && before?.incident.state === "resolved") return before;
    return { incident, updates: await this.#store.incidents.updates(incident.id) };
  }

  /** Worked out once a day, and when other services are watched: a year of transitions is much to read. */
  async #measuredBefore(
    { targets, checks }: WatchedTargets,
    { months, days }: ReadSince,
  ): Promise<readonly Interval[]> {
    if (this.#before?.targets === targets && this.#before.until.equals(days)) return this.#before.measured;
    const transitions = await this.#store.judgements.transitions({ from: months, to: days });
    const measured = measuredTimes(targets, { transitions, checks, span: spanOf(months, days) });
    this.#before = { targets, until: days, measured };
    return measured;
  }
}

const spanOf = (from: Temporal.Instant, to: Temporal.Instant): Interval => ({
  from: from.epochMilliseconds,
  to: to.epochMilliseconds,
});

function giveUp(): never {
  throw new Error(`the store did not answer within ${answerWithinSeconds} s`);
}
