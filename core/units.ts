/** Units: durations, sizes and percentages as people write them (`30s`, `100 GB`, `99.9%`), parsed and formatted. */

const number = "\\d{1,15}(?:\\.\\d{1,9})?";

const millisecondsIn = new Map([
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
]);

/** One amount with its unit, or several: `30s`, `1.5h`, `1h 30m`. */
export const durationPattern = new RegExp(`^\\s*(?:${number}\\s*(?:ms|s|m|h|d)\\s*)+$`);

/** @returns seconds, to the millisecond; undefined when `text` is no duration. */
export function parseDuration(text: string): number | undefined {
  if (text.length > 60 || !durationPattern.test(text)) return undefined;
  let milliseconds = 0;
  for (const [, amount, unit = ""] of text.matchAll(new RegExp(`(${number})\\s*(ms|s|m|h|d)`, "g"))) {
    milliseconds += Number(amount) * (millisecondsIn.get(unit) ?? Number.NaN);
  }
  return Math.round(milliseconds) / 1000;
}

/** The shortest form that parses back to the same number of seconds: `90s` is `1m 30s`, `3600` is `1h`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return String(seconds);
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  let left = Math.round(seconds * 1000);
  const parts: string[] = [];
  for (const [unit, size] of millisecondsIn) {
    const count = Math.floor(left / size);
    if (count > 0) parts.push(`${count}${unit}`);
    left -= count * size;
  }
  return parts.join(" ") || "0s";
}

const siUnits: readonly string[] = ["B", "kB", "MB", "GB", "TB", "PB"];
const iecUnits: readonly string[] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** SI and IEC told apart: `100 GB` is 100,000,000,000 bytes, `100 GiB` is 107,374,182,400. */
export const bytesPattern = new RegExp(`^\\s*${number}\\s*(?:B|[kK]B|[MGTP]B|[KMGTP]iB)\\s*$`);

/** @returns whole bytes; undefined when `text` is no size. */
export function parseBytes(text: string): number | undefined {
  if (text.length > 60 || !bytesPattern.test(text)) return undefined;
  const [, amount, unit = ""] = /^\s*([\d.]+)\s*(\w+)/.exec(text) ?? [];
  const si = siUnits.indexOf(unit.replace("KB", "kB"));
  const bytes = Number(amount) * (si >= 0 ? 1000 ** si : 1024 ** iecUnits.indexOf(unit));
  return Number.isSafeInteger(Math.round(bytes)) ? Math.round(bytes) : undefined;
}

/** At most three digits, for reading: `81.4 GB`. */
export function formatBytes(bytes: number, system: "si" | "iec" = "si"): string {
  if (!Number.isFinite(bytes)) return String(bytes);
  if (bytes < 0) return `-${formatBytes(-bytes, system)}`;
  const [units, base] = system === "si" ? [siUnits, 1000] : [iecUnits, 1024];
  let power = 0;
  let value = bytes;
  // 999.7 would be printed as "1000": one step further up instead.
  while (Math.round(value) >= base && power < units.length - 1) {
    value /= base;
    power++;
  }
  return `${shortNumber(value)} ${units[power]}`;
}

const shortNumber = (value: number): string => String(Number(value >= 100 ? value.toFixed(0) : value.toPrecision(3)));

/** `99.9%`, with a space or without. */
export const ratioPattern = /^\s*\d{1,3}(?:\.\d{1,9})?\s*%\s*$/;

/** @returns 0..1; undefined when `text` is no percentage between 0 and 100. */
export function parseRatio(text: string): number | undefined {
  if (text.length > 60 || !ratioPattern.test(text)) return undefined;
  // Shifting the decimal point instead of dividing: 99.9 / 100 is not 0.999.
  const ratio = Number(`${text.replace("%", "").trim()}e-2`);
  return ratio <= 1 ? ratio : undefined;
}

/** `0.999` is `99.9%`; every digit that was given is kept. */
export function formatRatio(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(12))}%`;
}

/** "1 job", "2 jobs", "2 processes". */
export const counted = (count: number, thing: string, things = `${thing}s`): string =>
  `${count} ${count === 1 ? thing : things}`;
