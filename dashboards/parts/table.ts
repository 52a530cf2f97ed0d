/** Tables of figures: a caption, column headings, numbers in line with each other. */
import { html } from "hono/html";
import type { Html } from "./html.ts";

export interface Column {
  readonly title: string;
  /** Numbers stand at the right, so that their digits are below each other. */
  readonly number?: boolean;
}

export interface TableRow {
  /** The first one names the row. */
  readonly cells: readonly (string | Html)[];
  readonly marked?: boolean;
}

/** More columns than this do not fit a phone: there each row is a small list, with the titles before the figures. */
const mostOnPhone = 3;

export function figureTable(caption: string, columns: readonly Column[], rows: readonly TableRow[]): Html {
  const isStack = columns.length > mostOnPhone;
  const right = columns.map(({ number }) => (number ? html` class="number"` : ""));
  const about = columns.map(({ title }, index) => html`${right[index]}${isStack ? html` data-title="${title}"` : ""}`);
  return html`<table class="figures${isStack ? " stack" : ""}"><caption>${caption}</caption>
<thead><tr>${columns.map(({ title }, index) => html`<th scope="col"${right[index] ?? ""}>${title}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ cells, marked }) =>
      html`<tr${marked ? html` class="marked"` : ""}>${cells.map((cell, index) =>
        index === 0 ? html`<th scope="row">${cell}</th>` : html`<td${about[index] ?? ""}>${cell}</td>`,
      )}</tr>\n`,
  )}</tbody></table>`;
}
