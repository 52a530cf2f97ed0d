/** Due rows in the store: what is to be done and when; each is taken by compare-and-set, so that nothing is done twice. */
import type { Due, DueKind } from "../../core/store/due.ts";
import { allReadable, instant, numeric, oneOf, type Row, text } from "./rows.ts";
import { all, run, statement, type Transaction } from "./statements.ts";

const plan = statement(
  `insert into due (kind, subject, for_whom, due_at, planned_at, state) values (?, ?, ?, ?, ?, ?)
   on conflict (kind, subject, for_whom) do update set
     due_at = excluded.due_at, planned_at = excluded.planned_at, state = excluded.state`,
);
const cancel = statement("delete from due where kind = ? and subject = ? and for_whom = ?");
const take = statement("delete from due where kind = ? and subject = ? and for_whom = ? and due_at = ? and state = ?");
const first = statement("select * from due where kind = ? order by due_at, subject, for_whom limit ?");

/** Replaces what was planned of that kind, about that subject and for that person. */
export function* planDue(due: Due): Transaction<void> {
  const [dueAt, plannedAt] = [due.dueAt.epochMilliseconds, due.plannedAt.epochMilliseconds];
  yield* run(plan, due.kind, due.subject, due.for, dueAt, plannedAt, due.state);
}

export function* cancelDue({ kind, subject, for: whom }: Pick<Due, "kind" | "subject" | "for">): Transaction<void> {
  yield* run(cancel, kind, subject, whom);
}

/** @returns false when somebody took it first, or it was planned anew since it was read. */
export function* takeDue({ kind, subject, for: whom, dueAt, state }: Due): Transaction<boolean> {
  return (yield* run(take, kind, subject, whom, dueAt.epochMilliseconds, state)) === 1;
}

export function* nextDue(kind: DueKind, limit: number): Transaction<readonly Due[]> {
  return allReadable(yield* all(first, kind, limit), dueFrom);
}

export function dueFrom(row: Row): Due {
  return {
    kind: oneOf(row, "kind", ["escalation"]),
    subject: text(row, "subject"),
    for: text(row, "for_whom"),
    dueAt: instant(numeric(row, "due_at")),
    plannedAt: instant(numeric(row, "planned_at")),
    state: text(row, "state"),
  };
}
