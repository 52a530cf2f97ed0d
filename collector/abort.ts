/** Waiting that ends with its signal, and telling a deadline from a shutdown. */

/** The reason of a deadline, as `AbortSignal.timeout` has it. Any other reason means: stop, nobody wants to know. */
export const deadlinePassed = (): DOMException => new DOMException("the time for this check is over", "TimeoutError");

export const isDeadline = (reason: unknown): boolean => reason instanceof Error && reason.name === "TimeoutError";

/** Settles like `promise`, or rejects with the signal's reason as soon as it is aborted; the rest is nobody's problem. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
