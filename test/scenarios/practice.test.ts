import { execFile } from "node:child_process";
import { mkdtempDisposable, readFile, symlink, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { axeViolations, startBrowser } from "../helpers/browser.ts";
import { type Practice, startPractice } from "../helpers/practice.ts";

const started = await startBrowser();
const missing = "missing" in started ? started.missing : undefined;
if (missing) console.warn(missing);

// One co-op for the whole file, as one newcomer would use it: what is broken is mended again at the end of each story.
let practice: Practice;
let neighbour: Practice;
beforeAll(async () => {
  [practice, neighbour] = await Promise.all([startPractice(), startPractice()]);
});
afterAll(() => Promise.all([practice, neighbour].map((each) => each[Symbol.asyncDispose]())));

test("two that start at the same moment take different ports", async () => {
  expect(practice.statusUrl).not.toBe(neighbour.statusUrl);
  expect(practice.practiceUrl).not.toBe(neighbour.practiceUrl);
  expect(await neighbour.stop()).toBe(0);
});

test("a newcomer sees the three services, the database, seeded history and live metrics", async () => {
  await practice.until(async () => {
    const page = await practice.page();
    for (const name of ["Mastodon", "Podcasts", "Photos", "Database"]) expect(page).toContain(name);
    expect(await practice.sentence()).toBe("All services are working");
    expect(await practice.metric('tidewatch_target_outcome{target="mastodon",outcome="up"}')).toBe(1);
  });
  const page = await practice.page();
  expect(page).toContain('class="ribbon"');
  expect(page).toMatch(/99\.\d+\s%/);
  expect(await practice.page("fr")).toContain("Balados");
  expect(page).toContain("upgraded 1.15.4 → 1.15.5");
  const history = await (await fetch(new URL("/en/history", practice.statusUrl))).text();
  expect(history).toContain("upgraded 4.4.22 → 4.5.15");
  expect(history).toContain('class="ribbon"');
});

test("the two printed lines, and the edits that the guide shows, give a configuration of one's own about the stand-ins", async () => {
  const [, lines = ""] = /in a second terminal:\n((?: {4}\S.*\n){2})/.exec(practice.printed()) ?? [];
  expect(lines).toMatch(/^ {4}export SMTP_URL=.*\n {4}\.\/tidewatch init /);
  await using place = await mkdtempDisposable(join(tmpdir(), "tidewatch-trial-"));
  await symlink(join(import.meta.dirname, "..", "..", "tidewatch"), join(place.path, "tidewatch"));
  const type = async (command: string) =>
    (await promisify(execFile)("sh", ["-ec", command], { cwd: place.path })).stdout;
  const said = await type(`${lines} ./tidewatch probe`);
  expect(new Set([...said.matchAll(/^● up +(\w+)\//gm)].map(([, name]) => name))).toEqual(
    new Set(["mastodon", "castopod", "pixelfed"]),
  );
  const file = join(place.path, "tidewatch.yaml");
  await writeFile(file, edited(await readFile(file, "utf8"), await guidesEdits()));
  const summary = await type(`${lines.split("\n")[0]}\n./tidewatch check-config`);
  expect(summary).toContain("at once    First on call (email)");
  expect(summary).toMatch(/^Status page: http:\/\/localhost:\d+$/m);
});

/** What docs/first-ten-minutes.md shows of the file as it is after the reader's work: the people, a test. */
async function guidesEdits(): Promise<readonly string[]> {
  const guide = await readFile(join(import.meta.dirname, "..", "..", "docs", "first-ten-minutes.md"), "utf8");
  return [...guide.matchAll(/^```yaml\n(.*?)```$/gms)].map(([, block = ""]) => block);
}

/** The `# ` goes from these lines; a target more stands before those in comments. */
function edited(yaml: string, [alerts = "", target = ""]: readonly string[]): string {
  const commented = alerts.replace(/^/gm, "# ").replace(/# $/, "");
  expect(yaml).toContain(commented);
  return yaml.replace(commented, alerts).replace(/^ {2}# What cannot be found out/m, `${target}$&`);
}

test("Mastodon stops and comes back: page, metrics and mails in one thread", async () => {
  await practice.turn("mastodon", "break");
  const page = await practice.mail(({ subject }) => /Mastodon is down/.test(subject));
  expect(page.to).toEqual(["contractor@practice.example"]);
  await practice.until(async () => {
    expect(await practice.sentence()).toBe("Mastodon is down");
    expect(await practice.metric('tidewatch_target_outcome{target="mastodon",outcome="down"}')).toBe(1);
  });
  await practice.turn("mastodon", "mend");
  const recovery = await practice.mail(({ subject, text }) => /Mastodon/.test(subject) && /RESOLVED/.test(text));
  expect(recovery.references).toEqual(expect.arrayContaining(page.references));
  expect(recovery.subject).toContain(page.subject);
  await practice.until(async () => {
    expect(await practice.metric('tidewatch_target_outcome{target="mastodon",outcome="up"}')).toBe(1);
    expect(await practice.metric('tidewatch_incidents_open{target="mastodon"}')).toBe(0);
  });
});

test("a stalled queue pages although every request is answered, and members read that posts arrive late", async () => {
  await practice.turn("queue", "break");
  await practice.mail(({ subject }) => /queue|late/i.test(subject));
  await practice.until(async () => {
    expect(await practice.metric('tidewatch_target_outcome{target="mastodon",outcome="degraded"}')).toBe(1);
    expect(await practice.page()).toMatch(/late/);
  });
  await practice.turn("queue", "mend");
  await practice.mail(({ subject, text }) => /queue|late/i.test(subject) && /RESOLVED/.test(text));
});

test("a database that grows past its threshold pages about the disk, once", async () => {
  const before = (await practice.mails()).length;
  await practice.turn("database", "break");
  await practice.mail(({ subject }) => /Database/i.test(subject));
  await practice.until(async () => {
    expect(await practice.metric('tidewatch_incidents_open{target="database"}')).toBe(1);
  });
  expect(await practice.mails()).toHaveLength(before + 1);
  await practice.turn("database", "mend");
  await practice.mail(({ subject, text }) => /Database/i.test(subject) && /RESOLVED/.test(text));
});

test("pictures are lost while every page answers 200: members read of it, TechOps get a ticket", async () => {
  await practice.turn("bucket-gone", "break");
  const ticket = await practice.mail(({ text }) => /NoSuchBucket/.test(text));
  expect(ticket.to).toEqual(["techops@practice.example"]);
  await practice.until(async () => {
    expect(await practice.metric('tidewatch_target_outcome{target="mastodon",outcome="degraded"}')).toBe(1);
    expect(await practice.page()).toContain("Pictures and videos do not load.");
    expect(await practice.page("fr")).toContain("Les images et les vidéos ne s’affichent pas.");
  });
  await practice.turn("bucket-gone", "mend");
  await practice.mail(({ subject, text }) => subject.endsWith(ticket.subject) && /RESOLVED/.test(text));
});

test("the database goes and Mastodon with it: one page, for the cause", async () => {
  const before = (await practice.mails()).length;
  await practice.turn("database-closed", "break");
  await practice.until(async () => {
    for (const target of ["mastodon", "database"]) {
      expect(await practice.metric(`tidewatch_target_outcome{target="${target}",outcome="down"}`)).toBe(1);
      expect(await practice.metric(`tidewatch_incidents_open{target="${target}"}`)).toBe(1);
    }
  });
  await practice.turn("database-closed", "mend");
  await practice.mail(({ subject, text }) => /Database/.test(subject) && /RESOLVED/.test(text));
  await practice.until(async () => {
    expect(await practice.metric('tidewatch_target_outcome{target="mastodon",outcome="up"}')).toBe(1);
  });
  const since = (await practice.mails()).slice(before);
  expect(since.map(({ subject }) => subject).filter((subject) => !/Database is down/.test(subject))).toEqual([]);
});

test("while we are cut off ourselves nobody is paged about a service", async () => {
  const before = (await practice.mails()).length;
  await practice.turn("network", "break");
  await practice.until(async () => {
    for (const target of ["mastodon", "podcasts", "photos"]) {
      expect(await practice.metric(`tidewatch_target_outcome{target="${target}",outcome="unknown"}`)).toBe(1);
    }
    expect(await practice.sentence()).toBe("3 of 4 services are not being measured right now");
  });
  await practice.turn("network", "mend");
  await practice.until(async () => {
    expect(await practice.metric('tidewatch_target_outcome{target="podcasts",outcome="up"}')).toBe(1);
  });
  expect((await practice.mails()).slice(before).map(({ subject }) => subject)).toEqual([]);
});

test("mails that are refused for a while arrive when they are let through, and none twice", async () => {
  const panel = async () => (await (await fetch(practice.practiceUrl)).text()).replace(/<[^>]+>/g, "");
  await practice.turn("mail", "break");
  expect(await panel()).toContain("Mail is blocked, and none waits yet");
  await practice.turn("podcasts", "break");
  await practice.until(async () => {
    expect(await practice.metric("tidewatch_outbox_pending")).toBeGreaterThan(0);
    expect(await practice.metric('tidewatch_notices_failed_total{channel="email"}')).toBeGreaterThan(0);
    expect(await panel()).toMatch(/Mail is blocked: 1 mail waits, since \d\d:\d\d:\d\d UTC\./);
  });
  await practice.turn("mail", "mend");
  const page = await practice.mail(({ subject }) => /Podcasts/.test(subject));
  await practice.turn("podcasts", "mend");
  await practice.mail(({ subject, text }) => /Podcasts/.test(subject) && /RESOLVED/.test(text));
  expect((await practice.mails()).filter(({ messageId }) => messageId === page.messageId)).toHaveLength(1);
});

describe.skipIf(missing)("on the practice page in a real browser", () => {
  const browser = "browser" in started ? started.browser : undefined;
  afterAll(() => browser?.close());

  const open = async (options: { readonly javaScriptEnabled?: boolean }) => {
    if (!browser) throw new Error("no browser");
    const page = await browser.newPage({ viewport: { width: 390, height: 844 }, ...options });
    await page.goto(practice.practiceUrl);
    return page;
  };

  test.each([
    { scripts: true, id: "mastodon", breaks: "Stop Mastodon", mends: "Start Mastodon again" },
    { scripts: false, id: "mail", breaks: "Block the mail", mends: "Let mail through" },
  ])("a switch shows on a phone what it does, without scrolling; scripts: $scripts", async (one) => {
    const page = await open({ javaScriptEnabled: one.scripts });
    await page.getByRole("button", { name: one.breaks, exact: true }).click();
    const panel = page.locator(".now");
    if (one.scripts) {
      await panel.locator("#members-read", { hasText: "Mastodon is down" }).waitFor();
      await panel.locator("#newest-mail", { hasText: "] Mastodon is down" }).waitFor();
    } else await panel.locator("#mails-wait", { hasText: "Mail is blocked" }).waitFor();
    const [above, below] = [await panel.boundingBox(), await page.locator(`#switch-${one.id}`).boundingBox()];
    expect(above?.y).toBeGreaterThanOrEqual(0);
    expect(below?.y).toBeGreaterThanOrEqual((above?.y ?? 0) + (above?.height ?? 0));
    expect((below?.y ?? 0) + (below?.height ?? 0)).toBeLessThanOrEqual(844);
    await page.getByRole("button", { name: one.mends }).click();
    await page.getByRole("button", { name: one.breaks, exact: true }).waitFor();
    await page.close();
  });

  test("axe finds no violation and nothing is wider than the screen", async () => {
    const page = await open({});
    for (const [width, colorScheme] of [
      [320, "light"],
      [390, "dark"],
      [1280, "light"],
      [1280, "dark"],
    ] as const) {
      await page.setViewportSize({ width, height: 844 });
      await page.emulateMedia({ colorScheme });
      expect(await axeViolations(page)).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    }
    await page.close();
  });
});

test("the printed link signs in to the capacity page, once", async () => {
  const form = await fetch(practice.signInUrl);
  expect(await form.text()).toContain("<form");
  const signedIn = await fetch(practice.signInUrl, {
    method: "POST",
    redirect: "manual",
    headers: { Origin: new URL(practice.signInUrl).origin },
  });
  const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const capacity = await fetch(new URL("/team/capacity", practice.statusUrl), { headers: { Cookie: cookie } });
  expect(capacity.status).toBe(200);
  expect(await capacity.text()).toMatch(/<svg[\s\S]*120 MB/);
  const again = await fetch(practice.signInUrl, {
    method: "POST",
    redirect: "manual",
    headers: { Origin: new URL(practice.signInUrl).origin },
  });
  expect(again.headers.getSetCookie()).toEqual([]);
});

test("Ctrl-C leaves no process and no port behind", async () => {
  const ports = [practice.statusUrl, practice.practiceUrl].map((url) => Number(new URL(url).port));
  expect(await practice.stop()).toBe(0);
  for (const port of ports) await expect(connects(port)).resolves.toBe(false);
});

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
