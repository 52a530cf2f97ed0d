import { expect, test } from "vitest";
import { faultsOf, healthOf, Watchdog } from "../../program/liveness.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

test("a part that stands still for longer than its patience is named, until it moves again", async () => {
  const clock = new FakeClock();
  const [scheduler, store] = [new Watchdog("scheduler", 60, clock), new Watchdog("store", 15, clock)];
  const parts = [scheduler, store];
  await clock.turn(15);
  expect(faultsOf(parts)).toBeUndefined();
  scheduler.moved();
  await clock.turn(1);
  expect(healthOf(parts)).toEqual({ scheduler: true, store: false });
  expect(faultsOf(parts)).toBe("the store has not moved for 16 s");
  store.moved();
  expect(healthOf(parts)).toEqual({ scheduler: true, store: true });
  expect(faultsOf(parts)).toBeUndefined();
});

test("a part that moves may still have a fault of its own", async () => {
  const clock = new FakeClock();
  let fault: string | undefined = "email has accepted nothing for 130 s";
  const watchdog = new Watchdog("outbox", 120, clock);
  const parts = [{ name: "outbox", fault: () => watchdog.fault() ?? fault }, new Watchdog("judge", 60, clock)];
  await clock.turn(61);
  watchdog.moved();
  expect(healthOf(parts)).toEqual({ outbox: false, judge: false });
  expect(faultsOf(parts)).toBe("email has accepted nothing for 130 s; the judge has not moved for 61 s");
  fault = undefined;
  expect(healthOf(parts)).toEqual({ outbox: true, judge: false });
});

test("a wall clock that is set makes nobody look stuck, nor alive", async () => {
  const clock = new FakeClock();
  const parts = [new Watchdog("judge", 60, clock)];
  clock.jump(86_400);
  expect(faultsOf(parts)).toBeUndefined();
  await clock.turn(61);
  clock.jump(-86_400);
  expect(faultsOf(parts)).toBe("the judge has not moved for 61 s");
});
