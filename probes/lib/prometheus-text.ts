/** Reads single values out of what an exporter says, in the text format of Prometheus or OpenMetrics. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Who asks for more than this asks for too much; labels of a healthy exporter are far fewer. */
const mostSamples = 10_000;
const mostLabels = 100;

/**
 * All samples of one metric. A line that is broken is left out, because the others still say what they say.
 * @returns undefined when nothing in the text looks like a metric at all: then it is something else.
 */
export function samplesOf(text: string, metric: string): readonly Sample[] | undefined {
  const found: Sample[] = [];
  let looksRight = text.trim() === "";
  for (let start = 0; start < text.length && found.length < mostSamples; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(firstInk(text, start, end), end);
    start = end + 1;
    looksRight ||= /^# (?:HELP|TYPE|UNIT|EOF)\b/.test(line) || looksLikeSample.test(line.slice(0, 2000));
    if (!line.startsWith(metric)) continue;
    const sample = readSample(line, metric.length);
    if (sample) found.push(sample);
  }
  return looksRight ? found : undefined;
}

const looksLikeSample = /^[a-z_:][\w:]*(?:[ \t]*\{.*\})?[ \t]+[-+.\dIN]/i;

/** Blanks may stand before a line, and before its labels; a byte order mark where files were put together. */
function firstInk(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && " \t\ufeff".includes(text[at] ?? "x")) at++;
  return at;
}

/** @param at where the name of the metric ends. */
function readSample(line: string, at: number): Sample | undefined {
  const brace = firstInk(line, at, line.length);
  const labelled = line[brace] === "{" ? readLabels(line, brace + 1) : { labels: {}, end: at };
  if (!labelled) return undefined;
  const [, text] =
    /^[ \t]+(\S+)(?:[ \t]|$)/.exec(line.slice(labelled.end, labelled.end + 200).replace(/\r$/, "")) ?? [];
  const value = text === undefined ? undefined : readNumber(text);
  return value === undefined ? undefined : { labels: labelled.labels, value };
}

/** `name="value",…}` from `at` on, with \\, \" and \n in the value. */
function readLabels(line: string, at: number): { readonly labels: Sample["labels"]; readonly end: number } | undefined {
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
const label = /[ \t]*([a-zA-Z_]\w*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(?:,[ \t]*|(?=\}))/y;

/** As Prometheus writes them, `+Inf` and `NaN` included. */
export function readNumber(text: string): number | undefined {
  const special = /^([+-]?)Inf(?:inity)?$/i.exec(text);
  if (special) return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^NaN$/i.test(text)) return Number.NaN;
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}
