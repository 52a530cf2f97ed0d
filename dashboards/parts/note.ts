/** A note on a finished page: what is wrong with the page itself, where readers look first. */
import { html } from "hono/html";
import type { Language } from "../../core/language.ts";
import { type Note, words } from "../words.ts";

/** Where a note can be put later. A page has it once, in front of all that strangers named. */
export const notePlace = "<!--note-->";

export function withNote(page: string, note: Note, language: Language): string {
  const said = html`<p class="note degraded">${words[language].notes[note]}</p>`;
  return page.replace(notePlace, () => String(said));
}
