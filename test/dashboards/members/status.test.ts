import { brotliCompressSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { Language } from "../../../core/language.ts";
import type { Outcome } from "../../../core/sample.ts";
import { compressPage } from "../../../dashboards/members/compressed-page.ts";
import { statusPage } from "../../../dashboards/members/status.ts";
import { styleOf, styleSource } from "../../../dashboards/parts/layout.ts";
import { withNote } from "../../../dashboards/parts/note.ts";
import {
  ago,
  cosocial,
  daySeconds,
  modelOf,
  outage,
  type Past,
  type Scene,
  scene,
  service,
} from "../../helpers/status-scene.ts";

const now = Temporal.Instant.from("2026-11-23T18:42:10Z");
const longAgo = 100 * daySeconds;
const alternates = [
  { language: "en", href: "/en/" },
  { language: "fr", href: "/fr/" },
] as const;

const render = (input: Scene, language: Language = "en", practice = false) =>
  statusPage(modelOf(input), { language, organisation: cosocial, practice, alternates });

/** What a reader sees, without tags. */
const textOf = (page: string) =>
  page
    .replace(/<(style|title)>[\s\S]*?<\/\1>/g, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");

const upgradeOf = (target: string, secondsAgo: number) => ({
  target,
  at: ago(now, secondsAgo),
  text: { en: "upgraded 4.3.2 → 4.4.0", fr: "mis à niveau 4.3.2 → 4.4.0" },
});

const standing = (name: string, outcome: Outcome) =>
  service(
    name.toLowerCase(),
    [
      [longAgo, "up"],
      [900, outcome],
    ],
    { name },
  );

test.each([
  [["up", "up", "up"], "All services are working", "Tous les services fonctionnent"],
  [["down", "up", "up"], "A is down", "A est en panne"],
  [["down", "down", "up"], "A and B are down", "A et B sont en panne"],
  [["down", "down", "down"], "All services are down", "Tous les services sont en panne"],
  [["degraded", "up", "up"], "A has problems", "A connaît des problèmes"],
  [["degraded", "down", "up"], "B is down", "B est en panne"],
  [["unknown", "up", "up"], "A is not being measured right now", "A n’est pas mesuré en ce moment"],
  [["unknown", "unknown", "unknown"], "We cannot measure right now", "Nous ne pouvons pas mesurer en ce moment"],
] satisfies [Outcome[], string, string][])("when the services are %j the sentence is %j", async (states, en, fr) => {
  const input = scene(
    now,
    states.map((outcome, index) => standing("ABC"[index] ?? "", outcome)),
  );
  expect(await render(input, "en")).toContain(`<span>${en}</span></h1>`);
  expect(await render(input, "fr")).toContain(`<span>${fr}</span></h1>`);
});

test("many services in trouble are counted, not listed", async () => {
  const input = scene(
    now,
    [..."ABCDE"].map((name) => standing(name, name < "D" ? "down" : "up")),
  );
  expect(await render(input)).toContain("<span>3 of 5 services are down</span></h1>");
});

test("an outage reads: what, since when with city and offset, how long, who is on it", async () => {
  const down = standing("Mastodon", "down");
  const incidents = [outage(now, 42, down, { startedSecondsAgo: 900, by: "Robin" })];
  const text = textOf(await render({ ...scene(now, [down]), incidents }));
  expect(text).toContain("Checked at Nov 23, 11:41 Vancouver (UTC-7)");
  expect(text).toContain("Last change: Mastodon went down , Nov 23, 11:27 Vancouver (UTC-7)");
  expect(text).toContain("Mastodon is down Since Nov 23, 11:27 Vancouver (UTC-7) · 15 minutes so far · No. 42");
  expect(text).toContain("Someone on our team is working on it.");
  expect(text).not.toContain("Robin");
  expect(text).not.toContain("no answer within 10 s");
});

test("what happened lately: incidents with their stretch of time, upgrades in between, newest first", async () => {
  const mastodon = standing("Mastodon", "up");
  const input = {
    ...scene(now, [mastodon]),
    incidents: [
      outage(now, 42, mastodon, { startedSecondsAgo: 2 * daySeconds, resolvedSecondsAgo: 2 * daySeconds - 900 }),
      outage(now, 41, mastodon, { startedSecondsAgo: 5 * daySeconds, resolvedSecondsAgo: 4 * daySeconds }),
    ],
    annotations: [upgradeOf("mastodon", 3 * daySeconds)],
  };
  const english = textOf(await render(input));
  expect(english).toMatch(
    /The last 14 days Resolved: “Mastodon is down” .* Mastodon: upgraded 4\.3\.2 → 4\.4\.0, Nov 20, .* Resolved: “Mastodon is down”/,
  );
  expect(english).toContain("From Nov 21, 11:42 to 11:57 Vancouver (UTC-7) · lasted 15 minutes · No. 42");
  expect(english).toContain("From Nov 18, 11:42 to Nov 19, 11:42 Vancouver (UTC-7) · lasted 1 day · No. 41");
  const french = textOf(await render(input, "fr")).replaceAll("\u00a0", " ");
  expect(french).toContain("Mastodon : mis à niveau 4.3.2 → 4.4.0, 20 nov. à 11 h 42, Vancouver (UTC−7)");
  expect(french).toContain("Du 21 nov. à 11 h 42 jusqu’à 11 h 57, Vancouver (UTC−7) · a duré 15 minutes · Nº 42");
  expect(french).toContain("Du 18 nov. à 11 h 42 au 19 nov. à 11 h 42, Vancouver (UTC−7)");
});

test("an upgrade is machine readable too, and does not hide that there was no incident", async () => {
  const input = { ...scene(now, [standing("Mastodon", "up")]), annotations: [upgradeOf("mastodon", daySeconds)] };
  const page = await render(input);
  expect(page).toContain('<time datetime="2026-11-22T18:42:10Z">Nov 22, 11:42 Vancouver (UTC-7)</time>');
  expect(textOf(page)).toMatch(/No incident was recorded in the last 14 days\. Mastodon: upgraded/);
});

test("while something goes on, no page says that nothing was recorded", async () => {
  const down = standing("Mastodon", "down");
  const input = { ...scene(now, [down]), incidents: [outage(now, 42, down, { startedSecondsAgo: 900 })] };
  expect(textOf(await render(input))).toContain("No other incident was recorded in the last 14 days.");
  expect(textOf(await render(input, "fr"))).toContain("Aucun autre incident enregistré");
});

test("moments are machine readable, and French ones are written as in Canada", async () => {
  const page = await render(scene(now, [standing("Mastodon", "down")]), "fr");
  expect(page).toContain('<html lang="fr-CA">');
  expect(page.replaceAll("\u00a0", " ")).toContain(
    '<time datetime="2026-11-23T18:27:10Z">23 nov. à 11 h 27, Vancouver (UTC−7)</time>',
  );
  expect(textOf(page)).toContain("99,988 % de disponibilité en 90 jours");
});

test("a second of outage is never 100 %", async () => {
  const past: Past = [
    [longAgo, "up"],
    [9 * daySeconds, "down"],
    [9 * daySeconds - 1, "up"],
  ];
  const text = textOf(await render(scene(now, [service("mastodon", past)])));
  expect(text).toContain("99.999 % uptime in 90 days");
  expect(text).not.toContain("100.000 %");
});

test("the first day says what little was measured, and claims nothing about the rest", async () => {
  const text = textOf(await render(scene(now, [service("mastodon", [[5 * 3600 + 720, "up"]])])));
  expect(text).toContain("100.000 % uptime in the 5 hours 12 minutes measured");
});

test("a few minutes are no share of anything", async () => {
  const text = textOf(await render(scene(now, [service("mastodon", [[240, "up"]])])));
  expect(text).toContain("Less than an hour measured");
  expect(text).not.toContain("No data yet");
  expect(text).not.toContain("%");
});

test("an outage that has become less bad is shown as what it is now", async () => {
  const degraded = standing("Mastodon", "degraded");
  const down = outage(now, 42, standing("Mastodon", "down"), { startedSecondsAgo: 900 });
  const page = await render({ ...scene(now, [degraded]), incidents: [down] });
  expect(page).toContain('<article class="incident degraded" id="incident-42">');
  const still = await render({ ...scene(now, [standing("Mastodon", "down")]), incidents: [down] });
  expect(still).toContain('<article class="incident down" id="incident-42">');
});

test("without any data there is no figure at all", async () => {
  const text = textOf(await render(scene(now, [service("mastodon", [])])));
  expect(text).toContain("No measurements yet");
  expect(text).toContain("No data yet");
  expect(text).not.toContain("%");
});

test("when nothing can be measured the page says that this is about us", async () => {
  const text = textOf(await render(scene(now, [standing("Mastodon", "unknown")])));
  expect(text).toContain("This does not mean that they are down");
});

test("the table says in words what the bars draw", async () => {
  const past: Past = [
    [longAgo, "up"],
    [20 * daySeconds, "down"],
    [20 * daySeconds - 2640, "up"],
    [10 * daySeconds, "degraded"],
    [10 * daySeconds - 600, "up"],
    [5 * daySeconds, "unknown"],
    [5 * daySeconds - 7200, "up"],
  ];
  const page = await render(scene(now, [service("mastodon", past)]));
  const text = textOf(page.slice(page.indexOf("<table>"), page.indexOf("</table>")));
  expect(text).toContain("Nov 3 Down Down: 44 minutes");
  expect(text).toContain("Nov 13 Degraded Degraded: 10 minutes");
  expect(text).toContain("Nov 18 Working Not measured: 2 hours");
  expect(text).toContain("Aug 26 – Nov 2 Working");
  expect(page).toContain(
    'aria-label="mastodon, last 90 days: 88 days working, 1 day with problems, 1 day with an outage"',
  );
});

test("names, reasons and addresses of strangers stay text", async () => {
  const hostile = `</title></style><script>alert(1)</script><img src=x onerror=alert(1)>"'&`;
  const down = service("mastodon", [[longAgo, "down"]], { name: hostile, target: { url: "javascript:alert(1)" } });
  const facts = { title: { en: hostile, fr: hostile }, explanation: { en: hostile, fr: hostile } };
  const incidents = [
    outage(now, 42, down, { startedSecondsAgo: 900, facts }),
    outage(now, 41, down, { startedSecondsAgo: 9000, resolvedSecondsAgo: 8000, facts }),
  ];
  const annotations = [{ target: "mastodon", at: now.subtract({ hours: 1 }), text: { en: hostile, fr: hostile } }];
  const model = modelOf({ ...scene(now, [down]), incidents, annotations });
  const organisation = { ...cosocial, name: { en: hostile, fr: hostile }, url: "javascript:alert(1)" };
  const page = await statusPage(model, { language: "en", organisation, practice: false });
  expect(page).not.toContain("<script");
  expect(page).not.toContain("<img");
  expect(page).not.toContain("javascript:");
  expect(page.match(/<\/title>/g)).toHaveLength(1);
  expect(page.match(/<\/style>/g)).toHaveLength(1);
  expect(page).toContain("&lt;script&gt;");
});

test("no name can place a note of its own", async () => {
  const page = await render(scene(now, [service("mastodon", [[longAgo, "up"]], { name: "<!--note-->$&$'" })]));
  expect(withNote(page, "store", "en").match(/class="note degraded"/g)).toHaveLength(1);
});

test("nothing is fetched and nothing runs", async () => {
  const down = standing("Mastodon", "down");
  const page = await render({ ...scene(now, [down]), incidents: [outage(now, 1, down, { startedSecondsAgo: 900 })] });
  expect(page).not.toMatch(/<script|<link rel="stylesheet|<img|@import|url\(|\son\w+=|style="/);
  const loaded = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address ?? "");
  expect(loaded.filter((address) => !/^(#|\/|data:|https:\/\/cosocial\.example$)/.test(address))).toEqual([]);
});

test("the policy allows exactly the style that is in the page", async () => {
  const page = await render(scene(now, [standing("Mastodon", "up")]));
  const { variants } = await compressPage(page, page);
  const policy = variants.identity.fixed.whole.headers["content-security-policy"];
  expect(styleOf(page)).toContain(".verdict");
  expect(policy).toContain(`style-src ${styleSource(styleOf(page))};`);
  expect(policy).toContain("default-src 'none'");
});

test("practice wears its ribbon, and nothing else does", async () => {
  const input = scene(now, [standing("Mastodon", "up")]);
  expect(await render(input, "en", true)).toContain("Nothing on this page is real");
  expect(await render(input, "en", false)).not.toContain("Nothing on this page is real");
});

test("fifty services with ninety days each and a bad fortnight fit into 20 kB, style and all", async () => {
  const services = Array.from({ length: 50 }, (_, index) =>
    service(`service-${index}`, troubledPast(index), {
      name: `Service number ${index}`,
    }),
  );
  const incidents = services.slice(0, 20).map((one, index) => {
    const startedSecondsAgo = (index + 1) * 40_000 + index * 977;
    return outage(now, index + 1, one, {
      startedSecondsAgo,
      resolvedSecondsAgo: startedSecondsAgo - 300 * (index + 1),
    });
  });
  const annotations = services.slice(0, 5).map(({ target }, index) => upgradeOf(target.id, (index + 1) * 70_003));
  const page = await render({ ...scene(now, services), incidents, annotations });
  expect(brotliCompressSync(page).length).toBeLessThan(20_000);
  expect((await compressPage(page, page)).variants.br.fixed.whole.body?.length).toBeLessThan(20_000);
  expect(gzipSync(page).length).toBeLessThan(20_000);
});

/** One day in twenty with trouble of some kind, different for each service, the same in each run. */
function troubledPast(seed: number): Past {
  let state = seed * 7919 + 17;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  const past: (readonly [number, Outcome])[] = [[longAgo, "up"]];
  for (let day = 89; day > 0; day--) {
    if (random() > 0.05) continue;
    const start = day * daySeconds - random() * 40_000;
    past.push([start, random() < 0.5 ? "down" : random() < 0.6 ? "degraded" : "unknown"]);
    past.push([start - 60 - random() * 9000, "up"]);
  }
  return past;
}
