/**
 * Hands out the due rows of escalations, and writes what a commit changes of one: takes the row that called for it, and
 * writes what follows.
 */
import type { Due, DueStore } from "../../core/store/due.ts";
import type { EscalationChange } from "../../core/store/escalations.ts";
import { nextDue, takeDue } from "./due.ts";
import { beforeOf, isEscalationReadable, writeEscalated } from "./escalations.ts";
import { isIncidentReadable, readIncident } from "./incidents.ts";
import type { Driver, Transaction } from "./statements.ts";

/** `lookAgain` after a change that failed: by whatever accident, what could be read before may not be any more. */
export function dueStore({ read }: Driver): DueStore & { lookAgain(): void } {
  /** Subjects, as of the last look: what could be read then was written since by us alone, and is not read each time. */
  let known: ReadonlySet<string> = new Set();
  return {
    next: (kind, limit) =>
      read(function* () {
        const found: Due[] = [];
        for (const due of yield* nextDue(kind, limit)) {
          if (known.has(due.subject) || (yield* isReadable(Number(due.subject)))) found.push(due);
        }
        known = new Set(found.map(({ subject }) => subject));
        return found;
      }),
    lookAgain() {
      known = new Set();
    },
  };
}

/** What cannot be read must not be taken: it would be gone, and nothing would follow from it. */
function* isReadable(incident: number): Transaction<boolean> {
  return (yield* isIncidentReadable(incident)) && (yield* isEscalationReadable(incident));
}

/** Nothing happens where the row that called for it was taken by somebody else. */
export function* changeEscalation({ incident, taking, escalate }: EscalationChange): Transaction<void> {
  if (taking && !(yield* isReadable(incident)))
    throw new Error(`what is stored of incident ${incident} cannot be read`);
  if (taking && !(yield* takeDue(taking))) return;
  const known = yield* readIncident(incident);
  if (!known) return;
  const before = yield* beforeOf(known);
  // A row that was taken is gone by now, and comes back where nothing follows.
  const escalation = before.escalation && taking ? { ...before.escalation, next: taking } : before.escalation;
  const after = escalate({ ...before, escalation });
  yield* writeEscalated(escalation && taking ? { escalation, ...after } : after);
}
