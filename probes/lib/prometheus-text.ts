/** Parses the text format of Prometheus and OpenMetrics: single samples out of what an exporter says. */

export interface ExporterSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The most samples read of one metric; a healthy exporter has far fewer. */
const mostSamples = 10_000;
const mostLabels = 100;
/** Of one metric, in all its lines. */
const mostCharacters = 3_000_000;
/** Lines in which the name stands, also of other metrics that begin with it. */
const mostLines = 200_000;
/** A longer line is broken. */
const longestLine = 10_000;
const deepestIndent = 100;
/** The start of the text in which one line at least must look like a metric. */
const judged = { lines: 1000, characters: 1_000_000 };

/**
 * All samples of one metric. A line that is broken is left out, because the others still say what they say.
 * @returns undefined when nothing in the text looks like a metric at all: then it is something else.
 */
export function samplesOf(text: string, metric: string): readonly ExporterSample[] | undefined {
  const found: ExporterSample[] = [];
  let tried = 0;
  let characters = 0;
  for (const line of linesOf(text, metric)) {
    if (!/[{ \t]/.test(line.charAt(metric.length)) || line.length > longestLine) continue;
    characters += line.length;
    if (++tried > mostSamples || characters > mostCharacters) break;
    const sample = readSample(line, metric.length);
    if (sample) found.push(sample);
  }
  return found.length > 0 || looksRight(text) ? found : undefined;
}

/** Each line that begins with the name. Those between are jumped over and not read: there may be millions. */
function* linesOf(text: string, name: string): Generator<string> {
  let from = 0;
  for (let seen = 0; seen < mostLines; seen++) {
    const at = text.indexOf(name, from);
    if (at < 0) return;
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    if (isFirstInk(text, at)) yield text.slice(at, end);
    from = end + 1;
  }
}

function looksRight(text: string): boolean {
  if (text.trim() === "") return true;
  return text
    .slice(0, judged.characters)
    .split("\n", judged.lines)
    .map((line) => line.slice(firstInk(line, 0, line.length)).slice(0, 2000))
    .some((line) => /^# (?:HELP|TYPE|UNIT|EOF)\b/.test(line) || looksLikeSample.test(line));
}

const looksLikeSample = /^[a-z_:][\w:]*(?:[ \t]*\{.*\})?[ \t]+[-+.\dIN]/i;

/** Blanks may stand before a line, and before its labels; a byte order mark where files were put together. */
function firstInk(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && isBlank(text[at])) at++;
  return at;
}

function isFirstInk(text: string, at: number): boolean {
  let before = at - 1;
  while (before > at - deepestIndent && isBlank(text[before])) before--;
  return before < 0 || text[before] === "\n";
}

const isBlank = (letter = "\n"): boolean => " \t\ufeff".includes(letter);

/** @param at where the name of the metric ends. */
function readSample(line: string, at: number): ExporterSample | undefined {
  const brace = firstInk(line, at, line.length);
  const labelled = line[brace] === "{" ? readLabels(line, brace + 1) : { labels: {}, end: at };
  if (!labelled) return undefined;
  const [, text] =
    /^[ \t]+(\S+)(?:[ \t]|$)/.exec(line.slice(labelled.end, labelled.end + 200).replace(/\r$/, "")) ?? [];
  const value = text === undefined ? undefined : readNumber(text);
  return value === undefined ? undefined : { labels: labelled.labels, value };
}

/** `name="value",…}` from `at` on, with \\, \" and \n in the value. */
function readLabels(
  line: string,
  at: number,
): { readonly labels: ExporterSample["labels"]; readonly end: number } | undefined {
  const labels: [string, string][] = [];
  let next = at;
  while (labels.length <= mostLabels) {
    if (line[next] === "}") return { labels: Object.fromEntries(labels), end: next + 1 };
    label.lastIndex = next;
    const [whole, name, value] = label.exec(line) ?? [];
    if (whole === undefined || name === undefined || value === undefined) return undefined;
    labels.push([name, value.replace(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter))]);
    next += whole.length;
  }
  return undefined;
}
const label = /[ \t]*([a-zA-Z_]\w*)[ \t]*=[ \t]*"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*(?:,[ \t]*|(?=\}))/y;

/** As Prometheus writes them, `+Inf` and `NaN` included. */
export function readNumber(text: string): number | undefined {
  const special = /^([+-]?)Inf(?:inity)?$/i.exec(text);
  if (special) return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^NaN$/i.test(text)) return Number.NaN;
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}
