/** Writes what a commit changes of an escalation: takes the due row that called for it, and writes what follows. */
import type { EscalationChange } from "../../core/store/escalations.ts";
import { takeDue } from "./due.ts";
import { beforeOf, writeEscalated } from "./escalations.ts";
import { readIncident } from "./incidents.ts";
import type { Transaction } from "./statements.ts";

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
