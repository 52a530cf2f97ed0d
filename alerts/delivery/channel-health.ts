/** Whether a channel gets anything through: since when it accepted nothing, or nothing for some of its readers. */
import type { Clock } from "../../core/clock.ts";
import type { Addressee } from "../../core/notice.ts";

export interface ChannelFailure {
  /** Since the first failure, or the first silence, that no success followed. */
  readonly seconds: number;
  /** Whom it does not reach, where it reached others meanwhile; absent: it reaches nobody. */
  readonly readers?: readonly Addressee[];
}

interface Unreached {
  readonly to: Addressee;
  /** Monotonic. */
  readonly since: number;
  /** Somebody else's was accepted since. */
  readonly isAlone: boolean;
}

export class ChannelHealth {
  readonly #clock: Clock;
  #unreached: ReadonlyMap<string, Unreached> = new Map();
  #acceptedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It was not accepted, or nobody has answered for too long. @param began when it was tried, monotonic. */
  failed(to: Addressee, began: number): void {
    if (this.#unreached.has(nameOf(to))) return;
    const failure = { to, since: this.#clock.monotonicSeconds(), isAlone: this.#acceptedAt >= began };
    this.#unreached = new Map([...this.#unreached, [nameOf(to), failure]]);
  }

  accepted(to: Addressee): void {
    this.#acceptedAt = this.#clock.monotonicSeconds();
    if (this.#unreached.size === 0) return;
    const others = [...this.#unreached].filter(([name]) => name !== nameOf(to));
    this.#unreached = new Map(others.map(([name, one]) => [name, { ...one, isAlone: true }]));
  }

  /** Undefined while all is well. */
  get failure(): ChannelFailure | undefined {
    const unreached = [...this.#unreached.values()];
    if (unreached.length === 0) return undefined;
    const together = unreached.filter(({ isAlone }) => !isAlone);
    const secondsOf = (some: readonly Unreached[]) =>
      this.#clock.monotonicSeconds() - Math.min(...some.map(({ since }) => since));
    if (together.length > 0) return { seconds: secondsOf(together) };
    return { seconds: secondsOf(unreached), readers: unreached.map(({ to }) => to) };
  }
}

const nameOf = ({ kind, id }: Addressee): string => `${kind} ${id}`;
