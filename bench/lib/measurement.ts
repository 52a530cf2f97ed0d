/** What a measurement (benchmark) is: its figures beside those of a named yardstick, taken in the same run; median, quantile. */

/** One line of the table. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  /** What it is held against; absent where the target is a plain limit. */
  readonly yardstick?: { readonly name: string; readonly value: number };
  /** Absent where the figure only explains others. */
  readonly target?: Target;
  /** What a reader must know to understand the number. */
  readonly note?: string;
}

/** A limit for our figure, or for its ratio to the yardstick. */
export interface Target {
  readonly of: "value" | "ratio";
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Bench {
  /** An empty folder on a real disk, removed afterwards. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Another checkout of Tidewatch to compare with, where one was named. */
  readonly before: string | undefined;
  /** How long 5,000 checks have to live. */
  readonly minutes: number;
  /** Says on the terminal what is going on. */
  progress(doing: string): void;
  /** Rejects when the run is stopped. */
  sleep(seconds: number): Promise<void>;
}

export interface Measurement {
  readonly summary: string;
  /** At most this long, then it counts as failed. */
  readonly limitSeconds: number;
  run(bench: Bench): Promise<readonly Figure[]>;
}

export function ratioOf({ ours, yardstick }: Figure): number | undefined {
  return yardstick && ours / yardstick.value;
}

export function isMet(figure: Figure): boolean | undefined {
  if (figure.target === undefined) return undefined;
  const { of, atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = figure.target;
  const value = of === "ratio" ? (ratioOf(figure) ?? Number.NaN) : figure.ours;
  return value <= atMost && value >= atLeast;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** @param share 0..1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
