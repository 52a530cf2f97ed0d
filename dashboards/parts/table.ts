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

export function figureTable(caption: string, columns: readonly Column[], rows: readonly TableRow[]): Html {
  const right = columns.map(({ number }) => (number ? html` class="number"` : ""));
  return html`<table class="figures"><caption>${caption}</caption>
<thead><tr>${columns.map(({ title }, index) => html`<th scope="col"${right[index] ?? ""}>${title}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ cells, marked }) =>
      html`<tr${marked ? html` class="marked"` : ""}>${cells.map((cell, index) =>
        index === 0 ? html`<th scope="row">${cell}</th>` : html`<td${right[index] ?? ""}>${cell}</td>`,
      )}</tr>\n`,
  )}</tbody></table>`;
}
