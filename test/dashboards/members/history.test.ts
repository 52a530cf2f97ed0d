import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type Language, sameInAll } from "../../../core/language.ts";
import { type HistoryInput, historyModel } from "../../../core/status/history.ts";
import { compressPage } from "../../../dashboards/members/compressed-page.ts";
import { historyPage } from "../../../dashboards/members/history.ts";
import { withNote } from "../../../dashboards/parts/note.ts";
import { ago, cosocial, daySeconds, outage, service, vancouver } from "../../helpers/status-scene.ts";

const now = Temporal.Instant.from("2026-11-23T18:42:10Z");
const alternates = [
  { language: "en", href: "/en/history" },
  { language: "fr", href: "/fr/history" },
] as const;
const mastodon = service("mastodon", [], { name: "Mastodon" });
const podcasts = service("podcasts", [], { name: { en: "Podcasts", fr: "Balados" } });
const measuredSince = (text: string) => ({
  from: Temporal.Instant.from(text).epochMilliseconds,
  to: now.epochMilliseconds,
});

const render = (given: Partial<HistoryInput> = {}, language: Language = "en", practice = false) =>
  historyPage(
    historyModel({
      now,
      zone: vancouver,
      targets: [mastodon.target, podcasts.target],
      incidents: [],
      annotations: [],
      measured: [measuredSince("2026-09-10T12:00Z")],
      ...given,
    }),
    { language, organisation: cosocial, practice, alternates },
  );

/** What a reader sees, without tags. */
const textOf = (page: string) =>
  page
    .replace(/<(style|title)>[\s\S]*?<\/\1>/g, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .replaceAll("\u00a0", " ");

const eventful: Partial<HistoryInput> = {
  incidents: [
    outage(now, 43, podcasts, { startedSecondsAgo: 900 }),
    outage(now, 42, mastodon, { startedSecondsAgo: 40 * daySeconds, resolvedSecondsAgo: 40 * daySeconds - 900 }),
  ],
  annotations: [
    {
      target: "mastodon",
      at: ago(now, 30 * daySeconds),
      text: { en: "upgraded 4.3.2 → 4.4.0", fr: "mis à niveau 4.3.2 → 4.4.0" },
    },
  ],
};

test("a past incident reads: what, from when to when with city and offset, how long, and how it ended", async () => {
  const text = textOf(await render(eventful));
  expect(text).toContain("Checked at Nov 23, 11:42 Vancouver (UTC-7) To the status page");
  expect(text).toContain(
    "October 2026 Mastodon: upgraded 4.3.2 → 4.4.0, Oct 24, 11:42 Vancouver (UTC-7) Resolved: “Mastodon is down” From Oct 14, 11:42 to 11:57 Vancouver (UTC-7) · lasted 15 minutes · No. 42 Mastodon works again. It was out of reach for 15 minutes.",
  );
  expect(text).toContain("September 2026 No incidents.");
  expect(text).toContain("Our records begin on September 10, 2026, 05:00 Vancouver (UTC-7)");
});

test("the same in French, as it is written in Canada", async () => {
  const page = await render(eventful, "fr");
  const text = textOf(page);
  expect(page).toContain('<html lang="fr-CA">');
  expect(text).toContain("Octobre 2026 Mastodon : mis à niveau 4.3.2 → 4.4.0, 24 oct. à 11 h 42, Vancouver (UTC−7)");
  expect(text).toContain("Du 14 oct. à 11 h 42 jusqu’à 11 h 57, Vancouver (UTC−7) · a duré 15 minutes · Nº 42");
  expect(text).toContain("Septembre 2026 Aucun incident.");
  expect(text).toContain("Nos données commencent le 10 septembre 2026 à 5 h, Vancouver (UTC−7)");
});

test("what is not over yet leads to the page that follows it, and its month is not called calm", async () => {
  const page = await render(eventful);
  expect(page).toContain('<a href="/en/#incident-43">Podcasts is down</a>');
  expect(textOf(page)).toContain(
    "November 2026 Podcasts is down Since Nov 23, 11:27 Vancouver (UTC-7) · not over yet · No. 43",
  );
});

test("moments, months included, are machine readable", async () => {
  const page = await render(eventful);
  expect(page).toContain('<time datetime="2026-10">October 2026</time>');
  expect(page).toContain('<time datetime="2026-10-14T18:42:10Z">Oct 14, 11:42</time>');
  expect(page).toContain('<time datetime="2026-10-14T18:57:10Z">11:57 Vancouver (UTC-7)</time>');
});

test("where we were not measuring, no calm is claimed", async () => {
  const until = (from: string, to: string) => ({
    from: Temporal.Instant.from(from).epochMilliseconds,
    to: Temporal.Instant.from(to).epochMilliseconds,
  });
  const measured = [until("2026-08-03T12:00Z", "2026-08-31T00:00Z"), measuredSince("2026-10-01T13:00Z")];
  const text = textOf(await render({ measured }));
  expect(text).toContain("November 2026 No incidents. October 2026");
  expect(text).toContain(
    "October 2026 No incidents while we were measuring. We were not measuring for 6 hours in total.",
  );
  expect(text).toContain("September 2026 We were not measuring, so nothing is known of this month.");
  const french = textOf(await render({ measured }, "fr"));
  expect(french).toContain(
    "Octobre 2026 Aucun incident pendant que nous mesurions. Pendant 6 heures au total, nous ne mesurions pas.",
  );
  expect(french).toContain("Septembre 2026 Nous ne mesurions pas : nous ne savons rien de ce mois.");
});

test("an incident that went on keeps the next month from being called calm", async () => {
  const incidents = [
    outage(now, 1, mastodon, { startedSecondsAgo: 60 * daySeconds, resolvedSecondsAgo: 40 * daySeconds }),
  ];
  const text = textOf(await render({ incidents }));
  expect(text).toContain("October 2026 No new incidents; an earlier one went on.");
  expect(text).toContain("November 2026 No incidents.");
});

test("what is older than the months shown is not denied", async () => {
  const text = textOf(await render({ measured: [measuredSince("2024-01-01T00:00Z")] }));
  expect(text).toContain("December 2025 No incidents. We keep what is older, but do not show it here.");
  expect(text).not.toContain("November 2025");
});

test("a new installation says that there is nothing yet", async () => {
  expect(textOf(await render({ measured: [] }))).toContain("There is nothing to show here yet.");
  expect(textOf(await render({ measured: [] }, "fr"))).toContain("Il n’y a encore rien à afficher ici.");
});

test("names, sentences and versions of strangers stay text", async () => {
  const hostile = `</title></style><script>alert(1)</script><img src=x onerror=alert(1)>"'&<!--note-->`;
  const cursed = service("mastodon", [], { name: hostile });
  const facts = { title: sameInAll(hostile), explanation: sameInAll(hostile) };
  const page = await render({
    targets: [cursed.target],
    incidents: [
      outage(now, 2, cursed, { startedSecondsAgo: 900, facts }),
      outage(now, 1, cursed, { startedSecondsAgo: 9000, resolvedSecondsAgo: 8000, facts }),
    ],
    annotations: [{ target: "mastodon", at: ago(now, 5000), text: sameInAll(`upgraded ${hostile}`) }],
  });
  expect(page).not.toContain("<script");
  expect(page).not.toContain("<img");
  expect(page.match(/<\/title>/g)).toHaveLength(1);
  expect(page.match(/<\/style>/g)).toHaveLength(1);
  expect(page).toContain("upgraded &lt;/title&gt;");
  expect(withNote(page, "store", "en").match(/class="note degraded"/g)).toHaveLength(1);
});

test("nothing is fetched and nothing runs; the other language and the status page are a tap away", async () => {
  const page = await render(eventful);
  expect(page).not.toMatch(/<script|<link rel="stylesheet|<img|@import|url\(|\son\w+=|style="/);
  const linked = [...page.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, address]) => address);
  expect(new Set(linked)).toEqual(
    new Set(["#main", "https://cosocial.example", "/fr/history", "/en/", "/en/#incident-43"]),
  );
});

test("practice wears its ribbon here too", async () => {
  expect(await render(eventful, "en", true)).toContain("Nothing on this page is real");
  expect(await render(eventful, "en", false)).not.toContain("Nothing on this page is real");
});

test("a year of more than can be told fits into 20 kB, style and all", async () => {
  const services = Array.from({ length: 50 }, (_, index) =>
    service(`service-${index}`, [], { name: `Service number ${index}` }),
  );
  const of = (index: number) => services[(index * 7) % services.length] ?? mastodon;
  const incidents = Array.from({ length: 1000 }, (_, index) => {
    const startedSecondsAgo = (index + 1) * 150_000 + ((index * 7919) % 60_000);
    const lasted = 60 + ((index * 104_729) % 40_000);
    return outage(now, 1000 - index, of(index), { startedSecondsAgo, resolvedSecondsAgo: startedSecondsAgo - lasted });
  });
  const annotations = Array.from({ length: 500 }, (_, index) => ({
    target: of(index).target.id,
    at: ago(now, (index + 1) * 50_021),
    text: { en: `upgraded 4.${index}.2 → 4.${index + 1}.0`, fr: `mis à niveau 4.${index}.2 → 4.${index + 1}.0` },
  }));
  const measured = [measuredSince("2024-01-01T00:00Z")];
  const page = await render({ targets: services.map(({ target }) => target), incidents, annotations, measured }, "fr");
  expect((await compressPage(page, page)).variants.br.fixed.whole.body?.length).toBeLessThan(20_000);
  expect(gzipSync(page).length).toBeLessThan(20_000);
});
