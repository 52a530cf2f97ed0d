/** Internal errors: bugs and faults of our own while a check runs. They are counted, and each is logged once. */
import { NotMeasured } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { type CheckKey, checkKey } from "../../core/sample.ts";
import type { Check } from "../../core/target.ts";

export class InternalErrors {
  readonly #log: Log;
  readonly #told = new Set<string>();
  total = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  happened(check: Check, error: unknown): void {
    this.total += 1;
    const key: CheckKey = checkKey({ target: check.target, check: check.id });
    const told = `${key} ${error instanceof Error ? error.message : String(error)}`;
    if (this.#told.has(told)) return;
    // Messages with a number in them would fill the memory.
    if (this.#told.size >= 1000) this.#told.clear();
    this.#told.add(told);
    const fields = { check: key, probe: check.probe, error };
    if (error instanceof NotMeasured) this.#log.warn("check could not be measured", fields);
    else this.#log.error("internal error in a check", fields);
  }
}
