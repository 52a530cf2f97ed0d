import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeContract } from "../../helpers/store-contract/contract.ts";
import { type StoreToTest, sqliteStoreToTest } from "../../helpers/store-contract/store-to-test.ts";

storeContract("a store in memory", () => sqliteStoreToTest(":memory:"));
storeContract("a store in a file", async () => {
  const folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-store-"));
  return disposing(await sqliteStoreToTest(join(folder.path, "deep", "tidewatch.db")), folder);
});

/** The store, whose disposal disposes of its folder too. */
function disposing(store: StoreToTest, folder: AsyncDisposable): StoreToTest {
  const close = store[Symbol.asyncDispose].bind(store);
  store[Symbol.asyncDispose] = async () => {
    await close();
    await folder[Symbol.asyncDispose]();
  };
  return store;
}
