/**
 * Prints samples on a terminal: outcome and reason; then a small table with the explanations for members, the thresholds
 * that are exceeded, the phases, the readings and the evidence; wrapped to the width of the terminal.
 */
import { styleText } from "node:util";
import type { Reading, Sample } from "../../core/sample.ts";
import { formatDuration } from "../../core/units.ts";
import { levelReason, type Observed, type ObservedLevel } from "../../program/exceeded-thresholds.ts";
import { wrapped } from "./line-wrap.ts";

const looks = {
  up: { shape: "●", word: "up", colour: "green" },
  degraded: { shape: "▲", word: "degraded", colour: "yellow" },
  down: { shape: "■", word: "down", colour: "red" },
  unknown: { shape: "◆", word: "not measured", colour: "magenta" },
  unasked: { shape: "◇", word: "not asked", colour: "gray" },
} as const;

export interface TextStyle {
  readonly colour: boolean;
  /** Columns of the terminal; without it lines are as long as they are, except of evidence. */
  readonly width?: number | undefined;
}

export function samplesText(samples: readonly Observed[], look: TextStyle): string {
  const names = samples.map(({ target, check }) => `${target}/${check}`);
  const width = Math.max(...names.map((name) => name.length));
  const texts = samples.map((sample, index) => sampleText(sample, (names[index] ?? "").padEnd(width), look));
  return texts.join("") + footnotes(samples, look);
}

function sampleText(sample: Observed, name: string, look: TextStyle): string {
  const { durationSeconds, reason = "" } = sample;
  // What members read of a job is made where it is heard.
  const { en, fr } = (sample.asked && sample.explanation) || {};
  const time = `${isUnsure(sample) ? "~" : ""}${milliseconds(durationSeconds)}`.padStart(10);
  const outcome = sample.asked ? sample.outcome : "unasked";
  const beside = `  ${name}  ${time}${reason && `  ${reason}`}`;
  const fits = outcomeWidth + beside.length <= (look.width ?? Number.POSITIVE_INFINITY);
  const head = `${outcomeText(outcome, look)}${fits ? beside : `  ${name}  ${time}`}`;
  const rows: readonly Row[] = [
    ["why", fits ? [] : [reason]],
    ["members", [en ?? ""]],
    ["membres", fr === en ? [] : [fr ?? ""]],
    ["beyond", sample.levels.map((level) => levelText(sample.check, level))],
    ["phases", phasesText(sample, look)],
    ["readings", (sample.readings ?? []).map(readingText)],
  ];
  const evidence = rowText("evidence", evidenceOf(sample, look).lines, look);
  return `${head}\n${rows.map(([label, lines]) => rowText(label, inColumns(lines, look), look)).join("")}${evidence}`;
}

/** What it is called, once, and its lines. */
type Row = readonly [label: string, lines: readonly string[]];
const outcomeWidth = 14;
const indent = "    ";
const labelWidth = 10;

const room = (width: number): number => Math.max(width - indent.length - labelWidth, 20);

function inColumns(lines: readonly string[], { width }: TextStyle): readonly string[] {
  return width === undefined ? lines : lines.flatMap((line) => wrapped(line, room(width)));
}

function rowText(label: string, lines: readonly string[], { colour }: TextStyle): string {
  const shown = lines.filter((line) => line !== "");
  return shown
    .map((line, index) => {
      const first = (index === 0 ? label : "").padEnd(labelWidth);
      return `${indent}${colour ? styleText("dim", first, { validateStream: false }) : first}${line}\n`;
    })
    .join("");
}

const evidenceLines = 3;

/** Raw pages and documents of strangers are long: whoever needs all of it wants it as it is. */
function evidenceOf(
  { evidence = "" }: Observed,
  { width = 100 }: TextStyle,
): { lines: readonly string[]; isCut: boolean } {
  const all = evidence.split("\n").flatMap((line) => (line === "" ? [] : wrapped(line, room(width) - 2)));
  const lines = all.slice(0, evidenceLines);
  const isCut = all.length > lines.length;
  return { lines: isCut ? lines.with(-1, `${lines.at(-1)} …`) : lines, isCut };
}

/** What is true of several rows is said once. */
function footnotes(samples: readonly Observed[], look: TextStyle): string {
  const isCut = samples.some((sample) => evidenceOf(sample, look).isCut);
  const notes = [
    ...(isCut ? [`… evidence is cut to ${evidenceLines} lines: --json shows all of it`] : []),
    ...(samples.some(isUnsure) ? ["~ timing unsure: this machine was busy meanwhile"] : []),
  ];
  const lines = notes.flatMap((note) => (look.width === undefined ? note : wrapped(note, look.width)));
  return lines.map((line) => `${line}\n`).join("");
}

function outcomeText(outcome: keyof typeof looks, { colour }: TextStyle): string {
  const { shape, word, colour: hue } = looks[outcome];
  const text = `${shape} ${word}`.padEnd(outcomeWidth);
  return colour ? styleText(hue, text, { validateStream: false }) : text;
}

/** "late-default: queue=default: 14m (told at 2m, over below 40s), wakes somebody once it has lasted 5m" */
function levelText(check: string, level: ObservedLevel): string {
  const { rule } = level;
  const told = rule.urgency === "page" ? "wakes somebody" : "is a ticket";
  const lasting = rule.raiseAfterSeconds > 0 ? ` once it has lasted ${formatDuration(rule.raiseAfterSeconds)}` : "";
  return `${rule.id}: ${levelReason(check, level)}, ${told}${lasting}`;
}

/** A check of several requests has the phases of the first one; the others would not fit into a line. */
function phasesText({ phases = {}, durationSeconds }: Sample, look: TextStyle): readonly string[] {
  const { total, ...single } = phases;
  const measured = total ?? Object.values(single).reduce((sum, seconds) => sum + seconds, 0);
  const whose = measured < durationSeconds * 0.9 ? "first request: " : "";
  // A number stays with its unit.
  const parts = Object.entries(phases).map(([phase, seconds]) =>
    `${phase} ${milliseconds(seconds)}`.replaceAll(" ", tie),
  );
  return parts.length === 0
    ? []
    : inColumns([whose + parts.join(`${tie}· `)], look).map((line) => line.replaceAll(tie, " "));
}
const tie = "\u00a0";

function readingText({ metric, value, labels = {} }: Reading): string {
  const pairs = Object.entries(labels).map(([name, text]) => `${name}=${JSON.stringify(text)}`);
  const moment = metric.endsWith("_timestamp_seconds") ? ` (${instant(value)})` : "";
  return `${metric}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}${moment}`;
}

function instant(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? "no moment" : date.toISOString().replace(".000", "");
}

const milliseconds = (seconds: number): string => `${(seconds * 1000).toFixed(1)} ms`;

/** Above this delay of the event loop the phases say more about us than about the server. */
const isUnsure = ({ loopDelaySeconds = 0 }: Sample): boolean => loopDelaySeconds > 0.02;
