/** Prints the results: a table for people, JSON for machines. */
import { type Figure, isMet, ratioOf, type Target } from "./measurement.ts";

export type Result =
  | { readonly name: string; readonly figure: Figure; readonly failed?: undefined }
  | { readonly name: string; readonly figure?: undefined; readonly failed: string };

const headings = ["", "what", "ours", "yardstick", "ratio", "target", ""];

export function asTable(results: readonly Result[]): string {
  const rows = results.flatMap(({ name, figure }) => (figure ? [rowOf(name, figure)] : []));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    `${cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()}\n`;
  const table = rows.length > 0 ? [headings, ...rows].map(line).join("") : "";
  const notes = results.flatMap(({ figure }) => (figure?.note ? [`${figure.what}: ${figure.note}\n`] : []));
  const failures = results.flatMap(({ name, failed }) => (failed ? [`${name} was not measured: ${failed}\n`] : []));
  return [table, notes.join(""), failures.join("")].filter((part) => part !== "").join("\n");
}

function rowOf(name: string, figure: Figure): readonly string[] {
  const { what, ours, unit, yardstick, target } = figure;
  const ratio = ratioOf(figure);
  return [
    name,
    what,
    `${shown(ours)} ${unit}`,
    yardstick ? `${shown(yardstick.value)} ${unit} (${yardstick.name})` : "",
    ratio === undefined ? "" : ratio.toFixed(2),
    target === undefined ? "" : limit(target, unit),
    verdict(isMet(figure)),
  ];
}

const verdict = (met: boolean | undefined) => (met === undefined ? "" : met ? "met" : "NOT MET");

function limit({ of, atMost, atLeast }: Target, unit: string): string {
  const number = (value: number) => (of === "ratio" ? `${value} ×` : `${shown(value)} ${unit}`);
  return [atMost !== undefined && `≤ ${number(atMost)}`, atLeast !== undefined && `≥ ${number(atLeast)}`]
    .filter((part) => part !== false)
    .join(", ");
}

/** Three digits are more than most of them deserve. */
function shown(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en-CA");
  return value.toLocaleString("en-CA", { maximumSignificantDigits: 3 });
}

export function asJson(results: readonly Result[]): string {
  const printed = results.map(({ name, figure, failed }) =>
    figure ? { name, ...figure, ratio: ratioOf(figure), met: isMet(figure) } : { name, failed },
  );
  const { node, sqlite } = process.versions;
  const on = { node, sqlite, platform: `${process.platform} ${process.arch}`, at: new Date().toISOString() };
  return `${JSON.stringify({ on, results: printed }, undefined, 2)}\n`;
}
