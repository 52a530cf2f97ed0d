/** Statistics for the forecast: mean, median, variance … of a list of numbers that is never empty. */

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
export const rootMeanSquare = (values: readonly number[]): number => Math.sqrt(mean(values.map((value) => value ** 2)));

/** The mean of the two in the middle when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The first value, from the smallest up, that has half of all weight at or below it. */
export function weightedMedian(values: readonly { readonly value: number; readonly weight: number }[]): number {
  const sorted = values.toSorted((a, b) => a.value - b.value);
  const half = sum(values.map(({ weight }) => weight)) / 2;
  let below = 0;
  const middle = sorted.find(({ weight }) => {
    below += weight;
    return below >= half;
  });
  return middle?.value ?? Number.NaN;
}

/** @param freedom what the sum of squares is divided by: n for a whole population, n - 1 for a sample. */
export function variance(values: readonly number[], freedom: number): number {
  const middle = mean(values);
  return sum(values.map((value) => (value - middle) ** 2)) / freedom;
}
