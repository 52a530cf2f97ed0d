/** The outbox emptied: patience, order, fairness between channels, and what a restart finds. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Policy } from "../../../alerts/escalation/policy.ts";
import { inhibit, release } from "../../../alerts/escalation/transitions.ts";
import { sameInAll } from "../../../core/language.ts";
import { acknowledgement } from "../../../core/member-texts.ts";
import { openSqliteStore } from "../../../store/sqlite/sqlite.ts";
import { everybody, hangs, Office, refuses, takes } from "./office.ts";

const minutes = (count: number) => count * 60;

describe("a notice", () => {
  test("is sent at once, and a later step when its time has come", async () => {
    await using office = await Office.open();
    await office.start(["email"]);
    await office.escalates();
    expect(await office.told()).toEqual(["page contractor email sent"]);
    await office.clock.turn(899);
    expect(await office.told()).toEqual(["page contractor email sent"]);
    await office.clock.turn(2);
    expect(await office.told()).toEqual(["page contractor email sent", "escalation techops email sent"]);
    expect(office.results).toEqual([
      { channel: "email", kind: "page", result: "sent" },
      { channel: "email", kind: "escalation", result: "sent" },
    ]);
  });

  test("that waits for a cause is sent when the wait is over, and not once it was cancelled", async () => {
    await using office = await Office.open();
    await office.start(["email"]);
    const waiting = (seconds: number) => ({ state: "waiting", until: office.later(seconds), candidates: [] }) as const;
    const { id } = await office.escalates(waiting(60));
    await office.escalates(waiting(90), "ticket");
    await office.clock.turn(59);
    expect(office.attempts).toEqual([]);
    await office.clock.turn(32);
    expect(office.attempts.map(({ name, atSeconds }) => [name, atSeconds])).toEqual([
      ["page contractor", 60],
      ["ticket techops", 90],
    ]);
    await office.store.commit({ escalations: [{ incident: id, escalate: inhibit("database/connect") }] });
    await office.wakes();
    await office.clock.turn(1000);
    expect(office.attempts).toHaveLength(2);
  });

  test("that waits no longer for a cause is sent at once and once, and a later step when it was to be", async () => {
    await using office = await Office.open();
    await office.start(["email"]);
    const { id } = await office.escalates({ state: "waiting", until: office.later(60), candidates: [] });
    await office.clock.turn(20);
    const policy = await Policy.open(office.policy);
    await office.store.commit({ escalations: [{ incident: id, escalate: release(policy, office.clock.now()) }] });
    await office.wakes();
    await office.clock.turn(1200);
    expect(office.attempts.map(({ name, atSeconds }) => [name, atSeconds])).toEqual([
      ["page contractor", 20],
      ["escalation techops", 960],
    ]);
  });

  test("is tried again after 5, 12, 30 and 55 s, then always after 55 s", async () => {
    await using office = await Office.open();
    office.answers["email"] = refuses("retry");
    await office.start();
    await office.pages({});
    await office.clock.turn(300);
    expect(office.triedAt("1.0")).toEqual([0, 5, 17, 47, 102, 157, 212, 267]);
    expect(office.delivery?.failing()).toEqual([{ channel: "email", seconds: 300, why: "no" }]);
    office.answers["email"] = takes;
    await office.clock.turn(60);
    expect(await office.states()).toEqual(["1.0 sent"]);
    expect(office.delivery?.failing()).toEqual([]);
  });

  test("waits as long as the service asks for, but never more than 15 minutes", async () => {
    await using office = await Office.open();
    office.answers["email"] = refuses("retry", 120);
    await office.start();
    await office.pages({});
    await office.clock.turn(119);
    expect(office.triedAt("1.0")).toEqual([0]);
    office.answers["email"] = refuses("retry", 86_400);
    await office.clock.turn(minutes(17));
    expect(office.triedAt("1.0")).toEqual([0, 120, 120 + minutes(15)]);
  });

  test("is given up when it is too late to be of use", async () => {
    await using office = await Office.open();
    office.answers["email"] = refuses("retry");
    await office.start();
    await office.pages({ kind: "sign-in", notAfter: office.later(12) });
    await office.clock.turn(60);
    expect(office.triedAt("1.0")).toEqual([0, 5]);
    expect(await office.states()).toEqual(["1.0 dropped"]);
  });

  test("that does not page and was refused for good is dropped", async () => {
    await using office = await Office.open();
    office.answers["email"] = refuses("permanent");
    await office.start();
    await office.pages({ kind: "ticket" });
    expect(await office.states()).toEqual(["1.0 dropped"]);
    expect(office.results).toEqual([{ channel: "email", kind: "ticket", result: "dropped" }]);
    // One dead mailbox is no broken channel.
    expect(office.delivery?.failing()).toEqual([]);
  });
});

describe("a page that is refused for good", () => {
  test("is dropped, and the next step is told at once", async () => {
    await using office = await Office.open();
    office.answers["email"] = (notice, context) =>
      (notice.to.id === "contractor" ? refuses("permanent") : takes)(notice, context);
    await office.start(["email"]);
    await office.escalates();
    await office.clock.turn(1);
    expect(await office.told()).toEqual(["page contractor email dropped", "escalation techops email sent"]);
    expect(office.triedAt("escalation techops")).toEqual([0]);
  });

  test("does not hasten the next step while the same step reaches somebody by another channel", async () => {
    await using office = await Office.open();
    office.answers["email"] = refuses("permanent");
    await office.start(["pager", "email"]);
    const { id } = await office.escalates();
    await office.clock.turn(10);
    expect(await office.told()).toEqual(["page contractor pager sent", "page contractor email dropped"]);
    expect(await office.store.due.next("escalation", 5)).toMatchObject([{ subject: String(id) }]);
  });

  test("keeps trying while there is nobody else", async () => {
    await using office = await Office.open();
    office.answers["email"] = refuses("permanent");
    await office.start();
    await office.pages({});
    await office.clock.turn(60);
    expect(await office.states()).toEqual(["1.0 pending"]);
    expect(office.delivery?.failing()).toEqual([{ channel: "email", seconds: 60, why: "no" }]);
    office.answers["email"] = takes;
    await office.clock.turn(60);
    expect(await office.states()).toEqual(["1.0 sent"]);
    expect(office.delivery?.failing()).toEqual([]);
  });

  test("by a broken channel keeps trying, since the others of that channel will be refused as well", async () => {
    await using office = await Office.open();
    office.answers["email"] = refuses("misconfigured");
    await office.start(["email"]);
    await office.escalates();
    await office.clock.turn(60);
    expect(await office.told()).toEqual(["page contractor email pending", "escalation techops email pending"]);
    expect(office.triedAt("escalation techops")[0]).toBe(0);
    office.answers["email"] = takes;
    await office.clock.turn(60);
    expect(await office.told()).toEqual(["page contractor email sent", "escalation techops email sent"]);
  });
});

describe("a channel that misbehaves", () => {
  test.each([
    ["hangs", hangs],
    [
      "throws nonsense",
      () => {
        throw undefined;
      },
    ],
    ["rejects with a number", () => Promise.reject(7)],
  ] as const)("delays no other channel: it %s", async (_name, misbehaves) => {
    await using office = await Office.open();
    office.answers["email"] = misbehaves;
    await office.start();
    await office.pages(...Array.from({ length: 20 }, (_, index) => ({ thread: `incident-${index}` })), {
      channel: "pager",
    });
    await office.clock.turn(1);
    expect((await office.states()).at(-1)).toBe("1.20 sent");
    expect(office.triedAt("1.20")).toEqual([0]);
  });

  test("is cut off after 10 s and tried again, though it ignores the signal", async () => {
    await using office = await Office.open();
    office.answers["email"] = hangs;
    await office.start();
    await office.pages({});
    await office.clock.turn(9);
    expect(await office.states()).toEqual(["1.0 sending"]);
    await office.clock.turn(7);
    expect(office.triedAt("1.0")).toEqual([0, 15]);
  });
});

describe("a thread", () => {
  test("is known to the channel by what it handed back last, also after a restart, and to nobody else", async () => {
    await using office = await Office.open();
    await office.start();
    office.reference = "topic 7";
    await office.pages({});
    office.reference = undefined;
    await office.stop();
    await office.start();
    await office.pages({}, { channel: "pager" }, { to: { kind: "contact", id: "techops" } }, { thread: "incident-2" });
    expect(office.references).toHaveLength(5);
    expect(office.references.filter((one) => one !== undefined)).toEqual(["topic 7"]);
  });
});

describe("waking up", () => {
  test("without news asks the outbox for its newest line only, however often", async () => {
    await using office = await Office.open();
    await office.start();
    await office.pages({});
    office.calls.length = 0;
    for (let second = 0; second < 20; second++) {
      office.delivery?.wake();
      await office.clock.turn(1);
    }
    expect(new Set(office.calls)).toEqual(new Set(["outbox.recent 1"]));
    expect(office.calls).toHaveLength(20);
  });

  test("that never comes costs at most half a minute", async () => {
    await using office = await Office.open();
    await office.start();
    await office.clock.turn(10);
    await office.commits({});
    await office.clock.turn(25);
    expect(await office.states()).toEqual(["1.0 sent"]);
  });
});

describe("a reload", () => {
  test("lets what is on its way end with the old channel, and goes on with the new one", async () => {
    await using office = await Office.open();
    let take = () => {};
    office.answers["email"] = () => new Promise<void>((resolve) => (take = resolve));
    await office.start(["email"]);
    await office.pages({});
    await office.delivery?.reconfigure({ channels: office.channels(["email"]), onCall: everybody });
    office.answers["email"] = takes;
    await office.pages({ thread: "incident-2" });
    expect(await office.states(2)).toEqual(["2.0 sent"]);
    expect(office.closed).toEqual([]);
    take();
    await office.clock.turn(1);
    expect(await office.states(1)).toEqual(["1.0 sent"]);
    expect(office.closed).toEqual(["email"]);
    expect(office.attempts).toHaveLength(2);
  });

  test("that changes nothing about a channel leaves it open", async () => {
    await using office = await Office.open();
    const channels = office.channels(["email"]);
    await office.start(["email"]);
    await office.delivery?.reconfigure({ channels, onCall: everybody });
    await office.pages({});
    await office.delivery?.reconfigure({ channels, onCall: everybody });
    await office.clock.turn(1);
    expect(office.closed).toEqual([]);
  });

  test("that takes a channel away leaves its notices waiting until it comes back", async () => {
    await using office = await Office.open();
    await office.start(["email", "pager"]);
    await office.delivery?.reconfigure({ channels: office.channels(["pager"]), onCall: everybody });
    await office.pages({});
    expect(await office.states()).toEqual(["1.0 pending"]);
    await office.delivery?.reconfigure({ channels: office.channels(["email", "pager"]), onCall: everybody });
    await office.clock.turn(1);
    expect(await office.states()).toEqual(["1.0 sent"]);
  });
});

describe("order", () => {
  test("the end of an incident is never told before a page that is on its way", async () => {
    await using office = await Office.open();
    let take = () => {};
    office.answers["email"] = (notice) =>
      notice.kind === "page" ? new Promise<void>((resolve) => (take = resolve)) : undefined;
    await office.start();
    const incident = await office.pages({});
    await resolves(office, incident.id);
    await office.clock.turn(1);
    expect(office.attempts.map(({ key }) => key)).toEqual(["1.0"]);
    take();
    await office.clock.turn(1);
    expect(office.attempts.map(({ key }) => key)).toEqual(["1.0", "1.resolved"]);
    expect(await office.states()).toEqual(["1.0 sent", "1.resolved sent"]);
  });

  test("a page whose attempt failed while its incident ended is not sent any more", async () => {
    await using office = await Office.open();
    let fail = () => {};
    office.answers["email"] = (notice) =>
      notice.kind === "page"
        ? new Promise<void>((_, reject) => (fail = () => reject(new Error("connection lost"))))
        : undefined;
    await office.start();
    const incident = await office.pages({});
    await resolves(office, incident.id);
    fail();
    await office.clock.turn(120);
    expect(office.attempts.map(({ key }) => key)).toEqual(["1.0", "1.resolved"]);
    expect(await office.states()).toEqual(["1.0 dropped", "1.resolved sent"]);
  });

  test("an escalation that was being sent when somebody acknowledged is not tried again", async () => {
    await using office = await Office.open();
    office.answers["email"] = (notice, context) => (notice.kind === "escalation" ? hangs(notice, context) : undefined);
    await office.start(
      ["email"],
      [
        { afterSeconds: 0, notify: ["contractor"] },
        { afterSeconds: 60, notify: ["techops"] },
      ],
    );
    const incident = await office.escalates();
    await office.clock.turn(61);
    expect(await office.told()).toEqual(["page contractor email sent", "escalation techops email sending"]);
    const now = office.clock.now();
    await office.store.incidents.acknowledge(incident.id, "contractor", now, acknowledgement(now, true));
    await office.clock.turn(300);
    expect(office.triedAt("escalation techops")).toHaveLength(1);
    expect(await office.store.outbox.unsent(9)).toHaveLength(0);
  });
});

describe("the wall clock", () => {
  test.each([3600, -3600])("set by %i s neither hastens nor delays a page or a later step", async (jump) => {
    await using office = await Office.open();
    await office.start(["email"]);
    await office.escalates();
    await office.clock.turn(100);
    office.clock.jump(jump);
    await office.clock.turn(790);
    expect(office.triedAt("escalation techops")).toEqual([]);
    // Whoever was not told hears nothing of the end either.
    expect(await office.store.outbox.of(1)).toMatchObject([{ attempts: 1 }]);
    await office.clock.turn(20);
    expect(office.triedAt("escalation techops")).toEqual([900]);
    const second = await office.pages({ thread: "incident-2" });
    expect(await office.states(second.id)).toEqual([`${second.id}.0 sent`]);
    await office.clock.turn(3600);
    expect(office.attempts).toHaveLength(3);
  });

  test.each([3600, -3600])("set by %i s between the commit and the wake-up changes nothing either", async (jump) => {
    await using office = await Office.open();
    await office.start(["email"]);
    await office.clock.turn(10);
    await office.commitsEscalation();
    office.clock.jump(jump);
    await office.wakes();
    await office.clock.turn(850);
    expect(await office.told()).toEqual(["page contractor email sent"]);
    await office.clock.turn(60);
    expect(await office.told()).toEqual(["page contractor email sent", "escalation techops email sent"]);
  });

  test.each([3600, -3600])("set by %i s during retries keeps their pace", async (jump) => {
    await using office = await Office.open();
    office.answers["email"] = refuses("retry");
    await office.start();
    await office.pages({});
    await office.clock.turn(6);
    office.clock.jump(jump);
    await office.clock.turn(50);
    expect(office.triedAt("1.0")).toEqual([0, 5, 17, 47]);
  });
});

describe("a restart", () => {
  test("sends what the earlier process held, once and at once, and nothing that was sent", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tidewatch-outbox-"));
    try {
      await using office = await Office.open(join(folder, "tidewatch.db"));
      const steps = [
        { afterSeconds: 0, notify: ["contractor", "techops"] },
        { afterSeconds: 900, notify: ["contractor"] },
      ];
      office.policy = { ...office.policy, onCall: { ...everybody, escalation: steps } };
      await office.commitsEscalation();
      const now = office.clock.now();
      // Killed in the middle of one delivery and after another.
      const claimed = await office.store.outbox.claim("email", { by: "here", now: now, limit: 2, leaseSeconds: 30 });
      await office.store.outbox.settle(claimed[1]?.key ?? "", 1, { state: "sent", at: now });
      await office.store[Symbol.asyncDispose]();
      office.store = await openSqliteStore(join(folder, "tidewatch.db"));
      office.clock.jump(-7200);
      await office.start(["email"], steps);
      await office.clock.turn(1);
      expect(office.attempts.map(({ name }) => name)).toEqual(["page contractor"]);
      expect(await office.told()).toEqual(["page contractor email sent", "page techops email sent"]);
      // The clock was set, so that nobody knows when: not later than was planned from the moment of its writing.
      await office.clock.turn(900);
      expect(office.attempts.map(({ name }) => name)).toEqual(["page contractor", "escalation contractor"]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("with nothing to do sends nothing and only comes round now and then", async () => {
    await using office = await Office.open();
    await office.commits({ kind: "page" });
    await office.store.outbox.claim("email", { by: "here", now: office.clock.now(), limit: 1, leaseSeconds: 30 });
    await office.store.outbox.settle("1.0", 1, { state: "sent", at: office.clock.now() });
    await office.start();
    await office.clock.turn(86_400);
    expect(office.attempts).toEqual([]);
  });

  test("at shutdown what is on its way may end, and nothing new begins", async () => {
    await using office = await Office.open();
    let take = () => {};
    office.answers["email"] = () => new Promise<void>((resolve) => (take = resolve));
    await office.start(
      ["email"],
      [
        { afterSeconds: 0, notify: ["contractor"] },
        { afterSeconds: 5, notify: ["techops"] },
      ],
    );
    await office.escalates();
    const stopped = office.stopsGently();
    await office.clock.turn(1);
    take();
    await stopped;
    expect(await office.told()).toEqual(["page contractor email sent"]);
    expect(await office.store.due.next("escalation", 5)).toHaveLength(1);
  });
});

async function resolves(office: Office, id: number): Promise<void> {
  const now = office.clock.now();
  await office.store.commit({
    incidents: [
      {
        change: "resolve",
        id,
        at: now,
        update: { at: now, kind: "resolved", text: sameInAll("It is over."), public: true },
        escalate: () => ({
          supersede: [],
          add: [office.notice({ key: `${id}.resolved`, kind: "resolve", incident: id })],
        }),
      },
    ],
  });
  office.delivery?.wake();
}
