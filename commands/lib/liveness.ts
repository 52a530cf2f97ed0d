/** Which part of the program moved when: the truth behind /healthz and the heartbeat. */
import type { Clock } from "../../core/clock.ts";

export interface Liveness<Part extends string> {
  /** Says that a part did its work just now. */
  moved(part: Part): void;
  /** True for each part that moved lately. */
  parts(): Readonly<Record<string, boolean>>;
  /** Undefined while every part moved lately; else a sentence that names the ones that stand still. */
  stuck(): string | undefined;
}

/** @param parts how long each part may stand still, in seconds, before it counts as stuck. */
export function openLiveness<Part extends string>(clock: Clock, parts: Readonly<Record<Part, number>>): Liveness<Part> {
  const start = clock.monotonicSeconds();
  const patience = Object.entries<number>(parts);
  const last = new Map<string, number>();
  const standing = (part: string) => clock.monotonicSeconds() - (last.get(part) ?? start);
  return {
    moved: (part) => void last.set(part, clock.monotonicSeconds()),
    parts: () => Object.fromEntries(patience.map(([part, seconds]) => [part, standing(part) <= seconds])),
    stuck() {
      const still = patience.filter(([part, seconds]) => standing(part) > seconds);
      if (still.length === 0) return undefined;
      return still.map(([part]) => `the ${part} has not moved for ${Math.floor(standing(part))} s`).join("; ");
    },
  };
}
