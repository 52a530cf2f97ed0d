/** Reads the transitions of a series, and sums how long it stood at each outcome between them. */
import { outcomes } from "../../core/sample.ts";
import type { Connection } from "./connection.ts";
import { numeric, type Row } from "./rows.ts";
import { startOfHour } from "./slot-keys.ts";
import { statement } from "./statements.ts";

/** From `at` on the series stands at `outcome`, an index into `outcomes`. */
export interface StoredTransition {
  readonly at: number;
  readonly outcome: number;
}

export const nothingSpent: readonly number[] = outcomes.map(() => 0);

const transitionBefore = statement(
  "select at, outcome from transition where series = ? and at <= ? order by at desc limit 1",
);
const transitionsWithin = statement(
  "select at, outcome from transition where series = ? and at > ? and at < ? order by at",
);

/** The transition in force at the beginning of the span and those within it, oldest first. */
export function transitionsOf(
  connection: Connection,
  series: number,
  span: { from: number; to: number },
): readonly StoredTransition[] {
  const before = connection.get(transitionBefore, series, span.from);
  return [...(before ? [stored(before)] : []), ...transitionsBetween(connection, series, span)];
}

/** Those after the beginning of the span and before its end, oldest first. */
export function transitionsBetween(
  connection: Connection,
  series: number,
  { from, to }: { from: number; to: number },
): readonly StoredTransition[] {
  return connection.all(transitionsWithin, series, from, to).map(stored);
}

const stored = (row: Row): StoredTransition => ({ at: numeric(row, "at"), outcome: numeric(row, "outcome") });

/** Milliseconds spent in each outcome between `from` and `to`; before the first transition nothing is known. */
function spentBetween(of: readonly StoredTransition[], from: number, to: number): readonly number[] {
  const spent = [...nothingSpent];
  of.forEach(({ at, outcome }, index) => {
    const time = Math.min(to, of[index + 1]?.at ?? to) - Math.max(from, at);
    if (time > 0) spent[outcome] = (spent[outcome] ?? 0) + time;
  });
  return spent;
}

/** The time spent in one hour, as far as it has been measured: up to the newest sample. */
export function spentInHour(
  of: readonly StoredTransition[],
  hour: number,
  newest: number | undefined,
): readonly number[] {
  return spentBetween(of, startOfHour(hour), Math.min(startOfHour(hour + 1), newest ?? 0));
}
