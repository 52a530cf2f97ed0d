/** How a state (outcome) is shown: a word first, then a shape (icon), then a colour. */
import { html, raw } from "hono/html";
import { type Outcome, outcomes } from "../../core/sample.ts";
import type { Html } from "./html.ts";
import { type PageReader, wordsFor } from "./lang-attribute.ts";

/** ● ▲ ■ ◆ drawn by ourselves: fonts disagree about their size, and some turn them into pictures. */
const shapes: Readonly<Record<Outcome, string>> = {
  up: "M8 2a6 6 0 1 1 0 12a6 6 0 1 1 0-12z",
  degraded: "M8 1.5l7 12.5h-14z",
  down: "M2.5 2.5h11v11h-11z",
  unknown: "M8 .8l7.2 7.2-7.2 7.2-7.2-7.2z",
};

/** The shapes, once in each page, for `sign` to point at. */
export const signs = raw(
  `<svg class="sprite" aria-hidden="true">${outcomes.map((outcome) => `<symbol id="s-${outcome}" viewBox="0 0 16 16"><path d="${shapes[outcome]}"/></symbol>`).join("")}</svg>`,
);

export function sign(outcome: Outcome): Html {
  return html`<svg class="sign" aria-hidden="true"><use href="#s-${outcome}"/></svg>`;
}

/** Shape and word together. */
export function stateWord(outcome: Outcome, reader: PageReader): Html {
  return html`<span class="state ${outcome}">${sign(outcome)} ${wordsFor(reader).page.state[outcome]}</span>`;
}

const iconColours: Readonly<Record<Outcome, string>> = {
  up: "1f8a63",
  degraded: "b97700",
  down: "c0332b",
  unknown: "6b7b88",
};

/** The shape as the icon of the tab, inside the page itself. */
export function iconAddress(outcome: Outcome | undefined): string {
  if (!outcome) return "data:,";
  return `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path fill='%23${iconColours[outcome]}' d='${shapes[outcome]}'/></svg>`;
}
