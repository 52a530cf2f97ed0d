/** Whether a channel gets anything through: since when it accepted nothing, or nothing for some of its readers. */
import type { Clock } from "../../core/clock.ts";
import type { Addressee } from "../../core/notice.ts";

export interface ChannelFailure {
  /** What it said last: a stranger's words. */
  readonly why: string;
  /** Since the first failure, or the first silence, that no success followed. */
  readonly seconds: number;
  /** Whom it does not reach, where it reached others meanwhile; absent: it reaches nobody. */
  readonly readers?: readonly Addressee[];
}

interface Unreached {
  readonly to: Addressee;
  readonly why: string;
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
  failed(to: Addressee, began: number, why: string): void {
    const known = this.#unreached.get(nameOf(to));
    const isAlone = this.#acceptedAt >= began;
    const failure = known ? { ...known, why } : { to, why, since: this.#clock.monotonicSeconds(), isAlone };
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
    const together = unreached.filter(({ isAlone }) => !isAlone);
    const of = together.length > 0 ? together : unreached;
    const [first] = of.toSorted((a, b) => a.since - b.since);
    if (!first) return undefined;
    const failure = { why: first.why, seconds: this.#clock.monotonicSeconds() - first.since };
    return together.length > 0 ? failure : { ...failure, readers: unreached.map(({ to }) => to) };
  }
}

const nameOf = ({ kind, id }: Addressee): string => `${kind} ${id}`;
