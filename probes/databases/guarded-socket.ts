/** Stands between a connection and a library that reads it where nobody could catch what it throws. */
import type { Socket } from "node:net";
import { NotMeasured, Unreachable } from "../../core/errors.ts";

/**
 * What may be heard of these bytes, piece by piece. Throws for what nobody should hear; `Unreachable` and `NotMeasured` are
 * told in their own words.
 */
export type ByteFilter = (bytes: Uint8Array) => Iterable<Uint8Array>;

type Listener = (...values: unknown[]) => void;

interface Hearing {
  readonly socket: Socket;
  readonly look: ByteFilter;
  readonly listener: Listener;
}

/** Each is kept until the last one of a text has come, and takes more memory than its bytes. */
const mostPieces = 50_000;

export class CarefulListener {
  readonly #language: string;
  readonly #mostBytes: number;
  readonly #stumbled = Promise.withResolvers<never>();
  #over = false;
  #bytes = 0;
  #pieces = 0;

  /** @param language what is spoken: "MySQL" */
  constructor(language: string, mostBytes = Number.POSITIVE_INFINITY) {
    this.#language = language;
    this.#mostBytes = mostBytes;
    this.#stumbled.promise.catch(() => {}); // Most often nothing is wrong, and nobody waits any more.
  }

  /** Rejects when something was said that nobody should hear, or could; never resolves. */
  get stumbled(): Promise<never> {
    return this.#stumbled.promise;
  }

  /**
   * Whoever listens to the socket, now or later, hears only what `look` lets pass. What that or a listener throws ends
   * the connection, and not the program. A connection that gets encrypted has a second socket.
   */
  listen(socket: Socket, look: ByteFilter): void {
    const careful = (listener: Listener): Listener => {
      const heard: Listener & { listener?: Listener } = (bytes) => this.#hear(bytes, { socket, look, listener });
      // So that it is found when it is taken away.
      heard.listener = listener;
      return heard;
    };
    const present = socket.listeners("data");
    socket.removeAllListeners("data");
    for (const listener of present)
      socket.on(
        "data",
        careful((...values) => Reflect.apply(listener, socket, values)),
      );
    for (const name of ["on", "addListener", "prependListener"] as const) {
      const listen = socket[name].bind(socket);
      const instead = (event: string, listener: Listener) =>
        listen(event, event === "data" ? careful(listener) : listener);
      Object.defineProperty(socket, name, { value: instead, configurable: true });
    }
  }

  #hear(bytes: unknown, { socket, look, listener }: Hearing): void {
    if (this.#over || !(bytes instanceof Uint8Array)) return;
    try {
      this.#count(bytes);
      for (const piece of look(bytes)) Reflect.apply(listener, socket, [piece]);
    } catch (cause) {
      this.#over = true;
      const told = cause instanceof Unreachable || cause instanceof NotMeasured;
      const unread = () => new Unreachable(`the answer is not ${this.#language}`, { stage: "protocol", cause });
      this.#stumbled.reject(told ? cause : unread());
      // Not a polite goodbye, during which more would come.
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
