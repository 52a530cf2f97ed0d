/** Formats times and durations for people, with city and UTC offset, as `<time>` elements that machines can read. */
import { html } from "hono/html";
import type { Language } from "../../core/language.ts";
import { spokenDuration } from "../../core/member-texts.ts";
import { formatDate, formatIn, formatStretch } from "../../core/time-zone.ts";
import type { Html } from "./html.ts";
import { type PageReader, textFor, wordsFor } from "./lang-attribute.ts";

export function moment(
  at: Temporal.Instant,
  zone: string,
  language: Language,
  style: "time" | "date-time" | "short-date-time" = "short-date-time",
): Html {
  return exactly(at, formatIn(at, zone, language, style));
}

/** "From Nov 23, 11:27 to 11:42 Vancouver (UTC-7)". */
export function stretch(from: Temporal.Instant, to: Temporal.Instant, zone: string, reader: PageReader): Html {
  const text = wordsFor(reader).page;
  const said = formatStretch(from, to, zone, reader.language);
  return html`${text.from} ${exactly(from, said.from)} ${said.sameDay ? text.toTime : text.toDay} ${exactly(to, said.to)}`;
}

function exactly(at: Temporal.Instant, said: string): Html {
  return html`<time datetime="${at.toString({ smallestUnit: "second" })}">${said}</time>`;
}

export function day(date: Temporal.PlainDate, language: Language, style: "short" | "short-year" = "short"): Html {
  const machine = date.toString();
  const key = `${machine} ${language} ${style}`;
  const known = days.get(key);
  if (known) return known;
  // Formatting a date costs more than all the rest of a line, and a page names the same ninety days over and over.
  if (days.size > 1000) days.clear();
  const made = html`<time datetime="${machine}">${formatDate(date, language, style)}</time>`;
  days.set(key, made);
  return made;
}
const days = new Map<string, Html>();

/** "2 hours 5 minutes" between two moments. */
export function span(from: Temporal.Instant, to: Temporal.Instant, reader: PageReader): string {
  return textFor(spokenDuration(Math.max(0, (to.epochMilliseconds - from.epochMilliseconds) / 1000)), reader);
}
