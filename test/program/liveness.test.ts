import { expect, test } from "vitest";
import { openLiveness } from "../../program/liveness.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

test("a part that stands still for longer than its patience is named, until it moves again", async () => {
  const clock = new FakeClock();
  const liveness = openLiveness(clock, { scheduler: 60, store: 15 });
  await clock.turn(15);
  expect(liveness.stuck()).toBeUndefined();
  liveness.moved("scheduler");
  await clock.turn(1);
  expect(liveness.parts()).toEqual({ scheduler: true, store: false });
  expect(liveness.stuck()).toBe("the store has not moved for 16 s");
  liveness.moved("store");
  expect(liveness.parts()).toEqual({ scheduler: true, store: true });
  expect(liveness.stuck()).toBeUndefined();
});

test("a part that moves may still have a fault of its own", async () => {
  const clock = new FakeClock();
  let fault: string | undefined = "email has accepted nothing for 130 s";
  const liveness = openLiveness(clock, { outbox: 120, judge: 60 }, { outbox: () => fault });
  await clock.turn(61);
  liveness.moved("outbox");
  expect(liveness.parts()).toEqual({ outbox: false, judge: false });
  expect(liveness.stuck()).toBe("email has accepted nothing for 130 s; the judge has not moved for 61 s");
  fault = undefined;
  expect(liveness.parts()).toEqual({ outbox: true, judge: false });
});

test("a wall clock that is set makes nobody look stuck, nor alive", async () => {
  const clock = new FakeClock();
  const liveness = openLiveness(clock, { judge: 60 });
  clock.jump(86_400);
  expect(liveness.stuck()).toBeUndefined();
  await clock.turn(61);
  clock.jump(-86_400);
  expect(liveness.stuck()).toBe("the judge has not moved for 61 s");
});
