/**
 * The contract of a part of the running program, and the list of parts that start, reload, /healthz and shutdown walk.
 */
import type { Config } from "../core/config/config.ts";
import { faultsOf, healthOf } from "./liveness.ts";
import { Loops } from "./loops.ts";
import type { ConfigSource } from "./start-options.ts";

export interface Part {
  /** For the log; and in /healthz, where those stand that can have a fault. */
  readonly name: string;
  /** Before it runs, and before the next part begins. @returns what is to be closed when all that began later has ended. */
  begin?(): Promise<AsyncDisposable | undefined>;
  /** Works until the signal, then brings what it has on its way to its end. */
  run?(signal: AbortSignal): Promise<void>;
  /** Goes on with another configuration. */
  reconfigure?(config: Config, source: ConfigSource): Promise<void> | void;
  /** What is wrong with it now, as a sentence. */
  fault?(): string | undefined;
}

/** Each part stands on those before it in the list: all but the start goes from the last one to the first. */
export class PartList implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #loops = new Loops(this.#stop.signal);
  readonly #started = new AsyncDisposableStack();
  #lastFirst: readonly Part[] = [];

  /** Throws what a part throws that cannot begin; what has begun by then is ended by disposing of the list. */
  async start(list: readonly Part[]): Promise<void> {
    this.#lastFirst = list.toReversed();
    for (const part of list) {
      this.#started.use(await part.begin?.());
      if (!part.run) continue;
      const ended = this.#loops.start(part.name, part.run.bind(part));
      this.#started.defer(() => ended);
    }
  }

  /** Rejects when a part ended that must not. */
  get failed(): Promise<never> {
    return this.#loops.failed;
  }

  /** Throws what a part throws that cannot use it, and leaves those before it in the list as they were. */
  async reconfigure(config: Config, source: ConfigSource): Promise<void> {
    for (const part of this.#lastFirst) await part.reconfigure?.(config, source);
  }

  health(): Readonly<Record<string, boolean>> {
    return healthOf(this.#lastFirst);
  }

  fault(): string | undefined {
    return faultsOf(this.#lastFirst);
  }

  /** All hear the signal before the first one is waited for: what is on its way has its time while the others end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("shutting down"));
    await this.#started.disposeAsync();
  }
}
