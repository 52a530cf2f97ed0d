import { expect, test } from "vitest";
import { StoreUnavailable } from "../../core/errors.ts";
import { jsonLog } from "../../core/log.ts";
import { withoutRepeats } from "../../program/store-failures-in-log.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

test("that the store cannot be used is said once by each part every ten minutes, and everything else each time", async () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const inner = jsonLog(
    (line) => lines.push(line),
    () => clock.now(),
  );
  const log = withoutRepeats(inner, clock);
  for (let seconds = 0; seconds < 1200; seconds += 5) {
    log.error("the outbox cannot be read", { channel: "email", error: new StoreUnavailable("the disk is full") });
    log.warn("figures cannot be worked out", { error: new StoreUnavailable("the disk is full") });
    if (seconds === 100) log.error("the outbox cannot be read", { channel: "email", error: new Error("a bug") });
    if (seconds === 100) log.info("the configuration was read");
    if (seconds === 200)
      log.error("the outbox cannot be read", { channel: "ntfy", error: new StoreUnavailable("full") });
    await clock.turn(5);
  }
  const said = lines
    .map((line) => JSON.parse(line))
    .map(({ message, channel, error }) => [message, channel, error?.message]);
  expect(said).toEqual([
    ["the outbox cannot be read", "email", "the disk is full"],
    ["figures cannot be worked out", undefined, "the disk is full"],
    ["the outbox cannot be read", "email", "a bug"],
    ["the configuration was read", undefined, undefined],
    ["the outbox cannot be read", "ntfy", "full"],
    ["the outbox cannot be read", "email", "the disk is full"],
    ["figures cannot be worked out", undefined, "the disk is full"],
  ]);
});
