/** The note on a stale page: it says that the page is old and why, where readers look first. */
import { html } from "hono/html";
import type { Language } from "../../core/language.ts";
import type { PageNote } from "../../core/languages/words.ts";
import { type PageReader, withLanguages, wordsFor } from "./lang-attribute.ts";

/** The place where a note can be put later. A page has it once, before any text that strangers chose. */
export const notePlace = "<!--note-->";

export function withNote(
  page: string,
  note: PageNote,
  language: Language,
  languages?: PageReader["organisation"]["languages"],
): string {
  const text = wordsFor({ language, organisation: { ...(languages && { languages }) } }).page.notes[note];
  const said = html`<p class="note degraded">${text}</p>`;
  return page.replace(notePlace, () => withLanguages(String(said), language));
}
