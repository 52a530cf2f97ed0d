/** What comes and goes: one incident, told as such once, and over when it has been well for a while. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { acknowledgement } from "../../../core/member-texts.ts";
import { presentImpact } from "../../../core/status/status.ts";
import { parseConfig } from "../../../program/config-file.ts";
import { loadPlugins } from "../../../program/plug-ins.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { beginLife } from "../../helpers/life.ts";
import { check, target, textOf, World } from "../world.ts";

const web = [target("mastodon", "Mastodon", [check("mastodon", "web")])];

async function onDisk() {
  const folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-flaps-"));
  const world = await World.open({ file: join(folder.path, "tidewatch.db"), targets: web });
  return {
    world,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Runs every ten seconds for so long, with whatever is due sent. */
async function stays(world: World, outcome: "up" | "down" | "unknown", seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 10) {
    await world.sees("mastodon/web", outcome);
    await world.sendsWhatIsDue();
    await world.clock.turn(10);
  }
}

async function told(world: World, contact = "contractor"): Promise<readonly string[]> {
  const notices = await world.store.outbox.of(1);
  return notices.filter(({ to, state }) => to.id === contact && state === "sent").map(({ kind }) => kind);
}

test.each([
  [60, 120],
  [90, 90],
  [120, 60],
  [40, 140],
])(
  "ten times down for %i s and up for %i s: one incident, three notices until then, and one at its end",
  async (down, up) => {
    await using disk = await onDisk();
    const { world } = disk;
    for (let flap = 0; flap < 10; flap++) {
      await stays(world, "down", down);
      await stays(world, "up", up);
      // As after kill -9, each time at another moment.
      if (flap % 3 === 2) await world.restart();
    }
    expect(await world.incidents()).toMatchObject([{ state: "open", flapping: { relapses: 9 } }]);
    expect(await told(world)).toEqual(["page", "resolve", "page"]);
    await stays(world, "up", 900);
    const [incident] = await world.incidents();
    expect(incident).toMatchObject({ id: 1, state: "resolved" });
    expect(await world.incidents()).toHaveLength(1);
    expect(await told(world)).toEqual(["page", "resolve", "page", "resolve"]);
    // Whoever else was called in the meantime hears its end as well, and nothing more.
    expect(await told(world, "techops")).toEqual(["escalation", "resolve"]);
  },
);

test("the page says that it comes and goes, its end that it did, and members read both in two languages", async () => {
  await using world = await World.open({ targets: web });
  await world.breaks("mastodon/web");
  await world.sendsWhatIsDue();
  await world.mends("mastodon/web");
  await world.sendsWhatIsDue();
  await world.clock.turn(300);
  const again = world.clock.now();
  await world.breaks("mastodon/web");
  await world.sendsWhatIsDue();
  const [, , page] = await world.store.outbox.of(1);
  expect(page).toMatchObject({ kind: "page", headline: "[Tidewatch #1] Mastodon is down" });
  expect(textOf(page)).toMatch(/^DOWN Mastodon since 05:06 Vancouver/);
  expect(textOf(page)).toMatch(/^IT COMES AND GOES: resolved at 05:00 Vancouver \(UTC-7\), and in trouble again\.$/m);
  expect((await world.store.incidents.updates(1)).at(-1)).toMatchObject({
    public: true,
    at: again.add({ seconds: 40 }),
    text: {
      en: "Mastodon cannot be reached at the moment. It comes and goes, so this notice stays until all has worked for 15 minutes without a break.",
      fr: expect.stringMatching(/Le problème va et vient.*pendant 15 minutes sans interruption/),
    },
  });
  await world.clock.turn(60);
  const mended = world.clock.now();
  await world.mends("mastodon/web");
  await stays(world, "up", 860);
  expect(await world.incidents()).toMatchObject([{ state: "open", flapping: { relapses: 1, quietSince: mended } }]);
  await stays(world, "up", 40);
  expect(await world.incidents()).toMatchObject([{ state: "resolved", resolvedAt: mended }]);
  const end = (await world.store.outbox.of(1)).at(-1);
  expect(textOf(end)).toMatch(/^RESOLVED after coming and going for 8 minutes: Mastodon is up again since/);
  expect((await world.store.incidents.updates(1)).at(-1)?.text).toMatchObject({
    en: "Mastodon works steadily again. It came and went for 8 minutes.",
    fr: expect.stringMatching(/^Mastodon fonctionne de nouveau sans interruption/),
  });
});

test("what was up in between counts as up, and is shown as up while the incident goes on", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-flaps-"));
  const clock = new FakeClock();
  const yaml = `
organisation: { name: Co-op, languages: [en], timeZone: UTC }
targets: [{ id: mastodon, name: Mastodon, checks: [{ id: web, probe: http, url: "http://mastodon.example/" }] }]`;
  const config = parseConfig(yaml, { ...(await loadPlugins()), file: "flaps.yaml", env: {} });
  await using life = await beginLife({ file: join(folder.path, "tidewatch.db"), clock, config });
  const [only] = life.checks;
  if (!only) throw new Error("there is no check");
  const from = clock.now();
  const flaps = Array.from({ length: 3 }, () => [["down", 60] as const, ["up", 120] as const]).flat();
  for (const [outcome, seconds] of [["up", 600] as const, ...flaps]) {
    for (let second = 0; second < seconds; second += 10) {
      life.record(only, { outcome });
      await life.settle();
      await clock.turn(10);
    }
  }
  const past = await life.store.judgements.transitions({ from, to: clock.now() });
  const downSeconds = past.reduce((sum, { at, outcome }, index) => {
    const until = past[index + 1]?.at ?? clock.now();
    return outcome === "down" ? sum + until.since(at).total("seconds") : sum;
  }, 0);
  expect(downSeconds).toBe(180);
  const [incident] = await life.store.incidents.list({});
  expect(incident).toMatchObject({ state: "open", flapping: { relapses: 2 } });
  expect(incident && presentImpact(incident, [])).toBe("up");
});

test("nobody else is called while it is well for now, and in time when it is not", async () => {
  await using world = await World.open({ targets: web });
  await stays(world, "down", 60);
  await stays(world, "up", 120);
  await stays(world, "down", 60);
  const page = (await world.store.outbox.of(1)).at(-1);
  await stays(world, "up", 880);
  expect(await told(world, "techops")).toEqual([]);
  await stays(world, "down", 60);
  expect(await told(world, "techops")).toEqual(["escalation"]);
  expect(page?.kind).toBe("page");
});

test("what cannot be seen any more while its end is held back goes on being told", async () => {
  await using world = await World.open({ targets: web });
  await stays(world, "down", 60);
  await stays(world, "up", 120);
  await stays(world, "down", 60);
  await stays(world, "up", 60);
  await stays(world, "unknown", 1260);
  expect(await world.incidents()).toMatchObject([{ state: "open" }]);
  expect(await told(world, "techops")).toEqual(["escalation"]);
});

test("whoever took it is not called again, and hears its end", async () => {
  await using world = await World.open({ targets: web });
  await stays(world, "down", 60);
  await stays(world, "up", 120);
  await stays(world, "down", 60);
  const now = world.clock.now();
  await world.store.incidents.acknowledge(1, "contractor", now, acknowledgement(now, true));
  for (let flap = 0; flap < 4; flap++) {
    await stays(world, "up", 600);
    await stays(world, "down", 60);
  }
  expect(await world.incidents()).toMatchObject([{ state: "acknowledged" }]);
  await stays(world, "up", 960);
  expect(await told(world)).toEqual(["page", "resolve", "page", "resolve"]);
  expect(await told(world, "techops")).toEqual([]);
});

test("degraded when it came back, and down after that: told as down", async () => {
  await using world = await World.open({ targets: web });
  await stays(world, "down", 60);
  await stays(world, "up", 120);
  await world.breaks("mastodon/web", { outcome: "degraded", reason: "slow" });
  await stays(world, "up", 120);
  await stays(world, "down", 60);
  expect(await told(world)).toEqual(["page", "resolve", "page"]);
  expect(await world.incidents()).toMatchObject([
    { state: "open", urgency: "page", title: { en: "Mastodon is down" } },
  ]);
});

test("an end that nobody got yet is taken back when it is down again", async () => {
  await using world = await World.open({ targets: web });
  await world.breaks("mastodon/web");
  await world.sendsWhatIsDue();
  await world.mends("mastodon/web");
  await world.breaks("mastodon/web");
  expect(await world.outbox()).toEqual([
    "page contractor email sent",
    "resolve contractor email superseded",
    "page contractor email pending",
    "escalation techops email planned",
  ]);
});

test.each([
  ["later than half an hour", 1800, undefined],
  ["where each outage is to be one of its own", 60, { withinSeconds: 0, quietSeconds: 900 }],
])("down again %s: another incident, and its end is told at once", async (_, seconds, flapping) => {
  await using world = await World.open({ targets: web, ...(flapping && { flapping }) });
  await world.breaks("mastodon/web");
  await world.mends("mastodon/web");
  await world.clock.turn(seconds);
  await world.breaks("mastodon/web");
  await world.mends("mastodon/web");
  expect(await world.incidents()).toMatchObject([{ state: "resolved" }, { id: 2, state: "resolved" }]);
});

test.each([86_400, -86_400])("a clock set by %i s while it is well for now changes nothing", async (jump) => {
  await using world = await World.open({ targets: web });
  await stays(world, "down", 60);
  await stays(world, "up", 120);
  world.clock.jump(jump);
  await stays(world, "down", 60);
  await stays(world, "up", 300);
  world.clock.jump(jump);
  await stays(world, "up", 580);
  expect(await world.incidents()).toMatchObject([{ state: "open" }]);
  await stays(world, "up", 60);
  expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
  expect(await told(world)).toEqual(["page", "resolve", "page", "resolve"]);
});

test("an outage while the machine begins in 1971 is another one than that of months ago", async () => {
  await using disk = await onDisk();
  const { world } = disk;
  await world.breaks("mastodon/web");
  await world.mends("mastodon/web");
  await world.clock.turn(90 * 86_400);
  world.clock.jump(-55 * 365 * 86_400);
  await world.restart();
  await world.breaks("mastodon/web");
  world.clock.jump(55 * 365 * 86_400);
  await world.sees("mastodon/web", "down");
  const [, second] = await world.incidents();
  expect(second).toMatchObject({ id: 2, state: "open" });
  expect(second?.startedAt.until(world.clock.now()).total("seconds")).toBeLessThan(120);
});
