/**
 * Samples on a terminal: word, shape and colour, and why; then a small table of what members read in both languages,
 * which levels are passed, how long it took, what was counted, what was seen.
 */
import { styleText } from "node:util";
import { reasonOf } from "../../alerts/wording.ts";
import type { Phases, Reading, Sample } from "../../core/sample.ts";
import { formatDuration } from "../../core/units.ts";
import type { Observed, ObservedLevel } from "./levels.ts";

const looks = {
  up: { shape: "●", word: "up", colour: "green" },
  degraded: { shape: "▲", word: "degraded", colour: "yellow" },
  down: { shape: "■", word: "down", colour: "red" },
  unknown: { shape: "◆", word: "not measured", colour: "magenta" },
  unasked: { shape: "◇", word: "not asked", colour: "gray" },
} as const;

export interface Look {
  readonly colour: boolean;
}

export function samplesText(samples: readonly Observed[], look: Look): string {
  const names = samples.map(({ target, check }) => `${target}/${check}`);
  const width = Math.max(...names.map((name) => name.length));
  return samples.map((sample, index) => sampleText(sample, (names[index] ?? "").padEnd(width), look)).join("");
}

function sampleText(sample: Observed, name: string, look: Look): string {
  const head = `${outcomeText(sample.asked ? sample.outcome : "unasked", look)}  ${name}  ${milliseconds(sample.durationSeconds).padStart(9)}`;
  const { en, fr } = sample.explanation ?? {};
  const rows: readonly Row[] = [
    ["members", [en ?? ""]],
    ["membres", fr === en ? [] : [fr ?? ""]],
    ["beyond", sample.levels.map((level) => levelText(sample.check, level))],
    ["phases", phasesText(sample.phases ?? {})],
    ["readings", (sample.readings ?? []).map(readingText)],
    ["evidence", (sample.evidence ?? "").split("\n")],
    ["note", unsure(sample) ? ["timing unsure: this machine was busy meanwhile"] : []],
  ];
  const reason = sample.reason ? `  ${sample.reason}` : "";
  return `${head}${reason}\n${rows.map((row) => rowText(row, look)).join("")}`;
}

/** What it is called, once, and its lines. */
type Row = readonly [label: string, lines: readonly string[]];
const labelWidth = 10;

function rowText([label, lines]: Row, { colour }: Look): string {
  const shown = lines.filter((line) => line !== "");
  return shown
    .map((line, index) => {
      const first = (index === 0 ? label : "").padEnd(labelWidth);
      return `    ${colour ? styleText("dim", first, { validateStream: false }) : first}${line}\n`;
    })
    .join("");
}

function outcomeText(outcome: keyof typeof looks, { colour }: Look): string {
  const { shape, word, colour: hue } = looks[outcome];
  const text = `${shape} ${word}`.padEnd(14);
  return colour ? styleText(hue, text, { validateStream: false }) : text;
}

/** "late-default: queue=default: 14m (told at 2m, over below 40s), wakes somebody once it has lasted 5m" */
function levelText(check: string, { rule, ...level }: ObservedLevel): string {
  const told = rule.urgency === "page" ? "wakes somebody" : "is a ticket";
  const lasting = rule.raiseAfterSeconds > 0 ? ` once it has lasted ${formatDuration(rule.raiseAfterSeconds)}` : "";
  return `${rule.id}: ${reasonOf({ kind: "levels", check, levels: [{ rule, ...level }] })}, ${told}${lasting}`;
}

function phasesText(phases: Phases): readonly string[] {
  const parts = Object.entries(phases).map(([phase, seconds]) => `${phase} ${milliseconds(seconds)}`);
  return parts.length > 0 ? [parts.join(" · ")] : [];
}

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
const unsure = ({ loopDelaySeconds = 0 }: Sample): boolean => loopDelaySeconds > 0.02;
