import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import fr from "../../../core/languages/fr.ts";
import { install } from "../../helpers/program.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const run = promisify(execFile);

/** Esperanto as somebody begins it: some words of the status page, its own dates, one of the headlines. */
const begun = `/** Esperanto, as far as it goes. */
import type { Translation } from "./words.ts";

export default {
  tag: "eo",
  name: "Esperanto",
  forms: { clock: (hour, minute) => \`je \${hour} kaj \${minute}\`, date: (date) => \`la \${date}\` },
  page: { state: { up: "Funkcias" }, since: "Ekde", backToStatus: "Al la stato" },
  status: { services: "Servoj", daysAgo: (days) => \`antaŭ \${days} tagoj\` },
  error: { "not-found": { title: "Tia paĝo ne ekzistas" } },
  members: { isDown: (name) => \`\${name} ne funkcias\` },
} satisfies Translation;
`;

/** Renders every page for a co-op that usually speaks French. */
const render = `
import { everyPage } from "./test/helpers/every-page.ts";
import { everyTeamPage } from "./test/helpers/every-team-page.ts";
import { cosocial } from "./test/helpers/status-scene.ts";
const organisation = { ...cosocial, languages: ["fr", "eo"] };
const alternates = [{ language: "fr", href: "/fr/" }, { language: "eo", href: "/eo/" }];
const props = { language: "eo", organisation, alternates, practice: true };
const pages = await Promise.all(Object.entries({ ...everyPage, ...everyTeamPage }).map(async ([name, page]) => [name, await page(props)]));
console.log(JSON.stringify(Object.fromEntries(pages)));
`;

const Pages = z.record(z.string(), z.string());

let copy = "";
let pages: z.infer<typeof Pages> = {};

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "tidewatch-language-"));
  const left = new Set(["node_modules", ".git", "data"]);
  await cp(root, copy, { recursive: true, filter: (file) => !left.has(relative(root, file)) });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  await writeFile(join(copy, "core", "languages", "eo.ts"), begun);
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", render], {
    cwd: copy,
    maxBuffer: 32e6,
  });
  pages = Pages.parse(JSON.parse(stdout));
});

afterAll(() => rm(copy, { recursive: true, force: true }));

const page = (name: string): string => pages[name] ?? "";

describe("a third language is one file", () => {
  test("with which everything type-checks", async () => {
    const project = join(copy, "program.json");
    const include = ["collector", "commands", "core", "probes", "dashboards", "reports"];
    await writeFile(project, JSON.stringify({ extends: "./tsconfig.json", include }));
    await run(join(root, "node_modules", ".bin", "tsc"), ["--project", project]);
  });

  test("a file without a tag and a name is refused, and says how to mend it", async () => {
    const nameless = join(copy, "core", "languages", "xx.ts");
    await writeFile(nameless, `export default { page: { since: "?" } };\n`);
    try {
      const failed = run(process.execPath, [join(copy, "main.ts"), "check-config"], { cwd: copy });
      await expect(failed).rejects.toThrow("xx.ts is not a translation");
    } finally {
      await rm(nameless);
    }
  });

  test("in which every page is in that language", () => {
    expect(Object.keys(pages).length).toBeGreaterThan(15);
    for (const [name, html] of Object.entries(pages)) {
      expect(html, name).toContain('<html lang="eo">');
      expect(html, name).toContain('hreflang="eo" href="/eo/"');
      expect(html, name).toContain('<span aria-current="page"><span lang="eo">Esperanto</span></span>');
      expect(html, name).not.toMatch(/[\ufdd0-\ufdef]|undefined|\[object/);
    }
  });

  test("what it says stands there without a mark", () => {
    const html = page("status, everything at once");
    expect(html).toContain('<h2 id="services">Servoj</h2>');
    expect(html).toContain('<span class="of30">antaŭ 30 tagoj</span>');
    expect(html).toContain(" Mastodon ne funkcias</h3>");
    expect(html).toMatch(/Ekde <time datetime="[^"]+">la [^<]+, je \d+ kaj \d+ Vancouver \(UTC-7\)<\/time>/);
    expect(page("not found")).toContain("<h1>Tia paĝo ne ekzistas</h1>");
  });

  test("what it lacks is shown in the first language of the organisation, and marked as that", () => {
    const html = page("status, everything at once");
    expect(html).toContain('<h2 id="recent"><span lang="fr-CA">Les 14 derniers jours</span></h2>');
    expect(html).toContain('<span lang="fr-CA">Forum de discussion</span>');
    expect(html).toMatch(/<title lang="fr-CA">Mastodon est en panne · CoSocial<\/title>/);
    expect(page("status with a note")).toMatch(/<p class="note degraded"><span lang="fr-CA">Nous ne pouvons pas lire/);
    expect(page("not found")).toContain(`<p><span lang="fr-CA">${fr.error["not-found"].text}</span></p>`);
  });

  test("where a text can carry no element of its own, its element carries the language", () => {
    expect(page("status, all good")).toMatch(
      /<svg lang="fr-CA" [^>]*aria-label="Forum de discussion, 90 derniers jours/,
    );
    expect(page("status, all good")).toMatch(
      /<nav lang="fr-CA" aria-label="Langue"><a [^>]*>Français<\/a><span aria-current="page"><span lang="eo">Esperanto/,
    );
    expect(page("capacity")).toMatch(/<svg lang="fr-CA" class="chart wide" [^>]*aria-label="Espace utilisé/);
  });

  test("nothing French is heard as anything else on any page", () => {
    const sentences = new Set(fixed(fr).filter((sentence) => sentence.length > 4));
    for (const [name, html] of Object.entries(pages)) {
      const french = heard(html).filter(({ text }) => sentences.has(text));
      expect(french.length, name).toBeGreaterThan(1);
      expect(french.filter(({ lang }) => lang !== "fr-CA")).toEqual([]);
    }
  });

  test("the configuration takes it, the pages have its address, and browsers that ask for it get it", async () => {
    await using installed = await install(
      `organisation: { name: Co-op, languages: [fr, eo] }
server: { public: 127.0.0.1:0, private: 127.0.0.1:0 }
targets:
  - { id: forum, name: { en: Forum, fr: Forum, eo: Forumo }, checks: [{ id: web, probe: http, url: http://127.0.0.1:9 }] }
`,
      { main: join(copy, "main.ts") },
    );
    const program = await installed.start();
    const get = async (path: string, wanted: string) =>
      (await fetch(`${program.publicUrl}${path}`, { headers: { "accept-language": wanted } })).text();
    expect(await get("/", "eo, en;q=0.5")).toContain('<html lang="eo">');
    expect(await get("/", "en")).toContain('<html lang="fr-CA">');
    expect(await get("/eo/", "fr")).toContain("<h3>Forumo</h3>");
    expect(await get("/eo/history", "fr")).toContain('<html lang="eo">');
  });
});

/** Every text of a page with the language that its nearest element with a `lang` gives it. */
function heard(html: string) {
  const found: { readonly lang: string; readonly text: string }[] = [];
  const open: string[] = [];
  for (const [piece] of html.matchAll(/<!--.*?-->|<[^>]+>|[^<]+/g)) {
    const lang = / lang="([^"]+)"/.exec(piece)?.[1] ?? open.at(-1) ?? "";
    if (!piece.startsWith("<")) found.push({ lang, text: piece.trim() });
    else if (piece.startsWith("</")) open.pop();
    else if (!/^<(?:!|meta|link|input|br|wbr)|\/>$/.test(piece)) open.push(lang);
  }
  expect(open).toEqual([]);
  return found;
}

/** Every sentence of a translation that needs nothing put in. */
function fixed(part: object): readonly string[] {
  return Object.values(part).flatMap((value: unknown) => {
    if (typeof value === "string") return [value];
    return typeof value === "object" && value ? fixed(value) : [];
  });
}
