/** The port of incidents: how every store opens, joins, acknowledges and resolves them. */
import { expect, test } from "vitest";
import { sameInAll } from "../../../core/language.ts";
import type { IncidentChange, IncidentFilter } from "../../../core/store/incidents.ts";
import { after, day, noon, noticeOf, opening, resolving, sampleAt, transitionAt, updateAt } from "./scene.ts";
import type { StoreToTest } from "./store-to-test.ts";

export function incidentsContract(open: () => Promise<StoreToTest>): void {
  test("get a number inside the transaction, and their notices with it", async () => {
    await using store = await open();
    const { opened } = await store.commit({
      incidents: [opening("mastodon", (id) => [noticeOf(`page-${id}`, { incident: id, thread: `incident-${id}` })])],
    });
    expect(opened).toMatchObject([{ id: 1, key: "mastodon", state: "open", startedAt: noon, confirmedAt: after(40) }]);
    expect(await store.incidents.get(1)).toEqual(opened[0]);
    expect(await store.outbox.of(1)).toMatchObject([{ key: "page-1", state: "pending", attempts: 0 }]);
    expect(await store.incidents.updates(1)).toEqual([{ incident: 1, ...updateAt(40, "confirmed") }]);
    expect(await store.incidents.get(2)).toBeUndefined();
  });

  test("are not opened twice under one key while one is unresolved; the rest of the commit stands", async () => {
    await using store = await open();
    await store.commit({ incidents: [opening("mastodon")] });
    const again = await store.commit({
      samples: [sampleAt(0)],
      incidents: [opening("mastodon", (id) => [noticeOf(`double-${id}`)]), opening("castopod")],
    });
    expect(again.opened.map(({ id, key }) => [id, key])).toEqual([[2, "castopod"]]);
    expect(await store.outbox.recent(10)).toEqual([]);
    expect(await store.samples.since(after(-1))).toHaveLength(1);
    await store.commit({ incidents: [resolving(1)] });
    expect((await store.commit({ incidents: [opening("mastodon")] })).opened).toMatchObject([{ id: 3 }]);
  });

  test("leave nothing behind when the words for their notices cannot be found", async () => {
    await using store = await open();
    const broken = opening("mastodon", () => {
      throw new Error("no words");
    });
    const commit = store.commit({ samples: [sampleAt(0)], transitions: [transitionAt(0, "up")], incidents: [broken] });
    await expect(commit).rejects.toThrow("no words");
    expect(await store.incidents.list({})).toEqual([]);
    expect(await store.samples.since(after(-1))).toEqual([]);
    expect(await store.samples.latest()).toEqual([]);
    expect(await store.judgements.transitions(day)).toEqual([]);
    await store.commit({ samples: [sampleAt(0, { check: "feed" })], incidents: [opening("mastodon")] });
    expect(await store.samples.latest()).toEqual([sampleAt(0, { check: "feed" })]);
  });

  test("are joined by other checks, and never become less grave by it", async () => {
    await using store = await open();
    await store.commit({ incidents: [opening("mastodon")] });
    const join = (check: string, impact: "down" | "none"): Extract<IncidentChange, { change: "join" }> => ({
      change: "join",
      id: 1,
      check,
      impact,
      update: updateAt(60, "joined"),
    });
    await store.commit({ incidents: [join("feed", "down"), join("web", "none")] });
    expect(await store.incidents.get(1)).toMatchObject({ checks: ["web", "feed"], impact: "down" });
    await store.commit({ incidents: [resolving(1)] });
    await store.commit({ incidents: [join("late", "down"), { ...join("late", "down"), id: 99 }] });
    expect(await store.incidents.get(1)).toMatchObject({ checks: ["web", "feed"], state: "resolved" });
    expect((await store.incidents.updates(1)).map(({ kind }) => kind)).toEqual([
      "confirmed",
      "joined",
      "joined",
      "resolved",
    ]);
  });

  test("are dated anew while they go on, and stay as they were when they are over", async () => {
    await using store = await open();
    await store.commit({ incidents: [opening("mastodon")] });
    const redate = (seconds: number): IncidentChange => ({
      change: "redate",
      id: 1,
      startedAt: after(seconds),
      confirmedAt: after(seconds + 40),
      quietSince: undefined,
    });
    await store.commit({ incidents: [redate(3600)] });
    const moments = { startedAt: after(3600), confirmedAt: after(3640) };
    expect(await store.incidents.get(1)).toMatchObject(moments);
    await store.commit({ incidents: [resolving(1), redate(0)] });
    expect(await store.incidents.get(1)).toMatchObject({ state: "resolved", ...moments });
  });

  test("have other words for members when it becomes less bad, and the impact of the worst", async () => {
    await using store = await open();
    await store.commit({ incidents: [opening("mastodon")] });
    const words = { title: sameInAll("Trouble"), explanation: sameInAll("Pictures do not load.") };
    const update = updateAt(60, "note");
    const join = { change: "join", id: 1, check: "web", update } as const;
    await store.commit({ incidents: [{ ...join, impact: "down" }] });
    await store.commit({ incidents: [{ ...join, impact: "degraded", words }] });
    expect(await store.incidents.get(1)).toMatchObject({ ...words, impact: "down" });
  });

  test("get other notices when something joins, unless that is not to count once somebody has acknowledged them", async () => {
    await using store = await open();
    const notices = (id: number) => [noticeOf("page", { incident: id }), noticeOf("later", { incident: id })];
    await store.commit({ incidents: [opening("mastodon", notices)] });
    const join = (key: string, more: object = {}): IncidentChange => ({
      change: "join",
      id: 1,
      check: "web",
      impact: "down",
      update: updateAt(60, "note"),
      escalate: ({ notices: existing }) => ({
        supersede: existing.map((one) => one.key),
        add: [noticeOf(key, { incident: 1 })],
      }),
      ...more,
    });
    const states = async () => (await store.outbox.of(1)).map(({ key, state }) => `${key} ${state}`);
    await store.commit({ incidents: [join("anew", { unlessAcknowledged: true })] });
    expect(await states()).toEqual(["page superseded", "later superseded", "anew pending"]);
    await store.incidents.acknowledge(1, "Contractor", noon, updateAt(90, "acknowledged"));
    await store.commit({ incidents: [join("more", { unlessAcknowledged: true })] });
    expect(await states()).toHaveLength(3);
    expect(await store.incidents.updates(1)).toHaveLength(3);
    await store.commit({ incidents: [join("more")] });
    expect((await states()).at(-1)).toBe("more pending");
  });

  test("are resolved once, and the notices of that moment are decided inside the transaction", async () => {
    await using store = await open();
    const notices = (id: number) => [noticeOf("page", { incident: id }), noticeOf("later", { incident: id })];
    await store.commit({ incidents: [opening("mastodon", notices)] });
    await store.outbox.claim("email", { by: "here", now: noon, limit: 1, leaseSeconds: 60 });
    await store.outbox.settle("page", 1, { state: "sent", at: noon });
    const seen: string[][] = [];
    const resolve: Extract<IncidentChange, { change: "resolve" }> = {
      ...resolving(1),
      escalate({ notices: existing }) {
        seen.push(existing.map(({ key, state }) => `${key} ${state}`));
        return { supersede: ["later"], add: [noticeOf("resolved", { incident: 1, kind: "resolve" })] };
      },
    };
    await store.commit({ incidents: [resolve] });
    await store.commit({ incidents: [resolve] });
    expect(seen).toEqual(Array.from({ length: store.attempts }, () => ["page sent", "later pending"]));
    expect(await store.incidents.get(1)).toMatchObject({ state: "resolved", resolvedAt: after(600) });
    expect((await store.outbox.of(1)).map(({ key, state }) => [key, state])).toEqual([
      ["page", "sent"],
      ["later", "superseded"],
      ["resolved", "pending"],
    ]);
  });

  test("that come and go are opened again, count how often, and know since when they are well for now", async () => {
    await using store = await open();
    await store.commit({ incidents: [opening("mastodon")] });
    const words = { title: sameInAll("Down"), explanation: sameInAll("Down.") };
    const raised = { urgency: "page", ...words, reason: "answered 503", runbook: "service-down" } as const;
    const line = { id: 1, update: updateAt(700, "joined"), escalate: () => ({}) } as const;
    const reopen = { ...line, change: "reopen", check: "feed", impact: "down", raised } as const;
    await store.commit({ incidents: [reopen] });
    expect(await store.incidents.get(1)).not.toHaveProperty("flapping");
    await store.incidents.acknowledge(1, "ana", after(90), updateAt(90, "acknowledged"));
    await store.commit({ incidents: [resolving(1)] });
    await store.commit({ incidents: [reopen, reopen] });
    const again = { checks: ["web", "feed"], impact: "down", reason: "answered 503", flapping: { relapses: 1 } };
    expect(await store.incidents.get(1)).toMatchObject({ ...again, state: "open" });
    expect(await store.incidents.list({ open: true })).toHaveLength(1);
    await store.commit({ incidents: [{ ...line, change: "quiet", since: after(800) }] });
    expect(await store.incidents.get(1)).toMatchObject({ flapping: { relapses: 1, quietSince: after(800) } });
    const milder = { title: sameInAll("Slow"), explanation: sameInAll("Slow.") };
    await store.commit({ incidents: [{ ...line, change: "quiet", since: undefined, words: milder }] });
    expect(await store.incidents.get(1)).toMatchObject({ ...milder, flapping: { relapses: 2 } });
    expect((await store.incidents.get(1))?.flapping).not.toHaveProperty("quietSince");
    await store.commit({ incidents: [resolving(1), { ...line, change: "quiet", since: after(900) }] });
    expect(await store.incidents.get(1)).toMatchObject({ state: "resolved", flapping: { relapses: 2 } });
    await store.commit({ incidents: [opening("mastodon"), reopen] });
    expect(await store.incidents.list({ open: true })).toMatchObject([{ id: 2 }]);
  });

  test("are acknowledged by exactly one, which cancels escalations but no page and no resolve", async () => {
    await using store = await open();
    const kinds = ["page", "escalation", "resolve"] as const;
    const notices = (id: number) => kinds.map((kind) => noticeOf(kind, { incident: id, kind }));
    await store.commit({ incidents: [opening("mastodon", notices)] });
    const acks = await Promise.all(
      ["ana", "bo"].map((by) => store.incidents.acknowledge(1, by, after(90), updateAt(90, "acknowledged"))),
    );
    expect(acks).toEqual([true, false]);
    expect(await store.incidents.get(1)).toMatchObject({ state: "acknowledged", by: "ana", acknowledgedAt: after(90) });
    expect((await store.outbox.of(1)).map(({ state }) => state)).toEqual(["pending", "superseded", "pending"]);
    expect(await store.incidents.updates(1)).toHaveLength(2);
    await store.commit({ incidents: [resolving(1)] });
    expect(await store.incidents.acknowledge(1, "cy", after(700), updateAt(700, "acknowledged"))).toBe(false);
    expect(await store.incidents.acknowledge(7, "cy", after(700), updateAt(700, "acknowledged"))).toBe(false);
    expect(await store.incidents.get(1)).toMatchObject({ state: "resolved", by: "ana", acknowledgedAt: after(90) });
  });

  test("are listed newest first, by state, by time, by kind, after and up to a number", async () => {
    await using store = await open();
    await store.commit({ incidents: [opening("a"), opening("b"), opening("c")] });
    await store.commit({ incidents: [resolving(2)] });
    const ids = async (filter: IncidentFilter) => (await store.incidents.list(filter)).map(({ id }) => id);
    expect(await ids({})).toEqual([3, 2, 1]);
    expect(await ids({ open: true })).toEqual([3, 1]);
    expect(await ids({ open: false })).toEqual([2]);
    expect(await ids({ since: after(600) })).toEqual([3, 2, 1]);
    expect(await ids({ since: after(601) })).toEqual([3, 1]);
    expect(await ids({ limit: 1 })).toEqual([3]);
    expect(await ids({ after: 1 })).toEqual([3, 2]);
    expect(await ids({ after: 1, open: true })).toEqual([3]);
    expect(await ids({ kind: "outage" })).toEqual([3, 2, 1]);
    expect(await ids({ kind: "threshold" })).toEqual([]);
  });
}
