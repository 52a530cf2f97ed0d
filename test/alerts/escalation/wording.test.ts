/** What people read, word for word. */
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { firstSteps, readRunbooks } from "../../../alerts/escalation/runbooks.ts";
import { formatValue, lineLength, subject } from "../../../alerts/escalation/wording.ts";
import { recoveredText, spokenAge, spokenDuration } from "../../../core/member-texts.ts";
import { plainText } from "../../../core/plain-text.ts";
import { target, textOf, World } from "../world.ts";

async function bodiesOf(world: World): Promise<readonly string[]> {
  const notices = await world.store.outbox.of(1);
  return notices.map((notice) => textOf(notice).replace(/\/a\/\S+/, "/a/TOKEN"));
}

async function outage(world: World): Promise<void> {
  await world.breaks("mastodon/web", {
    outcome: "down",
    reason: "connected in 12 ms, then no answer within 10 s",
    phases: { resolve: 0.002, connect: 0.0123, total: 10.01 },
  });
  await world.sendsWhatIsDue();
}

describe("a page", () => {
  test("says what, since when, what was seen, what members see, what to do, and who is next", async () => {
    await using world = await World.open({ start: "2026-11-23T11:12:00Z" });
    await outage(world);
    expect((await bodiesOf(world))[0]).toBe(`DOWN Mastodon since 04:12 Vancouver (UTC-7), 11:12 UTC
Began on Monday, November 23, 2026, confirmed at 04:12 (UTC-7).

Seen by check mastodon/web, from local. 3 of 3 tries failed:
  04:12:00  connected in 12 ms, then no answer within 10 s (name 2 ms, connect 12 ms, total 10 s)
  04:12:20  connected in 12 ms, then no answer within 10 s (name 2 ms, connect 12 ms, total 10 s)
  04:12:40  connected in 12 ms, then no answer within 10 s (name 2 ms, connect 12 ms, total 10 s)
A result counts only while our own connection is good, so the cause is most likely there and not here.

Members see on the status page: “Mastodon cannot be reached at the moment. We have noticed and are looking into it.”

Acknowledge (opens a page with one button; nobody else is woken after that):
https://status.example/a/TOKEN

Status page: https://status.example/
Runbook: docs/runbooks/service-down.md
  1. Open the service on your phone without Wi-Fi, to see what members see.
  2. On its server: df -h (a full disk looks like anything), then systemctl --failed.
  3. Restart what has failed, or undo the last change. The reason in the notice says where to look.

Told now: Contractor (email). Next, unless somebody acknowledges: TechOps (email) at 04:27 Vancouver (UTC-7).
`);
  });

  test("tells the next step in its own time zone why it is told", async () => {
    await using world = await World.open({ start: "2026-11-23T11:12:00Z" });
    await outage(world);
    await world.clock.turn(15 * 60);
    await world.escalates();
    const escalation = (await bodiesOf(world))[1];
    expect(escalation).toMatch(/^DOWN Mastodon since 06:12 Toronto \(UTC-5\), 11:12 UTC\n/);
    expect(escalation).toMatch(
      /You are told because nobody has acknowledged it so far\.\nTold now: Contractor \(email\), TechOps \(email\)\. There is nobody after you\.\n$/,
    );
  });

  test("shows strangers' text as one harmless line", async () => {
    await using world = await World.open();
    await world.breaks("mastodon/web", {
      outcome: "down",
      reason: `\u001b[31mred\r\n\r\nBcc: a\u202e ${"x".repeat(500)}`,
    });
    const body = (await bodiesOf(world))[0] ?? "";
    expect(body).toContain("  red Bcc: a xxx");
    for (const harm of ["\u001b", "\r", "\u202e", "x".repeat(301)]) expect(body).not.toContain(harm);
  });
});

describe("the end", () => {
  test("says how long it lasted, from when to when", async () => {
    await using world = await World.open({ start: "2026-11-23T11:12:00Z" });
    await outage(world);
    await world.clock.turn(13 * 60);
    await world.mends("mastodon/web");
    expect(
      (await bodiesOf(world))[1],
    ).toBe(`RESOLVED after 14 minutes: Mastodon is up again since 04:25 Vancouver (UTC-7), 11:25 UTC

Began: November 23, 2026, 04:12 Vancouver (UTC-7)
Over:  November 23, 2026, 04:25 Vancouver (UTC-7)

Nothing needs to be done now.
Status page: https://status.example/
`);
    expect((await world.store.incidents.updates(1)).map(({ text }) => text)).toEqual([
      {
        en: "Mastodon cannot be reached at the moment. We have noticed and are looking into it.",
        fr: "Mastodon n’est pas accessible en ce moment. Nous l’avons remarqué et nous cherchons la cause.",
      },
      {
        en: "Mastodon works again. It was out of reach for 14 minutes.",
        fr: "Mastodon fonctionne de nouveau. Le service est resté inaccessible pendant 14 minutes.",
      },
    ]);
  });
});

describe("a subject", () => {
  test("has at most 80 characters, and says when it is practice", () => {
    expect(subject(42, "Mastodon is down", true)).toBe("[PRACTICE] [Tidewatch #42] Mastodon is down");
    const long = subject(42, `${"👩‍👩‍👧‍👦".repeat(40)} is down`, false);
    expect(long.length).toBeLessThanOrEqual(80);
    expect(long.isWellFormed()).toBe(true);
    expect(subject(1, "a\r\nBcc: b", false)).toBe("[Tidewatch #1] a Bcc: b");
  });

  test("of the practice co-op is marked in every notice", async () => {
    await using world = await World.open({ practice: true, targets: [target("mastodon", "Mastodon", [])] });
    expect(world.options.practice).toBe(true);
    await using marked = await World.open({ practice: true });
    await marked.breaks("mastodon/web");
    for (const notice of await marked.store.outbox.of(1)) expect(notice.headline).toMatch(/^\[PRACTICE\] /);
  });

  test("differs between installations in its thread, whose numbers both begin at 1", async () => {
    const threads = await Promise.all(
      [1, 2].map(async (fill) => {
        await using world = await World.open({ signingKey: new Uint8Array(32).fill(fill) });
        await world.breaks("mastodon/web");
        return (await world.store.outbox.of(1))[0]?.thread;
      }),
    );
    expect(threads[0]).toMatch(/^incident-1-[0-9a-f]{6}$/);
    expect(threads[0]).not.toBe(threads[1]);
  });
});

describe("figures", () => {
  test.each([
    [0.9996, "ratio", "99.9 %"],
    [0.92, "ratio", "92 %"],
    [1320, "seconds", "22m"],
    [100e9, "bytes", "100 GB"],
    [12.346, "count", "12.35"],
  ] as const)("%d as %s is %o", (value, unit, text) => {
    expect(formatValue(value, unit)).toBe(text);
  });

  test.each([
    [59, "less than a minute", "moins d’une minute"],
    [60, "1 minute", "1 minute"],
    [61, "2 minutes", "2 minutes"],
    [7500, "2 hours 5 minutes", "2 heures 5 minutes"],
    [86_399, "1 day", "1 jour"],
    [90_000, "1 day 1 hour", "1 jour 1 heure"],
    [90_001, "1 day 2 hours", "1 jour 2 heures"],
  ])("an outage of %d s lasted %o: never less than it was", (seconds, en, fr) => {
    expect(spokenDuration(seconds)).toEqual({ en, fr });
  });

  test.each([
    [59.9, "less than a minute", "moins d’une minute"],
    [119, "1 minute", "1 minute"],
    [840.004, "14 minutes", "14 minutes"],
    [86_399, "23 hours 59 minutes", "23 heures 59 minutes"],
    [93_599, "1 day 1 hour", "1 jour 1 heure"],
  ])("what is %d s old is %o old: never more than it is", (seconds, en, fr) => {
    expect(spokenAge(seconds)).toEqual({ en, fr });
  });

  test("members read the same in both languages", () => {
    const name = { en: "Podcasts", fr: "Balados" };
    expect(recoveredText(name, "degraded", 600)).toEqual({
      en: "Podcasts works normally again, after 10 minutes.",
      fr: "Balados fonctionne de nouveau normalement, après 10 minutes.",
    });
  });
});

describe("a runbook", () => {
  test("gives its first three steps as plain text", () => {
    const markdown = [
      "# Down",
      "",
      "Some words.",
      "",
      "1. Look at [the page](https://x), **now**.",
      "   - detail",
      "2. Run `df -h`",
      "   on the host.",
      "   ```sh",
      "   df -h",
      "   ```",
      "   And more of it.",
      "3. Tell.",
      "   | who | how |",
      "4. Sleep.",
      "",
      "## More",
      "",
      "1. no",
    ].join("\n");
    expect(firstSteps(markdown)).toEqual(["Look at the page, now.", "Run df -h on the host.", "Tell."]);
  });

  test("exists for everything that can be told, with three steps", async () => {
    const folder = new URL("../../../probes/", import.meta.url);
    const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".ts"));
    const sources = await Promise.all(files.map((file) => readFile(new URL(file, folder), "utf8")));
    const named = sources.flatMap((source) =>
      [...source.matchAll(/runbook: "([^"]+)"|levels\(\w+, "\w+", "([^"]+)"/g)].map(([, a, b]) => a ?? b ?? ""),
    );
    expect(named.length).toBeGreaterThan(0);
    const all = new Set(["service-down", "service-degraded", "dns", "certificate", ...named]);
    const steps = await readRunbooks();
    expect([...all].filter((name) => steps(name).length < 3)).toEqual([]);
  });

  test("that does not exist keeps no page back", async () => {
    const steps = await readRunbooks();
    expect(steps("no-such-runbook")).toEqual([]);
    expect(steps("service-down")).toHaveLength(3);
    const elsewhere = await readRunbooks(new URL("nowhere/", import.meta.url));
    expect(elsewhere("service-down")).toEqual([]);
  });
});

test("text of strangers loses what could harm a terminal or turn the line", () => {
  expect(plainText("  a\u0000b\u001b]0;c\u0007\u2028d\u200be ", lineLength)).toBe("a b de");
});
