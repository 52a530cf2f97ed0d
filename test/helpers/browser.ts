/** A real Chromium for tests: one on PATH, else the one that npm brings; where neither runs, the reason why not. */
import { access, constants, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";

/** Unpacked once (170 MB) beside the package it comes from; removed with node_modules. */
const cache = fileURLToPath(new URL("../../node_modules/.cache/tidewatch-chromium", import.meta.url));
const namesOnPath = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

export type BrowserOrReason = { readonly browser: Browser } | { readonly missing: string };

/** Starts a browser; close it when done. Never throws: `missing` says what to do. */
export async function startBrowser(): Promise<BrowserOrReason> {
  try {
    const { chromium } = await import("playwright-core");
    const found = await onPath();
    const { executablePath, args, env } = found ?? (await unpacked());
    return { browser: await chromium.launch({ executablePath, args: [...args], env: { ...process.env, ...env } }) };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return { missing: `no browser could be started (install chromium on PATH to run this): ${reason}` };
  }
}

/**
 * What axe-core finds wrong with the page, one line each, short enough to be read in a failing test. It stays in a tab
 * whose content is set anew: loading it takes longer than most pages.
 */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  axe ??= await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axe);
  const found: unknown = await page.evaluate(
    "axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html, any }) => [id, html.slice(0, 160), any[0]?.message].join(': '))))",
  );
  return Array.isArray(found) ? found.map(String) : ["axe did not run"];
}
let axe: string | undefined;

interface Program {
  readonly executablePath: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

async function onPath(): Promise<Program | undefined> {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const executablePath of namesOnPath.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    // Browsers refuse to run as root with their sandbox.
    if (await canRun(executablePath)) return { executablePath, args: ["--no-sandbox"], env: {} };
  }
  return undefined;
}

async function unpacked(): Promise<Program> {
  const { default: packed } = await import("@sparticuz/chromium");
  const executablePath = join(cache, "chromium");
  if (!(await canRun(executablePath))) await unpack(packed);
  // Its own list is made for another place (one process, web security off): these are enough, and nearer to a real one.
  const args = ["--no-sandbox", "--no-zygote", "--headless=shell", "--disable-gpu", "--font-render-hinting=none"];
  return { executablePath, args, env: { FONTCONFIG_PATH: join(cache, "fonts") } };
}

/** Its own settings name folders of another place. */
const fontSettings = `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${join(cache, "fonts")}</dir><dir>/usr/share/fonts</dir><cachedir>${join(cache, "font-cache")}</cachedir>
<alias><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias></fontconfig>
`;

/** Into a folder of its own first: tests in parallel must never start half a browser. */
async function unpack(packed: { executablePath(): Promise<string> }): Promise<void> {
  await mkdir(dirname(cache), { recursive: true });
  const folder = await mkdtemp(`${cache}-`);
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = folder;
  try {
    await packed.executablePath();
    await writeFile(join(folder, "fonts", "fonts.conf"), fontSettings);
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
  try {
    await rename(folder, cache);
  } catch {
    // Somebody else was faster.
    await rm(folder, { recursive: true, force: true });
  }
}

async function canRun(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
