/** The store's test of itself: what every store must find well as long as it keeps what is written to it. */
import { expect, test } from "vitest";
import { noon, noticeOf, sampleAt } from "./scene.ts";
import type { StoreToTest } from "./store-to-test.ts";

export function selfTestContract(open: () => Promise<StoreToTest>): void {
  test("finds itself well, as often as it is asked, and changes nothing that is asked for", async () => {
    await using store = await open();
    await store.selfTest();
    await store.commit({ samples: [sampleAt(0)], notices: [noticeOf("page")] });
    await Promise.all([store.selfTest(), store.selfTest()]);
    await store.maintain(noon);
    await store.selfTest();
    expect(await store.samples.latest()).toEqual([sampleAt(0)]);
    expect(await store.outbox.unsent(9)).toHaveLength(1);
  });
}
