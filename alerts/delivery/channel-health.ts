/** Whether a channel gets anything through: since when it accepted nothing, or nothing for some of its readers. */
import type { Clock } from "../../core/clock.ts";
import type { Addressee } from "../../core/notice.ts";

export interface ChannelFailure {
  /** Since the first failure, or the first silence, that no success followed. */
  readonly seconds: number;
  /** Whom it does not reach, where it reaches others; absent: it reaches nobody. */
  readonly readers?: readonly Addressee[];
}

export class ChannelHealth {
  readonly #clock: Clock;
  #failingSince: number | undefined;
  readonly #unreached = new Map<string, { readonly to: Addressee; readonly since: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It was not accepted, or nobody has answered for too long. */
  failed(to: Addressee): void {
    const since = this.#clock.monotonicSeconds();
    this.#failingSince ??= since;
    if (!this.#unreached.has(nameOf(to))) this.#unreached.set(nameOf(to), { to, since });
  }

  accepted(to: Addressee): void {
    this.#failingSince = undefined;
    this.#unreached.delete(nameOf(to));
  }

  /** Undefined while all is well. */
  get failure(): ChannelFailure | undefined {
    const now = this.#clock.monotonicSeconds();
    if (this.#failingSince !== undefined) return { seconds: now - this.#failingSince };
    const unreached = [...this.#unreached.values()];
    if (unreached.length === 0) return undefined;
    const since = Math.min(...unreached.map((one) => one.since));
    return { seconds: now - since, readers: unreached.map(({ to }) => to) };
  }
}

const nameOf = ({ kind, id }: Addressee): string => `${kind} ${id}`;
