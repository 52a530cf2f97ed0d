/** The panel of the practice page that stays in sight: what members read now, which mails wait, and the newest mail. */
import { html, raw } from "hono/html";
import { type Outcome, outcomes } from "../core/sample.ts";
import type { NoticeStatus, Outbox } from "../core/store/outbox.ts";
import type { Html } from "../dashboards/parts/html.ts";
import { sign } from "../dashboards/parts/state.ts";
import type { CaughtMail, MailCatcher } from "./servers/mail.ts";

export interface NowParts {
  readonly mails: Pick<MailCatcher, "mails" | "blocked">;
  readonly outbox: Pick<Outbox, "recent">;
  /** Address of the status page. */
  readonly publicUrl: string;
}

/** Whatever changes by itself has an id and `data-live`: the script of the page puts its newest content there. */
export async function nowPanel({ mails, outbox, publicUrl }: NowParts): Promise<Html> {
  const [said, notices] = await Promise.all([membersRead(publicUrl), outbox.recent(200)]);
  const newest = mails.mails().at(-1);
  const isBlocked = mails.blocked() !== "none";
  // One that is on its way for the first time is there in a moment.
  const waiting = notices
    .filter(({ state }) => state === "pending" || state === "sending")
    .filter(({ lastError }) => isBlocked || lastError !== undefined);
  return html`<section class="now" tabindex="0" aria-labelledby="now"><h2 id="now" class="hidden">What is seen now</h2>
<p id="members-read" data-live aria-live="polite">${said ?? "The status page does not answer."}</p>
<p id="mails-wait" data-live aria-live="polite">${waitingText(isBlocked, waiting)}</p>
<p id="newest-mail" data-live aria-live="polite">${newest ? html`Newest mail: ${mailHead(newest)}` : noMail(isBlocked || waiting.length > 0)}</p>
<div id="newest-text" data-live>${newest ? mailText(newest) : ""}</div>
<noscript><p class="muted">Without scripts this stays as it is. Reload the page to see what comes next.</p></noscript></section>`;
}

/** Who got it and what it is about. */
export function mailHead({ at, to, subject }: CaughtMail): Html {
  return html`${clock(at)} ${to.join(", ")}: <strong>${subject}</strong>`;
}

export const mailText = ({ text }: CaughtMail): Html => html`<pre>${linked(text)}</pre>`;

/** Every second piece of a text split at its addresses is an address. */
const linked = (text: string): readonly (Html | string)[] =>
  text
    .split(/(https?:\/\/\S+)/)
    .map((piece, index) =>
      index % 2 === 1 ? html`<a href="${piece}" target="_blank" rel="noopener">${piece}</a>` : piece,
    );

const clock = (at: Temporal.Instant): Html =>
  html`<time datetime="${at.toString()}">${at.toString({ smallestUnit: "second" }).slice(11, 19)} UTC</time>`;

/** The sentence of the status page, asked for as any member does. */
async function membersRead(publicUrl: string): Promise<Html | undefined> {
  const page = await fetch(`${publicUrl}/en/`, { signal: AbortSignal.timeout(2000) }).then(
    (answer) => answer.text(),
    () => "",
  );
  const [, shown, sentence] = /<div class="verdict (\w+)">\s*<h1>.*?<span>(.*?)<\/span>/s.exec(page) ?? [];
  const outcome = outcomes.find((one) => one === shown);
  return outcome && sentence ? memberSentence(outcome, sentence) : undefined;
}

/** @param sentence as HTML of our own. */
const memberSentence = (outcome: Outcome, sentence: string): Html =>
  html`Members read: <span class="${outcome}">${sign(outcome)} <strong>${raw(sentence)}</strong></span>`;

const noMail = (isHeld: boolean): string =>
  isHeld ? "No mail went out yet." : "No mail went out yet: one comes some seconds after something breaks.";

function waitingText(isBlocked: boolean, waiting: readonly NoticeStatus[]): Html | string {
  const [first] = waiting.map(({ notBefore }) => notBefore).toSorted(Temporal.Instant.compare);
  if (!first) return isBlocked ? "Mail is blocked, and none waits yet: break something as well." : "";
  const many = waiting.length === 1 ? "1 mail waits" : `${waiting.length} mails wait`;
  return html`${isBlocked ? "Mail is blocked: " : ""}<strong>${many}</strong>, since ${clock(first)}.${isBlocked ? "" : " Each is tried again within a minute."}`;
}
