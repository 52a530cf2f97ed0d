/**
 * The finding of queues whose server tells little of its workers (Horizon, Castopod): which is late, and which has not
 * moved.
 */
import type { Localised } from "../../core/language.ts";
import type { ProbeContext } from "../../core/probe.ts";
import type { Finding, Outcome } from "../../core/sample.ts";
import { secondsSinceEach } from "../lib/since.ts";
import {
  type KnownQueues,
  lateFinding,
  latest,
  type Tolerance,
  type WaitingQueue,
  withOldest,
} from "./latency-limits.ts";

/** What is wrong beside lateness, for the person on call. */
export type QueueTrouble = readonly [Exclude<Outcome, "up">, string];
export type QueueFinding = Pick<Finding, "outcome" | "reason" | "explanation">;

/** @param trouble decides the outcome; `felt` is what members notice of it. */
export function queueFinding(
  queues: readonly WaitingQueue[],
  watched: ReadonlyMap<string, Tolerance>,
  { known, trouble, felt }: Meaning,
): QueueFinding {
  const late = latest(queues, watched);
  if (trouble) {
    const [outcome, reason] = trouble;
    return { outcome, reason, explanation: withOldest(felt, late?.latencySeconds) };
  }
  return late ? lateFinding(known, late) : { outcome: "up" };
}

interface Meaning {
  readonly known: KnownQueues;
  readonly trouble: QueueTrouble | undefined;
  readonly felt: Localised;
}

/** For how long the same job has stood at the front of each queue, as far as this check has seen. */
export function withStagnation<Queue extends { readonly name: string; readonly front: string | undefined }>(
  queues: readonly Queue[],
  context: Pick<ProbeContext, "memory" | "clock">,
): readonly (Queue & { readonly stagnantSeconds: number })[] {
  const place = ({ name, front }: Queue) => `${name} ${front}`;
  const waiting = queues.filter(({ front }) => front !== undefined);
  const standing = secondsSinceEach("fronts", waiting.map(place), context);
  return queues.map((queue) => ({ ...queue, stagnantSeconds: standing.get(place(queue)) ?? 0 }));
}
