/** Rows that this version cannot read stay as they are and hold nobody up: those that are due, first in line, or many. */
import { expect, test } from "vitest";
import { openFile } from "../../../store/sqlite/open.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite.ts";
import { escalationOf, opening } from "../../helpers/store-contract/escalations.ts";
import { after, noon, noticeOf, sampleAt } from "../../helpers/store-contract/scene.ts";

function setup() {
  const opened = openFile(":memory:");
  return { store: new SqliteStore(opened), write: (sql: string) => opened.connection.script(sql) };
}

const claim = { by: "here", now: noon, limit: 2, leaseSeconds: 30 };

test("more unreadable notices than are claimed at once keep none back", async () => {
  const { store, write } = setup();
  await using _ = store;
  const keys = Array.from({ length: 9 }, (_, index) => `strange-${index}`);
  await store.commit({ notices: [...keys, "one", "two", "three"].map((key) => noticeOf(key)) });
  write("update notice set kind = 'reminder' where key like 'strange-%'");
  expect((await store.outbox.claim("email", claim)).map(({ key }) => key)).toEqual(["one", "two"]);
  expect((await store.outbox.claim("email", claim)).map(({ key }) => key)).toEqual(["three"]);
  expect(await store.outbox.claim("email", claim)).toEqual([]);
  await store.outbox.takeOver("here", after(60));
  expect((await store.outbox.recent(99)).map(({ key, state }) => `${key} ${state}`)).toEqual([
    "three pending",
    "two pending",
    "one pending",
  ]);
  expect(await store.outbox.unsent(9)).toHaveLength(3);
});

test("an escalation that cannot be read is not taken, and what is due of others is", async () => {
  const { store, write } = setup();
  await using _ = store;
  const next = { dueAt: after(60), plannedAt: noon };
  const keys = ["mastodon", "castopod", "pixelfed"];
  await store.commit({ incidents: keys.map((key) => opening(key, (id) => escalationOf(id, { next }))) });
  write(`update escalation set no_later_than = '[{ "from": "noon" }]' where incident = 1;
    update incident set impact = 'partial' where id = 2`);
  expect((await store.due.next("escalation", 9)).map(({ subject }) => subject)).toEqual(["3"]);
  expect((await store.escalations.open()).map(({ incident }) => incident)).toEqual([2, 3]);
  expect(await store.escalations.of(1)).toBeUndefined();
});

test("an escalation that cannot be read any more is not taken, and passed over from the next look on", async () => {
  const { store, write } = setup();
  await using _ = store;
  const next = { dueAt: after(60), plannedAt: noon };
  await store.commit({
    incidents: ["mastodon", "castopod"].map((key) => opening(key, (id) => escalationOf(id, { next }))),
  });
  const [due] = await store.due.next("escalation", 9);
  write(`update escalation set no_later_than = '[{ "from": "noon" }]' where incident = 1`);
  const taken = store.commit({ escalations: [{ incident: 1, ...(due && { taking: due }), escalate: () => ({}) }] });
  await expect(taken).rejects.toThrow("what is stored of incident 1 cannot be read");
  expect((await store.due.next("escalation", 9)).map(({ subject }) => subject)).toEqual(["2"]);
  write("update escalation set no_later_than = '[]' where incident = 1");
  expect((await store.due.next("escalation", 9)).map(({ subject }) => subject)).toEqual(["1", "2"]);
});

test("unreadable requests keep no later one waiting", async () => {
  const { store, write } = setup();
  await using _ = store;
  const ask = () => store.requests.write({ at: noon, who: "ana", what: "wake", detail: {} });
  for (let times = 0; times < 7; times++) await ask();
  write("update request set detail = 'wake'");
  const id = await ask();
  expect(await store.requests.waiting(0, 3)).toMatchObject([{ id }]);
});

test("a series of readings that cannot be read is no series, and its samples stay", async () => {
  const { store, write } = setup();
  {
    await using _ = store;
    await store.commit({ samples: [sampleAt(0, { readings: [{ metric: "queue_jobs", value: 1 }] })] });
    write("update reading_series set labels = 'none'");
    // Rolled back: the ids are read anew.
    const poison = opening("mastodon", () => {
      throw new Error("no words");
    });
    await expect(store.commit({ incidents: [poison] })).rejects.toThrow("no words");
    expect(await store.samples.latest()).toEqual([sampleAt(0)]);
    const metric = { metric: "queue_jobs" };
    expect(await store.samples.readings(metric, "raw", { from: noon, to: after(60) })).toEqual([]);
    expect(await store.judgements.confirmations()).toEqual([]);
  }
});
