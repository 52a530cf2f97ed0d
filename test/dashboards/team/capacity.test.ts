import { expect, test } from "vitest";
import { type CapacityModel, capacityModel } from "../../../core/capacity/capacity.ts";
import type { Language } from "../../../core/language.ts";
import type { Annotation } from "../../../core/upgrade.ts";
import { capacityPage } from "../../../dashboards/team/capacity.ts";

const gigabyte = 1e9;
const now = Temporal.Instant.from("2026-11-23T10:12:00Z");
const midnight = Temporal.Instant.from("2026-11-23T00:00Z");

const daily = (days: number, used: (day: number) => number) =>
  Array.from({ length: days }, (_, day) => ({
    at: midnight.subtract({ hours: 24 * (days - 1 - day) }),
    value: used(day) * gigabyte,
  }));

/** A database of 100 GB that grows by 0.2 GB a day to 68 GB. */
function growing(change: Partial<Parameters<typeof capacityModel>[0]> = {}): CapacityModel {
  const points = change.daily ?? daily(120, (day) => 44.2 + 0.2 * day + 0.1 * Math.sin(day));
  return capacityModel({
    target: { id: "database", name: { en: "Database", fr: "Base de données" } },
    plan: {
      check: "growth",
      limitBytes: 100 * gigabyte,
      usableFraction: 0.9,
      leadDays: 14,
      sizes: [
        { name: "100 GB", bytes: 100 * gigabyte, monthly: 120 },
        { name: "250 GB", bytes: 250 * gigabyte, monthly: 290.5 },
      ],
    },
    store: "cluster",
    daily: points,
    newest: { at: now, value: points.at(-1)?.value ?? 0 },
    parts: [],
    now,
    ...change,
  });
}

const page = async (
  models: readonly CapacityModel[],
  language: Language = "en",
  annotations: readonly Annotation[] = [],
) =>
  (
    await capacityPage(models, {
      language,
      organisation: { name: { en: "Test", fr: "Essai" }, timeZone: "America/Winnipeg" },
      practice: false,
      signedIn: "TechOps",
      annotations,
    })
  ).replaceAll("\u00a0", " ");
const headline = (html: string) => /<h1>.*?<span>(.*?)<\/span><\/h1>/s.exec(html)?.[1];

test("says in the headline until when it lasts, and below how that is known", async () => {
  const html = await page([growing()]);
  expect(headline(html)).toMatch(/^Database lasts at least until \w+ \d+, 2027$/);
  expect(html).toMatch(/68 GB of 100 GB \(68\.0 %\)/);
  expect(html).toContain("Nov 23, 05:12 Winnipeg (UTC-5)");
  expect(html).toMatch(/between \w+ \d+, 2027 and \w+ \d+, 2027 \(80 % sure\)/);
  expect(html).toMatch(/<strong><time datetime="2027-/);
  expect(html).toContain("so that it is there 14 days later");
});

test("an upgrade is a line in the chart, and told below it with its day; one from before the chart is not", async () => {
  const upgrade = (at: string, what: string) => ({
    target: "mastodon",
    at: Temporal.Instant.from(at),
    text: { en: `Mastodon ${what}`, fr: `Mastodon (fr) ${what}` },
  });
  const annotations = [
    upgrade("2025-01-01T00:00Z", "upgraded 4.2.0 → 4.3.2"),
    upgrade("2026-10-20T12:00Z", "upgraded 4.3.2 → 4.4.0 <b>"),
  ];
  const html = await page([growing()], "en", annotations);
  expect(html).toContain("<p>Dotted lines: Oct 20 Mastodon upgraded 4.3.2 → 4.4.0 &lt;b&gt;.</p>");
  expect(html.match(/<title>Mastodon upgraded 4\.3\.2 → 4\.4\.0 &lt;b&gt;<\/title>/g)).toHaveLength(2);
  expect(html).not.toContain("4.2.0");
  expect(await page([growing()], "fr", annotations)).toContain("Lignes pointillées : 20 oct. Mastodon (fr)");
});

test("is written in French with French units, dates and prices", async () => {
  const html = await page([growing()], "fr");
  expect(headline(html)).toMatch(/^Base de données : suffit au moins jusqu’au \d+(er)? \S+ 2027$/);
  expect(html).toMatch(/68 Go sur 100 Go \(68,0 %\)/);
  expect(html).toContain("290,50 $");
  expect(html).toContain("23 nov. à 5 h 12, Winnipeg (UTC−5)");
  expect(html).toContain('<html lang="fr-CA">');
});

test.each<[string, Parameters<typeof growing>[0], RegExp]>([
  ["nearly full", { daily: daily(60, (day) => 86 + 0.06 * day) }, /^Database is nearly full$/],
  ["to be ordered", { daily: daily(120, (day) => 63.5 + 0.2 * day) }, /^Order a bigger size for Database now$/],
  ["full soon", { daily: daily(120, (day) => 58 + 0.2 * day) }, /^Database is full between .* and .*$/],
  ["never full", { daily: daily(120, () => 40) }, /^Database has room for more than two years$/],
  ["known for four days", { daily: daily(4, (day) => 40 + day) }, /^Nothing can be said about Database yet$/],
])("a store that is %s says so", async (_, change, sentence) => {
  expect(headline(await page([growing(change)]))).toMatch(sentence);
});

test("a store that is no longer measured says since when, and shows what was known greyed", async () => {
  const { newest: _, ...old } = { newest: undefined, daily: daily(120, (day) => 44 + 0.2 * day).slice(0, -5) };
  const stale = capacityModel({
    target: { id: "database", name: { en: "Database", fr: "Base de données" } },
    plan: { check: "growth", limitBytes: 100 * gigabyte, usableFraction: 0.9, leadDays: 14, sizes: [] },
    store: "cluster",
    ...old,
    parts: [],
    now,
  });
  const html = await page([stale]);
  expect(headline(html)).toBe("Database was last measured on November 18, 2026");
  expect(html).toContain('<figure class="stale">');
  expect(html).toContain("There has been no reading for a day and a half");
});

test("with nothing that fills it says how to begin", async () => {
  const html = await page([]);
  expect(headline(html)).toBe("Nothing that fills is being watched");
  expect(html).toContain("tidewatch.yaml");
});

test("several stores have a sentence each, and the most urgent is the headline", async () => {
  const disk = growing({
    target: { id: "media", name: { en: "Media", fr: "Médias" } },
    daily: daily(60, (day) => 86 + 0.06 * day),
  });
  const html = await page([growing(), disk]);
  expect(headline(html)).toBe("Media is nearly full");
  expect(html).toMatch(/<h2[^>]*>.*Database lasts at least until/);
  expect(html).toMatch(/<h2[^>]*>.*Media is nearly full/);
});

test("two stores of one target are told apart", async () => {
  const html = await page([growing({ store: "cluster" }), growing({ store: "/srv/media" })]);
  expect(html).toContain("Database (cluster)");
  expect(html).toContain("Database (/srv/media)");
});

test("the sizes table marks the one in use, the recommended one, and what more it costs", async () => {
  const html = await page([growing()]);
  const rows = html.slice(html.indexOf("What each size buys")).split("<tr");
  expect(rows.find((row) => row.includes("100 GB"))).toContain("in use now");
  const recommended = rows.find((row) => row.includes("250 GB"));
  expect(recommended).toContain('class="marked"');
  expect(recommended).toContain("recommended");
  expect(recommended).toContain("$290.50");
  expect(recommended).toContain("$170.50 more");
});

test("every chart has its table and its CSV, which agree with it", async () => {
  const html = await page([growing()]);
  expect(html).toContain("<summary>The chart as a table");
  const [, address = ""] = /href="data:text\/csv;charset=utf-8,([^"]*)"/.exec(html) ?? [];
  const lines = decodeURIComponent(address).trimEnd().split("\r\n");
  expect(lines[0]).toBe("date,used_bytes,forecast_bytes,low_80_bytes,high_80_bytes,low_95_bytes,high_95_bytes");
  expect(lines[120]).toMatch(/^2026-11-23,6\d{10},,,,,$/);
  expect(lines[121]).toMatch(/^2026-11-24,(,\d+){5}$/);
  for (const line of lines) expect(line.split(",")).toHaveLength(7);
});

test("what is used is one figure: above, in the chart, in its table and in its CSV", async () => {
  const html = await page([growing({ newest: { at: now, value: 68.44 * gigabyte } })]);
  expect(html).toContain("68.4 GB of 100 GB (68.4 %)");
  expect(html.match(/>68\.4 GB used<\/text>/g)).toHaveLength(2);
  expect(html).toMatch(/Nov 23, 2026<\/time><\/th><td class="number">68\.4 GB</);
  expect(html).toContain("2026-11-23,68440000000,");
  expect(html).not.toMatch(/68 GB|68\.0 GB/);
});

test("what is full at this moment says so, whatever the forecast made of the days before", async () => {
  const html = await page([growing({ newest: { at: now, value: 97 * gigabyte } })]);
  expect(headline(html)).toBe("Database is nearly full");
  expect(html).toContain("<dt>Full</dt><dd>now</dd><dt>Order by</dt><dd>now</dd>");
  expect(html).not.toMatch(/between \w+ \d+, 2027|class="bracket"/);
});

test("a range names its unit once, where both ends have the same", async () => {
  expect(await page([growing()])).toMatch(/<td class="number">\d\d(\.\d)? – \d\d(\.\d)? GB</);
  expect(await page([growing()], "fr")).toMatch(/<td class="number">\d\d(,\d)? – \d\d(,\d)? Go</);
});

test("steps that were not counted as growth are named with date and size", async () => {
  const html = await page([
    growing({ daily: daily(120, (day) => 44 + 0.2 * day + 0.05 * Math.sin(day) + (day < 80 ? 9 : 0)) }),
  ]);
  expect(html).toMatch(/Not counted as growth: Oct 15 −[89]\.?\d* GB \(clean-up\)/);
});

test("names that a watched server made up are escaped and stripped", async () => {
  const name = 'evil"><script>alert(1)</script>\u001b[2J';
  const points = daily(40, (day) => 10 + day);
  const html = await page([growing({ parts: [{ kind: "table", name, points }] }), growing({ store: name })]);
  expect(html).not.toContain("<script>");
  expect(html).not.toContain("\u001b");
  expect(html).not.toMatch(/style="/);
});
