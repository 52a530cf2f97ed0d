import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Threshold } from "../../../core/threshold.ts";
import { check, latency, target, textOf, World } from "../world.ts";

const down = { outcome: "down", reason: "answered 503" } as const;
const degraded = { outcome: "degraded", reason: "slow" } as const;

/** One of three runs fails, or what is given is seen in turn, each 20 s. */
async function turns(
  world: World,
  times: number,
  turn: readonly (typeof down | "up")[] = [down, "up", "up"],
): Promise<void> {
  for (let time = 0; time < times; time++) {
    for (const seen of turn) {
      await world.sees("mastodon/web", seen);
      await world.clock.turn(20);
    }
  }
}

test("failures that come and go are one ticket with its share, since the first of them, and over when all is calm", async () => {
  await using world = await World.open();
  await world.sees("mastodon/web", "up");
  const first = world.clock.now();
  await turns(world, 5);
  expect(await world.incidents()).toEqual([]);
  await turns(world, 3);
  const [incident, ...others] = await world.incidents();
  expect(others).toEqual([]);
  expect(incident).toMatchObject({
    impact: "degraded",
    urgency: "ticket",
    title: { en: "Mastodon fails now and then", fr: "Mastodon fonctionne par intermittence" },
    reason: "fails now and then, the last time: answered 503",
    startedAt: first,
  });
  const [ticket] = await world.store.outbox.of(1);
  expect(textOf(ticket)).toContain("6 of 16 tries were not as promised, with good ones between. The last of them:");
  expect(textOf(ticket)).toContain("Mastodon does not always answer; trying again often helps.");
  await turns(world, 25, ["up"]);
  expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
});

test("its seconds are degraded, and its failures blips", async () => {
  await using world = await World.open();
  const blips: unknown[] = [];
  const settled = new Set<string>();
  const consider = world.judge.consider.bind(world.judge);
  world.judge.consider = (event) => {
    if (event.blip) blips.push(event.blip);
    settled.add(event.confirmation.intermittence?.on ? "degraded" : "up");
    return consider(event);
  };
  await turns(world, 10);
  expect(blips).toHaveLength(10);
  expect(settled).toEqual(new Set(["up", "degraded"]));
});

test("when it is down in between, the same incident pages, and goes on until all is calm", async () => {
  await using world = await World.open();
  await turns(world, 7);
  await world.breaks("mastodon/web");
  await world.mends("mastodon/web");
  expect(await world.incidents()).toMatchObject([{ impact: "down", urgency: "page", state: "open" }]);
  await turns(world, 25, ["up"]);
  expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
});

test("down again and again between failures that come and go: one page in half an hour, and the next step in time", async () => {
  await using world = await World.open();
  await turns(world, 16);
  await world.sendsWhatIsDue();
  const count = async (kind: string) => (await world.store.outbox.of(1)).filter((one) => one.kind === kind).length;
  for (let cycle = 0; cycle < 15; cycle++) {
    await turns(world, 1, [down, down, down, "up", "up"]);
    await world.sendsWhatIsDue();
    if (cycle === 0) expect(await count("page")).toBe(1);
  }
  expect([await count("ticket"), await count("page"), await count("escalation")]).toEqual([1, 1, 1]);
  expect(await world.incidents()).toMatchObject([{ state: "open", impact: "down", urgency: "page" }]);
});

test("a kill -9 at any moment forgets no failure, and tells nothing twice", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-intermittent-"));
  await using world = await World.open({ file: join(folder.path, "tidewatch.db") });
  for (let turn = 0; turn < 8; turn++) {
    for (const seen of [down, "up", "up"] as const) {
      await world.sees("mastodon/web", seen);
      if (turn > 3 && seen === down) await world.restart();
      await world.clock.turn(20);
    }
  }
  expect(await world.incidents()).toMatchObject([{ urgency: "ticket", state: "open" }]);
  expect((await world.store.outbox.of(1)).map(({ kind }) => kind)).toEqual(["ticket"]);
});

test("a ticket waits while a page for the same target is being confirmed, and is that page", async () => {
  await using world = await World.open();
  const seen = [degraded, degraded, down, down, down] as const;
  for (const one of seen) {
    await world.sees("mastodon/web", one);
    await world.clock.turn(20);
  }
  expect(await world.incidents()).toMatchObject([{ title: { en: "Mastodon is down" }, urgency: "page" }]);
  const [page, ...others] = await world.store.outbox.of(1);
  expect(others).toEqual([]);
  expect(page?.headline).toContain("Mastodon is down");
  expect(textOf(page)).not.toContain("worse");
});

test("the ticket comes when the page does not", async () => {
  await using world = await World.open();
  for (const one of [degraded, degraded, down, degraded] as const) {
    await world.sees("mastodon/web", one);
    await world.clock.turn(20);
  }
  expect(await world.incidents()).toMatchObject([{ title: { en: "Trouble with Mastodon" }, urgency: "ticket" }]);
});

test("an expired certificate is one notice, and what is left of it is told once the check is up", async () => {
  const endsSoon: Threshold = {
    ...latency,
    id: "certificate",
    raiseAfterSeconds: 0,
    clearAfterSeconds: 0,
    urgency: "page",
    affects: "nothing",
  };
  const mastodon = target("mastodon", "Mastodon", [check("mastodon", "tls", { thresholds: [endsSoon] })]);
  await using world = await World.open({ targets: [mastodon] });
  const readings = [{ metric: endsSoon.metric, value: 1000 }];
  await world.breaks("mastodon/tls", { outcome: "down", reason: "certificate expired 2026-10-01", readings });
  expect(await world.incidents()).toMatchObject([{ kind: "outage", impact: "down" }]);
  for (let minute = 0; minute < 3; minute++) {
    await world.clock.turn(60);
    await world.sees("mastodon/tls", { outcome: "up", readings });
  }
  expect((await world.incidents()).map(({ kind, state }) => `${kind} ${state}`)).toEqual([
    "outage resolved",
    "threshold open",
  ]);
});
