/** The note on a stale page: it says that the page is old and why, where readers look first. */
import { html } from "hono/html";
import type { Language } from "../../core/language.ts";
import type { Note } from "../../core/languages/words.ts";
import { type PageReader, withLanguages, wordsFor } from "./lang-attribute.ts";

/** Where a note can be put later. A page has it once, in front of all that strangers named. */
export const notePlace = "<!--note-->";

export function withNote(
  page: string,
  note: Note,
  language: Language,
  languages?: PageReader["organisation"]["languages"],
): string {
  const text = wordsFor({ language, organisation: { ...(languages && { languages }) } }).page.notes[note];
  const said = html`<p class="note degraded">${text}</p>`;
  return page.replace(notePlace, () => withLanguages(String(said), language));
}
