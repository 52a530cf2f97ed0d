/**
 * The auditor looks at outcomes, not at loops that turn: each open incident that wakes somebody is served, which means that
 * somebody accepted a page of it, or that there is a reason why nobody is told. /healthz and the outgoing heartbeat follow it.
 */
import { type Clock, secondsBetween } from "../../core/clock.ts";
import type { Incident } from "../../core/incident.ts";
import type { Log } from "../../core/log.ts";
import { isWaking } from "../../core/notice.ts";
import type { Store } from "../../core/store/store.ts";
import { pause } from "../../core/time-slices.ts";
import { sinceTheirEnd } from "./notices.ts";

export interface AuditorOptions {
  readonly store: Pick<Store, "incidents" | "escalations" | "outbox">;
  readonly clock: Clock;
  readonly log: Log;
  /** Somebody accepted it, though the store does not know yet. @param key of the incident. */
  isToldPastStore(key: string): boolean;
  /** No escalation is set: a status page alone. */
  tellsNobody(): boolean;
  /** What else has to be looked at rather than believed. @returns what is wrong, as a sentence. */
  readonly more?: readonly (() => Promise<string | undefined> | string | undefined)[];
}

export interface Auditor {
  run(signal: AbortSignal): Promise<void>;
  /** What the last look found, as a sentence; undefined when all was well. */
  fault(): string | undefined;
}

const everySeconds = 5;
/** From its confirmation until somebody has accepted the page. */
const unservedSeconds = 120;
/** Its last look is no proof any more after so long. */
const staleSeconds = 60;

export function openAuditor(options: AuditorOptions): Auditor {
  return new RunningAuditor(options);
}

class RunningAuditor implements Auditor {
  readonly #options: AuditorOptions;
  /** Monotonic seconds since when nobody has served it, by number. */
  #unserved: ReadonlyMap<number, number> = new Map();
  /** Somebody accepted a page of these, by number: that stays so. */
  readonly #accepted = new Set<number>();
  #fault: string | undefined;
  #lookedSeconds: number;

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.#lookedSeconds = options.clock.monotonicSeconds();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    // After a restart an old page has the time that a new one has, but for what it had before.
    let isFirst = true;
    while (!signal.aborted) {
      this.#say(await this.#look(isFirst));
      isFirst = false;
      await clock.sleep(everySeconds, signal).catch(() => undefined);
    }
  }

  fault(): string | undefined {
    const still = this.#options.clock.monotonicSeconds() - this.#lookedSeconds;
    if (still > staleSeconds) return `nobody has looked whether pages arrive for ${Math.floor(still)} s`;
    return this.#fault;
  }

  async #look(isFirst: boolean): Promise<string | undefined> {
    const { more = [] } = this.#options;
    try {
      const faults = await Promise.all([this.#pages(isFirst), ...more.map(async (look) => look())]);
      this.#lookedSeconds = this.#options.clock.monotonicSeconds();
      const wrong = faults.filter((fault) => fault !== undefined);
      return wrong.length > 0 ? wrong.join("; ") : undefined;
    } catch (error) {
      return `it cannot be read whether pages arrived: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  async #pages(isFirst: boolean): Promise<string | undefined> {
    const { store, clock } = this.#options;
    const now = clock.monotonicSeconds();
    const open = (await store.incidents.list({ open: true })).filter(({ urgency }) => urgency === "page");
    const unserved = new Map<number, number>();
    for (const incident of open) {
      if (this.#accepted.has(incident.id)) continue;
      // Hundreds may be open at once, and everything else goes on between two of them.
      await pause();
      if (await this.#isServed(incident)) continue;
      const age = isFirst ? secondsSince(incident.confirmedAt, clock.now()) : 0;
      unserved.set(incident.id, this.#unserved.get(incident.id) ?? now - age);
    }
    this.#unserved = unserved;
    const ids = new Set(open.map(({ id }) => id));
    for (const id of this.#accepted) if (!ids.has(id)) this.#accepted.delete(id);
    const late = open.filter(({ id }) => now - (unserved.get(id) ?? now) > unservedSeconds);
    return late.length > 0 ? `nobody has accepted the page of ${late.map(nameOf).join(", ")}` : undefined;
  }

  async #isServed({ id, key, state }: Incident): Promise<boolean> {
    const { store, isToldPastStore, tellsNobody } = this.#options;
    if (state === "acknowledged" || isToldPastStore(key)) return true;
    const escalation = await store.escalations.of(id);
    if (escalation && explained.has(escalation.state)) return true;
    const pages = sinceTheirEnd(await store.outbox.of(id)).filter(isWaking);
    if (pages.some((page) => page.state === "sent")) {
      this.#accepted.add(id);
      return true;
    }
    return pages.length === 0 && tellsNobody();
  }

  #say(fault: string | undefined): void {
    const { log } = this.#options;
    if (fault !== undefined && fault !== this.#fault) log.error("the audit found a fault", { fault });
    if (fault === undefined && this.#fault !== undefined) log.info("the audit finds no fault any more");
    this.#fault = fault;
  }
}

/** Why nobody is told, and rightly so. */
const explained: ReadonlySet<string> = new Set(["inhibited", "silenced", "acknowledged"]);

const nameOf = ({ id, key }: Incident): string => `#${id} (${key})`;

/** At most what makes it late: the wall clock may have been set. */
function secondsSince(at: Temporal.Instant, now: Temporal.Instant): number {
  return Math.min(unservedSeconds, secondsBetween(at, now));
}
