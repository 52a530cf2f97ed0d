/** The history page: past incidents and upgrades month by month, the newest first, and where our records begin. */
import { html, raw } from "hono/html";
import { tagOf } from "../../core/languages/translations.ts";
import { spokenDuration } from "../../core/member-texts.ts";
import type { HistoryModel, MonthHistory } from "../../core/status/history.ts";
import { mapInSlices } from "../../core/time-slices.ts";
import { formatDate } from "../../core/time-zone.ts";
import type { Html } from "../parts/html.ts";
import { textFor, wordsFor } from "../parts/lang-attribute.ts";
import { type LayoutProps, renderPage } from "../parts/layout.ts";
import { notePlace } from "../parts/note.ts";
import { pastEventList } from "../parts/past-events.ts";
import { moment } from "../parts/time.ts";

export async function historyPage(model: HistoryModel, props: LayoutProps): Promise<string> {
  const { language, organisation } = props;
  const { history: text, page } = wordsFor(props);
  const { checkedAt, backToStatus, madeBy } = page;
  const months = await mapInSlices(model.months, (month) => monthSection(month, props));
  const back = html`<a href="/${language}/">${backToStatus}</a>`;
  return renderPage(props, {
    title: text.title,
    description: text.titleOf(textFor(organisation.name, props)),
    main: html`${raw(notePlace)}<h1>${text.title}</h1>
<p class="lead">${text.means}</p>
<p class="muted">${checkedAt} ${moment(model.now, organisation.timeZone, language)}</p>
<p class="lead">${back}</p>
${months}
${end(model, props)}`,
    footer: html`<p>${back}</p>
<p>${madeBy} Tidewatch</p>`,
  });
}

function monthSection(month: MonthHistory, props: LayoutProps): Html {
  const machine = month.first.toPlainYearMonth().toString();
  return html`<section aria-labelledby="m${machine}"><h2 id="m${machine}"><time datetime="${machine}">${monthName(month.first, props.language)}</time></h2>
${summary(month, props)}${pastEventList(month.events, props)}
</section>`;
}

/** What the list below does not say: that it is empty, and of which time nothing is known. */
function summary(month: MonthHistory, props: LayoutProps): Html | string {
  const text = wordsFor(props).history;
  if (!month.isMeasured) return html`<p class="muted">${text.notMeasured}</p>`;
  const { unmeasuredSeconds } = month;
  const sentences = [
    ...(month.events.some(({ kind }) => kind === "incident") ? [] : [calmSentence(month, props)]),
    ...(unmeasuredSeconds > 0 ? [text.partlyMeasured(textFor(spokenDuration(unmeasuredSeconds), props))] : []),
  ];
  return sentences.length === 0 ? "" : html`<p class="muted">${sentences.join(" ")}</p>`;
}

function calmSentence({ continued, unmeasuredSeconds }: MonthHistory, props: LayoutProps): string {
  const text = wordsFor(props).history;
  if (continued) return text.noneNew;
  return unmeasuredSeconds > 0 ? text.noneWhileMeasuring : text.none;
}

function end({ months, oldest }: HistoryModel, props: LayoutProps): Html {
  const { language, organisation } = props;
  const text = wordsFor(props).history;
  if (months.length === 0) return html`<p class="end">${text.nothing}</p>`;
  if (!oldest) return html`<p class="end muted">${text.more}</p>`;
  return html`<p class="end muted">${text.recordsBegin} ${moment(oldest, organisation.timeZone, language, "date-time")}.</p>`;
}

/** A heading begins with a capital, in French too. */
function monthName(first: Temporal.PlainDate, language: LayoutProps["language"]): string {
  const name = formatDate(first, language, "month");
  return `${name.slice(0, 1).toLocaleUpperCase(tagOf(language))}${name.slice(1)}`;
}
