/** What the pages know from the store, read when it changed; when the store fails, what it said before. */
import type { Clock } from "../core/clock.ts";
import type { Incident } from "../core/incident.ts";
import type { Log } from "../core/log.ts";
import { type IncidentStatus, isForMembers } from "../core/status.ts";
import type { Store, Transition } from "../core/store.ts";
import type { Target } from "../core/target.ts";
import type { Annotation } from "../core/upgrade.ts";

export interface Records {
  readonly transitions: readonly Transition[];
  readonly incidents: readonly IncidentStatus[];
  readonly annotations: readonly Annotation[];
}

export type RecordStore = Pick<Store, "transitions" | "incidents" | "incidentUpdates" | "annotations">;

/** A store that does not answer within this time is treated like one that fails. */
const patienceSeconds = 5;
/** Of incidents that were over longer ago only their time matters, for the bars: a day more than is told of. */
const toldHours = 15 * 24;
/** Those of services that members do not see are among them. */
const mostAnnotations = 500;

export class RecordReader {
  readonly #store: RecordStore;
  readonly #clock: Clock;
  readonly #log: Log;
  #records: Records = { transitions: [], incidents: [], annotations: [] };
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

  async read(targets: readonly Target[], from: Temporal.Instant): Promise<void> {
    try {
      this.#reading ??= this.#fetch(targets, from).finally(() => {
        this.#reading = undefined;
      });
      this.#records = await withinTime(this.#reading, patienceSeconds, this.#clock);
      if (this.#fails) this.#log.info("the public pages can read the store again");
      this.#fails = false;
    } catch (error) {
      if (!this.#fails) this.#log.error("the public pages cannot read the store", { error });
      this.#fails = true;
    }
  }

  async #fetch(targets: readonly Target[], from: Temporal.Instant): Promise<Records> {
    const now = this.#clock.now();
    const transitions = await this.#store.transitions({ from, to: now });
    const annotations = await this.#store.annotations({ from, to: now, limit: mostAnnotations });
    const open = await this.#store.incidents({ open: true, limit: 100 });
    const past = await this.#store.incidents({ since: from, limit: 1000 });
    const all = new Map([...past, ...open].map((incident) => [incident.id, incident]));
    const known = new Map(this.#records.incidents.map((one) => [one.incident.id, one]));
    const incidents: IncidentStatus[] = [];
    for (const incident of [...all.values()].toSorted((a, b) => b.id - a.id)) {
      if (!isForMembers(incident, targets)) continue;
      incidents.push(await this.#told(incident, known.get(incident.id), now));
    }
    return { transitions, incidents, annotations };
  }

  async #told(incident: Incident, before: IncidentStatus | undefined, now: Temporal.Instant): Promise<IncidentStatus> {
    if (incident.state === "resolved") {
      // What is over does not change any more.
      if (before?.incident.state === "resolved") return before;
      const told = incident.resolvedAt.add({ hours: toldHours });
      if (Temporal.Instant.compare(told, now) < 0) return { incident, updates: [] };
    }
    return { incident, updates: await this.#store.incidentUpdates(incident.id) };
  }
}

async function withinTime<T>(work: Promise<T>, seconds: number, clock: Clock): Promise<T> {
  const done = new AbortController();
  const late = clock.sleep(seconds, done.signal).then(() => {
    throw new Error(`the store did not answer within ${seconds} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    work.catch(() => {});
    late.catch(() => {});
    done.abort();
  }
}
