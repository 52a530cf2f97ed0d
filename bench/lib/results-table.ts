/** Prints the results: a Markdown table, as docs/benchmarks.md has it, or JSON for machines. */
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { type Figure, isMet, ratioOf, type Target } from "./measurement.ts";

export type Result =
  | { readonly name: string; readonly figure: Figure; readonly failed?: undefined }
  | { readonly name: string; readonly figure?: undefined; readonly failed: string };

/** Where and when it was measured. */
export interface Machine {
  readonly at: string;
  readonly node: string;
  readonly sqlite: string | undefined;
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Over the last minute, before anything was measured: what else the machine did. */
  readonly loadAverage: number;
}

export function machine(): Machine {
  const { node, sqlite } = process.versions;
  return {
    at: new Date().toISOString(),
    ...{ node, sqlite },
    system: `${process.platform} ${release()} ${process.arch}`,
    processor: cpus()[0]?.model ?? "",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    loadAverage: loadavg()[0] ?? Number.NaN,
  };
}

const headings = ["measurement", "what", "ours", "yardstick", "ratio", "target", ""];

export function asMarkdown(results: readonly Result[], on: Machine): string {
  const rows = results.flatMap(({ name, figure }) => (figure ? [rowOf(name, figure)] : []));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |\n`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|\n`;
  const table = rows.length > 0 ? line(headings) + rule + rows.map(line).join("") : "";
  const notes = results.flatMap(({ figure }) => (figure?.note ? [`- ${figure.what}: ${figure.note}\n`] : []));
  const failures = results.flatMap(({ name, failed }) => (failed ? [`- ${name} was not measured: ${failed}\n`] : []));
  return [circumstances(on), table, notes.join(""), failures.join("")].filter((part) => part !== "").join("\n");
}

function circumstances({ at, node, system, processor, cores, memoryBytes, loadAverage }: Machine): string {
  const memory = `${Math.round(memoryBytes / 1e9)} GB`;
  const load = `load average before it ${loadAverage.toFixed(2)}`;
  return `On ${at.slice(0, 10)}: ${cores} cores (${processor}), ${memory}, ${system}, Node ${node}; ${load}.\n`;
}

function rowOf(name: string, figure: Figure): readonly string[] {
  const { what, ours, unit, yardstick, target } = figure;
  const ratio = ratioOf(figure);
  return [
    name,
    what,
    `${shown(ours)} ${unit}`.trimEnd(),
    yardstick ? `${shown(yardstick.value)} ${unit}, ${yardstick.name}` : "",
    ratio === undefined ? "" : ratio.toFixed(2),
    target === undefined ? "" : limit(target, unit),
    verdict(isMet(figure)),
  ];
}

function verdict(met: boolean | undefined): string {
  if (met === undefined) return "";
  return met ? "met" : "**not met**";
}

function limit({ of, atMost, atLeast }: Target, unit: string): string {
  const number = (value: number) => (of === "ratio" ? `${value} ×` : `${shown(value)} ${unit}`.trimEnd());
  return [atMost !== undefined && `≤ ${number(atMost)}`, atLeast !== undefined && `≥ ${number(atLeast)}`]
    .filter((part) => part !== false)
    .join(", ");
}

/** Three digits are more than most of them deserve. */
function shown(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en-CA");
  return value.toLocaleString("en-CA", { maximumSignificantDigits: 3 });
}

export function asJson(results: readonly Result[], on: Machine): string {
  const printed = results.map(({ name, figure, failed }) =>
    figure ? { name, ...figure, ratio: ratioOf(figure), met: isMet(figure) } : { name, failed },
  );
  return `${JSON.stringify({ on, results: printed }, undefined, 2)}\n`;
}
