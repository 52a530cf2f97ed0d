/** The outbox as the team looks at it: what waits, what was told last, and which channels are sick. */
import type { Clock } from "../core/clock.ts";
import { StoreUnavailable } from "../core/errors.ts";
import type { Contact } from "../core/organisation.ts";
import type { OutboxReport, Telling, WaitingNotice } from "../core/reports.ts";
import type { Store } from "../core/store/store.ts";

export interface OutboxReportParts {
  readonly store: Pick<Store, "outbox">;
  readonly clock: Clock;
  readonly contacts: () => readonly Contact[];
  /** All that is to be sent or is on its way, the oldest first. */
  readonly unsent: () => Promise<readonly WaitingNotice[]>;
  readonly telling: () => Telling;
}

/** A page that somebody reads through; the rest is told by its number. */
const mostWaiting = 50;
const mostTold = 100;

export async function outboxReport({
  store,
  clock,
  contacts,
  unsent,
  telling,
}: OutboxReportParts): Promise<OutboxReport> {
  const read = async () => {
    const [waiting, newest] = await Promise.all([unsent(), store.outbox.recent(mostTold)]);
    const due = waiting.filter(({ dueSeconds }) => dueSeconds !== undefined).length;
    return { waiting: waiting.slice(0, mostWaiting), due, newest };
  };
  const stored = await read().catch((error: unknown) => {
    // What the running parts know is worth the most just then.
    if (error instanceof StoreUnavailable) return undefined;
    throw error;
  });
  return { ...telling(), now: clock.now(), names: new Map(contacts().map(({ id, name }) => [id, name])), stored };
}
