/** The port of the outbox: how every store hands out notices, and what becomes of them. */
import { expect, test } from "vitest";
import type { Notice } from "../../../core/notice.ts";
import { mayLeave, notConfirmed } from "../../../core/store/outbox.ts";
import { after, noon, noticeOf, opening, updateAt } from "./scene.ts";
import type { StoreToTest } from "./store-to-test.ts";

export function outboxContract(open: () => Promise<StoreToTest>): void {
  const keys = (notices: readonly Notice[]) => notices.map(({ key }) => key);

  test("hands out what is due, once, first things first", async () => {
    await using store = await open();
    await store.commit({
      notices: [
        noticeOf("later", { notBefore: after(60) }),
        noticeOf("second"),
        noticeOf("first", { notBefore: after(-60) }),
        noticeOf("other", { channel: "ntfy" }),
        noticeOf("third"),
      ],
    });
    expect(keys(await store.outbox.claim("email", { by: "here", now: noon, limit: 2, leaseSeconds: 30 }))).toEqual([
      "first",
      "second",
    ]);
    expect(keys(await store.outbox.claim("email", { by: "here", now: noon, limit: 5, leaseSeconds: 30 }))).toEqual([
      "third",
    ]);
    expect(await store.outbox.claim("email", { by: "here", now: noon, limit: 5, leaseSeconds: 30 })).toEqual([]);
    expect(keys(await store.outbox.unsent(9))).toEqual(["first", "second", "other", "third", "later"]);
    expect(keys(await store.outbox.unsent(2))).toEqual(["first", "second"]);
  });

  test("keeps the first notice of a key", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page", { summary: "first" })] });
    await store.commit({ notices: [noticeOf("page", { summary: "second" })] });
    expect(await store.outbox.recent(5)).toMatchObject([{ summary: "first" }]);
  });

  test("gives a whole notice back, with all it was written with", async () => {
    await using store = await open();
    const full = noticeOf("full", { incident: 3, kind: "ticket", urgency: "soon", notAfter: after(5) });
    await store.commit({ notices: [full, noticeOf("plain")] });
    expect(await store.outbox.recent(5)).toEqual([
      { ...noticeOf("plain"), state: "pending", attempts: 0, copies: 0, dueAt: noon },
      { ...full, state: "pending", attempts: 0, copies: 0, dueAt: noon },
    ]);
    expect(await store.outbox.recent(1)).toHaveLength(1);
  });

  const claimedBy = (by: string, seconds = 0) => ({ by, now: after(seconds), limit: 5, leaseSeconds: 30 });

  test("gives a notice of any kind to any addressee back", async () => {
    await using store = await open();
    const member = noticeOf("member", { kind: "announcement", to: { kind: "subscriber", id: "m-7" }, language: "fr" });
    const place = noticeOf("place", { kind: "announcement", to: { kind: "place", id: "forum" }, actions: [] });
    await store.commit({ notices: [member, place] });
    expect(await store.outbox.recent(5)).toMatchObject([place, member]);
  });

  test("settles the attempt that is meant, and no later one; what went out is sent", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("one"), noticeOf("two")] });
    await store.outbox.claim("email", claimedBy("toronto"));
    await store.outbox.claim("email", claimedBy("halifax", 31));
    await store.outbox.settle("one", 1, { state: "dropped", error: "550 from Toronto" });
    await store.outbox.settle("two", 1, { state: "pending", retryAt: after(32), error: "451 from Toronto" });
    expect(await store.outbox.recent(5)).toMatchObject([{ state: "sending" }, { state: "sending" }]);
    await store.outbox.settle("one", 1, { state: "sent", at: after(33) });
    await store.outbox.settle("one", 2, { state: "dropped", error: "550 from Halifax" });
    await store.outbox.settle("two", 2, { state: "pending", retryAt: after(40), error: "451 from Halifax" });
    expect(await store.outbox.recent(5)).toMatchObject([{ state: "pending" }, { state: "sent" }]);
  });

  test("at a start gives back what is one's own, and what nobody holds any more", async () => {
    await using store = await open();
    await store.commit({
      notices: [noticeOf("own"), noticeOf("other", { channel: "ntfy" }), noticeOf("old", { channel: "sms" })],
    });
    await store.outbox.claim("email", claimedBy("toronto"));
    await store.outbox.claim("ntfy", claimedBy("halifax"));
    await store.outbox.claim("sms", { ...claimedBy("halifax"), leaseSeconds: 5 });
    await store.outbox.takeOver("toronto", after(10));
    const states = (await store.outbox.recent(5)).map(({ key, state }) => `${key} ${state}`);
    expect(states).toEqual(["old pending", "other sending", "own pending"]);
    expect(keys(await store.outbox.claim("email", claimedBy("toronto", 10)))).toEqual(["own"]);
  });

  test("counts three copies and no more, and hands out nothing of which three may have arrived", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page"), noticeOf("other", { notBefore: after(1) })] });
    await store.outbox.claim("email", claimedBy("toronto"));
    expect(await store.outbox.countCopy("page")).toBe(true);
    expect(await store.outbox.countCopy("page")).toBe(true);
    await store.outbox.settle("page", 1, { state: "pending", retryAt: after(5), error: "lost" });
    expect(await store.outbox.claim("email", { ...claimedBy("toronto", 5), limit: 2 })).toMatchObject([
      { key: "other", copies: 0 },
      { key: "page", copies: 2 },
    ]);
    expect(await store.outbox.countCopy("page")).toBe(true);
    expect(await store.outbox.countCopy("page")).toBe(false);
    await store.outbox.settle("page", 2, { state: "pending", retryAt: after(6), error: "lost again" });
    expect(keys(await store.outbox.claim("email", claimedBy("toronto", 60)))).toEqual(["other"]);
    expect((await store.outbox.unsent(9)).filter(mayLeave)).toMatchObject([{ key: "other" }]);
    expect(await store.outbox.countCopy("nobody's")).toBe(false);
  });

  test("takes back the copy that was refused, whichever attempt says so, and counts none of what is settled", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page"), noticeOf("over")] });
    await store.outbox.claim("email", claimedBy("toronto"));
    await store.outbox.claim("email", claimedBy("toronto", 31));
    for (const _copy of [1, 2]) await store.outbox.countCopy("page");
    const refused = { state: "pending", retryAt: after(60), error: "452 no room", copyRefused: true } as const;
    await store.outbox.settle("page", 1, refused);
    expect(await store.outbox.recent(5)).toMatchObject([{}, { state: "sending", copies: 1 }]);
    await store.outbox.settle("page", 2, refused);
    await store.outbox.settle("page", 2, refused);
    expect(await store.outbox.recent(5)).toMatchObject([{}, { state: "pending", copies: 0 }]);
    await store.outbox.settle("over", 2, { state: "sent", at: after(61) });
    expect(await store.outbox.countCopy("over")).toBe(false);
  });

  test("says at a start what was sent as often as it may be", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page")] });
    await store.outbox.claim("email", claimedBy("toronto"));
    for (const _copy of [1, 2, 3]) await store.outbox.countCopy("page");
    await store.outbox.takeOver("toronto", after(5));
    expect(await store.outbox.recent(5)).toMatchObject([{ state: "pending", copies: 3, lastError: notConfirmed }]);
  });

  test("keeps what a channel handed back for a thread, for the next one to the same reader", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page")] });
    await store.outbox.claim("email", claimedBy("toronto"));
    await store.outbox.settle("page", 1, { state: "sent", at: noon, reference: "topic 7" });
    const others = [
      noticeOf("over", { kind: "resolve" }),
      noticeOf("elsewhere", { channel: "ntfy" }),
      noticeOf("anybody", { to: { kind: "subscriber", id: "contractor" } }),
      noticeOf("again", { thread: "incident-2" }),
    ];
    await store.commit({ notices: others });
    const claimed = [
      ...(await store.outbox.claim("email", claimedBy("toronto"))),
      ...(await store.outbox.claim("ntfy", claimedBy("toronto"))),
    ];
    expect(claimed.map(({ key, reference }) => `${key} ${reference}`)).toEqual([
      "over topic 7",
      "anybody undefined",
      "again undefined",
      "elsewhere undefined",
    ]);
  });

  test("hands out again what was not settled before the lease ended", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page")] });
    expect(await store.outbox.claim("email", { by: "here", now: noon, limit: 5, leaseSeconds: 30 })).toMatchObject([
      { state: "sending", attempts: 1 },
    ]);
    expect(await store.nextDueAt("email")).toEqual(after(30));
    expect(await store.outbox.claim("email", { by: "here", now: after(29), limit: 5, leaseSeconds: 30 })).toEqual([]);
    expect(await store.outbox.claim("email", { by: "here", now: after(30), limit: 5, leaseSeconds: 30 })).toMatchObject(
      [{ key: "page", attempts: 2 }],
    );
  });

  test("tries again when it was told to, and never after it was sent or dropped", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("sent"), noticeOf("tired"), noticeOf("dropped")] });
    await store.outbox.claim("email", { by: "here", now: noon, limit: 5, leaseSeconds: 30 });
    await store.outbox.settle("sent", 1, { state: "sent", at: after(1) });
    await store.outbox.settle("tired", 1, { state: "pending", retryAt: after(15), error: "451 greylisted" });
    await store.outbox.settle("dropped", 1, { state: "dropped", error: "550 no such mailbox" });
    expect(await store.outbox.recent(5)).toMatchObject([
      { state: "dropped", lastError: "550 no such mailbox" },
      { state: "pending", lastError: "451 greylisted", attempts: 1 },
      { state: "sent", sentAt: after(1) },
    ]);
    expect(await store.outbox.unsent(9)).toMatchObject([{ key: "tired", dueAt: after(15) }]);
    expect(await store.nextDueAt("email")).toEqual(after(15));
    expect(
      keys(await store.outbox.claim("email", { by: "here", now: after(3600), limit: 5, leaseSeconds: 30 })),
    ).toEqual(["tired"]);
    expect(await store.nextDueAt("ntfy")).toBeUndefined();
  });

  test("does not count as tried what was handed out too early and given back", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page")] });
    await store.outbox.claim("email", { by: "here", now: noon, limit: 5, leaseSeconds: 30 });
    await store.outbox.settle("page", 1, { state: "pending", retryAt: after(15), error: "too early", untried: true });
    expect(await store.outbox.recent(5)).toMatchObject([{ state: "pending", attempts: 0 }]);
    expect(await store.outbox.claim("email", { by: "here", now: after(14), limit: 5, leaseSeconds: 30 })).toEqual([]);
    expect(await store.outbox.claim("email", { by: "here", now: after(15), limit: 5, leaseSeconds: 30 })).toMatchObject(
      [{ key: "page", attempts: 1 }],
    );
  });

  test("does not send what is worthless by now", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("stale", { notAfter: after(60) }), noticeOf("page")] });
    expect(keys(await store.outbox.claim("email", { by: "here", now: after(61), limit: 5, leaseSeconds: 30 }))).toEqual(
      ["page"],
    );
    expect((await store.outbox.recent(5)).map(({ state }) => state)).toEqual(["sending", "dropped"]);
  });

  test("does not try again what was superseded while it was being sent, and says so when it went out", async () => {
    await using store = await open();
    const escalations = ["one", "two"].map((key) => noticeOf(key, { incident: 1, kind: "escalation" }));
    await store.commit({ incidents: [opening("mastodon", () => escalations)] });
    await store.outbox.claim("email", { by: "here", now: noon, limit: 5, leaseSeconds: 30 });
    await store.incidents.acknowledge(1, "ana", after(5), updateAt(5, "acknowledged"));
    await store.outbox.settle("one", 1, { state: "pending", retryAt: after(10), error: "timeout" });
    await store.outbox.settle("two", 1, { state: "sent", at: after(6) });
    expect(await store.outbox.claim("email", { by: "here", now: after(3600), limit: 5, leaseSeconds: 30 })).toEqual([]);
    expect((await store.outbox.of(1)).map(({ state }) => state)).toEqual(["superseded", "sent"]);
  });
}
