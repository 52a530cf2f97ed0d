/** Pages while the store cannot be written: they leave past it, and afterwards it holds all, with nobody told twice. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { sameInAll } from "../../../core/language.ts";
import { type Notice, noticeText } from "../../../core/notice.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { beginLife, type Life } from "../../helpers/life.ts";
import { check, onCall, target } from "../world.ts";

const roundSeconds = 10;
const config = {
  organisation: {
    name: sameInAll("CoSocial"),
    languages: ["en", "fr"] as const,
    timeZone: "America/Vancouver",
  },
  onCall: {
    contacts: onCall.contacts.map(({ id, ...contact }) => ({
      ...contact,
      id,
      addresses: { email: `${id}@example.org` },
    })),
    escalation: [
      { afterSeconds: 0, notify: ["contractor"] },
      { afterSeconds: 120, notify: ["techops"] },
    ],
  },
  targets: [
    {
      id: "mastodon",
      name: sameInAll("Mastodon"),
      public: true,
      planned: false,
      capacity: [],
      checks: [
        check("mastodon", "web", { confirm: { failures: 1, retrySeconds: 20, successes: 1, recoverySeconds: 30 } }),
      ],
    },
  ],
  channels: { email: {} },
  vantagePoint: "here",
  server: {
    public: { host: "127.0.0.1", port: 0 },
    private: { host: "127.0.0.1", port: 0 },
    privateIsShielded: false,
    url: "https://status.example.org",
    metrics: "private",
  },
} as const;

class Scene implements AsyncDisposable {
  readonly life: Life;
  readonly clock: FakeClock;
  readonly #file: string;
  readonly #began: Temporal.Instant;
  readonly #undo: AsyncDisposableStack;
  #lock: DatabaseSync | undefined;

  private constructor(life: Life, clock: FakeClock, file: string, undo: AsyncDisposableStack) {
    this.life = life;
    this.clock = clock;
    this.#file = file;
    this.#began = clock.now();
    this.#undo = undo;
  }

  static async begin(onAttempt?: (notice: Notice) => unknown): Promise<Scene> {
    await using undo = new AsyncDisposableStack();
    const folder = undo.use(await mkdtempDisposable(join(tmpdir(), "tidewatch-fallback-")));
    const clock = new FakeClock();
    const file = join(folder.path, "tidewatch.db");
    const life = undo.use(await beginLife({ file, clock, config, audited: true, ...(onAttempt && { onAttempt }) }));
    return new Scene(life, clock, file, undo.move());
  }

  /** Somebody holds the lock, as a backup program that hangs. */
  lock(): void {
    this.#lock = new DatabaseSync(this.#file);
    this.#lock.exec("begin immediate");
  }

  unlock(): void {
    this.#lock?.close();
    this.#lock = undefined;
  }

  /** Looks at Mastodon every ten seconds. */
  async pass(seconds: number, outcome: "up" | "down"): Promise<void> {
    for (let passed = 0; passed < seconds; passed += roundSeconds) {
      for (const one of this.life.checks) {
        this.life.record(one, outcome === "up" ? { outcome } : { outcome, reason: "answered 502" });
      }
      await this.life.settle().catch((error: Error) => expect(error.name).toBe("StoreUnavailable"));
      await this.clock.turn(roundSeconds);
    }
  }

  /** `10 s page to contractor` */
  told(): readonly string[] {
    return this.life.told.map(
      ({ at, notice: { kind, to } }) => `${Math.round(at.since(this.#began).total("seconds"))} s ${kind} to ${to.id}`,
    );
  }

  async outbox(): Promise<readonly string[]> {
    const notices = await this.life.store.outbox.recent(100);
    return notices.map(({ kind, to, state }) => `${kind} to ${to.id} ${state}`).toReversed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.unlock();
    await this.#undo.disposeAsync();
  }
}

describe("while the store cannot be written", () => {
  test("a page leaves past it, so does the next step and the end, and nobody is told again afterwards", async () => {
    await using scene = await Scene.begin();
    await scene.pass(20, "up");
    scene.lock();
    await scene.pass(140, "down");
    await scene.pass(20, "up");
    const told = ["page to contractor", "escalation to techops", "resolve to contractor", "resolve to techops"];
    expect(scene.told().map((line) => line.replace(/^\d+ s /, ""))).toEqual(told);
    const [first] = scene.told();
    expect(Number.parseInt(first ?? "", 10) - 20).toBeLessThanOrEqual(30);
    expect(await scene.life.store.incidents.list({})).toEqual([]);

    scene.unlock();
    await scene.pass(60, "up");
    expect(scene.told()).toHaveLength(4);
    expect(await scene.life.store.incidents.list({})).toMatchObject([{ id: 1, key: "mastodon", state: "resolved" }]);
    expect(await scene.outbox()).toEqual(["page to contractor sent", "resolve to contractor sent"]);
    const { series: _series, ...all } = {
      series: 0,
      samples: await scene.life.store.samples.list(
        { target: "mastodon", check: "web" },
        { from: scene.clock.now().subtract({ hours: 1 }), to: scene.clock.now(), limit: 1000 },
      ),
    };
    expect(all.samples).toHaveLength(24);
  });

  test("the page says why it has no number and nothing to acknowledge", async () => {
    await using scene = await Scene.begin();
    scene.lock();
    await scene.pass(20, "down");
    const [page] = scene.life.told;
    expect(page?.notice.headline).toBe("[Tidewatch] Mastodon is down");
    expect(page?.notice.actions).toEqual([]);
    const text = page && noticeText(page.notice);
    expect(text).toContain(
      "Tidewatch cannot write what it sees: another program holds a lock on the store's file: find out which",
    );
    expect(text).toContain("DOWN Mastodon since");
  });

  test("the usual outbox goes on after the store is back, in the same incident", async () => {
    await using scene = await Scene.begin();
    scene.lock();
    await scene.pass(30, "down");
    scene.unlock();
    await scene.pass(200, "down");
    await scene.pass(20, "up");
    expect(scene.told().map((line) => line.replace(/^\d+ s /, ""))).toEqual([
      "page to contractor",
      "escalation to techops",
      "resolve to contractor",
      "resolve to techops",
    ]);
    expect(await scene.outbox()).toEqual([
      "page to contractor sent",
      "escalation to techops sent",
      "resolve to contractor sent",
      "resolve to techops sent",
    ]);
  });

  test("the end of what was told before is told past it as well", async () => {
    await using scene = await Scene.begin();
    await scene.pass(20, "down");
    expect(scene.told()).toEqual(["0 s page to contractor"]);
    scene.lock();
    await scene.pass(30, "up");
    expect(scene.told()).toHaveLength(2);
    scene.unlock();
    await scene.pass(60, "up");
    expect(scene.told().map((line) => line.replace(/^\d+ s /, ""))).toEqual([
      "page to contractor",
      "resolve to contractor",
    ]);
  });

  test.each([
    ["before it could not", true],
    ["by then", false],
  ])(
    "what was told %s, is over and comes back is told anew, and nobody is told again afterwards",
    async (_, isBefore) => {
      await using scene = await Scene.begin();
      if (!isBefore) scene.lock();
      await scene.pass(30, "down");
      if (isBefore) scene.lock();
      await scene.pass(30, "up");
      await scene.pass(30, "down");
      const told = ["page to contractor", "resolve to contractor", "page to contractor"];
      expect(scene.told().map((line) => line.replace(/^\d+ s /, ""))).toEqual(told);
      expect(noticeText(scene.life.told[2]?.notice ?? expect.fail("nobody was told"))).toContain("IT COMES AND GOES");
      scene.unlock();
      await scene.pass(60, "down");
      expect(scene.told()).toHaveLength(3);
      expect(await scene.life.store.incidents.list({})).toMatchObject([{ id: 1, flapping: { relapses: 1 } }]);
      expect((await scene.outbox()).at(-1)).toBe("page to contractor sent");
      await scene.pass(20, "up");
      await scene.pass(900, "up");
      expect(await scene.life.store.incidents.list({})).toMatchObject([{ id: 1, state: "resolved" }]);
      expect(scene.told().at(-1)).toMatch(/resolve to/);
    },
  );

  test("a page that has no answer is told to the next step after 20 s", async () => {
    await using scene = await Scene.begin(({ to }) => (to.id === "contractor" ? new Promise(() => {}) : undefined));
    scene.lock();
    await scene.pass(60, "down");
    expect(scene.told()).toHaveLength(1);
    const [line = ""] = scene.told();
    expect(line).toMatch(/ escalation to techops$/);
    expect(Number.parseInt(line, 10)).toBeLessThan(40);
  });

  test("a kill forgets nobody who was told: the next process writes it down, and goes on", async () => {
    await using scene = await Scene.begin();
    scene.lock();
    await scene.pass(30, "down");
    expect(scene.told()).toHaveLength(1);
    scene.unlock();
    await scene.life.restart();
    await scene.pass(60, "down");
    await scene.pass(60, "up");
    expect(scene.told().map((line) => line.replace(/^\d+ s /, ""))).toEqual([
      "page to contractor",
      "resolve to contractor",
    ]);
    expect(await scene.life.store.incidents.list({})).toMatchObject([{ id: 1, state: "resolved" }]);
  });

  test("what was told and is over as the next process begins is written as over, and told as over", async () => {
    await using scene = await Scene.begin();
    scene.lock();
    await scene.pass(30, "down");
    scene.unlock();
    await scene.life.restart();
    await scene.pass(60, "up");
    expect(scene.told().map((line) => line.replace(/^\d+ s /, ""))).toEqual([
      "page to contractor",
      "resolve to contractor",
    ]);
  });
});

test("what joined a storm while the store could not be written is named afterwards, where it was not before", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-fallback-"));
  const clock = new FakeClock();
  const file = join(folder.path, "tidewatch.db");
  const targets = ["One", "Two", "Three", "Late"].map((name) =>
    target(name.toLowerCase(), name, [check(name.toLowerCase(), "web")]),
  );
  await using life = await beginLife({ file, clock, audited: true, config: { ...config, targets } });
  const looks = async (isDown: (name: string) => boolean, seconds: number) => {
    for (let second = 0; second < seconds; second += 20) {
      for (const one of life.checks) {
        const outcome = isDown(one.target) ? "down" : "up";
        const seen = { outcome, reason: "answered 502", addresses: ["192.0.2.1"] } as const;
        life.record(one, seen);
      }
      await life.settle().catch((error: Error) => expect(error.name).toBe("StoreUnavailable"));
      await clock.turn(20);
    }
  };
  await looks(() => false, 40);
  using lock = new DatabaseSync(file);
  lock.exec("begin immediate");
  await looks((name) => name !== "late", 60);
  expect(life.told.map(({ notice }) => noticeText(notice).includes("Late"))).toEqual([false]);
  await looks(() => true, 80);
  lock.exec("rollback");
  await looks(() => true, 80);
  const pages = life.told.filter(({ notice }) => notice.kind === "page");
  expect(pages.map(({ notice }) => notice.headline)).toEqual(["[Tidewatch] One is down", "[Tidewatch #1] One is down"]);
  expect(noticeText(pages[1]?.notice ?? expect.fail("nobody was told"))).toContain("Late");
});
