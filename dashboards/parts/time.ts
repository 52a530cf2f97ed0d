/** Moments and spans for people: exact, with city and offset, and readable by machines. */
import { html } from "hono/html";
import type { Language } from "../../core/language.ts";
import { spokenDuration } from "../../core/member-texts.ts";
import { formatDate, formatIn } from "../../core/time-zone.ts";
import type { Html } from "./layout.ts";

export function moment(
  at: Temporal.Instant,
  zone: string,
  language: Language,
  style: "time" | "date-time" | "short-date-time" = "short-date-time",
): Html {
  const exact = at.toString({ smallestUnit: "second" });
  return html`<time datetime="${exact}">${formatIn(at, zone, language, style)}</time>`;
}

export function day(date: Temporal.PlainDate, language: Language): Html {
  const machine = date.toString();
  const key = `${machine} ${language}`;
  const said = sayings.get(key) ?? formatDate(date, language, "short");
  // Formatting a date costs more than all the rest of a line, and a page names the same ninety days over and over.
  if (sayings.size > 1000) sayings.clear();
  sayings.set(key, said);
  return html`<time datetime="${machine}">${said}</time>`;
}
const sayings = new Map<string, string>();

/** "2 hours 5 minutes" between two moments. */
export function span(from: Temporal.Instant, to: Temporal.Instant, language: Language): string {
  return spokenDuration(Math.max(0, (to.epochMilliseconds - from.epochMilliseconds) / 1000))[language];
}
