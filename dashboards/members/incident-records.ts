/** The incidents that the pages show, with their updates: read once, then only those that are new or not over yet. */
import type { Incident, IncidentStatus } from "../../core/incident.ts";
import type { IncidentStore } from "../../core/store/incidents.ts";
import { pause } from "../../core/time-slices.ts";

export interface IncidentRecords {
  /** All that are open, and those of the months; newest first. The same list as long as nothing in it is new. */
  readonly incidents: readonly IncidentStatus[];
  /** Of incidents that began before this not all are here; absent when all are. */
  readonly completeSince?: Temporal.Instant;
}

const mostIncidents = 1000;
const mostOpen = 100;

export class IncidentReader {
  readonly #store: Pick<IncidentStore, "list" | "get" | "updates">;
  /** What was over before this is not shown. */
  #since: Temporal.Instant | undefined;
  /** Those of the months, shown or not, in the order of the store: the last one to begin comes first. */
  #past: readonly Incident[] = [];
  #newest = 0;
  #shown: readonly IncidentStatus[] = [];

  constructor(store: Pick<IncidentStore, "list" | "get" | "updates">) {
    this.#store = store;
  }

  async read(since: Temporal.Instant, isShown: (incident: Incident) => boolean): Promise<IncidentRecords> {
    const known = this.#since?.equals(since) ? this.#past : [];
    const open = await this.#store.list({ open: true, limit: mostOpen });
    const after = known.length === 0 ? 0 : this.#newest;
    const newer = await this.#store.list({ since, after, limit: mostIncidents });
    const past = [...newer, ...(await this.#stillKnown(known, open))].toSorted(lastToBegin).slice(0, mostIncidents);
    const all = new Map([...past, ...open].map((incident) => [incident.id, incident]));
    const before = new Map(this.#shown.map((one) => [one.incident.id, one]));
    const shown: IncidentStatus[] = [];
    for (const incident of [...all.values()].filter(isShown).toSorted((a, b) => b.id - a.id)) {
      await pause();
      shown.push(await this.#withUpdates(incident, before.get(incident.id)));
    }
    this.#since = since;
    this.#past = past;
    this.#newest = Math.max(after, ...all.keys());
    const isSame = shown.length === this.#shown.length && shown.every((one, index) => one === this.#shown[index]);
    if (!isSame) this.#shown = shown;
    const completeSince = past.length < mostIncidents ? undefined : past.at(-1)?.startedAt;
    return { incidents: this.#shown, ...(completeSince && { completeSince }) };
  }

  /** What is over for a day does not change any more; before that it may come back. */
  async #stillKnown(known: readonly Incident[], open: readonly Incident[]): Promise<readonly Incident[]> {
    const byId = new Map([...(await this.#lately(known)), ...open].map((incident) => [incident.id, incident]));
    const all: Incident[] = [];
    for (const one of known) {
      const now = byId.get(one.id);
      const incident = now ?? (one.state === "resolved" ? one : await this.#store.get(one.id));
      if (incident) all.push(incident);
    }
    return all;
  }

  /** Whatever went on less than a day before the last end that is known; of very many the last ones to begin. */
  async #lately(known: readonly Incident[]): Promise<readonly Incident[]> {
    const ends = known.flatMap((one) => (one.state === "resolved" ? [one.resolvedAt] : []));
    const last = ends.toSorted(Temporal.Instant.compare).at(-1);
    return last ? this.#store.list({ since: last.subtract({ hours: 24 }), limit: mostOpen }) : [];
  }

  /** The same object as long as nothing of it has changed. */
  async #withUpdates(incident: Incident, before: IncidentStatus | undefined): Promise<IncidentStatus> {
    if (before && isSameEnd(before.incident, incident)) return before;
    const status = { incident, updates: await this.#store.updates(incident.id) };
    return before && JSON.stringify(before) === JSON.stringify(status) ? before : status;
  }
}

const lastToBegin = (a: Incident, b: Incident): number =>
  Temporal.Instant.compare(b.startedAt, a.startedAt) || b.id - a.id;

const isSameEnd = (a: Incident, b: Incident): boolean =>
  a.state === "resolved" && b.state === "resolved" && a.resolvedAt.equals(b.resolvedAt);
