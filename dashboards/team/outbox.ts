/** The outbox page: who was sent what, by which channel, when and with which answer; what waits; and which channels are sick. */
import { html } from "hono/html";
import type { OutboxReport, SickChannel } from "../../core/reports.ts";
import type { Outcome } from "../../core/sample.ts";
import type { Html } from "../parts/html.ts";
import { wordsFor } from "../parts/lang-attribute.ts";
import { type LayoutProps, renderPage } from "../parts/layout.ts";
import { sign } from "../parts/state.ts";
import { figureTable } from "../parts/table.ts";
import { moment, span } from "../parts/time.ts";
import { inOwnWords, newestTable, pastStoreTable, readerName, strangeTable, waitingTable } from "./outbox-tables.ts";
import { defineTeamPage } from "./team-page.ts";

export const outbox = defineTeamPage({
  address: "/team/outbox",
  title: ({ outbox }) => outbox.title,
  summary: ({ outbox }) => outbox.summary,
  load: (reports) => reports.outbox(),
  show: (report, props) => outboxPage(report, props),
});

/** What is due for so long is late: the first try takes a few seconds, and a mail server that greylists says so. */
const lateSeconds = 60;

export function outboxPage(report: OutboxReport, props: LayoutProps): Promise<string> {
  const text = wordsFor(props).outbox;
  const { outcome, sentence } = verdict(report, props);
  return renderPage(props, {
    title: text.title,
    wide: true,
    outcome,
    main: html`<div class="verdict ${outcome}"><h1>${sign(outcome)} <span>${sentence}</span></h1>
<p>${text.askedAt} ${moment(report.now, props.organisation.timeZone, props.language)}</p></div>
${channels(report, props)}
${fallback(report, props)}
${waiting(report, props)}
${newest(report, props)}
${strange(report, props)}`,
  });
}

/** The worst that can be said, in one sentence. */
function verdict(report: OutboxReport, props: LayoutProps): { readonly outcome: Outcome; readonly sentence: string } {
  const text = wordsFor(props).outbox;
  const { stored, sick } = report;
  const silent = sick.filter(({ readers }) => readers === undefined).map(({ channel }) => channel);
  if (silent.length > 0) return { outcome: "down", sentence: text.headline.silent(silent) };
  if (!stored) return { outcome: "unknown", sentence: text.headline.unreadable };
  const oldest = Math.max(0, ...stored.waiting.map(({ dueSeconds }) => dueSeconds ?? 0));
  if (oldest > lateSeconds) {
    return { outcome: "degraded", sentence: text.headline.late(stored.due, spanOf(oldest, report, props)) };
  }
  if (sick.length > 0)
    return { outcome: "degraded", sentence: text.headline.inPart(sick.map(({ channel }) => channel)) };
  return { outcome: "up", sentence: stored.due > 0 ? text.headline.underWay(stored.due) : text.headline.calm };
}

function channels(report: OutboxReport, props: LayoutProps): Html {
  const text = wordsFor(props).outbox;
  const rows = report.channels.map((channel) => {
    const sick = report.sick.find((one) => one.channel === channel);
    return {
      marked: sick !== undefined,
      cells: sick ? [channel, ...sickCells(sick, report, props)] : [channel, text.works, "", ""],
    };
  });
  return html`<section aria-labelledby="channels"><h2 id="channels">${text.channels}</h2>
${rows.length === 0 ? html`<p>${text.noChannels}</p>` : figureTable(text.channelsCaption, [{ title: text.channel }, { title: text.state }, { title: text.since }, { title: text.why }], rows)}</section>`;
}

function sickCells(
  { seconds, why, readers }: SickChannel,
  report: OutboxReport,
  props: LayoutProps,
): (string | Html)[] {
  const text = wordsFor(props).outbox;
  const since = report.now.subtract({ milliseconds: Math.round(seconds * 1000) });
  const whom = readers?.map((id) => readerName(id, report));
  return [
    whom ? text.acceptsNothingFor(whom) : text.acceptsNothing,
    html`${moment(since, props.organisation.timeZone, props.language)} · ${spanOf(seconds, report, props)}`,
    inOwnWords(why),
  ];
}

function fallback(report: OutboxReport, props: LayoutProps): Html {
  const text = wordsFor(props).outbox;
  const { hasFile, storeFault, tellings } = report.fallback;
  const isUsed = storeFault !== undefined || tellings.length > 0;
  return html`<section aria-labelledby="fallback"><h2 id="fallback">${text.fallback}</h2>
<p>${isUsed ? text.pastStore : text.fallbackIdle}${storeFault === undefined ? "" : html` ${inOwnWords(storeFault)}`}</p>
${hasFile ? "" : html`<p class="note">${text.noFallbackFile}</p>`}
${tellings.length === 0 ? "" : pastStoreTable(tellings, report, props)}</section>`;
}

function waiting(report: OutboxReport, props: LayoutProps): Html | string {
  const text = wordsFor(props).outbox;
  if (!report.stored) return html`<p class="note">${text.unreadableMeans}</p>`;
  const { waiting } = report.stored;
  return html`<section aria-labelledby="waiting"><h2 id="waiting">${text.waiting}</h2>
${waiting.length === 0 ? html`<p>${text.nothingWaits}</p>` : waitingTable(waiting, report, props)}</section>`;
}

function newest(report: OutboxReport, props: LayoutProps): Html | string {
  const text = wordsFor(props).outbox;
  if (!report.stored) return "";
  const { newest } = report.stored;
  return html`<section aria-labelledby="newest"><h2 id="newest">${text.newest}</h2>
${newest.length === 0 ? html`<p>${text.nothingSent}</p>` : newestTable(newest, report, props)}</section>`;
}

function strange({ strange }: OutboxReport, props: LayoutProps): Html | string {
  const text = wordsFor(props).outbox;
  if (strange.length === 0) return "";
  return html`<section aria-labelledby="strange"><h2 id="strange">${text.strange}</h2>
${strangeTable(strange, props)}</section>`;
}

const spanOf = (seconds: number, { now }: OutboxReport, props: LayoutProps): string =>
  span(now, now.add({ milliseconds: Math.round(seconds * 1000) }), props);
