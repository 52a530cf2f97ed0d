/** Since when something is so: a check notes in its memory when it first saw it, and counts the seconds from there. */
import type { ProbeContext } from "../../core/probe.ts";

/** How long something has been so, in seconds; 0 at first sight. Forgotten when it is not so any more. */
export function secondsSince(
  name: string,
  isSo: boolean,
  { memory, clock }: Pick<ProbeContext, "memory" | "clock">,
): number {
  if (!isSo) {
    memory.delete(name);
    return 0;
  }
  const now = clock.monotonicSeconds();
  const since = sinceOf(memory.get(name)) ?? now;
  memory.set(name, since);
  return now - since;
}

/** The same for each of many things, by their names. Those that are gone are forgotten. */
export function secondsSinceEach(
  name: string,
  things: readonly string[],
  { memory, clock }: Pick<ProbeContext, "memory" | "clock">,
): ReadonlyMap<string, number> {
  const now = clock.monotonicSeconds();
  const remembered = memory.get(name);
  const known: ReadonlyMap<unknown, unknown> = remembered instanceof Map ? remembered : new Map();
  const since = new Map(things.map((thing) => [thing, sinceOf(known.get(thing)) ?? now]));
  memory.set(name, since);
  return new Map([...since].map(([thing, begun]) => [thing, now - begun]));
}

const sinceOf = (remembered: unknown): number | undefined => (typeof remembered === "number" ? remembered : undefined);
