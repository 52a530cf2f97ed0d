/** The port of the outbox: how every store hands out notices, and what becomes of them. */
import { expect, test } from "vitest";
import type { Notice } from "../../../core/channel.ts";
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
    expect(keys(await store.outbox.claim("email", noon, 2, 30))).toEqual(["first", "second"]);
    expect(keys(await store.outbox.claim("email", noon, 5, 30))).toEqual(["third"]);
    expect(await store.outbox.claim("email", noon, 5, 30)).toEqual([]);
    expect(await store.outbox.pending()).toBe(5);
  });

  test("keeps the first notice of a key", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page", { body: "first" })] });
    await store.commit({ notices: [noticeOf("page", { body: "second" })] });
    expect(await store.outbox.recent(5)).toMatchObject([{ body: "first" }]);
  });

  test("gives a whole notice back, with all it was written with", async () => {
    await using store = await open();
    const full = noticeOf("full", { incident: 3, kind: "ticket", urgency: "soon", notAfter: after(5) });
    await store.commit({ notices: [full, noticeOf("plain")] });
    expect(await store.outbox.recent(5)).toEqual([
      { ...noticeOf("plain"), state: "pending", attempts: 0 },
      { ...full, state: "pending", attempts: 0 },
    ]);
    expect(await store.outbox.recent(1)).toHaveLength(1);
  });

  test("hands out again what was not settled before the lease ended", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page")] });
    expect(await store.outbox.claim("email", noon, 5, 30)).toMatchObject([{ state: "sending", attempts: 1 }]);
    expect(await store.nextDueAt("email")).toEqual(after(30));
    expect(await store.outbox.claim("email", after(29), 5, 30)).toEqual([]);
    expect(await store.outbox.claim("email", after(30), 5, 30)).toMatchObject([{ key: "page", attempts: 2 }]);
  });

  test("tries again when it was told to, and never after it was sent or dropped", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("sent"), noticeOf("tired"), noticeOf("dropped")] });
    await store.outbox.claim("email", noon, 5, 30);
    await store.outbox.settle("sent", { state: "sent", at: after(1) });
    await store.outbox.settle("tired", { state: "pending", retryAt: after(15), error: "451 greylisted" });
    await store.outbox.settle("dropped", { state: "dropped", error: "550 no such mailbox" });
    expect(await store.outbox.recent(5)).toMatchObject([
      { state: "dropped", lastError: "550 no such mailbox" },
      { state: "pending", lastError: "451 greylisted", attempts: 1 },
      { state: "sent", sentAt: after(1) },
    ]);
    expect(await store.outbox.pending()).toBe(1);
    expect(await store.nextDueAt("email")).toEqual(after(15));
    expect(keys(await store.outbox.claim("email", after(3600), 5, 30))).toEqual(["tired"]);
    expect(await store.nextDueAt("ntfy")).toBeUndefined();
  });

  test("does not count as tried what was handed out too early and given back", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("page")] });
    await store.outbox.claim("email", noon, 5, 30);
    await store.outbox.settle("page", { state: "pending", retryAt: after(15), error: "too early", untried: true });
    expect(await store.outbox.recent(5)).toMatchObject([{ state: "pending", attempts: 0 }]);
    expect(await store.outbox.claim("email", after(14), 5, 30)).toEqual([]);
    expect(await store.outbox.claim("email", after(15), 5, 30)).toMatchObject([{ key: "page", attempts: 1 }]);
  });

  test("does not send what is worthless by now", async () => {
    await using store = await open();
    await store.commit({ notices: [noticeOf("stale", { notAfter: after(60) }), noticeOf("page")] });
    expect(keys(await store.outbox.claim("email", after(61), 5, 30))).toEqual(["page"]);
    expect((await store.outbox.recent(5)).map(({ state }) => state)).toEqual(["sending", "dropped"]);
  });

  test("does not try again what was superseded while it was being sent, and says so when it went out", async () => {
    await using store = await open();
    const escalations = ["one", "two"].map((key) => noticeOf(key, { incident: 1, kind: "escalation" }));
    await store.commit({ incidents: [opening("mastodon", () => escalations)] });
    await store.outbox.claim("email", noon, 5, 30);
    await store.incidents.acknowledge(1, "ana", after(5), updateAt(5, "acknowledged"));
    await store.outbox.settle("one", { state: "pending", retryAt: after(10), error: "timeout" });
    await store.outbox.settle("two", { state: "sent", at: after(6) });
    expect(await store.outbox.claim("email", after(3600), 5, 30)).toEqual([]);
    expect((await store.outbox.of(1)).map(({ state }) => state)).toEqual(["superseded", "sent"]);
  });
}
