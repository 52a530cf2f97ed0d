/** Questions worth asking only now and then: in between, what was seen last still holds. */
import type { ProbeContext } from "../../core/probe.ts";
import type { PartialFinding } from "./problem.ts";

class Remembered {
  readonly look: PartialFinding;
  readonly about: string;
  readonly atSeconds: number;

  constructor(look: PartialFinding, about: string, atSeconds: number) {
    this.look = look;
    this.about = about;
    this.atSeconds = atSeconds;
  }
}

/**
 * Looks again when the time has come, when `about` is another thing than last time, and in every run as long as
 * something is wrong: so that a fault is confirmed, and its end noticed, as fast as any other.
 * @param name of this question in the memory of the check.
 */
export async function seldom(
  name: string,
  { everySeconds, about = "" }: { readonly everySeconds: number; readonly about?: string },
  { memory, clock }: Pick<ProbeContext, "memory" | "clock">,
  ask: () => Promise<PartialFinding>,
): Promise<PartialFinding> {
  const now = clock.monotonicSeconds();
  const last = memory.get(name);
  const holds =
    last instanceof Remembered &&
    last.about === about &&
    last.look.problems.length === 0 &&
    now - last.atSeconds < everySeconds;
  if (holds) return last.look;
  const look = await ask();
  memory.set(name, new Remembered(look, about, now));
  return look;
}

/** How long something has been so, in seconds; 0 at first sight. Forgotten when it is not so any more. */
export function lasting(
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
export function lastingEach(
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
