/** The port of annotations: how every store keeps what happened to a target. */
import { expect, test } from "vitest";
import type { Store } from "../../../core/store/store.ts";
import { after, noon, sampleAt } from "./scene.ts";

export function annotationsContract(open: () => Promise<Store>): void {
  test("come back by time, in both languages, and the same one twice is one", async () => {
    await using store = await open();
    const upgrade = { target: "mastodon", at: after(60), text: { en: "upgraded 4.3.2 → 4.4.0", fr: "mis à niveau" } };
    const earlier = { ...upgrade, target: "podcasts", at: noon };
    await store.commit({ annotations: [upgrade] });
    await store.commit({ samples: [sampleAt(60)], annotations: [earlier, upgrade] });
    expect(await store.annotations.list({ from: noon, to: after(61) })).toEqual([earlier, upgrade]);
    expect(await store.annotations.list({ from: after(1), to: after(60) })).toEqual([]);
    expect(await store.annotations.list({ from: noon, to: after(61), limit: 1 })).toEqual([upgrade]);
    expect(await store.annotations.list({ from: noon, to: after(61), limit: 2 })).toEqual([earlier, upgrade]);
  });
}
