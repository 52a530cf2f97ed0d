/** Stands between a connection and a library that reads it where nobody could catch what it throws. */
import type { Socket } from "node:net";
import { Unreachable } from "../../core/errors.ts";
import { CannotLook } from "./cannot-look.ts";

interface Care {
  /** What is spoken: "MySQL". */
  readonly language: string;
  /** Throws for what nobody should hear; `Unreachable` and `CannotLook` are told in their own words. */
  look(bytes: Uint8Array): void;
}

type Listener = (...values: unknown[]) => void;

/**
 * Whoever listens to the socket, now or later, hears only what `look` lets pass. What that or a listener throws ends the
 * connection, and not the program.
 * @returns rejects with it; never resolves.
 */
export function listenCarefully(socket: Socket, { language, look }: Care): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {}); // Most often nothing is wrong, and nobody waits any more.
  let over = false;
  const careful =
    (listener: Listener): Listener =>
    (...values) => {
      if (over) return;
      try {
        const [bytes] = values;
        if (bytes instanceof Uint8Array) look(bytes);
        Reflect.apply(listener, socket, values);
      } catch (cause) {
        over = true;
        const told = cause instanceof Unreachable || cause instanceof CannotLook;
        reject(told ? cause : new Unreachable(`the answer is not ${language}`, { stage: "protocol", cause }));
        // Not a polite goodbye, during which more would come.
        socket.destroy();
      }
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
  return promise;
}

/** A database answers all our questions together in some kilobytes. */
export const mostBytes = 2_000_000;

export function refuseFlood({ bytesRead }: Socket): void {
  if (bytesRead <= mostBytes) return;
  throw new Unreachable(`answered with more than ${mostBytes / 1e6} MB`, { stage: "protocol" });
}
