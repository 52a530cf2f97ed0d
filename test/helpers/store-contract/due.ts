/** The port of what is due: how every store plans it, and hands it to one taker only, with all that follows from it. */
import { expect, test } from "vitest";
import type { Due } from "../../../core/store/due.ts";
import type { EscalationChange } from "../../../core/store/escalations.ts";
import { escalationOf, opening } from "./escalations.ts";
import { after, noon, noticeOf } from "./scene.ts";
import type { StoreToTest } from "./store-to-test.ts";

export function dueContract(open: () => Promise<StoreToTest>): void {
  const at = (seconds: number) => ({ dueAt: after(seconds), plannedAt: noon });

  /** Its step told by a notice, and the next one planned. */
  const telling = (due: Due, key: string): EscalationChange => ({
    incident: 1,
    taking: due,
    escalate: ({ escalation }) => ({
      ...(escalation && { escalation: { ...escalation, next: { dueAt: after(1800), plannedAt: due.dueAt } } }),
      add: [noticeOf(key, { incident: 1, kind: "escalation" })],
    }),
  });

  async function planned() {
    const store = await open();
    await store.commit({ incidents: [opening("mastodon", (id) => escalationOf(id, { next: at(900) }))] });
    return store;
  }

  test("is listed by its moment, the earliest first, with what it is about", async () => {
    await using store = await open();
    const plan = (key: string, seconds: number) => opening(key, (id) => escalationOf(id, { next: at(seconds) }));
    await store.commit({
      incidents: [plan("late", 1800), plan("soon", 60), opening("never", (id) => escalationOf(id))],
    });
    const due = { kind: "escalation", for: "", plannedAt: noon, state: "told" } as const;
    expect(await store.due.next("escalation", 10)).toEqual([
      { ...due, subject: "2", dueAt: after(60) },
      { ...due, subject: "1", dueAt: after(1800) },
    ]);
    expect(await store.due.next("escalation", 1)).toHaveLength(1);
  });

  test("is taken by one of two, together with what it causes and the next moment", async () => {
    await using store = await planned();
    const [due] = await store.due.next("escalation", 1);
    if (!due) throw new Error("nothing is due");
    await Promise.all([
      store.commit({ escalations: [telling(due, "first")] }),
      store.commit({ escalations: [telling(due, "second")] }),
    ]);
    expect((await store.outbox.of(1)).map(({ key }) => key)).toEqual(["first"]);
    expect(await store.due.next("escalation", 9)).toMatchObject([{ dueAt: after(1800), plannedAt: after(900) }]);
  });

  test("is not taken by whoever read it before it was planned anew, or meant something else", async () => {
    const told = { state: "told" } as const;
    const waiting = { state: "waiting", until: after(900), candidates: [] } as const;
    for (const [seconds, state] of [
      [1000, told],
      [900, waiting],
    ] as const) {
      await using store = await planned();
      const [due] = await store.due.next("escalation", 1);
      if (!due) throw new Error("nothing is due");
      const escalation = escalationOf(1, { next: at(seconds) }, state);
      await store.commit({ escalations: [{ incident: 1, escalate: () => ({ escalation }) }] });
      await store.commit({ escalations: [telling(due, "late")] });
      expect(await store.outbox.of(1)).toEqual([]);
      expect(await store.escalations.of(1)).toEqual(escalation);
    }
  });

  test("stays as it was where nothing follows", async () => {
    await using store = await planned();
    const before = await store.due.next("escalation", 1);
    const [due] = before;
    if (!due) throw new Error("nothing is due");
    await store.commit({ escalations: [{ incident: 1, taking: due, escalate: () => ({}) }] });
    expect(await store.due.next("escalation", 1)).toEqual(before);
  });

  test("stays as well where what it causes cannot be written", async () => {
    await using store = await planned();
    const before = await store.due.next("escalation", 1);
    const [due] = before;
    if (!due) throw new Error("nothing is due");
    const killed = (): never => {
      throw new Error("killed here");
    };
    await expect(store.commit({ escalations: [{ incident: 1, taking: due, escalate: killed }] })).rejects.toThrow();
    expect(await store.due.next("escalation", 1)).toEqual(before);
  });
}
