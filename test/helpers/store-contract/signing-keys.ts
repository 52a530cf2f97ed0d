/** The port of keys: signing keys and tokens that every store makes once. */
import { expect, test } from "vitest";
import type { Store } from "../../../core/store/store.ts";
import { after } from "./scene.ts";

export function keysContract(open: () => Promise<Store>): void {
  test("a token can be used once", async () => {
    await using store = await open();
    expect(await store.keys.useOnce("abc", after(600))).toBe(true);
    expect(await store.keys.useOnce("abc", after(600))).toBe(false);
    await store.maintain(after(599));
    expect(await store.keys.useOnce("abc", after(600))).toBe(false);
    expect(await store.keys.useOnce("def", after(600))).toBe(true);
  });

  test("a signing key is made once for each name", async () => {
    await using store = await open();
    const links = await store.keys.signing("links");
    expect(links).toHaveLength(32);
    expect(await store.keys.signing("links")).toEqual(links);
    expect(await store.keys.signing("cookies")).not.toEqual(links);
  });
}
