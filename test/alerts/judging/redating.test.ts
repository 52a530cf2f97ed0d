/** Incidents that go on while the wall clock is set, also while nobody was there to see it: what is known lasts as long as it did. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { textOf, World } from "../world.ts";

const day = 86_400;
const sinceBoot = 55 * 365 * day;
const confirmSeconds = 40;

async function lasted(world: World): Promise<number> {
  const [incident] = await world.incidents();
  if (incident?.state !== "resolved") throw new Error("it goes on");
  return (incident.resolvedAt.epochMilliseconds - incident.startedAt.epochMilliseconds) / 1000;
}

const updateTexts = async (world: World) => (await world.store.incidents.updates(1)).map(({ text }) => text.en);

/** Broken for so long before the end of the process, and after the next began; `away` between. */
async function restarted(
  world: World,
  { before, away, after, sets }: { before: number; away: number; after: number; sets: readonly [number, number] },
): Promise<void> {
  await world.breaks("mastodon/web");
  await world.clock.turn(before - confirmSeconds);
  await world.sees("mastodon/web", "down");
  await world.clock.turn(away);
  world.clock.jump(sets[0]);
  await world.restart();
  await world.sees("mastodon/web", "down");
  await world.clock.turn(60);
  world.clock.jump(sets[1]);
  await world.sees("mastodon/web", "down");
  await world.clock.turn(after - 60);
  await world.mends("mastodon/web");
}

describe("an outage over a restart", () => {
  const span = { before: 600, away: 300, after: 240 };
  const all = span.before + span.away + span.after;

  test.each([
    ["nobody touched the clock: all of it", [0, 0], all],
    ["the machine begins in 1971 and learns the time: all of it", [-sinceBoot, sinceBoot], all],
    ["the machine begins in 1971 and stays there: what was measured", [-sinceBoot, 0], all - span.away],
    ["the clock was put back by an hour meanwhile: what was measured", [-3600, 0], all - span.away],
    ["the clock is put back by a day afterwards: all of it", [0, -day], all],
    ["the clock is put ahead by a day afterwards: all of it", [0, day], all],
  ] as const)("%s", async (_, sets, seconds) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-"));
    await using world = await World.open({ file: join(folder.path, "store.db") });
    await restarted(world, { ...span, sets });
    expect(Math.abs((await lasted(world)) - seconds)).toBeLessThanOrEqual(2);
  });
});

test("what was begun before a clock was set and goes on after a restart lasts as long as it did", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-"));
  await using world = await World.open({ file: join(folder.path, "store.db") });
  await world.breaks("mastodon/web");
  world.clock.jump(day);
  await world.clock.turn(20);
  await world.sees("mastodon/web", "down");
  await world.restart();
  await world.clock.turn(240);
  await world.mends("mastodon/web");
  expect(await lasted(world)).toBe(300);
  expect((await updateTexts(world)).at(-1)).toContain("5 minutes");
});

test.each([3600, -3600, day, -day])(
  "a later step says since when by the clock as it is then: set by %i s",
  async (jump) => {
    await using world = await World.open({ start: "2026-11-23T12:00:00Z" });
    await world.breaks("mastodon/web");
    await world.clock.turn(60);
    world.clock.jump(jump);
    await world.sees("mastodon/web", "down");
    const began = world.clock.now().subtract({ seconds: 100 });
    const { dueAt } = (await world.store.due.next("escalation", 1))[0] ?? {};
    world.clock.jump(-jump);
    world.clock.jump((dueAt?.epochMilliseconds ?? 0) / 1000 - world.clock.now().epochMilliseconds / 1000);
    await world.escalates();
    const later = (await world.store.outbox.of(1)).find(({ kind }) => kind === "escalation");
    expect(textOf(later)).toContain(
      `${began.toZonedDateTimeISO("UTC").toPlainTime().toString({ smallestUnit: "minute" })} UTC`,
    );
  },
);

test.each([3600, -3600, day, -day])(
  "a level beyond its threshold lasts as long with a clock set by %i s",
  async (jump) => {
    await using world = await World.open();
    const seen = (value: number) => ({
      outcome: "up" as const,
      readings: [{ metric: "queue_latency_seconds", value, labels: { queue: "default" } }],
    });
    for (let minute = 0; minute < 40; minute++) {
      if (minute === 20) world.clock.jump(jump);
      await world.sees("mastodon/queues", seen(minute < 30 ? 1000 : 10));
      await world.clock.turn(60);
    }
    await world.sees("mastodon/queues", seen(10));
    expect(Math.abs((await lasted(world)) - 1800)).toBeLessThanOrEqual(2);
  },
);

test("a relapse says when it was over by the clock as it is now, and only within the hour that passed", async () => {
  await using world = await World.open();
  await world.breaks("mastodon/web");
  await world.mends("mastodon/web");
  await world.clock.turn(2400);
  world.clock.jump(day);
  await world.breaks("mastodon/web");
  expect(textOf((await world.store.outbox.of(2))[0])).toContain("AGAIN: resolved at");
});

test.each([3600, -3600, day, -day])(
  "what comes and goes while the clock is set by %i s lasts as long as it did",
  async (jump) => {
    await using world = await World.open();
    await world.breaks("mastodon/web");
    await world.mends("mastodon/web");
    await world.clock.turn(600);
    world.clock.jump(jump);
    await world.breaks("mastodon/web");
    await world.clock.turn(60);
    world.clock.jump(jump);
    await world.mends("mastodon/web");
    for (let minute = 0; minute < 20; minute++) {
      if (minute === 5) world.clock.jump(-jump);
      await world.clock.turn(60);
      await world.sees("mastodon/web", "up");
    }
    expect(await world.incidents()).toHaveLength(1);
    expect(Math.abs((await lasted(world)) - (40 + 30 + 600 + 40 + 60))).toBeLessThanOrEqual(2);
  },
);

test("what became worse as the clock was set is dated once", async () => {
  await using world = await World.open();
  await world.breaks("mastodon/web", { outcome: "degraded", reason: "slow" });
  for (const wait of [20, 20]) {
    await world.sees("mastodon/web", "down");
    await world.clock.turn(wait);
  }
  world.clock.jump(3600);
  await world.sees("mastodon/web", "down");
  const [incident] = await world.incidents();
  expect(incident).toMatchObject({ impact: "down" });
  const escalation = await world.store.escalations.of(1);
  expect(escalation?.news?.facts.startedAt).toEqual(incident?.startedAt);
});

test.each([day, -day])("what came back lasts as long as it did, though the clock is set by %i s then", async (jump) => {
  await using world = await World.open();
  const began = world.clock.monotonicSeconds();
  for (let outage = 0; outage < 2; outage++) {
    await world.breaks("mastodon/web");
    if (outage === 1) world.clock.jump(jump);
    await world.sees("mastodon/web", "down");
    await world.clock.turn(60);
    const over = world.clock.monotonicSeconds();
    await world.mends("mastodon/web");
    if (outage === 0) continue;
    for (let second = 0; second < 900; second += 30) {
      await world.clock.turn(30);
      await world.sees("mastodon/web", "up");
    }
    expect(Math.abs((await lasted(world)) - (over - began))).toBeLessThanOrEqual(2);
  }
});
