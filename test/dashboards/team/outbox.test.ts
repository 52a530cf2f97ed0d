import { expect, test } from "vitest";
import type { Language } from "../../../core/language.ts";
import type { OutboxReport } from "../../../core/reports.ts";
import { outboxPage } from "../../../dashboards/team/outbox.ts";
import { calmOutbox, noticeStatus, troubledOutbox, unsentStatus } from "../../helpers/outbox-scene.ts";

const page = async (report: Partial<OutboxReport>, language: Language = "en") =>
  (
    await outboxPage(
      { ...calmOutbox, ...report },
      {
        language,
        organisation: { name: { en: "Test", fr: "Essai" }, timeZone: "America/Winnipeg" },
        practice: false,
        signedIn: "TechOps",
      },
    )
  ).replaceAll("\u00a0", " ");
const headline = (html: string) => /<h1>.*?<span>(.*?)<\/span><\/h1>/s.exec(html)?.[1];
/** Cells of one row, as text. */
const cells = (html: string, of: string) => {
  const row = html.split("<tr").find((one) => one.includes(of)) ?? "";
  return [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = ""]) => cell.replaceAll(/<[^>]+>/g, ""));
};
const waiting = (dueSeconds: number) => ({
  notice: unsentStatus({ lastError: "451 4.7.1 Greylisted" }),
  dueSeconds,
});

test.each([
  ["all calm", {}, "All that was due has been accepted"],
  ["one is on its way", { stored: { waiting: [waiting(3)], due: 1, newest: [] } }, "1 message is on the way"],
  [
    "one is late",
    { stored: { waiting: [waiting(300), waiting(3)], due: 2, newest: [] } },
    "2 messages are due and not accepted, the oldest for 5 minutes",
  ],
  [
    "a channel accepts nothing",
    { sick: [{ channel: "email", seconds: 30, why: "550 no" }] },
    "email accepts nothing: who is to be told that way does not hear of it",
  ],
  [
    "a channel does not reach one",
    { sick: [{ channel: "email", seconds: 30, why: "550 no", readers: ["contractor"] }] },
    "email does not reach everybody",
  ],
  ["the store cannot be read", { stored: undefined }, "The list of messages cannot be read at the moment"],
] as const)("says the worst in its headline: %s", async (_name, report, sentence) => {
  expect(headline(await page(report))).toBe(sentence);
});

test("a sick channel stands there with since when and why, though the store cannot be read", async () => {
  const html = await page({ ...troubledOutbox, stored: undefined });
  expect(cells(html, ">sms<")).toEqual([
    "sms",
    "Accepts nothing for Robin Contractor and gone",
    "Nov 23, 13:41 Winnipeg (UTC-5) · less than a minute",
    "no answer within 20 s",
  ]);
  expect(cells(html, ">email<")[2]).toBe("Nov 23, 13:37 Winnipeg (UTC-5) · 5 minutes");
  expect(html).toContain("the disk is full: make room");
});

test("says of each message to whom, by what, since when it is due, and with which answer", async () => {
  const html = await page({ stored: { waiting: [waiting(300)], due: 1, newest: [noticeStatus({ copies: 2 })] } });
  expect(cells(html, "Greylisted")).toEqual([
    "Page: [Tidewatch #42] Mastodon is down",
    "Robin Contractor",
    "email",
    "Nov 23, 13:37 Winnipeg (UTC-5) · 5 minutes",
    "Tried once; next try Nov 23, 13:37 Winnipeg (UTC-5). Not accepted yet. 451 4.7.1 Greylisted",
  ]);
  expect(cells(html, "copies may")).toEqual([
    "Page: [Tidewatch #42] Mastodon is down",
    "Robin Contractor",
    "email",
    "Nov 23, 13:37 Winnipeg (UTC-5)",
    "Accepted Nov 23, 13:37 Winnipeg (UTC-5) (up to 2 copies may have arrived)",
  ]);
});

test("what strangers say is text, short and visible; the text of a message and its links are not shown", async () => {
  const html = await page(troubledOutbox);
  expect(html).toContain("550 5.7.1 &lt;script&gt;alert(1)&lt;/script&gt; nnn");
  for (const harm of ["<script", "\u001b", "\u202e", "n".repeat(300)]) expect(html).not.toContain(harm);
  expect(html).not.toContain("what only the reader of the mail should see");
});

test("rows that cannot be read are listed apart, and all others as ever", async () => {
  const html = await page(troubledOutbox);
  expect(cells(html, "incident-7.0")).toEqual(["incident-7.0.x.email", "column kind holds &quot;reminder&quot;"]);
  expect(html).toContain("Escalation: ");
});

test("speaks French", async () => {
  const html = await page(troubledOutbox, "fr");
  expect(headline(html)).toBe("email : rien n’est accepté, et personne n’est averti par cette voie");
  expect(html).toContain("Les derniers messages");
});
