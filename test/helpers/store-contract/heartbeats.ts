/** The port of heartbeats: how every store keeps what a job said. */
import { expect, test } from "vitest";
import { expected } from "../../../core/heartbeat.ts";
import type { Store } from "../../../core/store/store.ts";

export function heartbeatsContract(open: () => Promise<Store>): void {
  test("what a job said is kept until it is forgotten", async () => {
    await using store = await open();
    const [backup, vacuum] = [
      { target: "database", check: "backup" },
      { target: "database", check: "vacuum" },
    ];
    await store.heartbeats.keep(vacuum, expected(1));
    await store.heartbeats.keep(backup, expected(1));
    await store.heartbeats.keep(backup, expected(2));
    expect(await store.heartbeats.list()).toEqual([
      { ...backup, state: expected(2) },
      { ...vacuum, state: expected(1) },
    ]);
    await store.heartbeats.forget(backup);
    await store.heartbeats.forget(backup);
    expect(await store.heartbeats.list()).toEqual([{ ...vacuum, state: expected(1) }]);
  });
}
