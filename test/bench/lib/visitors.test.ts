/** Visitors of the status page, as the benchmark sends them: nobody waits less than no time. */
import { expect, test } from "vitest";
import { startTinyServer } from "../../../bench/lib/tiny-server.ts";
import { visit } from "../../../bench/lib/visitors.ts";

test("a view takes time, although a timer may come before its moment", async ({ signal }) => {
  await using server = await startTinyServer();
  const port = Number(new URL(server.url).port);
  const waits = await visit(port, { visitors: 40, seconds: 2, signal });
  expect(waits.length).toBeGreaterThan(0);
  expect(Math.min(...waits)).toBeGreaterThan(0);
});
