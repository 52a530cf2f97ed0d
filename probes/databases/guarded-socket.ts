/** A guarded socket: filters what a database sends before its client library reads it, which would throw where nobody could catch it. */
import type { Socket } from "node:net";
import { NotMeasured, Unreachable } from "../../core/errors.ts";

/**
 * Gives of these bytes what the library may read, piece by piece. Throws for what it must not read; the words of an
 * `Unreachable` or a `NotMeasured` are passed on.
 */
export type ByteFilter = (bytes: Uint8Array) => Iterable<Uint8Array>;

type Listener = (...values: unknown[]) => void;

interface Guarded {
  readonly socket: Socket;
  readonly filter: ByteFilter;
  readonly listener: Listener;
}

/** Each is kept until the last one of a text has come, and takes more memory than its bytes. */
const mostPieces = 50_000;

export class SocketGuard {
  readonly #language: string;
  readonly #mostBytes: number;
  readonly #failed = Promise.withResolvers<never>();
  #over = false;
  #bytes = 0;
  #pieces = 0;

  /** @param language what is spoken: "MySQL" */
  constructor(language: string, mostBytes = Number.POSITIVE_INFINITY) {
    this.#language = language;
    this.#mostBytes = mostBytes;
    this.#failed.promise.catch(() => {}); // Most often nothing is wrong, and nobody waits any more.
  }

  /** Rejects when the database sent something that must not be read, or cannot be; never resolves. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /**
   * Whoever listens to the socket, now or later, gets only what `filter` lets pass. What that or a listener throws ends
   * the connection, and not the program. A connection that gets encrypted has a second socket.
   */
  guard(socket: Socket, filter: ByteFilter): void {
    const guarded = (listener: Listener): Listener => {
      const heard: Listener & { listener?: Listener } = (bytes) => this.#hear(bytes, { socket, filter, listener });
      // So that removeListener finds it.
      heard.listener = listener;
      return heard;
    };
    const present = socket.listeners("data");
    socket.removeAllListeners("data");
    for (const listener of present)
      socket.on(
        "data",
        guarded((...values) => Reflect.apply(listener, socket, values)),
      );
    for (const name of ["on", "addListener", "prependListener"] as const) {
      const listen = socket[name].bind(socket);
      const instead = (event: string, listener: Listener) =>
        listen(event, event === "data" ? guarded(listener) : listener);
      Object.defineProperty(socket, name, { value: instead, configurable: true });
    }
  }

  #hear(bytes: unknown, { socket, filter, listener }: Guarded): void {
    if (this.#over || !(bytes instanceof Uint8Array)) return;
    try {
      this.#count(bytes);
      for (const piece of filter(bytes)) Reflect.apply(listener, socket, [piece]);
    } catch (cause) {
      this.#over = true;
      const told = cause instanceof Unreachable || cause instanceof NotMeasured;
      const unread = () => new Unreachable(`the answer is not ${this.#language}`, { stage: "protocol", cause });
      this.#failed.reject(told ? cause : unread());
      // Closed at once, because more bytes would come during a polite end.
      socket.destroy();
    }
  }

  #count({ length }: Uint8Array): void {
    this.#bytes += length;
    this.#pieces += 1;
    const tooMuch = (what: string) => new Unreachable(`answered with more than ${what}`, { stage: "protocol" });
    if (this.#bytes > this.#mostBytes) throw tooMuch(`${this.#mostBytes / 1e6} MB`);
    if (this.#pieces > mostPieces) throw tooMuch(`${mostPieces} pieces`);
  }
}

/** A database answers all our questions together in some kilobytes. */
export const mostDatabaseBytes = 2_000_000;
