/** A store that does the whole work of each transaction, rolls it back, and does it again: as an engine may have to. */
import { Connection } from "../../../store/sqlite/connection.ts";
import { migrate } from "../../../store/sqlite/schema.ts";
import { type StoreToTest, storeOn } from "./store-to-test.ts";

class RolledBack extends Error {}

class RollingBackConnection extends Connection {
  #lasts = true;
  #writes = false;
  #begun = false;

  /** From now on the first `commit` of each two fails. */
  begin(): void {
    this.#begun = true;
    this.#lasts = false;
  }

  override script(sql: string): void {
    if (sql.startsWith("begin")) this.#writes = sql === "begin immediate";
    if (sql === "commit" && this.#writes) {
      const lasts = this.#lasts;
      if (this.#begun) this.#lasts = !lasts;
      if (!lasts) throw new RolledBack();
    }
    super.script(sql);
  }
}

export function rollingBackStore(): { readonly store: StoreToTest; readonly connection: Connection } {
  const connection = new RollingBackConnection(":memory:", { readOnly: false });
  migrate(connection, 0);
  connection.begin();
  const opened = { connection, path: ":memory:", [Symbol.dispose]: () => connection[Symbol.dispose]() };
  return { store: again(storeOn(opened, 2)), connection };
}

/** Calls again what was rolled back, before the next call is let through, as whoever drives such an engine does. */
function again<Kept extends object>(kept: Kept, queue: { last: Promise<unknown> } = { last: Promise.resolve() }): Kept {
  return new Proxy(kept, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value === "object" && value !== null) return again(value, queue);
      if (typeof value !== "function") return value;
      return (...values: unknown[]) => {
        const called = queue.last.then(() => untilItLasts(() => Reflect.apply(value, target, values)));
        queue.last = called.catch(() => {});
        return called;
      };
    },
  });
}

async function untilItLasts(call: () => unknown): Promise<unknown> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RolledBack)) throw error;
    }
  }
}
