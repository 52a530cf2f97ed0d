/** /practice: the web page with the switches that break and mend services, what members read, and the mails that went out. */
import { Hono } from "hono";
import { html, raw } from "hono/html";
import type { Html } from "../dashboards/parts/html.ts";
import { renderPage, styleSource } from "../dashboards/parts/layout.ts";
import type { PracticeCoop, Switch } from "./co-op.ts";
import { mailHead, mailText, type NowParts, nowPanel } from "./now.ts";
import type { CaughtMail } from "./servers/mail.ts";

export interface PracticePage extends Pick<NowParts, "outbox" | "publicUrl"> {
  readonly coop: Pick<PracticeCoop, "switches" | "mails" | "withoutQueues">;
  readonly organisation: Parameters<typeof renderPage>[0]["organisation"];
  /** A link that signs in to the team pages; made anew at each view, because it works once. */
  signInLink(): Promise<string>;
}

const shownMails = 30;
/** What is seen now stays in sight: above the switches on a phone, beside them on a wide screen. */
const style = `:root{--now:clamp(12rem,36vh,16rem)}
html{scroll-padding-top:calc(var(--now) + 1rem)}
.bench .now{position:sticky;top:0;max-height:var(--now);overflow:auto;margin-top:1.25rem;padding:.75rem 1rem;background:var(--card);border:1px solid var(--line);border-radius:.4rem;font-size:.95rem}
.now p:empty{display:none}
.now p+p{margin-top:.5rem}
.now span strong{color:var(--state)}
.switches{list-style:none;margin:0;padding:0;display:grid;gap:1.25rem}
.switches li{display:grid;grid-template-columns:minmax(0,15rem) minmax(0,1fr);gap:.35rem 1.25rem;align-items:center}
.switches form,.switches p{margin:0}
.switches button{width:100%;margin:0}
main>p{margin-top:.75rem;max-width:60ch}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem;margin:.5rem 0 0}
#mail-list{margin-top:.75rem}
#mail-list pre{padding:.75rem 1rem;background:var(--card);border:1px solid var(--line);border-radius:.4rem}
@media(max-width:34rem){.switches li{grid-template-columns:1fr}}
@media(max-height:30rem){html{scroll-padding-top:1rem}.bench .now{position:static;max-height:none}}
@media(min-width:60rem){html{scroll-padding-top:1rem}
.bench{display:grid;grid-template-columns:minmax(0,1fr) 24rem;column-gap:2.5rem;align-items:start}
.bench .now{grid-area:1/2/span 2;top:1rem;max-height:calc(100vh - 12rem);margin-top:2.75rem}}`;

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
          wide: true,
          main: await content(page),
          footer: html`<p><a href="${page.publicUrl}/">The status page</a></p>`,
        },
      ),
    ),
  );
  app.get("/practice/mails.json", (context) => context.json(coop.mails.mails()));
  app.get("/practice/sign-in", async (context) => context.redirect(await page.signInLink(), 303));
  app.get("/practice/practice.js", (context) =>
    context.body(enhancement, 200, { "Content-Type": "text/javascript; charset=utf-8" }),
  );
  app.post("/practice/switches/:id/:turn{break|mend}", async (context) => {
    const { id, turn } = context.req.param();
    const found = coop.switches.find((one) => one.id === id);
    if (!found) return context.notFound();
    if (!sameSite(context.req.raw))
      return context.text("This may only be asked for by the practice page itself.\n", 403);
    await found.turn(turn === "break");
    return context.redirect(`/practice#${anchor(found)}`, 303);
  });
  return app;
}

/** Browsers say where a form comes from; programs without a browser are let through. */
function sameSite(request: Request): boolean {
  const site = request.headers.get("sec-fetch-site");
  return site === null || site === "same-origin";
}

async function content({ coop, outbox, publicUrl }: PracticePage): Promise<Html> {
  return html`<style>${raw(style)}</style>
<h1>Break something. See what happens.</h1>
<p>Everything here is real but the three services: a PostgreSQL, a Redis with job queues, a mail server, and the whole of
Tidewatch watching them. Keep the <a href="${publicUrl}/" target="_blank" rel="noopener">status page</a> open beside this one, and the
<a href="/practice/sign-in" target="_blank" rel="noopener">team pages</a> if you like.</p>
${coop.withoutQueues === undefined ? "" : html`<p role="note"><strong>Without queues.</strong> ${coop.withoutQueues}</p>`}
<div class="bench">${await nowPanel({ mails: coop.mails, outbox, publicUrl })}
<section aria-labelledby="switches"><h2 id="switches">Switches</h2>
<ul class="switches">${coop.switches.map(switchItem)}</ul></section>
<section aria-labelledby="mails"><h2 id="mails">Mails that went out</h2>
<div id="mail-list" data-live>${mailList(coop.mails.mails())}</div></section></div>
<script src="/practice/practice.js" defer></script>`;
}

/** Where the page is shown again once this switch was turned. */
const anchor = ({ id }: Pick<Switch, "id">): string => `switch-${id}`;

function switchItem({ id, breaks, mends, expect, broken }: Switch): Html {
  const now = broken();
  return html`<li id="${anchor({ id })}"><form method="post" action="/practice/switches/${id}/${now ? "mend" : "break"}">
<button>${now ? mends : breaks}</button></form>
<p class="muted">${now ? html`<strong>Broken now.</strong> ` : ""}${expect}</p></li>`;
}

function mailList(mails: readonly CaughtMail[]): Html {
  if (mails.length === 0) return html`<p class="muted">None yet.</p>`;
  return html`${mails
    .map(
      (mail, index) =>
        html`<details id="mail-${index}"><summary>${mailHead(mail)}</summary>${mailText(mail)}</details>`,
    )
    .slice(-shownMails)
    .reverse()}`;
}

/** Only a comfort: without it, reloading the page shows the same, at the same place. What is unfolded stays so. */
const enhancement = `const parts = [...document.querySelectorAll("[data-live]")];
const shown = new Map(parts.map(({ id, innerHTML }) => [id, innerHTML]));
async function look() {
  const answer = await fetch("/practice");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const fresh = page.getElementById(part.id);
    if (!fresh || fresh.innerHTML === shown.get(part.id)) continue;
    shown.set(part.id, fresh.innerHTML);
    for (const { id } of part.querySelectorAll("details[open]")) page.getElementById(id)?.setAttribute("open", "");
    part.replaceChildren(...fresh.childNodes);
  }
}
function stopped() {
  shown.delete(parts[0].id);
  parts[0].textContent = "The practice co-op does not answer: it was stopped.";
}
setInterval(() => document.hidden || look().catch(stopped), 1000);
`;
