import type { Browser, Page } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import type { Language } from "../../core/language.ts";
import { securityHeaders } from "../../dashboards/security-headers.ts";
import { axeViolations, startBrowser } from "../helpers/browser.ts";
import { everyPage } from "../helpers/every-page.ts";
import { everyTeamPage } from "../helpers/every-team-page.ts";
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

/** Each width in both colours and both languages; each colour in both languages. */
const looks = [
  { width: 320, colorScheme: "light", language: "en" },
  { width: 320, colorScheme: "dark", language: "fr" },
  { width: 390, colorScheme: "light", language: "fr" },
  { width: 390, colorScheme: "dark", language: "en" },
  { width: 1280, colorScheme: "light", language: "en" },
  { width: 1280, colorScheme: "dark", language: "fr" },
] as const;

describe.skipIf(missing)("in a real browser", () => {
  const browser = "browser" in started ? started.browser : undefined;
  // One tab for all of them: opening one, and loading axe into it, takes longer than looking at a page.
  let shared: Page | undefined;
  afterAll(() => browser?.close());

  test.each(Object.entries({ ...everyPage, ...everyTeamPage }))(
    "%s: axe finds no violation, nothing is wider than the screen, no label is cut",
    async (_, page) => {
      shared ??= await browser?.newPage();
      if (!shared) throw new Error("no browser");
      for (const { language, width, colorScheme } of looks) {
        await shared.setViewportSize({ width, height: 900 });
        await shared.emulateMedia({ colorScheme });
        await shared.setContent(await page(props(language)));
        await unfold(shared);
        expect(await axeViolations(shared)).toEqual([]);
        expect(await faultsOfSize(shared)).toEqual([]);
        await widenLetters(shared);
        expect(await faultsOfSize(shared)).toEqual([]);
      }
    },
  );

  test("with scripts off the page is complete: state, times, bars and the table behind its summary", async () => {
    await using tab = await open(browser, await everyPage["status, everything at once"]?.(props("en")), {
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
    await using tab = await open(browser, await everyPage["status, all good"]?.(props("en")), { width: 1280 });
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
    const body = (await everyPage["status, all good"]?.(props("en"))) ?? "";
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
    await using tab = await open(browser, await everyPage["status, everything at once"]?.(props("en")), {
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

const unfold = (page: Page) => page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");

/** What sticks out: of the screen, or of the drawing that it is written in. */
async function faultsOfSize(page: Page): Promise<readonly unknown[]> {
  return list(
    await page.evaluate(`(() => {
      const wide = document.documentElement.scrollWidth - innerWidth;
      const cut = [...document.querySelectorAll("svg[viewBox] text")].filter((text) => {
        const { x, y, width, height } = text.ownerSVGElement.viewBox.baseVal;
        const box = text.getBBox();
        return box.x < x || box.y < y || box.x + box.width > x + width || box.y + box.height > y + height;
      });
      return [...(wide > 0 ? [wide + " px too wide"] : []), ...cut.map((text) => "cut: " + text.textContent)];
    })()`),
  );
}

/** As in DejaVu Sans and Verdana, the widest fonts that systems come with, whatever there is here. */
async function widenLetters(page: Page): Promise<void> {
  await page.evaluate(`(() => {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = "100px " + getComputedStyle(document.body).fontFamily;
    const missing = 0.636 - pen.measureText("0").width / 100;
    if (missing <= 0) return;
    const style = document.head.appendChild(document.createElement("style"));
    style.textContent = "* { letter-spacing: " + missing.toFixed(3) + "em }";
  })()`);
}
