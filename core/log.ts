/** The log: one JSON line for each event, with a constant message and fields. A `Secret` in it prints as [secret]. */

export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** @param write takes one finished line, with its newline. */
export function jsonLog(write: (line: string) => void, now: () => Temporal.Instant): Log {
  const line =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      write(
        `${JSON.stringify({ at: now().toString({ smallestUnit: "millisecond" }), level, message, ...fields }, plain)}\n`,
      );
    };
  return { info: line("info"), warn: line("warn"), error: line("error") };
}

export const silentLog: Log = { info() {}, warn() {}, error() {} };

function plain(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
}
