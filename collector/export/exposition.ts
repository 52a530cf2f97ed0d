/**
 * The exposition format: metric families as text, in the Prometheus text format 0.0.4, or in OpenMetrics 1.0 when the
 * scraper asks for it.
 */

export interface Family {
  readonly name: string;
  readonly type: "gauge" | "counter" | "histogram" | "summary";
  readonly help: string;
  readonly series: readonly ExposedSeries[];
}

export interface ExposedSeries {
  /** Where it differs from the family's: a histogram's `_bucket`, `_sum`, `_count`. */
  readonly name?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const textFormat = "text/plain; version=0.0.4; charset=utf-8";
const openMetricsFormat = "application/openmetrics-text; version=1.0.0; charset=utf-8";

export function exposition(
  families: readonly Family[],
  accept: string | undefined,
): { readonly contentType: string; readonly body: string } {
  const open = accept?.includes("application/openmetrics-text") ?? false;
  const body = families.filter(({ series }) => series.length > 0).map((family) => familyText(family, open));
  return { contentType: open ? openMetricsFormat : textFormat, body: body.join("") + (open ? "# EOF\n" : "") };
}

function familyText({ name, type, help, series }: Family, open: boolean): string {
  // OpenMetrics names a counter's family without the `_total` its series carry.
  const family = open && type === "counter" ? name.replace(/_total$/, "") : name;
  const lines = series.map(({ name: own, labels, value }) => `${own ?? name}${labelText(labels)} ${number(value)}\n`);
  return `# HELP ${family} ${escapeHelp(help)}\n# TYPE ${family} ${type}\n${lines.join("")}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([label, value]) => `${label}="${escapeValue(value)}"`);
  return parts.length > 0 ? `{${parts.join(",")}}` : "";
}

const escapeValue = (text: string) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
const escapeHelp = (text: string) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}
