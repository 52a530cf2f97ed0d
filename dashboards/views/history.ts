/** Past incidents month by month, the newest first, with the upgrades in between and an honest end. */
import { html, raw } from "hono/html";
import type { HistoryModel, MonthHistory } from "../../core/history.ts";
import type { Language } from "../../core/language.ts";
import { spokenDuration } from "../../core/member-texts.ts";
import { formatDate } from "../../core/time-zone.ts";
import type { Html } from "../parts/html.ts";
import { type LayoutProps, renderPage } from "../parts/layout.ts";
import { notePlace } from "../parts/note.ts";
import { pastEventList } from "../parts/past-events.ts";
import { moment } from "../parts/time.ts";
import { words } from "../words.ts";
import { historyWords } from "./history-words.ts";

export function historyPage(model: HistoryModel, props: LayoutProps): Promise<string> {
  const { language, organisation } = props;
  const text = historyWords[language];
  const { checkedAt, backToStatus, madeBy } = words[language];
  const back = html`<a href="/${language}/">${backToStatus}</a>`;
  return renderPage(props, {
    title: text.title,
    description: text.titleOf(organisation.name[language]),
    main: html`${raw(notePlace)}<h1>${text.title}</h1>
<p class="lead">${text.means}</p>
<p class="muted">${checkedAt} ${moment(model.now, organisation.timeZone, language)}</p>
<p class="lead">${back}</p>
${model.months.map((month) => monthSection(month, props))}
${end(model, props)}`,
    footer: html`<p>${back}</p>
<p>${madeBy} Tidewatch</p>`,
  });
}

function monthSection(month: MonthHistory, props: LayoutProps): Html {
  const machine = month.first.toPlainYearMonth().toString();
  return html`<section aria-labelledby="m${machine}"><h2 id="m${machine}"><time datetime="${machine}">${monthName(month.first, props.language)}</time></h2>
${summary(month, props.language)}${pastEventList(month.events, props)}
</section>`;
}

/** What the list below does not say: that it is empty, and of which time nothing is known. */
function summary(month: MonthHistory, language: Language): Html | string {
  const text = historyWords[language];
  if (!month.isMeasured) return html`<p class="muted">${text.notMeasured}</p>`;
  const { unmeasuredSeconds } = month;
  const sentences = [
    ...(month.events.some(({ kind }) => kind === "incident") ? [] : [calmSentence(month, language)]),
    ...(unmeasuredSeconds > 0 ? [text.partlyMeasured(spokenDuration(unmeasuredSeconds)[language])] : []),
  ];
  return sentences.length === 0 ? "" : html`<p class="muted">${sentences.join(" ")}</p>`;
}

function calmSentence({ continued, unmeasuredSeconds }: MonthHistory, language: Language): string {
  const text = historyWords[language];
  if (continued) return text.noneNew;
  return unmeasuredSeconds > 0 ? text.noneWhileMeasuring : text.none;
}

function end({ months, oldest }: HistoryModel, { language, organisation }: LayoutProps): Html {
  const text = historyWords[language];
  if (months.length === 0) return html`<p class="end">${text.nothing}</p>`;
  if (!oldest) return html`<p class="end muted">${text.more}</p>`;
  return html`<p class="end muted">${text.recordsBegin} ${moment(oldest, organisation.timeZone, language, "date-time")}.</p>`;
}

/** A heading begins with a capital, in French too. */
function monthName(first: Temporal.PlainDate, language: Language): string {
  const name = formatDate(first, language, "month");
  return `${name.slice(0, 1).toLocaleUpperCase(`${language}-CA`)}${name.slice(1)}`;
}
