/** A cache for side questions that a check asks only now and then: in between, what was found last still holds. */
import type { ProbeContext } from "../../core/probe.ts";
import type { PartialFinding } from "./problem.ts";

class CachedLook {
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
 * Asks again when the time has come, when `about` is another thing than last time, and in every run as long as
 * something is wrong: so that a fault is confirmed, and its end noticed, as fast as any other.
 * @param name of this question in the memory of the check.
 */
export async function cached(
  name: string,
  { everySeconds, about = "" }: { readonly everySeconds: number; readonly about?: string },
  { memory, clock }: Pick<ProbeContext, "memory" | "clock">,
  ask: () => Promise<PartialFinding>,
): Promise<PartialFinding> {
  const now = clock.monotonicSeconds();
  const last = memory.get(name);
  const holds =
    last instanceof CachedLook &&
    last.about === about &&
    last.look.problems.length === 0 &&
    now - last.atSeconds < everySeconds;
  if (holds) return last.look;
  const look = await ask();
  memory.set(name, new CachedLook(look, about, now));
  return look;
}
