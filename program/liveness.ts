/** Liveness: a watchdog for each part that must keep moving; from them come /healthz and the outgoing heartbeat. */
import type { Clock } from "../core/clock.ts";

/** What can be wrong with a part, as a sentence; parts without it are left out. */
interface Faulty {
  readonly name: string;
  fault?(): string | undefined;
}

/** A part counts as stuck when it has stood still for longer than its patience. */
export class Watchdog implements Faulty {
  readonly name: string;
  readonly #patienceSeconds: number;
  readonly #clock: Clock;
  #movedSeconds: number;

  constructor(name: string, patienceSeconds: number, clock: Clock) {
    this.name = name;
    this.#patienceSeconds = patienceSeconds;
    this.#clock = clock;
    this.#movedSeconds = clock.monotonicSeconds();
  }

  /** It did its work just now. */
  moved(): void {
    this.#movedSeconds = this.#clock.monotonicSeconds();
  }

  fault(): string | undefined {
    const still = this.#clock.monotonicSeconds() - this.#movedSeconds;
    return still > this.#patienceSeconds ? `the ${this.name} has not moved for ${Math.floor(still)} s` : undefined;
  }
}

/** True for each part that moved lately and has no other fault. */
export function healthOf(parts: readonly Faulty[]): Readonly<Record<string, boolean>> {
  return Object.fromEntries(
    parts.flatMap((part) => (part.fault ? [[part.name, part.fault() === undefined] as const] : [])),
  );
}

/** Undefined while all is well; else a sentence that names what is not. */
export function faultsOf(parts: readonly Faulty[]): string | undefined {
  const wrong = parts.flatMap((part) => part.fault?.() ?? []);
  return wrong.length > 0 ? wrong.join("; ") : undefined;
}
