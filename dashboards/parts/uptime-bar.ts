/** The uptime bar of one target: a bar for each day, one SVG path for each state, and a table of the same days in words. */
import { html, raw } from "hono/html";
import { spokenDuration } from "../../core/member-texts.ts";
import { type Outcome, outcomes } from "../../core/sample.ts";
import type { DayStatus } from "../../core/status/day-status.ts";
import type { Html } from "./html.ts";
import { type PageReader, textFor, wordsFor } from "./lang-attribute.ts";
import { stateWord } from "./state.ts";
import { day } from "./time.ts";

const dayWidth = 10;
const height = 34;

/** Strokes of one day, from its middle at the top, back to the top: the shapes differ, so that colour is not needed. */
const strokes: Readonly<Record<Outcome, string>> = {
  up: "m0 5v24m0-29",
  degraded: "m0 5v9m0 6v9m0-29",
  down: "v34m0-34",
  unknown: "m0 15v4m0-19",
};

export function uptimeBar(name: string, days: readonly DayStatus[], reader: PageReader): Html {
  const text = wordsFor(reader).status;
  const present = outcomes.filter((outcome) => days.some((one) => one.shown === outcome));
  const counts = present.map((outcome) => text.dayCount(days.filter((one) => one.shown === outcome).length, outcome));
  return html`<div class="bars"><svg viewBox="0 0 ${days.length * dayWidth} ${height}" preserveAspectRatio="none" role="img" aria-label="${text.barLabel(name, days.length, counts)}">${present.map((outcome) => raw(`<path class="${outcome}" d="${path(days, outcome)}"/>`))}</svg></div>`;
}

function path(days: readonly DayStatus[], outcome: Outcome): string {
  let at = 0;
  return days.reduce((drawn, one, index) => {
    if (one.shown !== outcome) return drawn;
    const middle = index * dayWidth + dayWidth / 2;
    const move = drawn === "" ? `M${middle} 0` : `m${middle - at} 0`;
    at = middle;
    return `${drawn}${move}${strokes[outcome]}`;
  }, "");
}

/** Days in a row that were alike are one line, newest first. */
export function dayTable(name: string, days: readonly DayStatus[], reader: PageReader): Html {
  const { page, status: text } = wordsFor(reader);
  return html`<details><summary>${text.dayByDay(days.length)}<span class="hidden">${page.colon}${name}</span></summary>
<table><thead><tr><th scope="col">${text.days}</th><th scope="col">${text.what}</th><th scope="col">${text.howLong}</th></tr></thead><tbody>
${runs(days).map((run) => tableRow(run, reader))}
</tbody></table></details>`;
}

function tableRow({ first, last, shown, trouble }: Run, reader: PageReader): Html {
  const { page } = wordsFor(reader);
  const { language } = reader;
  const dates =
    first === last ? day(first.date, language) : html`${day(first.date, language)} – ${day(last.date, language)}`;
  const spans = inWords(trouble, reader).map(
    ([outcome, lasted]) => html`<span>${page.state[outcome]}${page.colon}${lasted}</span>`,
  );
  return html`<tr><th scope="row">${dates}</th><td>${stateWord(shown, reader)}</td><td class="spans">${spans}</td></tr>`;
}

/** What of a day was not up, and for how long. */
export const troubleWords = (of: DayStatus, reader: PageReader) => inWords(troubleOf(of), reader);

const inWords = (trouble: Run["trouble"], reader: PageReader): readonly (readonly [Outcome, string])[] =>
  trouble.map(([outcome, seconds]) => [outcome, textFor(spokenDuration(seconds), reader)]);

interface Run {
  readonly first: DayStatus;
  readonly last: DayStatus;
  readonly shown: Outcome;
  readonly trouble: readonly (readonly [Outcome, number])[];
}

function runs(days: readonly DayStatus[]): readonly Run[] {
  const found: Run[] = [];
  for (const one of days) {
    const trouble = troubleOf(one);
    const before = found.at(-1);
    const alike = before && before.shown === one.shown && before.trouble.length === 0 && trouble.length === 0;
    if (alike) found[found.length - 1] = { ...before, last: one };
    else found.push({ first: one, last: one, shown: one.shown, trouble });
  }
  return found.reverse();
}

/** A restart leaves a gap of seconds in a day: the measured share shows it, and a line for each gap would not help. */
const shortGapSeconds = 600;

/** The time of a day that was not up; nothing for a day without any data, because its state says that. */
function troubleOf({ shown, seconds }: DayStatus): readonly (readonly [Outcome, number])[] {
  const bad = (["down", "degraded", "unknown"] as const).map((outcome) => [outcome, seconds[outcome]] as const);
  const measured = seconds.up + seconds.down + seconds.degraded > 0;
  return bad.filter(([outcome, spent]) => {
    if (outcome === "unknown") return spent >= shortGapSeconds && (measured || shown !== "unknown");
    return spent > 0;
  });
}
