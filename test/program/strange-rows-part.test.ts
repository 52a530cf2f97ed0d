import { expect, test } from "vitest";
import { StoreUnavailable } from "../../core/errors.ts";
import { jsonLog } from "../../core/log.ts";
import type { StrangeRow } from "../../core/store/strange-rows.ts";
import { strangeRowsPart } from "../../program/strange-rows-part.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

test("each strange row is told once, and all are counted, at the start and every hour", async () => {
  const clock = new FakeClock();
  const row = (key: string): StrangeRow => ({ table: "notice", key, why: "column kind holds “reminder”" });
  let strange: readonly StrangeRow[] | undefined;
  const counts: number[] = [];
  const lines: string[] = [];
  const part = strangeRowsPart({
    store: {
      async strangeRows(channels) {
        expect(channels).toEqual(["email"]);
        if (!strange) throw new StoreUnavailable("it is locked");
        return strange;
      },
    },
    clock,
    log: jsonLog(
      (line) => lines.push(line),
      () => clock.now(),
    ),
    metrics: { setStrangeRows: (rows) => counts.push(rows) },
    channels: ["email"],
  });
  const stop = new AbortController();
  const running = part.run?.(stop.signal);
  await clock.turn(30);
  strange = [row("one"), row("two")];
  await clock.turn(60);
  expect(counts).toEqual([2]);
  strange = [row("two"), row("three")];
  await clock.turn(3600);
  strange = [];
  await clock.turn(3600);
  expect(counts).toEqual([2, 2, 0]);
  expect(lines.map((line) => JSON.parse(line).key)).toEqual(["one", "two", "three"]);
  stop.abort();
  await running;
});
