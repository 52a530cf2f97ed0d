import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { noConfirmation } from "../../../core/confirmation.ts";
import { expected } from "../../../core/heartbeat.ts";
import type { Store } from "../../../core/store/store.ts";
import type { Connection } from "../../../store/sqlite/connection.ts";
import { openFile } from "../../../store/sqlite/open.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite.ts";
import { allStatements } from "../../../store/sqlite/statements.ts";
import { storeContract } from "../../helpers/store-contract/contract.ts";
import { rollingBackStore } from "../../helpers/store-contract/rolling-back.ts";
import {
  after,
  maintained,
  noon,
  noticeOf,
  opening,
  resolving,
  sampleAt,
  transitionAt,
  updateAt,
  web,
} from "../../helpers/store-contract/scene.ts";
import { type StoreToTest, sqliteStoreToTest } from "../../helpers/store-contract/store-to-test.ts";

storeContract("a store in memory", () => sqliteStoreToTest(":memory:"));
storeContract("a store in a file", async () => {
  const folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-store-"));
  return disposing(await sqliteStoreToTest(join(folder.path, "deep", "tidewatch.db")), folder);
});
storeContract("a store that rolls back the first attempt of each transaction", async () => rollingBackStore().store);

test("every table is the same, whether a commit is run once or was rolled back before", async () => {
  const hesitant = rollingBackStore();
  const opened = openFile(":memory:");
  await using once = new SqliteStore(opened);
  await using twice = hesitant.store;
  expect(await lived(twice)).toEqual(await lived(once));
  expect(tables(hesitant.connection)).toEqual(tables(opened.connection));
});

test("no statement is made while a store runs", async () => {
  const before = allStatements().length;
  await using store = await sqliteStoreToTest(":memory:");
  await lived(store);
  expect(allStatements()).toHaveLength(before);
});

/** Something of everything that a store is told in its life. @returns what it answered. */
async function lived(store: Store): Promise<readonly unknown[]> {
  const answers: unknown[] = [];
  const notices = (id: number) =>
    (["page", "escalation"] as const).map((kind) => noticeOf(`${kind}-${id}`, { kind, incident: id }));
  for (let minute = 0; minute < 100; minute++) {
    const at = minute * 60;
    const readings = [{ metric: "queue_jobs", value: minute, labels: { queue: `q${minute % 3}` } }];
    answers.push(
      await store.commit({
        samples: [sampleAt(at, { readings }), sampleAt(at, { check: `feed${minute % 5}` })],
        transitions: minute % 10 === 0 ? [transitionAt(at, minute % 20 === 0 ? "up" : "down")] : [],
        confirmations: [{ ...web, confirmation: { ...noConfirmation, lastAt: at } }],
        incidents: minute % 30 === 0 ? [opening("mastodon", notices), opening(`castopod-${minute}`, notices)] : [],
        annotations: [{ target: "mastodon", at: after(at), text: { en: "upgraded", fr: "mis à niveau" } }],
      }),
    );
  }
  answers.push(await store.outbox.claim("email", { by: "here", now: noon, limit: 3, leaseSeconds: 30 }));
  answers.push(await store.incidents.acknowledge(1, "ana", noon, updateAt(5, "acknowledged")));
  await store.outbox.settle("page-1", 1, { state: "sent", at: after(1) });
  await store.commit({ incidents: [resolving(1), opening("mastodon", notices)] });
  await store.heartbeats.keep(web, expected(1));
  const request = await store.requests.write({ at: noon, who: "ana", what: "wake", detail: {} });
  answers.push(request, await store.commit({ answers: [{ request, at: noon, answer: { state: "done" } }] }));
  await store.audit.write({ at: noon, who: "ana", did: "acknowledged" });
  answers.push(await store.keys.useOnce("abc", after(60)), await store.keys.useOnce("abc", after(60)));
  for (const hours of [1, 3, 40]) await maintained(store, after(hours * 3600));
  return answers;
}

function tables({ database }: Connection): Readonly<Record<string, unknown>> {
  const names = database.prepare("select name from sqlite_schema where type = 'table' order by name").all();
  const rowsOf = (name: string) => {
    const rows = database.prepare(`select * from "${name}"`);
    rows.setReadBigInts(true);
    return rows.all();
  };
  return Object.fromEntries(names.map(({ name }) => [String(name), rowsOf(String(name))]));
}

/** The store, whose disposal disposes of its folder too. */
function disposing(store: StoreToTest, folder: AsyncDisposable): StoreToTest {
  const close = store[Symbol.asyncDispose].bind(store);
  store[Symbol.asyncDispose] = async () => {
    await close();
    await folder[Symbol.asyncDispose]();
  };
  return store;
}
