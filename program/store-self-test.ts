/** The store's test of itself, now and then, for the auditor: a row is written, and read as whoever opens the store next will. */
import type { Clock } from "../core/clock.ts";
import { StoreUnavailable } from "../core/errors.ts";
import type { Store } from "../core/store/store.ts";

const everySeconds = 30;
/** A moment in which another program holds a lock is no fault. */
const patienceSeconds = 15;

/** To be called every few seconds. @returns what is wrong, as a sentence. */
export function storeSelfTest(store: Pick<Store, "selfTest">, clock: Clock): () => Promise<string | undefined> {
  let foundWell = Number.NEGATIVE_INFINITY;
  let failingSince: number | undefined;
  return async () => {
    const now = clock.monotonicSeconds();
    if (now - foundWell < everySeconds) return undefined;
    try {
      await store.selfTest();
      foundWell = now;
      failingSince = undefined;
      return undefined;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      failingSince ??= now;
      return now - failingSince < patienceSeconds ? undefined : error.message;
    }
  };
}
