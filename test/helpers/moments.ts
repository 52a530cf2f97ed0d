/** Moments, days and durations of Temporal are equal when they say the same; without this any two of a kind would be. */
import { expect } from "vitest";

const isTemporal = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.prototype.toString.call(value).startsWith("[object Temporal.");

expect.addEqualityTesters([
  (a: unknown, b: unknown) => (isTemporal(a) && isTemporal(b) ? JSON.stringify(a) === JSON.stringify(b) : undefined),
]);
