/** What is due in the outbox, counted: of a real store, whatever the wall clock does meanwhile. */
import { expect, test } from "vitest";
import { DueNotices } from "../../../alerts/delivery/due-notices.ts";
import { mostCopies } from "../../../core/store/outbox.ts";
import { openSqliteStore } from "../../../store/sqlite/sqlite.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { Office } from "./office.ts";

const email = new Set(["email"]);

test("counts what waits for a channel that is there, and not what waits for another or may not leave any more", async () => {
  await using office = await Office.open();
  const due = new DueNotices(office.store, office.clock);
  await office.commits({ key: "page" }, { key: "absent", channel: "pigeon" }, { key: "unanswered" });
  await office.store.outbox.claim("email", { by: "here", now: office.clock.now(), limit: 9, leaseSeconds: 50 });
  for (let copy = 0; copy < mostCopies; copy++) await office.store.outbox.countCopy("unanswered");
  const again = { state: "pending", retryAt: office.later(600), error: "451 greylisted" } as const;
  await office.store.outbox.settle("unanswered", 1, again);
  await office.store.outbox.settle("page", 1, again);
  await office.clock.turn(75);
  const seconds = (await due.look(email)).map(({ notice, dueSeconds }) => [notice.key, dueSeconds]);
  expect(seconds).toEqual([
    ["page", 75],
    ["absent", undefined],
    ["unanswered", undefined],
  ]);
  expect([due.pending, due.oldestSeconds]).toEqual([1, 75]);
  await office.store.outbox.settle("page", 1, { state: "sent", at: office.clock.now() });
  await due.look(email);
  expect([due.pending, due.oldestSeconds]).toEqual([0, 0]);
});

test("grows older while the store cannot be read", async () => {
  const clock = new FakeClock();
  const office = await Office.open(":memory:", clock);
  const due = new DueNotices(office.store, clock);
  await due.look(email);
  await office.commits({ key: "page" });
  await due.look(email);
  await office[Symbol.asyncDispose]();
  await clock.turn(300);
  await expect(due.look(email)).rejects.toThrow();
  expect([due.pending, due.oldestSeconds]).toEqual([1, 300]);
});

test.each([3600, -3600, 86_400, -86_400, -55 * 365 * 86_400])(
  "a wall clock that is set by %s s makes nothing older or younger",
  async (jump) => {
    await using office = await Office.open();
    const due = new DueNotices(office.store, office.clock);
    await due.look(email);
    await office.commits({ key: "before" });
    await due.look(email);
    await office.clock.turn(10);
    office.clock.jump(jump);
    await office.commits({ key: "after" });
    await office.clock.turn(5);
    const seconds = (await due.look(email)).map(({ notice, dueSeconds = -1 }) => [notice.key, dueSeconds] as const);
    expect(new Map(seconds).get("before")).toBe(15);
    expect(new Map(seconds).get("after")).toBeCloseTo(5, 0);
  },
);

test("after a restart the wall clock says for how long it has been due", async () => {
  const clock = new FakeClock();
  await using store = await openSqliteStore(":memory:");
  await using office = await Office.open(":memory:", clock);
  await store.commit({ notices: [office.notice({ key: "page" })] });
  await clock.turn(90);
  const due = new DueNotices(store, clock);
  await due.look(email);
  expect(due.oldestSeconds).toBe(90);
});
