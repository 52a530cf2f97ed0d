/** Strange rows: what every store says of rows that this version cannot read. What it writes itself is never one. */
import { expect, test } from "vitest";
import { noConfirmation } from "../../../core/confirmation.ts";
import { expected } from "../../../core/heartbeat.ts";
import { escalationOf, opening } from "./escalations.ts";
import { after, noon, noticeOf, sampleAt, transitionAt, web } from "./scene.ts";
import type { StoreToTest } from "./store-to-test.ts";

export function strangeRowsContract(open: () => Promise<StoreToTest>): void {
  test("finds none in what it writes itself, and what waits for a channel that is not there", async () => {
    await using store = await open();
    await store.commit({
      samples: [sampleAt(0, { readings: [{ metric: "queue_jobs", value: 1, labels: { queue: "push" } }] })],
      transitions: [transitionAt(0, "up")],
      confirmations: [{ ...web, confirmation: noConfirmation }],
      thresholds: [{ ...web, threshold: "full", labels: "{}", state: { raised: true, crossedAt: null } }],
      incidents: [opening("mastodon", (id) => escalationOf(id, { next: { dueAt: after(60), plannedAt: noon } }))],
      notices: [noticeOf("page"), noticeOf("other", { channel: "signal" })],
      annotations: [{ target: "mastodon", at: noon, text: { en: "upgraded", fr: "mis à niveau" } }],
    });
    await store.heartbeats.keep(web, expected(1));
    await store.requests.write({ at: noon, who: "ana", what: "wake", detail: null });
    expect(await store.strangeRows(["email", "signal"])).toEqual([]);
    expect(await store.strangeRows(["email"])).toEqual([
      { table: "notice", key: "other", why: 'column channel holds "signal", which this version does not know' },
    ]);
  });
}
