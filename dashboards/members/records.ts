/** The records that the pages show (incidents, upgrades, measured time), read from the store; when it fails, what was read before. */
import type { Clock } from "../../core/clock.ts";
import type { Interval } from "../../core/confirmation.ts";
import { withinTime } from "../../core/deadline.ts";
import type { CheckState } from "../../core/live-state.ts";
import type { Log } from "../../core/log.ts";
import { measuredTimes } from "../../core/status/measured.ts";
import { forMembersOf } from "../../core/status/status.ts";
import type { StoredTimeline, Timelines } from "../../core/status/target-timeline.ts";
import type { AnnotationStore } from "../../core/store/annotations.ts";
import type { IncidentStore } from "../../core/store/incidents.ts";
import { isShown, type Target } from "../../core/target.ts";
import { inSlices } from "../../core/time-slices.ts";
import type { Annotation } from "../../core/upgrade.ts";
import { IncidentReader, type IncidentRecords } from "./incident-records.ts";

export interface Records extends IncidentRecords {
  /** When they were read; absent before the first time. */
  readonly at?: Temporal.Instant;
  readonly annotations: readonly Annotation[];
  /** When at least one service was measured. */
  readonly measured: readonly Interval[];
}

/** What is looked at, and as it stands now. */
interface WatchedTargets {
  readonly targets: readonly Target[];
  readonly checks: readonly CheckState[];
}

export interface RecordStore {
  readonly incidents: Pick<IncidentStore, "list" | "get" | "updates">;
  readonly annotations: AnnotationStore;
}

/** A store that does not answer within this time is treated like one that fails. */
const answerWithinSeconds = 5;
/** Those of services that members do not see are among them. */
const mostAnnotations = 500;

interface Read {
  readonly records: Records;
  readonly stored: readonly StoredTimeline[];
}

export class RecordReader {
  readonly #store: RecordStore;
  readonly #timelines: Timelines;
  readonly #incidents: IncidentReader;
  readonly #clock: Clock;
  readonly #log: Log;
  #last: Read = { records: { incidents: [], annotations: [], measured: [] }, stored: [] };
  /** Under way; a store that hangs is not asked a second time. */
  #reading: Promise<Read> | undefined;
  #fails = false;

  constructor(store: RecordStore, timelines: Timelines, clock: Clock, log: Log) {
    this.#store = store;
    this.#timelines = timelines;
    this.#incidents = new IncidentReader(store.incidents);
    this.#clock = clock;
    this.#log = log;
  }

  get records(): Records {
    return this.#last.records;
  }

  get fails(): boolean {
    return this.#fails;
  }

  /** @param since the beginning of the history. */
  async read(watched: WatchedTargets, since: Temporal.Instant): Promise<void> {
    await this.#try(watched, since);
  }

  /** As `read`, but the records stay the same object where nothing is new. @returns whether anything is. */
  async follow(watched: WatchedTargets, since: Temporal.Instant): Promise<boolean> {
    const [before, fails] = [this.#last, this.#fails];
    await this.#try(watched, since);
    const { records, stored } = this.#last;
    const isSame = records.incidents === before.records.incidents && records.annotations === before.records.annotations;
    if (isSame) this.#last = { records: before.records, stored };
    return !isSame || fails !== this.#fails || stored.some((one, index) => one !== before.stored[index]);
  }

  async #try(watched: WatchedTargets, since: Temporal.Instant): Promise<void> {
    try {
      this.#reading ??= this.#fetch(watched, since).finally(() => {
        this.#reading = undefined;
      });
      this.#last = await withinTime(this.#reading, { seconds: answerWithinSeconds, clock: this.#clock }, giveUp);
      if (this.#fails) this.#log.info("the public pages can read the store again");
      this.#fails = false;
    } catch (error) {
      if (!this.#fails) this.#log.error("the public pages cannot read the store", { error });
      this.#fails = true;
    }
  }

  async #fetch({ targets, checks }: WatchedTargets, since: Temporal.Instant): Promise<Read> {
    const now = this.#clock.now();
    await this.#timelines.refresh();
    const annotations = await this.#annotations(since, now);
    const incidents = await this.#incidents.read(since, forMembersOf(targets));
    const span = { from: since.epochMilliseconds, to: now.epochMilliseconds };
    const measured = await inSlices(measuredTimes(targets, { timelines: this.#timelines, checks, span }));
    const stored = targets.filter(isShown).map((target) => this.#timelines.of(target));
    return { records: { at: now, ...incidents, annotations, measured }, stored };
  }

  /** The same list as before where nothing is new. */
  async #annotations(from: Temporal.Instant, to: Temporal.Instant): Promise<readonly Annotation[]> {
    const annotations = await this.#store.annotations.list({ from, to, limit: mostAnnotations });
    const before = this.#last.records.annotations;
    return JSON.stringify(annotations) === JSON.stringify(before) ? before : annotations;
  }
}

function giveUp(): never {
  throw new Error(`the store did not answer within ${answerWithinSeconds} s`);
}
