/** The escalator: each step told once and in time, to whom the configuration names then, whatever ends the process. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openEscalator } from "../../../alerts/escalation/escalator.ts";
import { DeliveryError } from "../../../core/errors.ts";
import { silentLog } from "../../../core/log.ts";
import type { Notice } from "../../../core/notice.ts";
import type { Check } from "../../../core/target.ts";
import { parseConfig } from "../../../program/config-file.ts";
import { loadPlugins } from "../../../program/plug-ins.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { beginLife } from "../../helpers/life.ts";
import { onCall, signingKey, textOf, World } from "../world.ts";

const yaml = `
organisation: { name: Co-op, timeZone: UTC }
server: { url: "https://status.example" }
vantagePoint: here
targets:
  - { id: database, name: Database, checks: [{ id: connect, probe: tcp, host: 192.0.2.1, port: 5432 }] }
  - id: mastodon
    name: Mastodon
    checks: [{ id: web, probe: http, url: "http://social.example/", dependsOn: [database/connect] }]
alerts:
  contacts:
    - { id: contractor, name: Contractor, email: contractor@example.org }
    - { id: techops, name: TechOps, email: techops@example.org }
  email: { from: tidewatch@example.org, smtp: { env: SMTP_URL } }
  escalation:
    - { after: 0s, notify: [contractor] }
    - { after: 1m, notify: [techops] }
    - { after: 2m, notify: [contractor, techops] }
`;
const config = parseConfig(yaml, {
  ...(await loadPlugins()),
  file: "test.yaml",
  env: { SMTP_URL: "smtp://mail.example" },
});

/** What happens at which second; each check is looked at every 20 s and found as it was last. */
type Timetable = Readonly<Record<number, Readonly<Record<string, "up" | "down" | "unknown">> | "taken">>;
const roundSeconds = 20;
const lastSecond = 340;

const timetables: Readonly<Record<string, Timetable>> = {
  "told, step by step, until it is over": { 20: { mastodon: "down" }, 220: { mastodon: "up" } },
  "taken between two steps": { 20: { mastodon: "down" }, 100: "taken", 220: { mastodon: "up" } },
  "waiting for a candidate cause in vain": {
    20: { mastodon: "down" },
    60: { database: "down" },
    80: { database: "unknown" },
    260: { mastodon: "up", database: "up" },
  },
  "waiting for a candidate cause that is well": {
    20: { mastodon: "down" },
    60: { database: "down" },
    80: { database: "up" },
  },
  "inhibited by its root cause, which it outlasts": {
    20: { database: "down", mastodon: "down" },
    120: { database: "up" },
    300: { mastodon: "up" },
  },
  "told, and then inhibited by what was found later": {
    20: { mastodon: "down" },
    100: { database: "down" },
    200: { database: "up", mastodon: "up" },
  },
};

interface Told {
  readonly atSeconds: number;
  /** `page to contractor about 1` */
  readonly what: string;
}

/** @param killedAt seconds: the process is killed before that look, and after the one of the second before it. */
async function told(timetable: Timetable, killedAt: readonly number[]): Promise<readonly Told[]> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-escalator-"));
  const clock = new FakeClock();
  const began = clock.now();
  await using life = await beginLife({ file: join(folder.path, "tidewatch.db"), clock, config });
  const found = new Map<string, "up" | "down" | "unknown">();
  for (let second = roundSeconds; second <= lastSecond; second += roundSeconds) {
    await clock.turn(roundSeconds);
    const event = timetable[second] ?? {};
    if (event === "taken") await life.acknowledge("mastodon", "TechOps");
    else for (const [name, outcome] of Object.entries(event)) found.set(name, outcome);
    if (killedAt.includes(second)) await life.restart();
    for (const check of life.checks) life.record(check, seen(check, found));
    await life.settle();
    if (killedAt.includes(second + 1)) await life.restart();
  }
  const all = life.told.map(({ at, notice: { kind, to, incident } }) => ({
    atSeconds: at.since(began).total("seconds"),
    what: `${kind} to ${to.id} about ${incident}`,
  }));
  return all.toSorted((a, b) => (a.what < b.what ? -1 : Number(a.what > b.what)) || a.atSeconds - b.atSeconds);
}

function seen({ target }: Check, found: ReadonlyMap<string, "up" | "down" | "unknown">) {
  const outcome = found.get(target) ?? "up";
  return outcome === "up" ? { outcome } : { outcome, reason: "answered 502" };
}

describe("a restart at any step loses and doubles nothing:", () => {
  const looks = Array.from({ length: lastSecond / roundSeconds }, (_, index) => (index + 1) * roundSeconds);
  const kills = {
    "before every look": looks,
    "after every look": looks.map((second) => second + 1),
    "as it waits": [81],
    "before the second step": [120],
  };

  test.each(Object.entries(timetables))("%s", async (_name, timetable) => {
    const undisturbed = await told(timetable, []);
    expect(undisturbed.length).toBeGreaterThan(1);
    for (const [when, seconds] of Object.entries(kills)) {
      const disturbed = await told(timetable, seconds);
      expect(
        disturbed.map(({ what }) => what),
        `killed ${when}`,
      ).toEqual(undisturbed.map(({ what }) => what));
      // That a check was mended a moment ago is forgotten: what outlasts it is told with the same look, not the next one.
      for (const [index, { what, atSeconds }] of disturbed.entries()) {
        const late = atSeconds - (undisturbed[index]?.atSeconds ?? Number.NaN);
        expect(Math.abs(late), `${what}, killed ${when}`).toBeLessThanOrEqual(roundSeconds);
      }
    }
  });
});

describe("when a step is told", () => {
  async function living(script: (scene: Scene) => Promise<void>, onAttempt?: (notice: Notice) => void) {
    await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-escalator-"));
    const clock = new FakeClock();
    const file = join(folder.path, "tidewatch.db");
    await using life = await beginLife({ file, clock, config, ...(onAttempt && { onAttempt }) });
    const found = new Map<string, "up" | "down" | "unknown">();
    const look = async (seconds: number) => {
      for (let second = 0; second < seconds; second += roundSeconds) {
        await clock.turn(roundSeconds);
        for (const check of life.checks) life.record(check, seen(check, found));
        await life.settle();
      }
    };
    await script({ life, clock, found, look });
  }

  interface Scene {
    readonly life: Awaited<ReturnType<typeof beginLife>>;
    readonly clock: FakeClock;
    readonly found: Map<string, "up" | "down" | "unknown">;
    /** Looks at each check every 20 s, for so long. */
    look(seconds: number): Promise<void>;
  }

  const linesOf = ({ life, clock }: Scene) =>
    life.told.map(({ notice: { kind, to } }) => `${kind} ${to.id}`).concat(`at ${clock.monotonicSeconds()}`);

  test.each([-86_400, -3600, -60, 3600])("a clock set by %d s keeps back no page that waits no longer", (jump) =>
    living(async (scene) => {
      const { clock, found, look } = scene;
      found.set("mastodon", "down");
      await look(40);
      found.set("database", "down");
      await look(20);
      clock.jump(jump);
      found.set("database", "up");
      // Put forward, it cannot be seen how long it has waited; it ends by the monotonic clock.
      await look(jump < 0 ? 20 : 100);
      expect(linesOf(scene)[0]).toBe("page contractor");
      await look(240);
      expect(scene.life.told.map(({ notice: { kind, to } }) => `${kind} ${to.id}`)).toEqual([
        "page contractor",
        "escalation techops",
        "escalation contractor",
        "escalation techops",
      ]);
    }),
  );

  // Confirmed at 60 s, measured last at 80, and begun again at 100; the second step is planned for 120.
  test.each([
    ["is right: when it was planned", 0, 0, 120],
    ["stays in 1971: by what was measured", -55 * 365 * 86_400, 0, 140],
    ["begins in 1971 and learns the time: when it was planned", -55 * 365 * 86_400, 55 * 365 * 86_400, 120],
    ["is an hour behind: by what was measured", -3600, 0, 140],
  ] as const)("after a restart with a clock that %s", (_name, behind, learned, toldAt) =>
    living(async (scene) => {
      const { life, clock, found, look } = scene;
      found.set("mastodon", "down");
      await look(80);
      await clock.turn(20);
      clock.jump(behind);
      await life.restart();
      await clock.turn(2);
      clock.jump(learned);
      for (const check of life.checks) life.record(check, seen(check, found));
      await life.settle();
      await look(60);
      const frame = clock.now().epochMilliseconds / 1000 - clock.monotonicSeconds();
      const told = life.told.filter(({ notice }) => notice.kind === "escalation");
      expect(told.map(({ notice, at }) => [notice.to.id, Math.round(at.epochMilliseconds / 1000 - frame)])[0]).toEqual([
        "techops",
        toldAt,
      ]);
    }),
  );

  test("a restart after a step that was told early hastens no other", () =>
    living(
      async (scene) => {
        const { life, found, look } = scene;
        found.set("mastodon", "down");
        await look(80);
        await life.restart();
        await look(80);
        expect(linesOf(scene)).toEqual(["escalation techops", "at 160"]);
        await look(20);
        expect(linesOf(scene)).toEqual(["escalation techops", "escalation techops", "at 180"]);
      },
      ({ to }) => {
        if (to.id === "contractor") throw new DeliveryError("no such mailbox", { verdict: "permanent" });
      },
    ));
});

test("a first step that an older version planned for later comes at its time, and so does the one after it", async () => {
  const [first, second] = onCall.escalation;
  if (!first || !second) throw new Error("there are no steps");
  await using world = await World.open({ onCall: { ...onCall, escalation: [{ ...first, afterSeconds: 60 }, second] } });
  await world.breaks("mastodon/web");
  const found = world.clock.now();
  const until = found.add({ seconds: 60 });
  // As migration 005 leaves it: it cannot tell a step that comes later from one that waits for a candidate cause.
  await world.store.commit({
    escalations: [
      {
        incident: 1,
        escalate: ({ escalation }) => {
          if (!escalation) return {};
          const next = { dueAt: until, plannedAt: found };
          const wait = { state: "waiting", until, candidates: [] } as const;
          return { escalation: { ...escalation, ...wait, countedFrom: until, news: undefined, next } };
        },
      },
    ],
  });
  await world.clock.turn(60);
  await world.escalates();
  expect(await world.outbox()).toEqual(["page contractor email pending", "escalation techops email planned"]);
  expect((await world.planned())[0]?.at).toEqual(found.add({ seconds: 900 }));
});

describe("who is told", () => {
  const techopsOnly = { ...onCall, escalation: [{ afterSeconds: 0, notify: ["techops"] }] };

  async function escalating(people = onCall, known?: World) {
    const world = known ?? (await World.open({ onCall: people }));
    const escalator = await openEscalator({
      ...world.options,
      organisation: config.organisation,
      targets: world.targets,
      channels: ["email"],
      baseUrl: "https://status.example",
      signingKey,
      onCall: people,
      store: world.store,
      clock: world.clock,
      log: silentLog,
      onNotices: () => {},
    });
    const stop = new AbortController();
    const running = escalator.run(stop.signal);
    return {
      world,
      escalator,
      reload: (now: typeof onCall) =>
        escalator.reconfigure({
          organisation: config.organisation,
          targets: world.targets,
          channels: ["email"],
          baseUrl: "https://status.example",
          onCall: now,
        }),
      async [Symbol.asyncDispose]() {
        stop.abort();
        await running;
        await world[Symbol.asyncDispose]();
      },
    };
  }

  const written = async (world: World) => (await world.store.outbox.of(1)).map(({ kind, to }) => `${kind} ${to.id}`);

  test("is worked out when a step is due: a reload between two steps changes it", async () => {
    await using office = await escalating();
    const { world, escalator } = office;
    await world.breaks("mastodon/web");
    escalator.wake();
    await world.clock.turn(300);
    const [first, second] = onCall.escalation;
    if (!first || !second) throw new Error("there are no steps");
    office.reload({ ...onCall, escalation: [first, { ...second, notify: ["contractor", "techops"] }] });
    await world.clock.turn(600);
    expect(await written(world)).toEqual(["page contractor", "escalation contractor", "escalation techops"]);
    const body = textOf((await world.store.outbox.of(1)).at(-1));
    expect(body).toContain("Told now: Contractor (email), Contractor (email), TechOps (email).");
  });

  const states = async (world: World) => (await world.store.outbox.of(1)).map(({ to, state }) => `${to.id} ${state}`);
  const [contractor, techops] = onCall.contacts;
  if (!contractor || !techops) throw new Error("there are no contacts");
  const renamed = { ...onCall, contacts: [{ ...contractor, id: "sam" }, techops] };

  test("is the reader of today where the one of a waiting page is gone, at once and nobody twice", async () => {
    await using office = await escalating();
    const { world, escalator } = office;
    await world.breaks("mastodon/web");
    escalator.wake();
    await world.clock.turn(0);
    office.reload({ ...renamed, escalation: [{ afterSeconds: 0, notify: ["sam"] }] });
    await world.clock.turn(10);
    expect(await states(world)).toEqual(["contractor superseded", "sam pending"]);
    office.reload({ ...renamed, escalation: [{ afterSeconds: 0, notify: ["sam", "techops"] }] });
    await world.clock.turn(10);
    expect(await states(world)).toHaveLength(2);
  });

  test("is the reader of today after a restart, too", async () => {
    await using before = await World.open();
    await before.breaks("mastodon/web");
    await using office = await escalating({ ...renamed, escalation: [{ afterSeconds: 0, notify: ["sam"] }] }, before);
    await office.world.clock.turn(10);
    expect(await states(office.world)).toEqual(["contractor superseded", "sam pending"]);
  });

  test("is nobody more where the page was accepted before its reader was renamed", async () => {
    await using office = await escalating();
    const { world, escalator } = office;
    await world.breaks("mastodon/web");
    escalator.wake();
    const [page] = await world.store.outbox.of(1);
    if (!page) throw new Error("there is no page");
    await world.store.outbox.settle(page.key, 0, { state: "sent", at: world.clock.now() });
    office.reload({ ...renamed, escalation: [{ afterSeconds: 0, notify: ["sam"] }] });
    await world.clock.turn(10);
    expect(await written(world)).toEqual(["page contractor"]);
  });

  test("is nobody while the plan names nobody, and whom a later reload names", async () => {
    await using office = await escalating();
    const { world, escalator } = office;
    await world.breaks("mastodon/web");
    escalator.wake();
    office.reload({ contacts: [], escalation: [] });
    await world.clock.turn(10);
    expect(await states(world)).toEqual(["contractor pending"]);
    office.reload({ ...techopsOnly, contacts: [techops] });
    await world.clock.turn(10);
    expect(await states(world)).toEqual(["contractor superseded", "techops pending"]);
  });

  test("is nobody more after a reload that takes the later steps away, and those of a step that is put behind", async () => {
    await using office = await escalating();
    const { world, escalator } = office;
    await world.breaks("mastodon/web");
    escalator.wake();
    await world.clock.turn(300);
    const [first] = onCall.escalation;
    if (!first) throw new Error("there are no steps");
    office.reload({ ...onCall, escalation: [first] });
    await world.clock.turn(900);
    expect(await written(world)).toEqual(["page contractor"]);
    expect(await world.store.due.next("escalation", 9)).toEqual([]);

    await world.breaks("mastodon/api");
    await using later = await escalating();
    await later.world.breaks("mastodon/web");
    later.escalator.wake();
    await later.world.clock.turn(300);
    later.reload({ ...onCall, escalation: [...onCall.escalation, { afterSeconds: 1000, notify: ["contractor"] }] });
    await later.world.clock.turn(700);
    expect(await written(later.world)).toEqual(["page contractor", "escalation techops", "escalation contractor"]);
  });

  test("is nobody a second time after a reload that puts a step before those that were told", async () => {
    await using office = await escalating();
    const { world, escalator } = office;
    const last = { afterSeconds: 1800, notify: ["contractor"] };
    office.reload({ ...onCall, escalation: [...onCall.escalation, last] });
    await world.breaks("mastodon/web");
    escalator.wake();
    await world.clock.turn(1000);
    const [first, ...others] = onCall.escalation;
    if (!first) throw new Error("there are no steps");
    office.reload({ ...onCall, escalation: [first, { afterSeconds: 600, notify: ["techops"] }, ...others, last] });
    await world.clock.turn(1000);
    expect(await written(world)).toEqual(["page contractor", "escalation techops", "escalation contractor"]);
  });

  test.each([
    ["opened", [], "page contractor"],
    ["came to its next step", ["page contractor"], "escalation techops"],
  ])("is whoever a reload adds, where it %s while nobody was to be told", async (_, before, added) => {
    await using office = await escalating(before.length === 0 ? { ...onCall, escalation: [] } : onCall);
    const { world, escalator } = office;
    await world.breaks("mastodon/web");
    escalator.wake();
    await world.clock.turn(300);
    office.reload({ ...onCall, escalation: [] });
    await world.clock.turn(900);
    expect(await written(world)).toEqual(before);
    office.reload(onCall);
    await world.clock.turn(60);
    expect(await written(world)).toContain(added);
    await world.clock.turn(1800);
    expect(await written(world)).toEqual(["page contractor", "escalation techops"]);
  });

  test("is told once by two escalators on one store", async () => {
    await using office = await escalating();
    const { world } = office;
    const other = await openEscalator({
      organisation: config.organisation,
      targets: world.targets,
      channels: ["email"],
      baseUrl: "https://status.example",
      signingKey,
      // So that it would be seen if both told it.
      onCall: techopsOnly,
      store: world.store,
      clock: world.clock,
      log: silentLog,
      onNotices: () => {},
    });
    const stop = new AbortController();
    const running = other.run(stop.signal);
    await world.breaks("mastodon/web");
    office.escalator.wake();
    other.wake();
    await world.clock.turn(1000);
    stop.abort();
    await running;
    expect(await written(world)).toHaveLength(2);
  });
});
