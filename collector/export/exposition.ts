/**
 * The exposition format: metric families as text, in the Prometheus text format 0.0.4, or in OpenMetrics 1.0 when the
 * scraper asks for it.
 */
import { pause } from "../../core/time-slices.ts";

export interface Family {
  readonly name: string;
  readonly type: "gauge" | "counter" | "histogram" | "summary";
  readonly help: string;
  /** Its series, each as `seriesLine` writes it; a family without any is left out. */
  readonly lines: Iterable<string>;
}

const textFormat = "text/plain; version=0.0.4; charset=utf-8";
const openMetricsFormat = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/** So many are written before the event loop may run. */
const linesAtOnce = 200;

export async function exposition(
  families: Iterable<Family>,
  accept: string | undefined,
): Promise<{ readonly contentType: string; readonly body: Uint8Array<ArrayBuffer> }> {
  const open = accept?.includes("application/openmetrics-text") ?? false;
  const body: Buffer[] = [];
  for (const family of families) {
    let lines: string[] = [];
    let head = header(family, open);
    for (const line of family.lines) {
      lines.push(line);
      if (lines.length < linesAtOnce) continue;
      body.push(Buffer.from(head + lines.join("")));
      [head, lines] = ["", []];
      await pause();
    }
    if (lines.length > 0) body.push(Buffer.from(head + lines.join("")));
    await pause();
  }
  if (open) body.push(Buffer.from("# EOF\n"));
  return { contentType: open ? openMetricsFormat : textFormat, body: Buffer.concat(body) };
}

function header({ name, type, help }: Family, open: boolean): string {
  // OpenMetrics names a counter's family without the `_total` its series carry.
  const family = open && type === "counter" ? name.replace(/_total$/, "") : name;
  return `# HELP ${family} ${escapeHelp(help)}\n# TYPE ${family} ${type}\n`;
}

/** One series. @param labels or their text, where it is known: `target="mastodon",check="web"` */
export function seriesLine(name: string, labels: Readonly<Record<string, string>> | string, value: number): string {
  const text = typeof labels === "string" ? labels : labelText(labels);
  return `${name}${text === "" ? "" : `{${text}}`} ${number(value)}\n`;
}

export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}="${escapeValue(value)}"`)
    .join(",");
}

const escapeValue = (text: string) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
const escapeHelp = (text: string) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}
