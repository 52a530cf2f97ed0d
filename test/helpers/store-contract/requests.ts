/** The port of requests: how every store keeps what is asked of the one who writes, and what was answered. */
import { expect, test } from "vitest";
import type { Request } from "../../../core/store/requests.ts";
import type { Store } from "../../../core/store/store.ts";
import { after, maintained, noon, opening } from "./scene.ts";

const asked = (what: string): Request => ({ at: noon, who: "ana", what, detail: { incident: 1, why: ["é", null] } });

export function requestsContract(open: () => Promise<Store>): void {
  test("wait in the order in which they came, as they were written", async () => {
    await using store = await open();
    expect(await store.requests.waiting(0, 10)).toEqual([]);
    const [first, second] = [await store.requests.write(asked("silence")), await store.requests.write(asked("wake"))];
    expect(second).toBeGreaterThan(first);
    expect(await store.requests.waiting(0, 10)).toEqual([
      { id: first, ...asked("silence") },
      { id: second, ...asked("wake") },
    ]);
    expect(await store.requests.waiting(0, 1)).toMatchObject([{ id: first }]);
    expect(await store.requests.waiting(first, 10)).toMatchObject([{ id: second }]);
    expect(await store.requests.answerTo(first)).toBeUndefined();
    expect(await store.requests.answerTo(99)).toBeUndefined();
  });

  test("are answered once, in the transaction of what follows", async () => {
    await using store = await open();
    const request = await store.requests.write(asked("open"));
    const done = { state: "done", result: { incident: 1 } } as const;
    await store.commit({ incidents: [opening("mastodon")], answers: [{ request, at: after(1), answer: done }] });
    await store.commit({ answers: [{ request, at: after(2), answer: { state: "refused", reason: "too late" } }] });
    expect(await store.requests.answerTo(request)).toEqual(done);
    expect(await store.requests.waiting(0, 10)).toEqual([]);
    expect(await store.incidents.get(1)).toBeDefined();
  });

  test("are not answered when what follows cannot be written", async () => {
    await using store = await open();
    const request = await store.requests.write(asked("open"));
    const broken = opening("mastodon", () => {
      throw new Error("no words");
    });
    const answers = [{ request, at: noon, answer: { state: "done" } as const }];
    await expect(store.commit({ incidents: [broken], answers })).rejects.toThrow("no words");
    expect(await store.requests.answerTo(request)).toBeUndefined();
    expect(await store.requests.waiting(0, 10)).toHaveLength(1);
  });

  test("are kept with their answer for 30 days, and for as long as they wait", async () => {
    await using store = await open();
    const [answered, waiting] = [await store.requests.write(asked("a")), await store.requests.write(asked("b"))];
    await store.commit({ answers: [{ request: answered, at: noon, answer: { state: "refused", reason: "no" } }] });
    await maintained(store, after(29 * 86_400));
    expect(await store.requests.answerTo(answered)).toEqual({ state: "refused", reason: "no" });
    await maintained(store, after(31 * 86_400));
    expect(await store.requests.answerTo(answered)).toBeUndefined();
    expect(await store.requests.waiting(0, 10)).toMatchObject([{ id: waiting }]);
  });
}
