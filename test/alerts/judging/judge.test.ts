/** From samples to incidents and notices: what opens, what joins, what ends, and who hears of it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openJudge } from "../../../alerts/judging/judge.ts";
import { silentLog } from "../../../core/log.ts";
import { acknowledgement, unreachableInternalText, unreachableText } from "../../../core/member-texts.ts";
import type { Reading } from "../../../core/sample.ts";
import type { Threshold } from "../../../core/threshold.ts";
import { check, latency, mastodon, onCall, signingKey, target, textOf, World } from "../world.ts";

/** A store that survives restarts, in a folder of its own. */
async function onDisk() {
  const folder = await mkdtemp(join(tmpdir(), "tidewatch-alerts-"));
  const world = await World.open({ file: join(folder, "tidewatch.db") });
  return {
    world,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

const queue = (name: string, seconds: number) => ({
  metric: "queue_latency_seconds",
  value: seconds,
  labels: { queue: name },
});

test("a good sample decides nothing, so that it is committed with the others of its second", async () => {
  await using world = await World.open();
  for (const id of ["mastodon/web", "mastodon/queues"]) {
    expect(Object.keys(world.considers(id, "up"))).toEqual(["samples", "confirmations"]);
  }
});

describe("an outage", () => {
  test("opens after three failed tries, with the page and the next step of the escalation in the same commit", async () => {
    await using world = await World.open();
    await world.sees("mastodon/web", "up");
    await world.clock.turn(60);
    const began = world.clock.now();
    await world.breaks("mastodon/web");
    expect(await world.incidents()).toMatchObject([
      {
        id: 1,
        key: "mastodon",
        kind: "outage",
        state: "open",
        impact: "down",
        urgency: "page",
        checks: ["web"],
        reason: "answered 502",
        runbook: "service-down",
        startedAt: began,
        confirmedAt: began.add({ seconds: 40 }),
      },
    ]);
    expect(await world.outbox()).toEqual(["page contractor email pending", "escalation techops email planned"]);
    expect(await world.planned()).toMatchObject([{ at: began.add({ seconds: 40 + 900 }) }]);
    await world.clock.turn(900);
    await world.escalates();
    const [page, escalation] = await world.store.outbox.of(1);
    expect(page?.notBefore).toEqual(began.add({ seconds: 40 }));
    expect(escalation?.notBefore).toEqual(began.add({ seconds: 40 + 900 }));
    expect(page?.headline).toBe("[Tidewatch #1] Mastodon is down");
    expect(escalation?.headline).toBe(page?.headline);
    expect(escalation?.thread).toBe(page?.thread);
  });

  test("is not there without its notices, nor they without it", async () => {
    await using world = await World.open();
    await world.sees("mastodon/web", "down");
    await world.sees("mastodon/web", "down");
    const { incidents = [], ...rest } = world.considers("mastodon/web", "down");
    const broken = incidents.map((change) =>
      change.change === "open"
        ? {
            ...change,
            escalate: (): never => {
              throw new Error("killed here");
            },
          }
        : change,
    );
    await expect(world.store.commit({ ...rest, incidents: broken })).rejects.toThrow("killed here");
    expect(await world.incidents()).toEqual([]);
    expect(await world.store.outbox.recent(10)).toEqual([]);
  });

  test("does not open for a blip, nor for what we failed to measure", async () => {
    await using world = await World.open();
    for (const seen of ["up", "down", "down", "up", "down", "unknown", "down", "down", "up"] as const) {
      await world.sees("mastodon/web", seen);
      await world.clock.turn(20);
    }
    for (let run = 0; run < 5; run++) await world.sees("mastodon/api", "unknown");
    expect(await world.incidents()).toEqual([]);
  });

  test("does not open for a check that is not required", async () => {
    const about = check("mastodon", "about", { required: false });
    await using world = await World.open({ targets: [target("mastodon", "Mastodon", [about])] });
    await world.breaks("mastodon/about");
    expect(await world.incidents()).toEqual([]);
  });

  test("opens with the next failed try when a check becomes required while it is down", async () => {
    const targets = (required: boolean) => [target("mastodon", "Mastodon", [check("mastodon", "web", { required })])];
    await using world = await World.open({ targets: targets(false) });
    await world.breaks("mastodon/web");
    world.targets = targets(true);
    await world.commit(await world.judge.reconfigure({ ...settings(), targets: world.targets }));
    expect(await world.incidents()).toEqual([]);
    await world.sees("mastodon/web", "down");
    expect(await world.incidents()).toMatchObject([{ state: "open", impact: "down" }]);
  });

  test("takes in the other checks of its target, and ends when the last of them is well", async () => {
    await using world = await World.open();
    await world.breaks("mastodon/web");
    await world.breaks("mastodon/api", { outcome: "down", reason: "no answer within 10 s" });
    expect(await world.incidents()).toMatchObject([{ id: 1, checks: ["web", "api"] }]);
    expect(await world.outbox()).toHaveLength(2);
    await world.mends("mastodon/web");
    expect(await world.incidents()).toMatchObject([{ state: "open" }]);
    await world.clock.turn(60);
    const mended = world.clock.now();
    await world.mends("mastodon/api");
    expect(await world.incidents()).toMatchObject([{ state: "resolved", resolvedAt: mended }]);
    const updates = await world.store.incidents.updates(1);
    expect(updates.map(({ kind, public: shown }) => `${kind} ${shown}`)).toEqual([
      "confirmed true",
      "joined false",
      "resolved true",
    ]);
  });

  test("of a degraded service is a ticket for the last step, shown to members", async () => {
    await using world = await World.open();
    await world.breaks("mastodon/api", { outcome: "degraded", reason: "answer is not an instance description" });
    expect(await world.incidents()).toMatchObject([{ impact: "degraded", urgency: "ticket", state: "open" }]);
    expect(await world.outbox()).toEqual(["ticket techops email pending"]);
    expect((await world.store.incidents.updates(1))[0]).toMatchObject({ public: true });
  });

  test("that was degraded before pages in the same thread, though the ticket was acknowledged", async () => {
    await using world = await World.open();
    await world.breaks("mastodon/api", { outcome: "degraded", reason: "slow" });
    await world.sendsWhatIsDue();
    await world.store.incidents.acknowledge(1, "techops", world.clock.now(), acknowledgement(world.clock.now(), true));
    await world.clock.turn(60);
    await world.breaks("mastodon/api", { outcome: "down", reason: "answered 502" });
    expect(await world.incidents()).toMatchObject([
      { id: 1, state: "open", impact: "down", urgency: "page", reason: "answered 502", runbook: "service-down" },
    ]);
    expect(await world.outbox()).toEqual([
      "ticket techops email sent",
      "page contractor email pending",
      "escalation techops email planned",
    ]);
    const notices = await world.store.outbox.of(1);
    expect(new Set(notices.map(({ headline, thread }) => `${headline} ${thread}`)).size).toBe(1);
    expect(textOf(notices[1])).toMatch(/^DOWN Mastodon since/);
    expect(
      await world.store.incidents.acknowledge(
        1,
        "contractor",
        world.clock.now(),
        acknowledgement(world.clock.now(), true),
      ),
    ).toBe(true);
  });

  test("that was down and is degraded now says to members what is so now, and pages anew when it is down again", async () => {
    await using disk = await onDisk();
    const { world } = disk;
    const pictures = {
      outcome: "degraded",
      reason: "media answered 404",
      explanation: { en: "Pictures do not load.", fr: "Les images ne se chargent pas." },
    } as const;
    await world.breaks("mastodon/web");
    await world.sendsWhatIsDue();
    await world.store.incidents.acknowledge(
      1,
      "contractor",
      world.clock.now(),
      acknowledgement(world.clock.now(), true),
    );
    await world.breaks("mastodon/api", pictures);
    await world.mends("mastodon/web");
    expect(await world.incidents()).toMatchObject([
      { id: 1, state: "acknowledged", impact: "down", explanation: pictures.explanation },
    ]);
    expect((await world.store.incidents.updates(1)).at(-1)).toMatchObject({
      public: true,
      text: { en: "It is better than before. Pictures do not load. We are still working on it." },
    });
    await world.restart();
    await world.sees("mastodon/api", pictures);
    expect(await world.store.incidents.updates(1)).toHaveLength(4);
    for (const again of [2, 3]) {
      await world.clock.turn(3600);
      await world.breaks("mastodon/web");
      expect(await world.incidents()).toMatchObject([{ state: "open", title: { en: "Mastodon is down" } }]);
      expect((await world.outbox()).filter((line) => line.startsWith("page"))).toHaveLength(again);
      await world.sendsWhatIsDue();
      await world.mends("mastodon/web");
    }
    await world.mends("mastodon/api");
    expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
  });

  test("that comes and goes within an hour takes back what it has not sent, and leaves alone who has taken it", async () => {
    await using world = await World.open();
    await world.breaks("mastodon/api", { outcome: "degraded", reason: "slow" });
    for (let round = 0; round < 3; round++) {
      await world.breaks("mastodon/web");
      await world.sendsWhatIsDue();
      await world.mends("mastodon/web");
    }
    const left = (await world.outbox()).filter((line) => /(?:pending|planned)$/.test(line));
    expect(left).toEqual(["escalation techops email planned"]);
    await world.store.incidents.acknowledge(
      1,
      "contractor",
      world.clock.now(),
      acknowledgement(world.clock.now(), true),
    );
    const before = await world.outbox();
    await world.breaks("mastodon/web");
    expect(await world.outbox()).toEqual(before);
    expect(await world.incidents()).toMatchObject([{ state: "acknowledged", title: { en: "Mastodon is down" } }]);
    await world.mends("mastodon/web");
    await world.clock.turn(3600);
    await world.breaks("mastodon/web");
    expect((await world.outbox()).slice(before.length)).toEqual([
      "page contractor email pending",
      "escalation techops email planned",
    ]);
    await world.mends("mastodon/web");
    await world.clock.turn(7200);
    await world.mends("mastodon/api");
    const over = (await world.store.incidents.updates(1)).at(-1);
    expect(over?.text.en).toMatch(/^Mastodon works normally again, after/);
  });

  test("that comes and goes puts off no later step: nobody has taken it since the first page named its time", async () => {
    await using world = await World.open();
    await world.breaks("mastodon/api", { outcome: "degraded", reason: "slow" });
    for (let round = 0; round < 6; round++) {
      await world.breaks("mastodon/web");
      await world.sendsWhatIsDue();
      await world.mends("mastodon/web");
      await world.clock.turn(60);
    }
    const [, first, ...later] = await world.store.outbox.of(1);
    const due = first?.notBefore.add({ seconds: 900 });
    const pages = later.filter(({ kind }) => kind === "page");
    expect(pages).toHaveLength(5);
    for (const page of pages)
      expect(textOf(page)).toContain("Next, unless somebody acknowledges: TechOps (email) at 05:16");
    expect(await world.planned()).toEqual([{ line: "escalation techops email", at: due }]);
    await world.clock.turn(200);
    await world.sendsWhatIsDue();
    expect((await world.outbox()).at(-1)).toBe("escalation techops email sent");
    // Whoever was called is called anew by the usual plan.
    await world.breaks("mastodon/web");
    const page = (await world.store.outbox.of(1)).at(-1);
    expect(await world.planned()).toMatchObject([{ at: page?.notBefore.add({ seconds: 900 }) }]);
  });

  test("that turned worse and was over before the first step was due is told as over to nobody new", async () => {
    const late = onCall.escalation.map((step) => ({ ...step, afterSeconds: step.afterSeconds + 120 }));
    await using world = await World.open({ onCall: { ...onCall, escalation: late } });
    await world.breaks("mastodon/web", { outcome: "degraded", reason: "slow" });
    await world.sendsWhatIsDue();
    await world.clock.turn(600);
    await world.breaks("mastodon/web");
    await world.mends("mastodon/web");
    expect((await world.outbox()).filter((line) => line.startsWith("resolve"))).toEqual([
      "resolve techops email pending",
    ]);
  });

  test("that an internal check found first is told in the words of the service itself, once that fails as well", async () => {
    await using world = await World.open({
      targets: [
        target("mastodon", "Mastodon", [check("mastodon", "web"), check("mastodon", "media", { internal: true })]),
      ],
    });
    await world.breaks("mastodon/media", { outcome: "down", reason: "refused", explanation: unreachableInternalText });
    await world.breaks("mastodon/web", { outcome: "down", reason: "refused", explanation: unreachableText });
    const [incident] = await world.incidents();
    expect(incident?.explanation.en).toBe("Mastodon cannot be reached at the moment.");
    const updates = await world.store.incidents.updates(1);
    expect(updates.filter((update) => update.public).map(({ text }) => text.en)).toEqual([
      expect.stringMatching(/^Something that the service relies on does not answer/),
      expect.stringMatching(/^Mastodon cannot be reached at the moment\. We have noticed/),
    ]);
  });

  test("that comes back within the hour says so", async () => {
    await using world = await World.open();
    await world.breaks("mastodon/web");
    await world.mends("mastodon/web");
    await world.clock.turn(30 * 60);
    await world.breaks("mastodon/web");
    expect(textOf((await world.store.outbox.of(2))[0])).toMatch(
      /^AGAIN: resolved at 05:00 Vancouver \(UTC-7\) \(#1\)\.$/m,
    );
    await world.mends("mastodon/web");
    await world.clock.turn(61 * 60);
    await world.breaks("mastodon/web");
    expect(textOf((await world.store.outbox.of(3))[0])).not.toContain("AGAIN");
  });
});

describe("what happens before an opening is committed", () => {
  test("joins and resolves follow it in order", async () => {
    await using world = await World.open();
    for (const id of ["mastodon/web", "mastodon/api"]) {
      await world.sees(id, "down");
      await world.sees(id, "down");
    }
    // The store is slow: three samples are judged before the first of them is written.
    const opening = world.considers("mastodon/web", "down");
    const joining = world.considers("mastodon/api", "down");
    expect(joining.incidents).toBeUndefined();
    await world.commit(joining);
    await world.commit(opening);
    expect(await world.incidents()).toMatchObject([{ checks: ["web", "api"], state: "open" }]);
  });

  test("the end and a relapse are one incident that goes on", async () => {
    const nervous = check("mastodon", "web", {
      confirm: { failures: 1, retrySeconds: 1, successes: 1, recoverySeconds: 1 },
    });
    await using world = await World.open({ targets: [target("mastodon", "Mastodon", [nervous])] });
    await world.sees("mastodon/web", "up");
    const batch = [];
    for (const seen of ["down", "up", "down"] as const) {
      await world.clock.turn(1);
      batch.push(world.considers("mastodon/web", seen));
    }
    for (const changes of batch) await world.commit(changes);
    expect(await world.incidents()).toMatchObject([{ state: "open", flapping: { relapses: 1 } }]);
    expect((await world.outbox()).slice(-2)).toEqual([
      "page contractor email pending",
      "escalation techops email planned",
    ]);
  });
});

describe("acknowledging", () => {
  test("cancels the later steps, and never the message that it is over", async () => {
    await using world = await World.open();
    await world.breaks("mastodon/web");
    await world.sendsWhatIsDue();
    await world.store.incidents.acknowledge(
      1,
      "contractor",
      world.clock.now(),
      acknowledgement(world.clock.now(), true),
    );
    expect(await world.outbox()).toEqual(["page contractor email sent"]);
    await world.mends("mastodon/web");
    expect(await world.outbox()).toEqual(["page contractor email sent", "resolve contractor email pending"]);
  });
});

describe("the end", () => {
  test("is told to everybody who was told, by the same channel, and to nobody else", async () => {
    await using world = await World.open({ channels: ["email", "pager"] });
    await world.breaks("mastodon/web");
    await world.sendsWhatIsDue("email");
    await world.sendsWhatIsDue("pager");
    await world.mends("mastodon/web");
    expect((await world.outbox()).slice(2)).toEqual([
      "resolve contractor email pending",
      "resolve contractor pager pending",
    ]);
    const notices = await world.store.outbox.of(1);
    expect(notices[2]).toMatchObject({ headline: notices[0]?.headline, thread: notices[0]?.thread });
    expect(textOf(notices[2])).toMatch(/^RESOLVED after less than a minute: Mastodon is up again since/);
    expect(textOf(notices[2])).not.toContain("We could not reach you");
  });

  test("replaces a page that could not be delivered by one note that says it all", async () => {
    await using world = await World.open();
    await world.breaks("mastodon/web");
    const [page] = await world.store.outbox.claim("email", {
      by: "here",
      now: world.clock.now(),
      limit: 10,
      leaseSeconds: 30,
    });
    const retryAt = world.clock.now().add({ seconds: 5 });
    await world.store.outbox.settle(page?.key ?? "", 1, { state: "pending", retryAt, error: "451 greylisted" });
    await world.mends("mastodon/web");
    expect(await world.outbox()).toEqual(["page contractor email superseded", "resolve contractor email pending"]);
    const body = textOf((await world.store.outbox.of(1))[1]);
    expect(body).toContain("We could not reach you while it lasted");
    expect(body).toContain("DOWN Mastodon since");
  });
});

describe("after a restart", () => {
  test("nothing new is told, and the incident that is open goes on", async () => {
    await using disk = await onDisk();
    const { world } = disk;
    await world.breaks("mastodon/web");
    await world.sendsWhatIsDue();
    const before = await world.store.outbox.recent(10);
    await world.clock.turn(5 * 86_400);
    await world.restart();
    await world.sees("mastodon/web", "down");
    expect(await world.store.outbox.recent(10)).toEqual(before);
    await world.mends("mastodon/web");
    expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
    expect((await world.outbox()).at(-1)).toBe("resolve contractor email pending");
    expect((await world.store.outbox.of(1)).at(-1)?.headline).toBe(before[0]?.headline);
  });

  test("a confirmation that had begun is completed, and its page shows the tries of both processes", async () => {
    await using disk = await onDisk();
    const { world } = disk;
    await world.sees("mastodon/web", { outcome: "down", reason: "answered 502" });
    await world.clock.turn(20);
    await world.sees("mastodon/web", { outcome: "down", reason: "answered 503" });
    await world.restart();
    await world.clock.turn(20);
    await world.sees("mastodon/web", { outcome: "down", reason: "answered 504" });
    const [page] = await world.store.outbox.of(1);
    expect(textOf(page)).toMatch(/3 of 3 tries failed:\n.*answered 502\n.*answered 503\n.*answered 504\n/);
  });

  test("killed at any step of an outage: one incident, each notice once", async () => {
    for (let killedAfter = 0; killedAfter < 6; killedAfter++) {
      await using disk = await onDisk();
      const { world } = disk;
      const steps = ["down", "down", "down", "down", "up", "up"] as const;
      for (const [step, seen] of steps.entries()) {
        if (step === killedAfter) {
          // Judged, but killed before the commit: the run is repeated by the next process.
          world.considers("mastodon/web", seen);
          await world.restart();
        }
        await world.sees("mastodon/web", seen);
        await world.sendsWhatIsDue();
        await world.clock.turn(20);
      }
      expect(await world.incidents()).toMatchObject([{ id: 1, state: "resolved" }]);
      expect(await world.outbox()).toEqual(["page contractor email sent", "resolve contractor email sent"]);
    }
  });

  test("an incident of a target that is gone, or planned now, ends in plain words", async () => {
    for (const targets of [
      [],
      [{ ...mastodon, planned: true }],
      [target("mastodon", "Mastodon", [check("mastodon", "other")])],
    ]) {
      await using disk = await onDisk();
      const { world } = disk;
      await world.breaks("mastodon/web");
      await world.sendsWhatIsDue();
      await world.restart(targets);
      expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
      expect(textOf((await world.store.outbox.of(1)).at(-1))).toMatch(/^CLOSED mastodon: no longer watched since/i);
    }
  });

  test("a check of which no confirmation is known keeps its incident open", async () => {
    await using disk = await onDisk();
    const { world } = disk;
    await world.breaks("mastodon/web");
    const { store, clock } = world;
    const { samples, judgements, incidents, escalations } = store;
    const forgetful = { samples, incidents, escalations, judgements: { ...judgements, confirmations: async () => [] } };
    const judge = await openJudge({
      ...settings(),
      targets: [mastodon],
      store: forgetful,
      clock,
      log: silentLog,
      signingKey,
    });
    expect(judge.start()).toBeUndefined();
  });

  test("what a vantage point said that has another name now keeps nothing open", async () => {
    await using disk = await onDisk();
    const { world } = disk;
    await world.breaks("mastodon/web");
    for (let minute = 0; minute < 12; minute++) {
      await world.sees("mastodon/queues", { outcome: "up", readings: [queue("default", 5000)] });
      await world.clock.turn(60);
    }
    expect(await world.incidents()).toMatchObject([{ state: "open" }, { state: "open" }]);
    world.vantagePoint = "toronto";
    await world.restart();
    expect(await world.incidents()).toMatchObject([{ state: "open" }, { state: "open" }]);
    await world.mends("mastodon/web");
    await world.sees("mastodon/queues", { outcome: "up", readings: [queue("default", 1)] });
    expect(await world.incidents()).toMatchObject([{ state: "resolved" }, { state: "resolved" }]);
  });

  test("an end that was never written is written", async () => {
    await using disk = await onDisk();
    const { world } = disk;
    await world.breaks("mastodon/web");
    await world.sees("mastodon/web", "up");
    await world.clock.turn(30);
    // The sample and its confirmation were written; what followed from them was not.
    const { samples = [], confirmations = [] } = world.considers("mastodon/web", "up");
    await world.store.commit({ samples, confirmations });
    await world.restart();
    expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
  });
});

describe("a threshold", () => {
  const late = (...readings: Reading[]) => ({ outcome: "up" as const, readings });

  async function stays(world: World, minutes: number, ...readings: Reading[]) {
    for (let minute = 0; minute < minutes; minute++) {
      await world.sees("mastodon/queues", late(...readings));
      await world.clock.turn(60);
    }
  }

  test("opens one incident for all its queues, names the worst, and ends when all have cleared", async () => {
    await using world = await World.open();
    await stays(world, 5, queue("default", 1000));
    await stays(world, 6, queue("default", 1000), queue("pull", 2000));
    expect(await world.incidents()).toMatchObject([
      { key: "mastodon/queues:latency", kind: "threshold", impact: "degraded", urgency: "page", checks: ["queues"] },
    ]);
    const [page] = await world.store.outbox.of(1);
    expect(page?.headline).toBe("[Tidewatch #1] Mastodon: Posts arrive late");
    expect(textOf(page)).toMatch(/^ALERT Mastodon: Posts arrive late since/);
    expect(textOf(page)).toContain("  queue=default: 16m 40s (told at 15m, over below 5m)");
    await stays(world, 6, queue("default", 1000), queue("pull", 2000));
    expect((await world.store.incidents.updates(1)).at(-1)).toMatchObject({
      kind: "joined",
      public: false,
      text: { en: "queues: queue=pull: 33m 20s (told at 15m, over below 5m)" },
    });
    await stays(world, 12, queue("default", 10), queue("pull", 400));
    expect(await world.incidents()).toMatchObject([{ state: "open" }]);
    await stays(world, 12, queue("default", 10), queue("pull", 10));
    expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
    expect(await world.outbox()).toEqual(["page contractor email superseded", "resolve contractor email pending"]);
  });

  test("is told to members with the age of the oldest as it was then, rounded down, in both languages", async () => {
    await using world = await World.open();
    await stays(world, 12, queue("default", 959.9), queue("pull", 1010));
    const explanation = {
      en: "Posts arrive late: the oldest job was 16 minutes old then.",
      fr: "Les publications arrivent en retard\u00a0: la plus ancienne tâche attendait alors depuis 16 minutes.",
    };
    expect(await world.incidents()).toMatchObject([{ explanation }]);
    expect(await world.store.incidents.updates(1)).toMatchObject([
      { kind: "confirmed", public: true, text: { fr: expect.stringContaining(explanation.fr) } },
    ]);
    const [page] = await world.store.outbox.of(1);
    expect(textOf(page)).toContain(`Members see on the status page: “${explanation.en} We have noticed`);
  });

  test("is cleared by a queue that no longer exists", async () => {
    await using world = await World.open();
    await stays(world, 12, queue("default", 1), queue("old", 5000));
    expect(await world.incidents()).toMatchObject([{ state: "open" }]);
    await stays(world, 12, queue("default", 1));
    expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
  });

  test("neither rises nor falls by what we failed to measure", async () => {
    await using world = await World.open();
    await stays(world, 12, queue("default", 5000));
    for (let minute = 0; minute < 30; minute++) {
      await world.sees("mastodon/queues", { outcome: "unknown", readings: [queue("default", 0)] });
      await world.clock.turn(60);
    }
    expect(await world.incidents()).toMatchObject([{ state: "open" }]);
  });

  test("keeps what it knew across a restart, and the time away counts for nothing", async () => {
    await using disk = await onDisk();
    const { world } = disk;
    await stays(world, 5, queue("default", 5000));
    await world.clock.turn(3 * 3600);
    await world.restart();
    await stays(world, 4, queue("default", 5000));
    expect(await world.incidents()).toEqual([]);
    await stays(world, 3, queue("default", 5000));
    expect(await world.incidents()).toHaveLength(1);
    await world.restart();
    await stays(world, 3, queue("default", 5000));
    expect(await world.outbox()).toHaveLength(2);
    await stays(world, 12, queue("default", 1));
    expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
  });

  test.each([3600, -3600])("is neither raised nor kept from rising by a clock set by %i s", async (jump) => {
    await using world = await World.open();
    await stays(world, 5, queue("default", 5000));
    world.clock.jump(jump);
    await stays(world, 5, queue("default", 5000));
    expect(await world.incidents()).toEqual([]);
    await stays(world, 2, queue("default", 5000));
    expect(await world.incidents()).toHaveLength(1);
  });

  test("that members do not notice is a ticket they do not see", async () => {
    const full = { ...latency, urgency: "ticket", affects: "nothing" } as const;
    const targets = [target("mastodon", "Mastodon", [check("mastodon", "queues", { thresholds: [full] })])];
    await using world = await World.open({ targets });
    await stays(world, 12, queue("default", 5000));
    expect(await world.outbox()).toEqual(["ticket techops email pending"]);
    expect((await world.store.incidents.updates(1))[0]).toMatchObject({ public: false });
    expect(textOf((await world.store.outbox.of(1))[0])).toContain("Members see nothing of this");
  });

  describe("with a page above its ticket", () => {
    const line = { ...latency, metric: "storage_used_ratio", raiseAfterSeconds: 60, clearAfterSeconds: 60 };
    const page: Threshold = { ...line, id: "full", raiseAt: 0.88, clearAt: 0.85 };
    const ticket: Threshold = { ...line, id: "filling", raiseAt: 0.8, clearAt: 0.77, urgency: "ticket" };
    const openDisk = (rules = [ticket, page]) =>
      World.open({ targets: [target("mastodon", "Mastodon", [check("mastodon", "queues", { thresholds: rules })])] });
    const fills = (world: World, minutes: number, value: number, store = "a") =>
      stays(world, minutes, { metric: "storage_used_ratio", value, labels: { store } });

    test("opens one incident where both lines are passed at once, and the ticket once the page is over", async () => {
      await using world = await openDisk();
      await fills(world, 10, 0.95);
      expect(await world.incidents()).toMatchObject([{ key: "mastodon/queues:full", urgency: "page", state: "open" }]);
      await fills(world, 5, 0.82);
      expect(await world.incidents()).toMatchObject([
        { key: "mastodon/queues:full", state: "resolved" },
        { key: "mastodon/queues:filling", urgency: "ticket", state: "open" },
      ]);
      await fills(world, 5, 0.5);
      expect((await world.incidents()).map(({ state }) => state)).toEqual(["resolved", "resolved"]);
    });

    test("is no ticket while the page's line was just passed, nor after it falls below both", async () => {
      await using world = await openDisk();
      await fills(world, 1, 0.82);
      await fills(world, 5, 0.95);
      expect(await world.incidents()).toMatchObject([{ key: "mastodon/queues:full" }]);
      await fills(world, 5, 0.5);
      expect(await world.incidents()).toMatchObject([{ key: "mastodon/queues:full", state: "resolved" }]);
    });

    test("is a ticket where the page is to wait longer, and where it is about another store", async () => {
      await using world = await openDisk([ticket, { ...page, raiseAfterSeconds: 3600 }]);
      await fills(world, 3, 0.95);
      expect(await world.incidents()).toMatchObject([{ key: "mastodon/queues:filling" }]);
      await using other = await openDisk([ticket, { ...page, labels: { store: "b" } }]);
      await fills(other, 3, 0.95, "a");
      expect(await other.incidents()).toMatchObject([{ key: "mastodon/queues:filling" }]);
    });

    test("stays a ticket that was told before", async () => {
      await using world = await openDisk();
      await fills(world, 5, 0.82);
      await fills(world, 5, 0.95);
      expect(await world.incidents()).toMatchObject([
        { key: "mastodon/queues:filling", state: "open" },
        { key: "mastodon/queues:full", state: "open" },
      ]);
    });
  });

  test("whose rule is gone after a reload ends", async () => {
    await using world = await World.open();
    await stays(world, 12, queue("default", 5000));
    const targets = [target("mastodon", "Mastodon", [check("mastodon", "queues")])];
    await world.commit(await world.judge.reconfigure({ ...settings(), targets }));
    expect(await world.incidents()).toMatchObject([{ state: "resolved" }]);
  });
});

describe("the wall clock", () => {
  test("put back to the second in which it was told as down loses nothing that is told then", async () => {
    await using world = await World.open();
    await world.breaks("mastodon/api", { outcome: "degraded", reason: "slow" });
    await world.breaks("mastodon/web");
    const told = world.clock.now();
    await world.sendsWhatIsDue();
    await world.mends("mastodon/web");
    world.clock.jump(told.subtract({ seconds: 40 }).since(world.clock.now()).total("seconds"));
    await world.breaks("mastodon/web");
    expect(world.clock.now()).toEqual(told);
    expect((await world.outbox()).filter((line) => !line.endsWith("superseded"))).toEqual([
      "page contractor email sent",
      "page contractor email pending",
      "escalation techops email planned",
    ]);
  });

  test.each([3600, -3600])("set by %i s in the middle of an outage changes neither order nor count", async (jump) => {
    await using world = await World.open();
    await world.sees("mastodon/web", "down");
    await world.clock.turn(20);
    world.clock.jump(jump);
    await world.sees("mastodon/web", "down");
    await world.clock.turn(20);
    await world.sees("mastodon/web", "down");
    await world.sendsWhatIsDue();
    world.clock.jump(-jump);
    await world.mends("mastodon/web");
    expect((await world.outbox()).map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "page contractor",
      "resolve contractor",
    ]);
    const [incident] = await world.incidents();
    expect(
      incident?.state === "resolved" && Temporal.Instant.compare(incident.resolvedAt, incident.startedAt),
    ).not.toBe(-1);
  });
});

function settings() {
  return {
    organisation: {
      name: { en: "CoSocial", fr: "CoSocial" },
      languages: ["en", "fr"] as const,
      timeZone: "America/Vancouver",
    },
    onCall,
    channels: ["email"],
    baseUrl: "https://status.example",
  };
}
