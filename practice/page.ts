/** /practice: the web page with the switches that break and mend services, and the mails that went out. */
import { Hono } from "hono";
import { html, raw } from "hono/html";
import { streamSSE } from "hono/streaming";
import type { Html } from "../dashboards/parts/html.ts";
import { renderPage, styleSource } from "../dashboards/parts/layout.ts";
import type { PracticeCoop, Switch } from "./co-op.ts";
import type { CaughtMail } from "./servers/mail.ts";

export interface PracticePage {
  readonly coop: PracticeCoop;
  readonly organisation: Parameters<typeof renderPage>[0]["organisation"];
  /** Address of the status page. */
  readonly publicUrl: string;
  /** A link that signs in to the team pages; made anew at each view, because it works once. */
  signInLink(): Promise<string>;
}

const shownMails = 30;
const style = `.switches{list-style:none;margin:0;padding:0;display:grid;gap:1.25rem}
.switches li{display:grid;grid-template-columns:minmax(0,15rem) minmax(0,1fr);gap:.35rem 1.25rem;align-items:center}
.switches form,.switches p{margin:0}
.switches button{width:100%}
@media(max-width:34rem){.switches li{grid-template-columns:1fr}}
main>p{margin-top:.75rem;max-width:60ch}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.9rem;padding:.75rem 1rem;background:var(--card);border:1px solid var(--line);border-radius:.5rem}
details{margin-top:.5rem}
#mail-list{margin-top:.75rem}`;

export function practiceApp(page: PracticePage): Hono {
  const app = new Hono();
  const { coop } = page;
  app.use(async (context, next) => {
    await next();
    context.header(
      "Content-Security-Policy",
      `default-src 'none'; style-src ${styleSource()} ${styleSource(style)}; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    );
    context.header("Cache-Control", "no-store");
  });
  app.get("/practice", async (context) =>
    context.html(
      await renderPage(
        { language: "en", organisation: page.organisation, practice: true },
        {
          title: "Practice",
          main: content(page),
          footer: html`<p><a href="${page.publicUrl}/">The status page</a></p>`,
        },
      ),
    ),
  );
  app.get("/practice/mails", async (context) => context.html(await mailList(coop.mails.mails())));
  app.get("/practice/mails.json", (context) => context.json(coop.mails.mails()));
  app.get("/practice/sign-in", async (context) => context.redirect(await page.signInLink(), 303));
  app.get("/practice/practice.js", (context) =>
    context.body(enhancement, 200, { "Content-Type": "text/javascript; charset=utf-8" }),
  );
  app.get("/practice/events", (context) =>
    streamSSE(context, async (stream) => {
      const { promise: closed, resolve: close } = Promise.withResolvers<void>();
      stream.onAbort(close);
      using _ = coop.mails.onMail(({ subject }) => void stream.writeSSE({ event: "mail", data: subject }));
      await stream.writeSSE({ event: "hello", data: "" });
      await closed;
    }),
  );
  app.post("/practice/switches/:id/:turn{break|mend}", async (context) => {
    const { id, turn } = context.req.param();
    const found = coop.switches.find((one) => one.id === id);
    if (!found) return context.notFound();
    if (!sameSite(context.req.raw))
      return context.text("This may only be asked for by the practice page itself.\n", 403);
    await found.turn(turn === "break");
    return context.redirect("/practice", 303);
  });
  return app;
}

/** Browsers say where a form comes from; programs without a browser are let through. */
function sameSite(request: Request): boolean {
  const site = request.headers.get("sec-fetch-site");
  return site === null || site === "same-origin";
}

function content({ coop, publicUrl }: PracticePage): Html {
  return html`<style>${raw(style)}</style>
<h1>Break something. See what happens.</h1>
<p>Everything here is real but the three services: a PostgreSQL, a Redis with job queues, a mail server, and the whole of
Tidewatch watching them. Keep the <a href="${publicUrl}/" target="_blank" rel="noopener">status page</a> open beside this one, and the
<a href="/practice/sign-in" target="_blank" rel="noopener">team pages</a> if you like.</p>
${coop.withoutQueues === undefined ? "" : html`<p role="note"><strong>Without queues.</strong> ${coop.withoutQueues}</p>`}
<section aria-labelledby="switches"><h2 id="switches">Switches</h2>
<ul class="switches">${coop.switches.map(switchItem)}</ul></section>
<section aria-labelledby="mails"><h2 id="mails">Mails that went out</h2>
<div id="mail-list" aria-live="polite">${mailList(coop.mails.mails())}</div></section>
<script src="/practice/practice.js" defer></script>`;
}

function switchItem({ id, breaks, mends, expect, broken }: Switch): Html {
  const now = broken();
  return html`<li><form method="post" action="/practice/switches/${id}/${now ? "mend" : "break"}">
<button>${now ? mends : breaks}</button></form>
<p class="muted">${now ? html`<strong>Broken now.</strong> ` : ""}${expect}</p></li>`;
}

function mailList(mails: readonly CaughtMail[]): Html {
  if (mails.length === 0) return html`<p class="muted">None yet.</p>`;
  return html`${mails
    .toReversed()
    .slice(0, shownMails)
    .map(
      ({ at, to, subject, text }, index) => html`<details${index === 0 ? html` open` : ""}>
<summary><time datetime="${at.toString()}">${at.toString({ smallestUnit: "second" }).slice(11, 19)} UTC</time> ${to.join(", ")}: <strong>${subject}</strong></summary>
<pre>${linked(text)}</pre></details>`,
    )}`;
}

/** Every second piece of a text split at its addresses is an address. */
const linked = (text: string): readonly (Html | string)[] =>
  text
    .split(/(https?:\/\/\S+)/)
    .map((piece, index) =>
      index % 2 === 1 ? html`<a href="${piece}" target="_blank" rel="noopener">${piece}</a>` : piece,
    );

/** Only a comfort: without it, reloading the page shows the same. */
const enhancement = `const list = document.getElementById("mail-list");
new EventSource("/practice/events").addEventListener("mail", async () => {
  list.innerHTML = await (await fetch("/practice/mails")).text();
});
`;
