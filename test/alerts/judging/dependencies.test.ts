/** A chain of checks: one cause is told once, and whatever it explains is recorded, never lost, and told when it stays. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sameInAll } from "../../../core/language.ts";
import type { Check } from "../../../core/target.ts";
import { randomFrom } from "../../helpers/random.ts";
import { check, latency, onCall, target, textOf, World } from "../world.ts";

const cause = "database/connect";
const refused = { outcome: "down", reason: "connection refused" } as const;

/** Mastodon, whose web and queues need the database, with a streaming server that does not. */
function coOp({ database = {}, web = {} }: { readonly database?: Partial<Check>; readonly web?: Partial<Check> } = {}) {
  return [
    target("database", "Database", [check("database", "connect", database)], { public: false }),
    target("mastodon", "Mastodon", [
      check("mastodon", "web", { dependsOn: [cause], ...web }),
      check("mastodon", "service", { dependsOn: ["mastodon/web"] }),
      check("mastodon", "streaming"),
      check("mastodon", "queues", { dependsOn: [cause], thresholds: [latency] }),
    ]),
  ];
}

/** A web that cannot do without either of two other targets. */
const twoCauses = () => [
  target("database", "Database", [check("database", "connect")]),
  target("cache", "Cache", [check("cache", "ping")]),
  target("mastodon", "Mastodon", [check("mastodon", "web", { dependsOn: [cause, "cache/ping"] })]),
];

async function onDisk() {
  const folder = await mkdtemp(join(tmpdir(), "tidewatch-chain-"));
  const world = await World.open({ file: join(folder, "tidewatch.db"), targets: coOp() });
  return {
    world,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

const told = ["page contractor email pending", "escalation techops email planned"];
/** The same while what may explain it is being confirmed: nothing of it is written. */
const waits = ["page contractor email planned", "escalation techops email planned"];
const notesOf = async (world: World, incident: number) =>
  (await world.store.incidents.updates(incident)).map(({ kind, text, public: shown }) => ({
    kind,
    en: text.en,
    shown,
  }));

test("a failure that a told cause explains is recorded with it, in one transaction, and pages nobody", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  expect(await world.incidents()).toMatchObject([
    { id: 1, key: "database", urgency: "page" },
    { id: 2, key: "mastodon", urgency: "page", reason: "answered 502, because database/connect: connection refused" },
  ]);
  expect(await world.outbox(1)).toEqual(told);
  expect(await world.outbox(2)).toEqual([]);
});

test("members read of the cause by its name when it stands on their page, and only then", async () => {
  const [database, mastodon] = coOp();
  if (!database || !mastodon) throw new Error("the co-op is not there");
  await using open = await World.open({ targets: [{ ...database, public: true }, mastodon] });
  await using closed = await World.open({ targets: [database, mastodon] });
  for (const world of [open, closed]) {
    await world.breaks(cause, refused);
    await world.breaks("mastodon/web");
  }
  expect((await notesOf(open, 2))[0]?.en).toContain("It comes from the trouble with Database.");
  expect((await notesOf(closed, 2))[0]?.en).not.toContain("Database");
});

test("the cause is well again and the dependent is not: its next failed try pages, without counting anew", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  await world.mends(cause);
  expect(await world.outbox(2)).toEqual([]);
  await world.clock.turn(10);
  await world.sees("mastodon/web", { outcome: "down", reason: "answered 500" });
  expect(await world.outbox(2)).toEqual(told);
  const [page] = await world.store.outbox.of(2);
  expect(page?.notBefore).toEqual(world.clock.now());
  expect(textOf(page)).toContain("Until now database/connect explained it");
  expect(textOf(page)).toContain("answered 500");
  expect((await world.incidents())[1]).toMatchObject({ state: "open", reason: "answered 500" });
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(2)).toEqual(told);
});

test("a try that began before the cause was well again does not page", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  await world.mends(cause);
  // Begun in the same instant as the good try.
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(2)).toEqual([]);
  // A clock that was put back must not keep it quiet for long.
  world.clock.jump(-3600);
  await world.clock.turn(10);
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(2)).toEqual(told);
});

test("both are well again: nobody hears of what was never told", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  await world.mends(cause);
  await world.clock.turn(10);
  await world.mends("mastodon/web");
  expect((await world.incidents()).map(({ state }) => state)).toEqual(["resolved", "resolved"]);
  expect(await world.outbox(2)).toEqual([]);
});

test("something in the same incident that speaks for itself pages at once", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  await world.breaks("mastodon/streaming");
  expect(await world.outbox(2)).toEqual(told);
});

test("a milder check that the cause does not explain: the page says so, and shows the worst", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  await world.breaks("mastodon/streaming", { outcome: "degraded", reason: "no live posts" });
  const [page] = await world.store.outbox.of(2);
  expect(textOf(page)).toContain(
    "Until now database/connect explained it. It fails still, but it does not explain all",
  );
  expect(textOf(page)).toContain("answered 502");
  expect(textOf(page)).not.toContain("no live posts");
});

test("a chain leads to its beginning", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  await world.breaks("mastodon/service");
  expect(await world.outbox(2)).toEqual([]);
  await world.mends(cause);
  await world.clock.turn(10);
  await world.sees("mastodon/service", "down");
  expect(await world.outbox(2)).toEqual(told);
});

/** Nothing of it went out. */
const over: readonly string[] = [];
/** It went out, and its later steps are planned no more. */
const toldBefore = ["page contractor email sent"];

test("the dependent failed first: it was told, says what explains it, and only the cause goes on to others", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.breaks("mastodon/web");
  await world.sendsWhatIsDue();
  await world.breaks(cause, refused);
  expect(await world.outbox(1)).toEqual(toldBefore);
  expect(await world.outbox(2)).toEqual(told);
  expect((await notesOf(world, 1)).slice(1)).toEqual([
    { kind: "note", en: "because database/connect: connection refused", shown: false },
  ]);
  await world.sees(cause, refused);
  expect(await notesOf(world, 1)).toHaveLength(2);
});

test("it outlasts the cause that was found later: it is told anew, with its escalation", async () => {
  await using disk = await onDisk();
  const { world } = disk;
  await world.breaks("mastodon/web");
  await world.sendsWhatIsDue();
  await world.breaks(cause, refused);
  await world.mends(cause);
  await world.restart();
  await world.clock.turn(10);
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(1)).toEqual([...toldBefore, ...told]);
  await world.clock.turn(60);
  await world.sees("mastodon/web", "down");
  await world.restart();
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(1)).toEqual([...toldBefore, ...told]);
});

test("it outlasts a second cause in the second of the first, by a clock that was put back: it is told anew", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  const moments: Temporal.Instant[] = [];
  for (const round of [1, 2]) {
    if (round === 2) {
      await world.clock.turn(700);
      await world.breaks(cause, refused);
    }
    await world.mends(cause);
    await world.clock.turn(10);
    const [earlier] = moments;
    if (earlier) world.clock.jump(earlier.since(world.clock.now()).total("seconds"));
    moments.push(world.clock.now());
    await world.sees("mastodon/web", "down");
    await world.sendsWhatIsDue();
  }
  expect(moments[1]).toEqual(moments[0]);
  expect(await world.outbox(2)).toEqual([
    ...toldBefore,
    "page contractor email sent",
    "escalation techops email planned",
  ]);
});

test("who took it before the cause was found is not called again when the cause is over", async () => {
  await using disk = await onDisk();
  const { world } = disk;
  await world.breaks("mastodon/web");
  await world.sendsWhatIsDue();
  await world.store.incidents.acknowledge(1, "Contractor", world.clock.now(), {
    at: world.clock.now(),
    kind: "acknowledged",
    text: sameInAll("taken"),
    public: false,
  });
  await world.breaks(cause, refused);
  await world.mends(cause);
  for (const again of [false, true]) {
    if (again) await world.restart();
    await world.clock.turn(10);
    await world.sees("mastodon/web", "down");
    expect(await world.outbox(1)).toEqual(toldBefore);
    expect((await world.incidents())[0]).toMatchObject({ state: "acknowledged" });
  }
});

test("a page waits while what may explain it is being confirmed, and is not sent once it is", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.sees("mastodon/web", "down");
  await world.clock.turn(20);
  await world.sees("mastodon/web", "down");
  await world.sees(cause, refused);
  await world.clock.turn(20);
  await world.sees("mastodon/web", "down");
  await world.sees(cause, refused);
  await world.sendsWhatIsDue();
  expect(await world.outbox(1)).toEqual(waits);
  await world.clock.turn(20);
  await world.sees(cause, refused);
  expect(await world.outbox(1)).toEqual(over);
  expect(await world.outbox(2)).toEqual(told);
});

test("a page waits no longer once the only candidate is well, while its later steps keep the time that was planned", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.sees(cause, refused);
  await world.breaks("mastodon/web");
  const planned = await world.planned(1);
  await world.clock.turn(5);
  await world.sees(cause, "up");
  const [page] = await world.store.outbox.of(1);
  const [escalation] = await world.planned(1);
  expect(page?.notBefore).toEqual(world.clock.now());
  expect(textOf(page)).toContain("Next, unless somebody acknowledges: TechOps (email) at 05:16 Vancouver (UTC-7).");
  expect(escalation?.at).toEqual(planned[1]?.at);
  expect((await notesOf(world, 1)).at(-1)).toEqual({
    kind: "note",
    en: "waits no longer: database/connect is well",
    shown: false,
  });
  await world.sendsWhatIsDue();
  await world.clock.turn(300);
  await world.sees(cause, "up");
  await world.sendsWhatIsDue();
  expect(await world.outbox(1)).toEqual([...over, "page contractor email sent", "escalation techops email planned"]);
});

test("a page that waits for two waits until both are well, and one that cannot be measured is not", async () => {
  await using world = await World.open({ targets: twoCauses() });
  await world.sees(cause, refused);
  await world.breaks("mastodon/web");
  // Begins to fail only while the page waits already.
  await world.sees("cache/ping", refused);
  await world.sees(cause, "up");
  expect(await world.outbox(1)).toEqual(waits);
  await world.sees("cache/ping", "unknown");
  await world.sees(cause, "up");
  expect(await world.outbox(1)).toEqual(waits);
  await world.sees("cache/ping", "up");
  expect(await world.outbox(1)).toEqual([...over, ...told]);
});

test("of two candidates one is well and the other is the cause: the page is cancelled", async () => {
  await using world = await World.open({ targets: twoCauses() });
  await world.sees(cause, refused);
  await world.sees("cache/ping", refused);
  await world.breaks("mastodon/web");
  await world.sees(cause, "up");
  await world.sees("cache/ping", refused);
  await world.clock.turn(20);
  await world.sees("cache/ping", refused);
  expect(await world.outbox(1)).toEqual(over);
  expect(await world.outbox(2)).toEqual(told);
  await world.sees(cause, "up");
  expect(await world.outbox(1)).toEqual(over);
});

test("a first step that is not at once counts from the moment at which the candidate is well", async () => {
  const late = onCall.escalation.map((step) => ({ ...step, afterSeconds: step.afterSeconds + 120 }));
  await using world = await World.open({ targets: coOp(), onCall: { ...onCall, escalation: late } });
  await world.sees(cause, refused);
  await world.breaks("mastodon/web");
  const planned = await world.planned(1);
  await world.sees(cause, "up");
  const left = planned.map(({ at }) => at.since(world.clock.now()).total("seconds"));
  const now = (await world.planned(1)).map(({ at }) => at.since(world.clock.now()).total("seconds"));
  expect([...left, ...now]).toEqual([180, 1080, 120, 1080]);
});

test("a candidate that is well only after a restart, or whose good try was lost with it, lets the page go as well", async () => {
  await using disk = await onDisk();
  const { world } = disk;
  await world.sees(cause, refused);
  await world.breaks("mastodon/web");
  world.considers(cause, "up");
  await world.restart();
  expect(await world.outbox(1)).toEqual(waits);
  await world.sees(cause, "up");
  await world.sendsWhatIsDue();
  await world.restart();
  await world.sees(cause, "up");
  expect(await world.outbox(1)).toEqual([...over, "page contractor email sent", "escalation techops email planned"]);
});

test("a page that was let go and then explained is told anew when it outlasts the cause, also after a restart", async () => {
  await using disk = await onDisk();
  const { world } = disk;
  await world.sees(cause, refused);
  await world.breaks("mastodon/web");
  await world.sees(cause, "up");
  await world.sendsWhatIsDue();
  await world.breaks(cause, refused);
  expect(await world.outbox(1)).toEqual([...over, ...toldBefore]);
  await world.mends(cause);
  await world.restart();
  await world.clock.turn(10);
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(1)).toEqual([...over, ...toldBefore, ...told]);
});

test("a page that waited in vain is sent within a minute and a half, as are its later steps", async () => {
  await using disk = await onDisk();
  const { world } = disk;
  await world.sees(cause, refused);
  await world.breaks("mastodon/web");
  const confirmed = (await world.incidents())[0]?.confirmedAt;
  const steps = await world.planned(1);
  expect(steps.map(({ at }) => confirmed && at.since(confirmed).total("seconds"))).toEqual([60, 960]);
  await world.sees(cause, "unknown");
  await world.restart();
  await world.clock.turn(60);
  await world.sendsWhatIsDue();
  expect(await world.outbox(1)).toEqual(["page contractor email sent", "escalation techops email planned"]);
});

/** Three targets, each of which cannot do without the one before. */
const chain = () => [
  target("a", "A", [check("a", "x")]),
  target("b", "B", [check("b", "x", { dependsOn: ["a/x"] })]),
  target("c", "C", [check("c", "x", { dependsOn: ["b/x"] })]),
];
const isTold = async (world: World, incident: number) => (await world.outbox(incident)).includes(told[0] ?? "");

test("what was kept quiet itself explains nothing, once its own cause is over", async () => {
  await using world = await World.open({ targets: chain() });
  for (const id of ["a/x", "b/x", "c/x"]) await world.breaks(id);
  expect([await isTold(world, 2), await isTold(world, 3)]).toEqual([false, false]);
  await world.mends("a/x");
  await world.clock.turn(60);
  await world.sees("c/x", "down");
  expect(await isTold(world, 3)).toBe(true);
});

test("a slow try that began before the cause was well again takes back nothing that was told of others since", async () => {
  const other = target("d", "D", [check("d", "x", { dependsOn: ["a/x"] })]);
  await using world = await World.open({ targets: [...chain(), other] });
  for (const id of ["a/x", "b/x", "d/x"]) await world.breaks(id);
  await world.mends("a/x");
  await world.clock.turn(1);
  await world.sees("d/x", "down");
  await world.sendsWhatIsDue();
  const before = [await world.outbox(3), await notesOf(world, 3)];
  // Begun ten seconds ago, and over only now.
  world.clock.jump(-10);
  await world.sees("b/x", { outcome: "down", reason: "no answer within 10 s" });
  world.clock.jump(10);
  expect([await world.outbox(3), await notesOf(world, 3)]).toEqual(before);
  await world.clock.turn(20);
  await world.sees("d/x", "down");
  expect(await world.outbox(3)).toEqual(["page contractor email sent", "escalation techops email planned"]);
});

test("what was kept quiet and cannot be measured any more is told all the same, once its cause is over", async () => {
  await using world = await World.open({ targets: chain() });
  await world.breaks("a/x");
  await world.breaks("b/x");
  await world.sees("b/x", "unknown");
  expect(await isTold(world, 2)).toBe(false);
  await world.mends("a/x");
  await world.clock.turn(60);
  await world.sees("b/x", { outcome: "unknown", reason: "the check itself failed" });
  expect(await isTold(world, 2)).toBe(true);
});

test("an outage that is over while its page waited for a cause in vain is told, as over", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.sees(cause, refused);
  await world.breaks("mastodon/web");
  await world.sees(cause, "unknown");
  await world.mends("mastodon/web");
  expect(await world.outbox(1)).toEqual([...over, "resolve contractor email pending"]);
  expect(textOf((await world.store.outbox.of(1)).at(-1))).toContain("DOWN Mastodon since");
});

test("nothing waits for a cause that would be in the same incident, is milder, or tells nobody", async () => {
  await using same = await World.open({ targets: coOp() });
  await same.sees("mastodon/web", "down");
  await same.breaks("mastodon/service");
  await using milder = await World.open({ targets: coOp() });
  await milder.sees(cause, { outcome: "degraded", reason: "slow" });
  await milder.breaks("mastodon/web");
  await using quiet = await World.open({ targets: coOp({ database: { required: false } }) });
  await quiet.sees(cause, refused);
  await quiet.breaks("mastodon/web");
  for (const world of [same, milder, quiet]) {
    const [page] = await world.store.outbox.of(1);
    expect(page?.notBefore).toEqual((await world.incidents())[0]?.confirmedAt);
  }
});

test("a cause that is less bad, or that nobody is told of, explains nothing", async () => {
  await using milder = await World.open({ targets: coOp() });
  await milder.breaks(cause, { outcome: "degraded", reason: "slow" });
  await milder.breaks("mastodon/web");
  expect(await milder.outbox(2)).toEqual(told);
  await using quiet = await World.open({ targets: coOp({ database: { required: false } }) });
  await quiet.breaks(cause, refused);
  await quiet.breaks("mastodon/web");
  expect(await quiet.outbox(1)).toEqual(told);
});

test("what was told as degraded and turns down is explained, and told when the cause goes", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.breaks("mastodon/web", { outcome: "degraded", reason: "slow" });
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  expect(await world.outbox(1)).toEqual(["ticket techops email superseded"]);
  const [, ...notes] = await notesOf(world, 1);
  expect(notes.map(({ en }) => en)).not.toContain("told as down");
  expect(notes.at(-1)).toEqual({
    kind: "note",
    en: "down, because database/connect: connection refused",
    shown: false,
  });
  await world.mends(cause);
  await world.clock.turn(10);
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(1)).toEqual(["ticket techops email superseded", ...told]);
});

test("a level that a cause explains waits for it as well", async () => {
  await using world = await World.open({ targets: coOp() });
  const late = { outcome: "up", readings: [{ metric: "queue_latency_seconds", value: 2000 }] } as const;
  await world.breaks(cause, refused);
  for (let run = 0; run < 12; run++) {
    await world.sees("mastodon/queues", late);
    await world.clock.turn(60);
  }
  expect((await world.incidents())[1]).toMatchObject({ key: "mastodon/queues:latency", state: "open" });
  expect(await world.outbox(2)).toEqual([]);
  await world.mends(cause);
  await world.clock.turn(60);
  await world.sees("mastodon/queues", late);
  expect(await world.outbox(2)).toEqual(told);
});

test("a level that was kept quiet and cannot be measured any more is told all the same, once its cause is over", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.breaks(cause, refused);
  for (let run = 0; run < 12; run++) {
    const late = { metric: "queue_latency_seconds", value: 2000 };
    await world.sees("mastodon/queues", { outcome: "up", readings: [late] });
    await world.clock.turn(60);
  }
  await world.sees("mastodon/queues", "unknown");
  expect(await world.outbox(2)).toEqual([]);
  await world.mends(cause);
  await world.clock.turn(60);
  for (const _again of [1, 2]) {
    await world.sees("mastodon/queues", { outcome: "unknown", reason: "the check itself failed" });
    expect(await world.outbox(2)).toEqual(told);
  }
  expect(textOf((await world.store.outbox.of(2))[0])).toContain("33m");
});

test("a restart keeps what was explained, tells nothing twice, and forgets nothing that was never told", async () => {
  await using disk = await onDisk();
  const { world } = disk;
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  await world.restart();
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(2)).toEqual([]);
  expect(await notesOf(world, 2)).toHaveLength(1);
  await world.mends(cause);
  await world.restart();
  await world.clock.turn(10);
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(2)).toEqual(told);
  await world.restart();
  await world.clock.turn(60);
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(2)).toEqual(told);
});

test("a restart remembers that a ticket said less than what is so now", async () => {
  await using disk = await onDisk();
  const { world } = disk;
  await world.breaks("mastodon/web", { outcome: "degraded", reason: "slow" });
  await world.sendsWhatIsDue();
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  await world.mends(cause);
  await world.restart();
  await world.clock.turn(60);
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(1)).toEqual(["ticket techops email sent", ...told]);
});

test("a cause that is taken out of the configuration explains nothing any more", async () => {
  await using disk = await onDisk();
  const { world } = disk;
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  await world.restart(world.targets.slice(1));
  await world.clock.turn(60);
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(2)).toEqual(told);
});

test.each([
  ["in one target and its cause", coOp(), [cause, "mastodon/web", "mastodon/service"]],
  ["in a chain of three targets", chain(), ["a/x", "b/x", "c/x"]],
])("whatever comes in whatever order %s, no confirmed trouble is kept from everybody", async (_where, targets, ids) => {
  const [root = ""] = ids;
  let notTold = 0;
  for (let seed = 1; seed <= 12; seed++) {
    await using world = await World.open({ targets });
    const random = randomFrom(seed);
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)];
    const condition = new Map<string, "up" | "degraded" | "down" | "unknown">();
    for (let step = 0; step < 150; step++) {
      const id = pick(ids) ?? root;
      if (random() < 0.1) {
        const next = pick(["up", "up", "up", "degraded", "down", "down", "unknown"] as const) ?? "up";
        condition.set(id, next);
        if (id === root && next === "down") condition.set(ids[1] ?? root, next);
      }
      const seen = condition.get(id) ?? "up";
      await world.sees(id, seen);
      await world.clock.turn(1 + Math.floor(random() * 30));
      const open = (await world.incidents()).filter(({ state, urgency }) => state === "open" && urgency === "page");
      const outboxes = await Promise.all(open.map(({ id }) => world.outbox(id)));
      const told = outboxes.filter((lines) => lines.some((line) => /^page .* (?!superseded)/.test(line)));
      if (told.length < open.length) notTold++;
      const isOpen = open.some(({ target, checks }) => checks.some((own) => `${target}/${own}` === id));
      if (seen === "down" && isOpen) expect(told, `seed ${seed}, step ${step}, ${id}`).not.toEqual([]);
    }
  }
  expect(notTold).toBeGreaterThan(20);
});

test("whatever a candidate does while a page waits, the page is sent once or cancelled for it, and never later than planned", async () => {
  const seen = { early: 0, cancelled: 0 };
  for (let seed = 1; seed <= 40; seed++) {
    await using world = await World.open({ targets: coOp() });
    const random = randomFrom(seed);
    const outcomes = ["up", "unknown", "degraded", "down", "down", "down"] as const;
    await world.sees(cause, refused);
    await world.breaks("mastodon/web");
    const [planned] = await world.planned(1);
    for (let step = 0; step < 8; step++) {
      await world.clock.turn(1 + Math.floor(random() * 20));
      await world.sendsWhatIsDue();
      await world.sees(cause, outcomes[Math.floor(random() * outcomes.length)] ?? "up");
    }
    await world.clock.turn(90);
    await world.sendsWhatIsDue();
    const pages = (await world.store.outbox.of(1)).filter(({ kind }) => kind === "page");
    const sent = pages.filter(({ state }) => state === "sent");
    expect(sent.length, `seed ${seed}`).toBeLessThan(2);
    if (sent.length === 0) expect(await world.outbox(2), `seed ${seed}`).toContain("page contractor email sent");
    for (const { notBefore } of sent)
      expect(notBefore.since(planned?.at ?? notBefore).sign, `seed ${seed}`).not.toBe(1);
    if (sent.some(({ notBefore }) => !notBefore.equals(planned?.at ?? notBefore))) seen.early++;
    if (sent.length === 0) seen.cancelled++;
  }
  expect(Math.min(seen.early, seen.cancelled)).toBeGreaterThan(3);
});

test("killed while a page that had waited is written: it is written with the next failed try", async () => {
  await using disk = await onDisk();
  const { world } = disk;
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  await world.mends(cause);
  await world.clock.turn(10);
  world.considers("mastodon/web", "down");
  await world.restart();
  expect(await world.outbox(2)).toEqual([]);
  await world.clock.turn(10);
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(2)).toEqual(told);
});

test("a page waits for its cause to a part of a second", async () => {
  await using world = await World.open({ targets: coOp({ database: { timeoutSeconds: 2.25 } }) });
  await world.sees(cause, refused);
  await world.breaks("mastodon/web");
  expect(await world.outbox()).toEqual(waits);
  await world.clock.turn(45);
  await world.sendsWhatIsDue();
  expect(await world.outbox()).toContain("page contractor email sent");
});

test("what outlasts its cause while nobody can be told is told once a reload names somebody", async () => {
  await using world = await World.open({ targets: coOp(), channels: [] });
  await world.breaks(cause, refused);
  await world.breaks("mastodon/web");
  await world.mends(cause);
  await world.clock.turn(60);
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(2)).toEqual([]);
  const settings = {
    organisation: { name: sameInAll("CoSocial"), languages: ["en"] as const, timeZone: "UTC" },
    baseUrl: "https://status.example/",
    onCall,
    targets: world.targets,
    channels: ["email"],
  };
  world.options = { ...world.options, channels: ["email"] };
  await world.commit(world.judge.reconfigure(settings));
  await world.clock.turn(60);
  await world.sees("mastodon/web", "down");
  expect(await world.outbox(2)).toEqual(told);
});

test("what came back, and waits for a cause, is told to nobody while it is well for now", async () => {
  await using world = await World.open({ targets: coOp() });
  await world.breaks("mastodon/web");
  await world.sendsWhatIsDue();
  await world.mends("mastodon/web");
  await world.sendsWhatIsDue();
  await world.clock.turn(60);
  await world.sees(cause, refused);
  await world.breaks("mastodon/web");
  await world.mends("mastodon/web");
  await world.sees(cause, "up");
  await world.sendsWhatIsDue();
  await world.clock.turn(90);
  await world.sendsWhatIsDue();
  expect(await world.incidents()).toMatchObject([{ state: "open", flapping: { relapses: 1 } }]);
  const pages = (await world.outbox()).filter((line) => line.startsWith("page") && !line.endsWith("planned"));
  expect(pages).toEqual(["page contractor email sent"]);
  await world.breaks("mastodon/web");
  await world.sendsWhatIsDue();
  expect((await world.outbox()).filter((line) => line === "page contractor email sent")).toHaveLength(2);
});

test("what its cause explained each time, and comes back without it, is told at once", async () => {
  await using world = await World.open({ targets: coOp() });
  for (let outage = 0; outage < 2; outage++) {
    await world.breaks(cause, refused);
    await world.breaks("mastodon/web");
    await world.mends(cause);
    await world.mends("mastodon/web");
    await world.clock.turn(60);
  }
  expect((await world.incidents())[1]).toMatchObject({ state: "open", flapping: { relapses: 1 } });
  await world.breaks("mastodon/web");
  expect(await world.outbox(2)).toEqual(told);
});
