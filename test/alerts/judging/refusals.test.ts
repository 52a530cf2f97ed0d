import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { textOf, World } from "../world.ts";

const refused = {
  outcome: "unknown",
  connected: true,
  reason: "blocked: the monitor is refused (the page answered 403)",
} as const;
const down = { outcome: "down", reason: "answered 503" } as const;

/** So many runs, one each minute. */
async function minutes(world: World, count: number, seen: Parameters<World["sees"]>[1]): Promise<void> {
  for (let minute = 0; minute < count; minute++) {
    await world.sees("mastodon/web", seen);
    await world.clock.turn(60);
  }
}

test("a service that turns us away for ten minutes is one ticket that says what to do, and ends with the next result", async () => {
  await using world = await World.open();
  await world.sees("mastodon/web", "up");
  await minutes(world, 10, refused);
  expect(await world.incidents()).toEqual([]);
  await minutes(world, 5, refused);
  expect(await world.incidents()).toMatchObject([
    { key: "mastodon:not-measured", urgency: "ticket", impact: "none", runbook: "not-measured", state: "open" },
  ]);
  const [ticket, ...others] = await world.store.outbox.of(1);
  expect(others).toEqual([]);
  expect(ticket?.kind).toBe("ticket");
  expect(textOf(ticket)).toContain("TICKET Mastodon: cannot be measured");
  expect(textOf(ticket)).toContain("1 of 1 tries could not be measured");
  expect(textOf(ticket)).toMatch(/allow our User-Agent, which begins with Tidewatch\/, or this machine's address/);
  await world.sendsWhatIsDue();
  await world.sees("mastodon/web", "up");
  expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
  expect((await world.outbox()).at(-1)).toBe("resolve techops email pending");
});

test("that we are blind ourselves is no refusal, however long it lasts", async () => {
  await using world = await World.open();
  await minutes(world, 60, "unknown");
  expect(await world.incidents()).toEqual([]);
});

test("failures between refusals are an outage, and nothing else is told beside it", async () => {
  await using world = await World.open();
  for (let turn = 0; turn < 20; turn++) {
    for (const seen of [down, down, refused]) {
      await world.sees("mastodon/web", seen);
      await world.clock.turn(60);
    }
  }
  expect(await world.incidents()).toMatchObject([{ key: "mastodon", impact: "down", state: "open" }]);
});

test("a kill -9 in the middle neither forgets how long we were turned away nor tells it twice", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-refusals-"));
  await using world = await World.open({ file: join(folder.path, "tidewatch.db") });
  await minutes(world, 6, refused);
  await world.restart();
  await minutes(world, 5, refused);
  expect(await world.incidents()).toHaveLength(1);
  await world.restart();
  await minutes(world, 5, refused);
  expect(await world.incidents()).toMatchObject([{ state: "open" }]);
});

test("one that is well for now after it came and went, and turns us away from then on, is a ticket all the same", async () => {
  await using world = await World.open();
  for (let outage = 0; outage < 2; outage++) {
    await world.breaks("mastodon/web", down);
    await world.mends("mastodon/web");
    await world.clock.turn(60);
  }
  expect(await world.incidents()).toMatchObject([{ state: "open", flapping: { relapses: 1 } }]);
  await minutes(world, 15, refused);
  expect(await world.incidents()).toMatchObject([{ state: "open" }, { key: "mastodon:not-measured", state: "open" }]);
});
