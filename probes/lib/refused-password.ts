/** Pauses after refused passwords: offering a wrong one again and again would get us, and others, locked out. */
import { z } from "zod";
import type { ProbeContext } from "../../core/probe.ts";

/** So many refusals in a row, and the password is wrong for sure. */
const triesInARow = 3;
/** Afterwards: three an hour, where the usual limit is five in ten minutes. */
const restSeconds = 1200;

const Refusals = z.object({ count: z.int(), notBefore: z.number() });
const name = "refused passwords";

type Context = Pick<ProbeContext, "memory" | "clock">;

/** Seconds for which it is better not to try; 0 when one may. */
export function restAfterRefusals({ memory, clock }: Context): number {
  const known = Refusals.safeParse(memory.get(name));
  return known.success ? Math.max(0, known.data.notBefore - clock.monotonicSeconds()) : 0;
}

/** Writes down how an attempt went. */
export function noteSignIn(accepted: boolean, { memory, clock }: Context): void {
  const known = Refusals.safeParse(memory.get(name));
  const count = accepted ? 0 : (known.success ? known.data.count : 0) + 1;
  const rest = count >= triesInARow ? restSeconds : 0;
  memory.set(name, { count, notBefore: clock.monotonicSeconds() + rest });
}
