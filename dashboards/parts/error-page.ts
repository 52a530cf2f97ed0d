/** The error page for visitors (404, 410, 500 …): what happened to them, never what happened inside. */
import { html } from "hono/html";
import { tagOf } from "../../core/languages/translations.ts";
import type { PageError } from "../../core/languages/words.ts";
import { wordsFor } from "./lang-attribute.ts";
import { type LayoutProps, renderPage } from "./layout.ts";

/** In every language of the organisation, the visitor's first: the language that we guessed may be the wrong one. */
export function errorPage(
  fault: PageError,
  props: LayoutProps,
  languages: readonly LayoutProps["language"][],
): Promise<string> {
  const ordered = [props.language, ...languages.filter((language) => language !== props.language)];
  return renderPage(props, {
    title: wordsFor(props).error[fault].title,
    main: html`${ordered.map((language, index) => {
      const { error, page } = wordsFor({ ...props, language });
      const title = error[fault].title;
      return html`<section lang="${tagOf(language)}" class="sheet">${index === 0 ? html`<h1>${title}</h1>` : html`<h2>${title}</h2>`}
<p>${error[fault].text}</p>
<p><a href="/">${page.backToStatus}</a></p></section>`;
    })}`,
    footer: html`<p>${wordsFor(props).page.madeBy} Tidewatch</p>`,
  });
}
