import type { Browser, Page } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import type { Language } from "../../core/language.ts";
import { securityHeaders } from "../../dashboards/security-headers.ts";
import { axeViolations, startBrowser } from "../helpers/browser.ts";
import { everyPage as pages, widePages } from "../helpers/every-page.ts";
import { cosocial } from "../helpers/status-scene.ts";

const started = await startBrowser();
const missing = "missing" in started ? started.missing : undefined;
if (missing) console.warn(missing);

const props = (language: Language) => ({
  language,
  organisation: cosocial,
  practice: language === "fr",
  alternates: [
    { language: "en", href: "/en/" },
    { language: "fr", href: "/fr/" },
  ] as const,
});

const looks = [
  { language: "en", colorScheme: "light", width: 390 },
  { language: "en", colorScheme: "dark", width: 1280 },
  { language: "fr", colorScheme: "dark", width: 390 },
  { language: "fr", colorScheme: "light", width: 1280 },
] as const;

describe.skipIf(missing)("in a real browser", () => {
  const browser = "browser" in started ? started.browser : undefined;
  afterAll(() => browser?.close());

  test.each(Object.entries({ ...pages, ...widePages }))(
    "%s: axe finds no violation, light or dark, narrow or wide",
    async (_, page) => {
      for (const { language, ...look } of looks) {
        await using tab = await open(browser, await page(props(language)), look);
        expect(await axeViolations(tab.page)).toEqual([]);
      }
    },
  );

  test.each(Object.keys(pages))("%s: nothing is wider than a small phone", async (name) => {
    for (const language of ["en", "fr"] as const) {
      await using tab = await open(browser, await pages[name]?.(props(language)), { width: 320 });
      await unfold(tab.page);
      const overflow = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth");
      expect(overflow).toBe(0);
    }
  });

  test("with scripts off the page is complete: state, times, bars and the table behind its summary", async () => {
    await using tab = await open(browser, await pages["status, everything at once"]?.(props("en")), {
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
    await using tab = await open(browser, await pages["status, all good"]?.(props("en")), { width: 1280 });
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
    const body = (await pages["status, all good"]?.(props("en"))) ?? "";
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
    await using tab = await open(browser, await pages["status, everything at once"]?.(props("en")), {
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
