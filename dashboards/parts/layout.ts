/** The layout of every page: head, practice ribbon, header with the language switch, footer; style is inlined, nothing is fetched. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { html, raw } from "hono/html";
import type { Language, Localised } from "../../core/language.ts";
import { nameOf, tagOf } from "../../core/languages/translations.ts";
import type { Outcome } from "../../core/sample.ts";
import { pause } from "../../core/time-slices.ts";
import type { Html } from "./html.ts";
import { textFor, withLanguages, wordsFor } from "./lang-attribute.ts";
import { iconAddress, signs } from "./state.ts";

/** What every page for one visitor is rendered with. */
export interface LayoutProps {
  readonly language: Language;
  readonly organisation: {
    readonly name: Localised;
    readonly url?: string;
    readonly timeZone: string;
    /** Text that the visitor's language lacks falls back to the first one. */
    readonly languages?: readonly [Language, ...Language[]];
  };
  /** Shows the ribbon that says that nothing here is real. */
  readonly practice: boolean;
  /** The same page in the other languages. */
  readonly alternates?: readonly { readonly language: Language; readonly href: string }[];
  /** Name of the member of the team who is signed in. */
  readonly signedIn?: string;
}

export interface Page {
  /** Without the name of the organisation. */
  readonly title: string;
  readonly main: Html;
  readonly description?: string;
  /** Colours the icon in the tab. */
  readonly outcome?: Outcome;
  readonly footer?: Html;
  /** More room for charts and tables. */
  readonly wide?: boolean;
}

const style = minified(readFileSync(new URL("../public/style.css", import.meta.url), "utf8"));

/** Source expression of a Content-Security-Policy that allows exactly this style sheet. */
export function styleSource(css: string = style): string {
  return `'sha256-${createHash("sha256").update(css).digest("base64")}'`;
}

/** The style sheet inside a finished page, which may have been made by an older release. */
export function styleOf(page: string): string {
  return /<style>([^<]*)<\/style>/.exec(page)?.[1] ?? "";
}

export async function renderPage(props: LayoutProps, page: Page): Promise<string> {
  const text = wordsFor(props).page;
  const organisation = textFor(props.organisation.name, props);
  const content = html`<!doctype html>
<html lang="${tagOf(props.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title} · ${organisation}</title>
${page.description === undefined ? html`<meta name="robots" content="noindex">` : html`<meta name="description" content="${page.description}">`}
<link rel="icon" href="${iconAddress(page.outcome)}">
${(props.alternates ?? []).map(({ language, href }) => html`<link rel="alternate" hreflang="${tagOf(language)}" href="${href}">`)}
<style>${raw(style)}</style>
</head>
<body${page.wide ? html` class="wide"` : ""}>
<a class="skip" href="#main">${text.skip}</a>
${signs}
${props.practice ? html`<aside class="ribbon" aria-label="${text.practice}"><strong>${text.practice}</strong> ${text.practiceMeans}</aside>` : ""}
<header>
<p class="organisation">${organisationLink(props.organisation.url, organisation)}</p>
${languageSwitch(props)}
${props.signedIn === undefined ? "" : session(props, props.signedIn)}
</header>
<main id="main">
${page.main}
</main>
<footer>
${page.footer ?? html`<p><a href="/">${text.backToStatus}</a></p>`}
</footer>
</body>
</html>
`;
  const whole = String(await content);
  await pause();
  return withLanguages(whole, props.language);
}

function organisationLink(url: string | undefined, name: string): Html {
  return url !== undefined && /^https?:\/\//.test(url) ? html`<a href="${url}">${name}</a>` : html`${name}`;
}

function languageSwitch(props: LayoutProps): Html | string {
  const { language, alternates } = props;
  if (!alternates || alternates.length < 2) return "";
  return html`<nav aria-label="${wordsFor(props).page.otherLanguage}">${alternates.map((other) =>
    other.language === language
      ? html`<span aria-current="page">${nameOf(other.language)}</span>`
      : html`<a href="${other.href}" lang="${tagOf(other.language)}" hreflang="${tagOf(other.language)}">${nameOf(other.language)}</a>`,
  )}</nav>`;
}

function session(props: LayoutProps, name: string): Html {
  const text = wordsFor(props).signIn;
  return html`<nav aria-label="${text.pages}"><a href="/team/">${text.pages}</a>
<form method="post" action="/team/sign-out"><button title="${text.signedInAs(name)}">${text.signOut}</button></form></nav>`;
}

/** Removes comments and unneeded spaces; good for the plain style sheet we write, not for every one. */
function minified(css: string): string {
  return css
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\s+/g, " ")
    .replace(/ ?([{};,>]) ?/g, "$1")
    .replace(/: /g, ":")
    .replaceAll(";}", "}")
    .trim();
}
