import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { claimant } from "../../program/outbox-part.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";

test("who has claimed what a store hands out is known again after a restart, by the store alone", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-claimant-"));
  const nameIn = async (file: string) => {
    await using store = await openSqliteStore(join(folder.path, file));
    return await claimant(store);
  };
  const first = await nameIn("one.db");
  expect(first).toMatch(/^[0-9a-f]{16}$/);
  expect(await nameIn("one.db")).toBe(first);
  expect(await nameIn("two.db")).not.toBe(first);
});
