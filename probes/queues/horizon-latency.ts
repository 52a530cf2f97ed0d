/** Latency of a Laravel queue: how long its oldest job has waited, as far as the first two jobs tell. */
import { z } from "zod";
import { parsedJson } from "../databases/redis-answers.ts";

export interface FrontLatency {
  /** What the jobs tell: undefined where they cannot, and of a retried one at the front only a lower bound. */
  readonly latencySeconds: number | undefined;
  /** Whether how long the same job stands at the front may say more than `latencySeconds`. */
  readonly atLeast: boolean;
  /** Names the job at the front, to see whether it is still the same later. */
  readonly front: string | undefined;
}

/** @param now seconds since 1970 by the clock of Redis. */
export function latencyOf(
  { first, second }: { readonly first: string | null; readonly second: string | null },
  now: number,
): FrontLatency {
  if (first === null) return { latencySeconds: 0, atLeast: false, front: undefined };
  const { id, since } = frontOf(first);
  // The second job came later: the first has waited for so long at least.
  const came = since ?? (second === null ? undefined : frontOf(second).since);
  return {
    latencySeconds: came === undefined ? undefined : Math.max(0, now - came),
    atLeast: since === undefined,
    front: id,
  };
}

const Moment = z.union([
  z.number().positive(),
  z
    .string()
    .regex(/^\d{1,11}(?:\.\d{1,9})?$/)
    .transform(Number),
]);
const Payload = z.object({
  uuid: z.string().max(100).nullish().catch(undefined),
  id: z.string().max(100).nullish().catch(undefined),
  pushedAt: Moment.nullish().catch(undefined),
  createdAt: Moment.nullish().catch(undefined),
  attempts: z.number().nullish().catch(undefined),
  delay: z.number().nullish().catch(undefined),
});

/**
 * Horizon says when it was pushed, Laravel from 12 on when it was made and how long it was to be delayed, Laravel before
 * that nothing. A job that is given back for another try keeps its first date: since when it waits again it does not tell.
 */
export function frontOf(job: string): { readonly id: string | undefined; readonly since: number | undefined } {
  const { uuid, id, pushedAt, createdAt, attempts, delay } = Payload.safeParse(parsedJson(job)).data ?? {};
  const date = pushedAt ?? createdAt ?? undefined;
  const again = (attempts ?? 0) > 0;
  return {
    id: uuid ?? id ?? undefined,
    since: again || date === undefined ? undefined : date + Math.max(0, delay ?? 0),
  };
}
