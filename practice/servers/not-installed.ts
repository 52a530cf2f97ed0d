/** What is said where the servers of the practice co-op are missing, as they are in an installation for production. */
import { resolve } from "node:path";
import { Refused } from "../../core/errors.ts";

export function practiceNotInstalled(): Refused {
  const folder = resolve(import.meta.dirname, "..", "..");
  return new Refused(
    "The servers of the practice co-op are not installed: an installation for production leaves them out.",
    `Run \`npm ci --include=dev\` in ${folder} to add them, or \`./tidewatch init ADDRESS…\` to watch services of your own.`,
  );
}
