import { expect, test } from "vitest";
import { StoreUnavailable } from "../../core/errors.ts";
import { storeSelfTest } from "../../program/store-self-test.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

test("the store is tested twice a minute, and what fails longer than a lock is a fault until it works again", async () => {
  const clock = new FakeClock();
  await using store = await openSqliteStore(":memory:");
  let tests = 0;
  let failure = "";
  const selfTest = async () => {
    tests++;
    if (failure !== "") throw new StoreUnavailable(failure);
    await store.selfTest();
  };
  const look = storeSelfTest({ selfTest }, clock);
  const lookFor = async (seconds: number) => {
    const found: (string | undefined)[] = [];
    for (let passed = 0; passed < seconds; passed += 5) {
      found.push(await look());
      await clock.turn(5);
    }
    return found;
  };
  expect(new Set(await lookFor(120))).toEqual(new Set([undefined]));
  expect(tests).toBe(4);
  failure = "its file is gone";
  expect(await lookFor(25)).toEqual([undefined, undefined, undefined, failure, failure]);
  failure = "";
  expect(await lookFor(10)).toEqual([undefined, undefined]);
});
