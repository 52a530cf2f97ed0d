/** How fast each database and table of a store grows, the fastest first. */
import { epochDay, type Point } from "./full-date.ts";

/** A database or a table inside a store, or all its smaller tables together. */
export interface StorePart {
  readonly kind: "database" | "table" | "others";
  readonly name: string;
  /** Daily values, oldest first. */
  readonly points: readonly Point[];
}

export interface PartGrowth {
  readonly kind: StorePart["kind"];
  readonly name: string;
  readonly bytes: number;
  readonly growthBytesPerDay: number;
  /** The days that the growth was measured over. */
  readonly overDays: number;
}

const windowDays = 31;

/** What grew most first; what was dropped meanwhile is left out. */
export function partGrowths(parts: readonly StorePart[]): readonly PartGrowth[] {
  const newest = Math.max(...parts.flatMap(({ points }) => lastDay(points)));
  return parts
    .filter(({ points }) => lastDay(points).some((day) => day >= newest - 1))
    .flatMap(growth)
    .toSorted((a, b) => b.growthBytesPerDay - a.growthBytesPerDay || b.bytes - a.bytes);
}

const lastDay = (points: readonly Point[]): readonly number[] => points.slice(-1).map(({ at }) => epochDay(at));

function growth({ kind, name, points }: StorePart): readonly PartGrowth[] {
  const last = points.at(-1);
  const first = last && points.find(({ at }) => epochDay(at) >= epochDay(last.at) - windowDays);
  if (!last || !first) return [];
  const overDays = epochDay(last.at) - epochDay(first.at);
  const growthBytesPerDay = overDays === 0 ? 0 : (last.value - first.value) / overDays;
  return [{ kind, name, bytes: last.value, growthBytesPerDay, overDays }];
}

/** A table with its indexes; absent when no table was measured. */
export function biggestTable(parts: readonly PartGrowth[]): number | undefined {
  const tables = parts.filter(({ kind }) => kind === "table");
  return tables.length === 0 ? undefined : Math.max(...tables.map(({ bytes }) => bytes));
}
