import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "../../../collector/store/sqlite.ts";
import type { Store } from "../../../core/store.ts";
import { storeContract } from "../../helpers/store-contract.ts";

storeContract("a store in memory", () => openSqliteStore(":memory:"));
storeContract("a store in a file", async () => {
  const folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-store-"));
  return disposing(await openSqliteStore(join(folder.path, "deep", "tidewatch.db")), folder);
});

/** The store, whose disposal disposes of its folder too. */
function disposing(store: Store, folder: AsyncDisposable): Store {
  const close = store[Symbol.asyncDispose].bind(store);
  store[Symbol.asyncDispose] = async () => {
    await close();
    await folder[Symbol.asyncDispose]();
  };
  return store;
}
