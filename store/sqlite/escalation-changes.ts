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

export const dueStore = ({ read }: Driver): DueStore => ({
  next: (kind, limit) =>
    read(function* () {
      const found: Due[] = [];
      for (const due of yield* nextDue(kind, limit)) {
        // Taken, it would be gone, and nothing would follow from it.
        const incident = Number(due.subject);
        if ((yield* isIncidentReadable(incident)) && (yield* isEscalationReadable(incident))) found.push(due);
      }
      return found;
    }),
});

/** Nothing happens where the row that called for it was taken by somebody else. */
export function* changeEscalation({ incident, taking, escalate }: EscalationChange): Transaction<void> {
  if (taking && !(yield* takeDue(taking))) return;
  const known = yield* readIncident(incident);
  if (!known) return;
  const before = yield* beforeOf(known);
  // A row that was taken is gone by now, and comes back where nothing follows.
  const escalation = before.escalation && taking ? { ...before.escalation, next: taking } : before.escalation;
  const after = escalate({ ...before, escalation });
  yield* writeEscalated(escalation && taking ? { escalation, ...after } : after);
}
