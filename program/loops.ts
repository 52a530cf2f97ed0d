/**
 * The background loops of the parts, run until shutdown; a loop that ends or throws before is a bug and ends the
 * program.
 */
export class Loops {
  readonly #signal: AbortSignal;
  readonly #failure = Promise.withResolvers<never>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.#failure.promise.catch(() => {});
  }

  /** Rejects when a loop ended that must not. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  /** @returns when it has ended, in whatever way. */
  start(name: string, loop: (signal: AbortSignal) => Promise<void>): Promise<void> {
    return loop(this.#signal).then(
      () => this.#ended(name, undefined),
      (cause: unknown) => this.#ended(name, cause),
    );
  }

  #ended(name: string, cause: unknown): void {
    if (!this.#signal.aborted) this.#failure.reject(new Error(`the loop "${name}" ended`, { cause }));
  }
}
