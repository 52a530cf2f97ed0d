/** The tables of the outbox page: what waits, what was told last, what is told past the store, and what cannot be read. */
import { html } from "hono/html";
import { tagOf } from "../../core/languages/translations.ts";
import type { OutboxWords } from "../../core/languages/words.ts";
import { headlineLength } from "../../core/notice.ts";
import type { PastStore } from "../../core/past-store.ts";
import { plainText } from "../../core/plain-text.ts";
import type { OutboxReport, WaitingNotice } from "../../core/reports.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";
import type { StrangeRow } from "../../core/store/strange-rows.ts";
import type { Html } from "../parts/html.ts";
import { textFor, wordsFor } from "../parts/lang-attribute.ts";
import type { LayoutProps } from "../parts/layout.ts";
import { figureTable } from "../parts/table.ts";
import { moment, span } from "../parts/time.ts";

/** Of what a stranger said; more helps nobody. */
const quotedLength = 300;

/** What a server or a library said, harmless. They speak English, as all their documentation does. */
export const inOwnWords = (said: string): Html => html`<q lang="en">${plainText(said, quotedLength)}</q>`;

export const readerName = (id: string, { names }: Pick<OutboxReport, "names">): string => names.get(id) ?? id;

export function waitingTable(waiting: readonly WaitingNotice[], report: OutboxReport, props: LayoutProps): Html {
  const text = wordsFor(props).outbox;
  const rows = waiting.map(({ notice, dueSeconds }) => ({
    cells: [
      whatOf(notice, text),
      readerName(notice.to.id, report),
      notice.channel,
      dueSeconds === undefined ? "" : dueText(dueSeconds, report, props),
      waitingAnswer(notice, { isDue: dueSeconds !== undefined, report, props }),
    ],
  }));
  const columns = [text.what, text.to, text.channel, text.dueSince, text.answer].map((title) => ({ title }));
  return figureTable(text.waitingCaption(waiting.length), columns, rows);
}

export function newestTable(newest: readonly NoticeStatus[], report: OutboxReport, props: LayoutProps): Html {
  const text = wordsFor(props).outbox;
  const rows = newest.map((notice) => ({
    cells: [
      whatOf(notice, text),
      readerName(notice.to.id, report),
      notice.channel,
      moment(notice.notBefore, props.organisation.timeZone, props.language),
      answerOf(notice, props),
    ],
  }));
  const columns = [text.what, text.to, text.channel, text.when, text.answer].map((title) => ({ title }));
  return figureTable(text.newestCaption(newest.length), columns, rows);
}

export function pastStoreTable(tellings: readonly PastStore[], report: OutboxReport, props: LayoutProps): Html {
  const text = wordsFor(props).outbox;
  const rows = tellings.map(({ title, kind, to, channel, state, copies, toldAt }) => ({
    cells: [
      html`${text.kind[kind]}: ${textFor(title, props)}`,
      readerName(to, report),
      channel,
      html`${text.pastState[state]}${toldAt ? html` ${moment(toldAt, props.organisation.timeZone, props.language)}` : ""}${copiesText(copies, props)}`,
    ],
  }));
  const columns = [text.what, text.to, text.channel, text.answer].map((title) => ({ title }));
  return figureTable(text.pastStoreCaption, columns, rows);
}

export function strangeTable(strange: readonly StrangeRow[], props: LayoutProps): Html {
  const text = wordsFor(props).outbox;
  const rows = strange.map(({ key, why }) => ({ cells: [plainText(key, headlineLength), inOwnWords(why)] }));
  return figureTable(text.strangeCaption, [{ title: text.row }, { title: text.why }], rows);
}

function whatOf({ kind, headline, language }: NoticeStatus, text: OutboxWords): Html {
  return html`${text.kind[kind]}: <span lang="${tagOf(language)}">${plainText(headline, headlineLength)}</span>`;
}

function dueText(dueSeconds: number, { now }: OutboxReport, props: LayoutProps): Html {
  const since = now.subtract({ milliseconds: Math.round(dueSeconds * 1000) });
  return html`${moment(since, props.organisation.timeZone, props.language)} · ${span(since, now, props)}`;
}

function waitingAnswer(
  notice: NoticeStatus,
  { isDue, report, props }: { readonly isDue: boolean; readonly report: OutboxReport; readonly props: LayoutProps },
): Html {
  const text = wordsFor(props).outbox;
  const { attempts, dueAt, state, channel } = notice;
  if (!report.channels.includes(channel)) return html`${text.noSuchChannel}`;
  const isPlanned = isDue && state === "pending" && attempts > 0;
  const next = isPlanned ? html`; ${text.nextTry} ${moment(dueAt, props.organisation.timeZone, props.language)}` : "";
  return html`${attempts === 0 ? "" : text.tried(attempts)}${next}${attempts === 0 ? "" : ". "}${answerOf(notice, props)}`;
}

function answerOf({ state, copies, sentAt, lastError }: NoticeStatus, props: LayoutProps): Html {
  const text = wordsFor(props).outbox;
  const at = sentAt ? html` ${moment(sentAt, props.organisation.timeZone, props.language)}` : "";
  const error = lastError === undefined ? "" : html` ${inOwnWords(lastError)}`;
  return html`${text.answers[state]}${at}${copiesText(copies, props)}${error}`;
}

/** One that was accepted is one copy; more may have arrived where nobody answered. */
function copiesText(copies: number, props: LayoutProps): string {
  return copies > 1 ? ` (${wordsFor(props).outbox.copies(copies)})` : "";
}
