/** Storms: many targets of one machine go down together. A real store, and a real mail server that catches what was told. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import email from "../../../alerts/channels/email.ts";
import { openEscalator } from "../../../alerts/escalation/escalator.ts";
import { sameInAll } from "../../../core/language.ts";
import { silentLog } from "../../../core/log.ts";
import { acknowledgement } from "../../../core/member-texts.ts";
import { Secret } from "../../../core/secret.ts";
import { type CaughtMail, type MailCatcher, startMailCatcher } from "../../../practice/servers/mail.ts";
import { systemClock } from "../../../program/system-clock.ts";
import { check, noHttp, onCall, signingKey, target, textOf, World } from "../world.ts";

type Outcome = "up" | "down";

const nameOf = (number: number) => `Service ${String(number).padStart(2, "0")}`;
const services = (count: number) =>
  Array.from({ length: count }, (_, index) => target(`s${index}`, nameOf(index), [check(`s${index}`, "web")]));

/** Each is looked at once a minute, at a second of its own; what changes, as often as its confirmation wants it. */
class Storm implements AsyncDisposable {
  readonly world: World;
  readonly catcher: MailCatcher;
  readonly outcomes = new Map<string, Outcome>();
  readonly mails: { readonly second: number; readonly mail: CaughtMail }[] = [];
  second = 0;
  readonly #next = new Map<string, number>();
  readonly #runs = new Map<string, { readonly seen: Outcome; readonly count: number }>();
  readonly #undo: AsyncDisposableStack;

  constructor(world: World, catcher: MailCatcher, undo: AsyncDisposableStack) {
    this.world = world;
    this.catcher = catcher;
    this.#undo = undo;
    for (const [index, { id }] of world.targets.entries()) this.#next.set(id, (index * 37) % 60);
  }

  static async open(count: number, addressesOf: (number: number) => readonly string[]): Promise<Storm> {
    await using undo = new AsyncDisposableStack();
    const folder = undo.use(await mkdtempDisposable(join(tmpdir(), "tidewatch-storm-")));
    const catcher = undo.use(await startMailCatcher());
    const world = undo.use(await World.open({ file: join(folder.path, "tidewatch.db"), targets: services(count) }));
    world.addresses = Object.fromEntries(services(count).map(({ id }, index) => [id, addressesOf(index)]));
    const storm = new Storm(world, catcher, undo.move());
    await storm.goesOn(60);
    return storm;
  }

  set(outcome: Outcome, isMeant: (number: number) => boolean = () => true): void {
    for (const [index, { id }] of this.world.targets.entries()) if (isMeant(index)) this.outcomes.set(id, outcome);
  }

  async goesOn(seconds: number): Promise<void> {
    for (const end = this.second + seconds; this.second < end; this.second++) {
      for (const { id } of this.world.targets) if (this.#next.get(id) === this.second) await this.#looks(id);
      await this.#sends();
      await this.world.clock.turn(1);
    }
  }

  async #looks(id: string): Promise<void> {
    const seen = this.outcomes.get(id) ?? "up";
    const before = this.#runs.get(id);
    const count = before?.seen === seen ? before.count + 1 : 1;
    this.#runs.set(id, { seen, count });
    await this.world.sees(`${id}/web`, seen === "up" ? "up" : { outcome: "down", reason: "connection refused" });
    const isSure = count >= (seen === "up" ? 2 : 3);
    this.#next.set(id, this.second + (isSure ? 60 : seen === "up" ? 30 : 20));
  }

  async #sends(): Promise<void> {
    const { world, catcher } = this;
    await world.escalates();
    const claimed = await world.store.outbox.claim("email", {
      by: "here",
      now: world.clock.now(),
      limit: 100,
      leaseSeconds: 30,
    });
    if (claimed.length === 0) return;
    const options = email.options.parse({ from: "tidewatch@status.example", smtp: new Secret(catcher.url) });
    await using channel = await email.open(options, { clock: systemClock, log: silentLog, ...noHttp });
    for (const notice of claimed) {
      const to = email.address.parse(onCall.contacts.find(({ id }) => id === notice.to.id)?.addresses["email"]);
      const context = { signal: new AbortController().signal, thread: { name: notice.thread }, copies: 0 };
      await channel.deliver(notice, to, { ...context, countCopy: async () => {} });
      await world.store.outbox.settle(notice.key, notice.attempts, { state: "sent", at: world.clock.now() });
      const mail = catcher.mails().at(-1);
      if (mail) this.mails.push({ second: this.second, mail });
    }
  }

  /** Mails to the first in line, with the second since the first one of them. */
  told(): readonly { readonly after: number; readonly text: string; readonly subject: string }[] {
    const own = this.mails.filter(({ mail }) => mail.to.includes("oncall@example.org"));
    const first = own[0]?.second ?? 0;
    return own.map(({ second, mail }) => ({ after: second - first, text: mail.text, subject: mail.subject }));
  }

  named(within = 60): readonly string[] {
    const texts = this.told().filter(({ after }) => after <= within);
    return this.world.targets
      .map(({ name }) => name.en)
      .filter((name) => texts.some(({ text }) => text.includes(name)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#undo[Symbol.asyncDispose]();
  }
}

const oneAddress = () => ["192.0.2.1"];

test.each([
  ["one address", 50, oneAddress],
  ["IPv6 and IPv4 of one host", 50, (number: number) => [number % 2 ? "2001:db8::1" : "192.0.2.1", "192.0.2.9"]],
])(
  "50 targets on %s down together: two notices in the first minute, all named, and one end",
  async (_, count, where) => {
    await using storm = await Storm.open(count, where);
    storm.set("down");
    await storm.goesOn(180);
    const first = storm.told().filter(({ after }) => after <= 60);
    expect(first.length).toBeLessThanOrEqual(2);
    expect(storm.named()).toHaveLength(50);
    expect(storm.told()).toHaveLength(first.length);
    // Each has its own outage, in the history and on the status page.
    const open = await storm.world.store.incidents.list({ open: true });
    expect(new Set(open.map((incident) => incident.target)).size).toBe(50);
    const updates = await Promise.all(open.map(({ id }) => storm.world.store.incidents.updates(id)));
    expect(updates.every((lines) => lines.some((line) => line.public && line.kind === "confirmed"))).toBe(true);
    expect(updates.flat().every(({ text }) => !/comes from the trouble/.test(text.en))).toBe(true);
    storm.set("up");
    await storm.goesOn(240);
    expect(await storm.world.store.incidents.list({ open: true })).toEqual([]);
    const after = storm.told().slice(first.length);
    expect(after.filter(({ text }) => text.startsWith("RESOLVED"))).not.toEqual([]);
    expect(after.length).toBeLessThanOrEqual(3);
  },
  60_000,
);

test("49 of 50: the one that works is not named", async () => {
  await using storm = await Storm.open(50, oneAddress);
  storm.set("down", (number) => number !== 17);
  await storm.goesOn(180);
  expect(storm.told().length).toBeLessThanOrEqual(2);
  expect(storm.named()).toHaveLength(49);
  expect(storm.named()).not.toContain(nameOf(17));
}, 60_000);

test("two addresses are two storms", async () => {
  await using storm = await Storm.open(50, (number) => [`192.0.2.${number % 2}`]);
  storm.set("down");
  await storm.goesOn(180);
  const subjects = storm.told().map(({ subject }) => subject.replace("Re: ", ""));
  expect(new Set(subjects).size).toBe(2);
  expect(subjects.length).toBeLessThanOrEqual(4);
  expect(storm.named(180)).toHaveLength(50);
}, 60_000);

test("what fails elsewhere in the same minute is told by itself, at once", async () => {
  await using storm = await Storm.open(30, (number) => [number === 7 ? "198.51.100.1" : "192.0.2.1"]);
  storm.set("down");
  await storm.goesOn(180);
  const own = storm.told().filter(({ subject }) => subject.includes(nameOf(7)));
  expect(own).toHaveLength(1);
  expect(own[0]?.text).not.toContain("ALSO FAILING");
  const incident = (await storm.world.incidents()).find(({ key }) => key === "s7");
  const [page] = await storm.world.store.outbox.of(incident?.id ?? 0);
  expect(page?.notBefore).toEqual(incident?.confirmedAt);
}, 60_000);

test("what goes on when the first one is well again is told, with all that is left", async () => {
  await using storm = await Storm.open(10, oneAddress);
  storm.set("down");
  await storm.goesOn(180);
  const [first] = await storm.world.incidents();
  const before = storm.told().length;
  storm.set("up", (number) => `s${number}` === first?.key);
  await storm.goesOn(240);
  const told = storm.told().slice(before);
  expect(told.map(({ text }) => text.split(" ")[0])).toEqual(["RESOLVED", "DOWN"]);
  const left = storm.world.targets.filter(({ id }) => id !== first?.key);
  for (const { name } of left) expect(told[1]?.text).toContain(name.en);
}, 60_000);

test("two that fail together are told one by one, as before", async () => {
  await using storm = await Storm.open(10, oneAddress);
  storm.set("down", (number) => number < 2);
  await storm.goesOn(180);
  expect(
    storm
      .told()
      .map(({ text }) => text.split(" since ")[0])
      .toSorted(),
  ).toEqual([`DOWN ${nameOf(0)}`, `DOWN ${nameOf(1)}`]);
}, 60_000);

test("one that fails an hour later on the same machine is told by itself", async () => {
  await using storm = await Storm.open(5, oneAddress);
  storm.set("down", (number) => number < 4);
  await storm.goesOn(180);
  const before = storm.told().length;
  await storm.goesOn(600);
  storm.set("down");
  await storm.goesOn(180);
  expect(
    storm
      .told()
      .slice(before)
      .map(({ text }) => text.split(" since ")[0]),
  ).toEqual([`DOWN ${nameOf(4)}`]);
}, 60_000);

test("killed at any moment: all are named, and nobody is told more", async () => {
  for (const killedAfter of [45, 60, 80, 95]) {
    await using storm = await Storm.open(20, oneAddress);
    storm.set("down");
    await storm.goesOn(killedAfter);
    await storm.world.restart();
    await storm.goesOn(240);
    expect(storm.named(300), `killed after ${killedAfter} s`).toHaveLength(20);
    expect(storm.told().length, `killed after ${killedAfter} s`).toBeLessThanOrEqual(3);
  }
}, 120_000);

test("whoever took the first one is not called for those that join it", async () => {
  await using storm = await Storm.open(20, oneAddress);
  storm.set("down");
  await storm.goesOn(50);
  const [first] = await storm.world.incidents();
  const now = storm.world.clock.now();
  await storm.world.store.incidents.acknowledge(first?.id ?? 0, "contractor", now, acknowledgement(now, true));
  await storm.goesOn(180);
  expect(storm.told()).toHaveLength(1);
}, 60_000);

test("a machine that comes and goes: what is told does not grow with how often it does", async () => {
  await using storm = await Storm.open(20, oneAddress);
  for (let flap = 0; flap < 5; flap++) {
    storm.set("down");
    await storm.goesOn(150);
    storm.set("up");
    await storm.goesOn(180);
  }
  expect(await storm.world.store.incidents.list({})).toHaveLength(20);
  const told = storm.told().length;
  expect(told).toBeLessThanOrEqual(8);
  await storm.goesOn(960);
  expect(await storm.world.store.incidents.list({ open: true })).toEqual([]);
  expect(storm.told().length - told).toBeLessThanOrEqual(2);
}, 120_000);

const four = () => [
  ...services(3),
  target("late", "Late", [check("late", "web", { everySeconds: 120, timeoutSeconds: 10 })]),
];

/** Four on one address: three are down, and the last of them was confirmed so many seconds ago. */
async function threeDown(seconds: number, options: Parameters<typeof World.open>[0] = {}): Promise<World> {
  const world = await World.open({ targets: four(), ...options });
  world.addresses = Object.fromEntries(four().map(({ id }) => [id, ["192.0.2.1"]]));
  for (const { id } of four()) await world.sees(`${id}/web`, "up");
  await world.clock.turn(60.25);
  for (const wait of [20, 20, 0]) {
    for (const { id } of services(3)) await world.sees(`${id}/web`, "down");
    await world.clock.turn(wait);
  }
  for (let second = 0; second < seconds; second++) {
    await world.sendsWhatIsDue();
    await world.clock.turn(1);
  }
  return world;
}

const pagesOfFirst = async (world: World) =>
  (await world.store.outbox.of(1)).filter(({ to }) => to.id === "contractor").map(textOf);

test("what joins late, at any part of a second, is named in one more notice", async () => {
  await using world = await threeDown(58);
  for (const wait of [20.123, 20.4, 0]) {
    await world.sees("late/web", "down");
    await world.clock.turn(wait);
  }
  for (let second = 0; second < 60; second++) {
    await world.sendsWhatIsDue();
    await world.clock.turn(1);
  }
  const late = (await world.incidents()).find(({ key }) => key === "late");
  expect(late?.reason).toContain("together with s0/web");
  expect((await pagesOfFirst(world)).filter((text) => text.includes("Late"))).toHaveLength(1);
});

test("tries that took long begin no notice of their own: all that join within a minute are named in one", async () => {
  await using world = await threeDown(0);
  await world.sendsWhatIsDue();
  for (let tries = 0; tries < 3; tries++) {
    const slow = { outcome: "down", at: world.clock.now().subtract({ seconds: 10 }), durationSeconds: 10 } as const;
    await world.sees("late/web", slow);
    await world.clock.turn(3);
  }
  const [first, ...others] = await world.incidents();
  expect(others.at(-1)?.reason).toContain("together with s0/web");
  expect((await world.store.escalations.of(1))?.next?.dueAt).toEqual(first?.confirmedAt.add({ seconds: 50 }));
});

test("what joins one that came and went, in the moment in which that is well for now, is named within a minute", async () => {
  await using world = await threeDown(0);
  const three = async (seen: Outcome) => {
    for (const { id } of services(3)) await world.sees(`${id}/web`, seen);
    await world.sendsWhatIsDue();
  };
  await world.sendsWhatIsDue();
  for (const wait of [30, 60]) {
    await three("up");
    await world.clock.turn(wait);
  }
  for (const wait of [20, 20, 2]) {
    await three("down");
    await world.clock.turn(wait);
  }
  await world.sees("late/web", "down");
  await world.clock.turn(3);
  await three("up");
  await world.clock.turn(11);
  await world.sees("late/web", "down");
  await world.clock.turn(14);
  await three("up");
  await world.sees("late/web", "down");
  expect(await world.incidents()).toMatchObject([
    { key: "s0", flapping: { quietSince: expect.anything() } },
    { key: "s1" },
    { key: "s2" },
    { key: "late", reason: expect.stringContaining("together with s0/web") },
  ]);
  for (let second = 0; second < 60; second++) {
    await world.sendsWhatIsDue();
    await world.clock.turn(1);
  }
  expect((await pagesOfFirst(world)).filter((text) => text.includes("Late"))).toHaveLength(1);
});

test("a page that nobody accepts is told to the next step at once, though one more notice is planned that names all", async () => {
  await using world = await threeDown(0);
  for (let tries = 0; tries < 3; tries++) {
    await world.sees("late/web", "down");
    await world.clock.turn(5);
  }
  const { store, clock } = world;
  expect(await store.escalations.of(1)).toMatchObject({ state: "waiting", revision: 1 });
  const [page] = await store.outbox.of(1);
  const escalator = await openEscalator({
    ...settings(),
    store,
    clock,
    log: silentLog,
    signingKey,
    onNotices: () => {},
  });
  await escalator.hurry(page ?? expect.fail("there is no page"));
  const pending = [
    "page contractor email pending",
    "page contractor email pending",
    "escalation techops email pending",
  ];
  expect(await world.outbox()).toEqual(pending);
  expect((await store.outbox.of(1)).slice(1).every((notice) => textOf(notice).includes("Late"))).toBe(true);
});

test.each(["taken out of the configuration", "well again", "acknowledged, and well again"])(
  "the first one is %s before all were named: they are named in what is told next",
  async (how) => {
    await using world = await threeDown(0);
    await world.sendsWhatIsDue();
    for (let tries = 0; tries < 3; tries++) {
      await world.sees("late/web", "down");
      await world.clock.turn(5);
    }
    expect((await pagesOfFirst(world)).some((text) => text.includes("Late"))).toBe(false);
    if (how.startsWith("acknowledged")) {
      const now = world.clock.now();
      await world.store.incidents.acknowledge(1, "contractor", now, acknowledgement(now, true));
    }
    if (how.endsWith("well again")) await world.mends("s0/web");
    else {
      world.targets = four().filter(({ id }) => id !== "s0");
      await world.commit(world.judge.reconfigure({ ...settings(), targets: world.targets }));
    }
    await world.clock.turn(15);
    for (const { id } of four().slice(1)) await world.sees(`${id}/web`, "down");
    await world.sendsWhatIsDue();
    const incidents = await world.incidents();
    const notices = await Promise.all(incidents.slice(1).map(({ id }) => world.store.outbox.of(id)));
    const pages = notices.flat().filter(({ state }) => state === "sent");
    expect(pages).toHaveLength(1);
    for (const { name } of four().slice(1)) expect(textOf(pages[0])).toContain(name.en);
  },
);

const settings = () => ({
  organisation: { name: sameInAll("CoSocial"), languages: ["en"] as const, timeZone: "UTC" },
  onCall,
  targets: four(),
  channels: ["email"],
  baseUrl: "https://status.example/",
});
