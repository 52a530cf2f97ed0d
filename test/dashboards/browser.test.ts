import type { Browser, Page } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { type HistoryInput, historyModel } from "../../core/history.ts";
import { type Language, sameInAll } from "../../core/language.ts";
import { type StatusInput, statusModel } from "../../core/status.ts";
import { securityHeaders } from "../../dashboards/headers.ts";
import { withNote } from "../../dashboards/parts/note.ts";
import { teamPages } from "../../dashboards/team/pages.ts";
import { acknowledgePage } from "../../dashboards/views/acknowledge.ts";
import { errorPage } from "../../dashboards/views/error.ts";
import { historyPage } from "../../dashboards/views/history.ts";
import { confirmSignInPage, linkSentPage, signInPage, teamPage } from "../../dashboards/views/sign-in.ts";
import { statusPage } from "../../dashboards/views/status.ts";
import { axeViolations, startBrowser } from "../helpers/browser.ts";
import { ago, contractor, cosocial, daySeconds, outage, type Past, scene, service } from "../helpers/status-scene.ts";

const started = await startBrowser();
const missing = "missing" in started ? started.missing : undefined;
if (missing) console.warn(missing);

const now = Temporal.Instant.from("2026-11-23T18:42:10Z");
const props = (language: Language) => ({
  language,
  organisation: cosocial,
  practice: language === "fr",
  alternates: [
    { language: "en", href: "/en/" },
    { language: "fr", href: "/fr/" },
  ] as const,
});

const calm: Past = [
  [100 * daySeconds, "up"],
  [40 * daySeconds, "down"],
  [40 * daySeconds - 2000, "up"],
  [20 * daySeconds, "degraded"],
  [20 * daySeconds - 2000, "up"],
  [10 * daySeconds, "unknown"],
  [8 * daySeconds, "up"],
];
const forum = service("forum", calm, { name: { en: "Discussion forum", fr: "Forum de discussion" } });
const down = service("mastodon", [...calm, [900, "down"]], { name: "Mastodon" });
const slow = service("pixelfed", [...calm, [3000, "degraded"]], { name: "Pixelfed" });
const blind = service("podcasts", [...calm, [600, "unknown"]], { name: "Podcasts" });
const untold = service("wiki", [], { name: sameInAll("Wiki") });
const outages = [
  outage(now, 42, down, { startedSecondsAgo: 900, by: "Robin" }),
  outage(now, 41, forum, { startedSecondsAgo: 9 * daySeconds, resolvedSecondsAgo: 9 * daySeconds - 600 }),
];

const annotations = [
  {
    target: "forum",
    at: ago(now, 2 * daySeconds),
    text: { en: "upgraded 3.4.1 → 3.5.0", fr: "mis à niveau 3.4.1 → 3.5.0" },
  },
  {
    target: "mastodon",
    at: ago(now, 33 * daySeconds),
    text: sameInAll(`changed ${"4.5.15+glitch.".repeat(12)} → 4.5`),
  },
];

const status = (input: StatusInput) => (language: Language) => statusPage(statusModel(input), props(language));
const history = (given: Partial<HistoryInput>) => (language: Language) => {
  const targets = [forum, down].map(({ target }) => target);
  const input = { now, zone: cosocial.timeZone, targets, incidents: [], annotations: [], measured: [], ...given };
  return historyPage(historyModel(input), props(language));
};
const measuredTimes = [
  { from: ago(now, 150 * daySeconds).epochMilliseconds, to: ago(now, 100 * daySeconds).epochMilliseconds },
  { from: ago(now, 30 * daySeconds).epochMilliseconds, to: now.epochMilliseconds },
];
const incident = outages[0]?.incident;
if (!incident) throw new Error("no incident");

/** Every page there is, in the states it can be in. */
const pages: Readonly<Record<string, (language: Language) => Promise<string>>> = {
  "status, all good": status(scene(now, [forum])),
  "status, everything at once": status({
    ...scene(now, [forum, down, slow, blind, untold]),
    incidents: outages,
    annotations,
  }),
  "status, degraded": status(scene(now, [forum, slow])),
  "status, blind": status(scene(now, [blind])),
  "status, no data yet": status(scene(now, [untold])),
  "status, first day": status(scene(now, [service("mastodon", [[5 * 3600, "up"]], { name: "Mastodon" })])),
  "status, nothing to show": status(scene(now, [])),
  "status with a note": async (language) => withNote(await status(scene(now, [forum]))(language), "store", language),
  history: history({ incidents: outages, annotations, measured: measuredTimes }),
  "history with a note": async (language) =>
    withNote(await history({ incidents: outages })(language), "store", language),
  "history, nothing yet": history({}),
  acknowledge: (language) => acknowledgePage({ incident, contact: contractor, now }, props(language)),
  acknowledged: (language) => acknowledgePage({ incident, contact: contractor, now, result: "taken" }, props(language)),
  "sign in": (language) => signInPage(props(language)),
  "link sent": (language) => linkSentPage(props(language)),
  "confirm the sign-in": (language) => confirmSignInPage("Robin", props(language)),
  team: (language) => teamPage({ ...props(language), signedIn: "Robin" }, teamPages),
  "not found": (language) => errorPage("not-found", props(language), ["en", "fr"]),
};

const looks = [
  { language: "en", colorScheme: "light", width: 390 },
  { language: "en", colorScheme: "dark", width: 1280 },
  { language: "fr", colorScheme: "dark", width: 390 },
  { language: "fr", colorScheme: "light", width: 1280 },
] as const;

describe.skipIf(missing)("in a real browser", () => {
  const browser = "browser" in started ? started.browser : undefined;
  afterAll(() => browser?.close());

  test.each(Object.keys(pages))("%s: axe finds no violation, light or dark, narrow or wide", async (name) => {
    for (const { language, ...look } of looks) {
      await using tab = await open(browser, await pages[name]?.(language), look);
      expect(await axeViolations(tab.page)).toEqual([]);
    }
  });

  test.each(Object.keys(pages))("%s: nothing is wider than a small phone", async (name) => {
    for (const language of ["en", "fr"] as const) {
      await using tab = await open(browser, await pages[name]?.(language), { width: 320 });
      await unfold(tab.page);
      const overflow = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth");
      expect(overflow).toBe(0);
    }
  });

  test("with scripts off the page is complete: state, times, bars and the table behind its summary", async () => {
    await using tab = await open(browser, await pages["status, everything at once"]?.("en"), {
      javaScriptEnabled: false,
    });
    const { page } = tab;
    expect(await page.locator("h1").textContent()).toContain("Mastodon is down");
    expect(await page.locator("time").first().isVisible()).toBe(true);
    expect(await page.locator(".bars path").count()).toBeGreaterThan(4);
    expect(await page.locator("table").first().isVisible()).toBe(false);
    await page.locator("summary").first().click();
    expect(await page.locator("table").first().isVisible()).toBe(true);
  });

  test("ninety days on a wide screen, the last thirty on a phone", async () => {
    await using tab = await open(browser, await pages["status, all good"]?.("en"), { width: 1280 });
    const { page } = tab;
    const widths = async () => {
      const [frame, bars] = await Promise.all([
        page.locator(".bars").boundingBox(),
        page.locator(".bars svg").boundingBox(),
      ]);
      return {
        share: Math.round((100 * (frame?.width ?? 0)) / (bars?.width ?? 1)),
        right: (frame?.x ?? 0) + (frame?.width ?? 0) - (bars?.x ?? 0) - (bars?.width ?? 0),
      };
    };
    expect((await widths()).share).toBe(100);
    expect(await page.getByText("90 days ago").isVisible()).toBe(true);
    await page.setViewportSize({ width: 390, height: 800 });
    const narrow = await widths();
    expect(narrow.share).toBe(33);
    expect(Math.abs(narrow.right)).toBeLessThan(1);
    expect(await page.getByText("30 days ago").isVisible()).toBe(true);
    expect(await page.getByText("90 days ago").isVisible()).toBe(false);
  });

  test("the policy lets our own style through and stops everything else", async () => {
    const complaints: string[] = [];
    await using tab = await open(browser, "<!doctype html><title>empty</title>", { width: 390 });
    tab.page.on("console", (message) => complaints.push(message.text()));
    const body = (await pages["status, all good"]?.("en")) ?? "";
    await tab.page.route("**/*", (route) =>
      route.fulfill({ body, headers: { "content-type": "text/html", ...securityHeaders() } }),
    );
    const asked: string[] = [];
    tab.page.on("request", (request) => asked.push(request.url()));
    await tab.page.goto("https://status.example/en/");
    expect(complaints).toEqual([]);
    expect(asked.filter((address) => !address.startsWith("data:"))).toEqual(["https://status.example/en/"]);
    const width = await tab.page.evaluate(
      "getComputedStyle(document.querySelector('main')).maxInlineSize + getComputedStyle(document.querySelector('.verdict')).borderLeftWidth",
    );
    expect(width).toBe("none8px");
  });

  test("in forced colours the shapes remain", async () => {
    await using tab = await open(browser, await pages["status, everything at once"]?.("en"), {
      forcedColors: "active",
    });
    const strokes = await tab.page.evaluate(
      "[...document.querySelectorAll('.bars path')].map((path) => getComputedStyle(path).stroke)",
    );
    expect(new Set(list(strokes)).size).toBe(1);
    const shapes = await tab.page.evaluate(
      "[...document.querySelectorAll('symbol path')].map((path) => path.getAttribute('d'))",
    );
    expect(new Set(list(shapes)).size).toBe(4);
  });
});

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

interface Look {
  readonly width?: number;
  readonly colorScheme?: "light" | "dark";
  readonly javaScriptEnabled?: boolean;
  readonly forcedColors?: "active";
}

async function open(browser: Browser | undefined, html: string | undefined, { width = 1280, ...look }: Look) {
  if (!browser || html === undefined) throw new Error("no browser, or no such page");
  const page = await browser.newPage({ viewport: { width, height: 900 }, ...look });
  await page.setContent(html);
  return { page, [Symbol.asyncDispose]: () => page.close() };
}

async function unfold(page: Page): Promise<void> {
  for (const summary of await page.locator("summary").all()) await summary.click();
}
