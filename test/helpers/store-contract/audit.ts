/** The port of the audit log: every store takes what was done. */
import { test } from "vitest";
import type { Store } from "../../../core/store/store.ts";
import { noon } from "./scene.ts";

export function auditContract(open: () => Promise<Store>): void {
  test("the audit takes what was done", async () => {
    await using store = await open();
    await store.audit.write({ at: noon, who: "ana", did: "acknowledged", detail: "incident 1" });
    await store.audit.write({ at: noon, who: "ana", did: "signed in" });
  });
}
