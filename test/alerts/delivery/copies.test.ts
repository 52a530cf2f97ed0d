/** Copies of one notice where nobody says whether it arrived: never more than three, counted over restarts. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DeliveryError } from "../../../core/errors.ts";
import { mayLeave } from "../../../core/store/outbox.ts";
import { openSqliteStore } from "../../../store/sqlite/sqlite.ts";
import { type Answer, hangs, Office, takes } from "./office.ts";

const isLost: Answer = async (_notice, { countCopy }) => {
  await countCopy();
  throw new DeliveryError("the connection was lost", { verdict: "retry" });
};

const isRefused: Answer = async (_notice, { countCopy }) => {
  await countCopy();
  throw new DeliveryError("452 no room", { verdict: "retry", refused: true });
};

/** Keeps the copies that it was told of, besides. */
const seen =
  (copies: number[], answer: Answer): Answer =>
  (notice, context) => {
    copies.push(context.copies);
    return answer(notice, context);
  };

test("a page that is lost without an answer is sent three times, the last a minute after the first", async () => {
  await using office = await Office.open();
  const copies: number[] = [];
  office.answers["email"] = seen(copies, isLost);
  await office.start(["email"]);
  await office.pages({});
  await office.clock.turn(3600);
  expect(office.triedAt("1.0")).toEqual([0, 5, 60]);
  expect(copies).toEqual([0, 1, 2]);
  expect(await office.store.outbox.of(1)).toMatchObject([
    { state: "pending", copies: 3, lastError: expect.stringMatching(/^not confirmed: it was sent 3 times/) },
  ]);
  expect((await office.store.outbox.unsent(9)).filter(mayLeave)).toEqual([]);
  expect(office.delivery?.failing()).toMatchObject([{ channel: "email" }]);
});

test("what was refused after all of it was sent is no copy, and is tried for as long as it takes", async () => {
  await using office = await Office.open();
  office.answers["email"] = isRefused;
  await office.start(["email"]);
  await office.pages({});
  await office.clock.turn(600);
  expect(office.triedAt("1.0").length).toBeGreaterThan(10);
  office.answers["email"] = takes;
  await office.clock.turn(60);
  expect(await office.store.outbox.of(1)).toMatchObject([{ state: "sent", copies: 0 }]);
});

test("a failure before it is sent counts nothing, and between two copies has its usual pace", async () => {
  await using office = await Office.open();
  office.answers["email"] = isLost;
  await office.start(["email"]);
  await office.pages({});
  await office.clock.turn(6);
  office.answers["email"] = () => {
    throw new DeliveryError("connection refused", { verdict: "retry" });
  };
  await office.clock.turn(600);
  expect(office.triedAt("1.0").slice(0, 5)).toEqual([0, 5, 60, 90, 145]);
  office.answers["email"] = takes;
  await office.clock.turn(60);
  expect(await office.states()).toEqual(["1.0 sent"]);
});

test("copies on their way count at once: two that hang are overtaken by the last one", async () => {
  await using office = await Office.open();
  office.deadlineSeconds = 600;
  const copies: number[] = [];
  office.answers["email"] = seen(copies, async (notice, context) => {
    await context.countCopy();
    await hangs(notice, context);
  });
  await office.start(["email"]);
  await office.pages({});
  await office.clock.turn(500);
  expect(office.triedAt("1.0")).toEqual([0, 50, 100]);
  expect(copies).toEqual([0, 1, 2]);
  expect(await office.states()).toEqual(["1.0 sending"]);
  await office.clock.turn(3600);
  expect(office.attempts).toHaveLength(3);
  expect(await office.store.outbox.of(1)).toMatchObject([
    { state: "pending", lastError: expect.stringMatching(/^not c/) },
  ]);
});

test("killed between the count and the answer it may have left: so it is counted when it starts again", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-copies-"));
  await using office = await Office.open(join(folder.path, "tidewatch.db"));
  const copies: number[] = [];
  const neverAnswers = seen(copies, async (notice, context) => {
    await context.countCopy();
    await hangs(notice, context);
  });
  await office.commits({});
  for (const life of [1, 2, 3, 4]) {
    office.answers["email"] = neverAnswers;
    await office.start(["email"]);
    await office.clock.turn(1);
    expect(copies).toEqual([0, 1, 2].slice(0, life));
    // The store is closed first: whatever the process would write at its end is lost, as by kill -9.
    await office.store[Symbol.asyncDispose]();
    await office.stop();
    office.store = await openSqliteStore(join(folder.path, "tidewatch.db"));
  }
  await office.store.outbox.takeOver("here", office.clock.now());
  expect(await office.store.outbox.of(1)).toMatchObject([
    { state: "pending", copies: 3, lastError: expect.stringMatching(/^not confirmed/) },
  ]);
});

test("a page that is not confirmed is told to the next step long before, and its end to both", async () => {
  await using office = await Office.open();
  office.answers["email"] = (notice, context) => (notice.to.id === "contractor" ? isLost : takes)(notice, context);
  await office.start(["email"]);
  await office.escalates();
  await office.clock.turn(120);
  expect(await office.told()).toEqual(["page contractor email pending", "escalation techops email sent"]);
  expect(office.triedAt("escalation techops")).toEqual([20]);
});
