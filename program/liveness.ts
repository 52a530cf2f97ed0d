/** Which part of the program moved when: the truth behind /healthz and the heartbeat. */
import type { Clock } from "../core/clock.ts";

export interface Liveness<Part extends string> {
  /** Says that a part did its work just now. */
  moved(part: Part): void;
  /** True for each part that moved lately and has no fault. */
  parts(): Readonly<Record<string, boolean>>;
  /** Undefined while all is well; else a sentence that names what is not. */
  stuck(): string | undefined;
}

/**
 * @param parts how long each part may stand still, in seconds, before it counts as stuck.
 * @param faults what else may be wrong with a part, as a sentence, however much it moves.
 */
export function openLiveness<Part extends string>(
  clock: Clock,
  parts: Readonly<Record<Part, number>>,
  faults?: Readonly<Partial<Record<NoInfer<Part>, () => string | undefined>>>,
): Liveness<Part> {
  const start = clock.monotonicSeconds();
  const last = new Map<string, number>();
  const more = new Map<string, (() => string | undefined) | undefined>(Object.entries(faults ?? {}));
  const fault = (part: string, patience: number) => {
    const still = clock.monotonicSeconds() - (last.get(part) ?? start);
    if (still > patience) return `the ${part} has not moved for ${Math.floor(still)} s`;
    return more.get(part)?.();
  };
  const all = () => Object.entries<number>(parts).map(([part, patience]) => [part, fault(part, patience)] as const);
  return {
    moved: (part) => void last.set(part, clock.monotonicSeconds()),
    parts: () => Object.fromEntries(all().map(([part, wrong]) => [part, wrong === undefined])),
    stuck() {
      const wrong = all().flatMap(([, sentence]) => sentence ?? []);
      return wrong.length > 0 ? wrong.join("; ") : undefined;
    },
  };
}
