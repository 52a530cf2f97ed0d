/** Keeps the log readable, and the disk from filling, while the store fails: what repeats itself is said every ten minutes. */
import type { Clock } from "../core/clock.ts";
import { StoreUnavailable } from "../core/errors.ts";
import type { Log } from "../core/log.ts";

const everySeconds = 600;

/** Every part tries again every few seconds, and says each time that the store cannot be used. */
export function withoutRepeats(log: Log, clock: Clock): Log {
  const said = new Map<string, number>();
  const level =
    (write: Log["error"]): Log["error"] =>
    (message, fields) => {
      const error = fields?.["error"];
      if (!(error instanceof StoreUnavailable)) return write(message, fields);
      const now = clock.monotonicSeconds();
      const line = JSON.stringify([message, { ...fields, error: error.message }]);
      if (now - (said.get(line) ?? Number.NEGATIVE_INFINITY) < everySeconds) return;
      said.set(line, now);
      write(message, fields);
    };
  return { info: log.info, warn: level(log.warn), error: level(log.error) };
}
