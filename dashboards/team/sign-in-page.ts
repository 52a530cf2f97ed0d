/** The pages for signing in, and the team's start page with the links to its pages. */
import { html } from "hono/html";
import { wordsFor } from "../parts/lang-attribute.ts";
import { type LayoutProps, renderPage } from "../parts/layout.ts";
import type { TeamPage } from "./team-page.ts";

/** Asks for an address. */
export function signInPage(props: LayoutProps): Promise<string> {
  const text = wordsFor(props).signIn;
  return renderPage(props, {
    title: text.title,
    main: html`<div class="sheet"><h1>${text.title}</h1>
<p>${text.ask}</p>
<form method="post" action="/team/sign-in"><label for="email">${text.email}</label>
<input id="email" name="email" type="email" autocomplete="email" maxlength="254" required>
<button>${text.send}</button></form></div>`,
  });
}

/** The same words whoever asked: it does not tell who belongs to the team. */
export function linkSentPage(props: LayoutProps): Promise<string> {
  const text = wordsFor(props).signIn;
  return renderPage(props, {
    title: text.sent,
    main: html`<div class="sheet"><h1>${text.sent}</h1><p>${text.sentMeans}</p></div>`,
  });
}

/** What the one-time link opens. Mail scanners open it too, so only the button signs in. */
export function confirmSignInPage(name: string, props: LayoutProps): Promise<string> {
  const text = wordsFor(props).signIn;
  return renderPage(props, {
    title: text.confirmTitle,
    main: html`<div class="sheet"><h1>${text.confirmTitle}</h1><p>${text.confirm(name)}</p>
<form method="post"><button>${text.button}</button></form></div>`,
  });
}

export function teamPage(props: LayoutProps, pages: readonly TeamPage[]): Promise<string> {
  const words = wordsFor(props);
  const text = words.signIn;
  return renderPage(props, {
    title: text.pages,
    main: html`<h1>${text.pages}</h1>
<p class="muted">${props.signedIn === undefined ? "" : text.signedInAs(props.signedIn)}</p>
<ul class="links">${pages.map(({ address, title, summary }) => html`<li><a href="${address}">${title(words)}</a><p class="muted">${summary(words)}</p></li>`)}
</ul>`,
  });
}
