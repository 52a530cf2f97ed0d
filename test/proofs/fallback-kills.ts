/**
 * The real program, killed with kill -9 at each line it writes to its fallback file, while the store is locked as an outage
 * begins and again as it ends: somebody has the page and its end, and what was accepted and noted is not told again.
 */
import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { type Coop, startCoop } from "../helpers/co-op.ts";
import { fallbackKillPoints, type KillPoint } from "../helpers/kill-points.ts";
import { until } from "../helpers/program.ts";
import { randomFrom } from "../helpers/random.ts";
import type { Proof } from "./lib/proof.ts";

/** Where one outage is killed, and where its end. */
export interface FallbackCourse {
  readonly outage: KillPoint;
  readonly end: KillPoint;
}

export const proof: Proof = {
  summary: "kill -9 of the real program at each line it writes to its fallback file",
  async round(seed, stop) {
    const random = randomFrom(seed);
    const points: readonly KillPoint[] = [...fallbackKillPoints, "send-after"];
    const inAnyOrder = (unfit: KillPoint) =>
      points
        .filter((point) => point !== unfit)
        .map((point) => ({ point, at: random() }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ point }) => point);
    // Nothing is over as it begins, and nothing is found as it ends.
    const ends = inAnyOrder("fallback-found");
    const courses = inAnyOrder("fallback-over").map((outage, index) => ({ outage, end: ends[index] ?? outage }));
    await killAtFallbackLines(courses, stop);
    return courses.map(({ outage, end }) => `${outage}, ${end}`).join("; ");
  },
};

/** One outage after the other. */
export async function killAtFallbackLines(courses: readonly FallbackCourse[], stop: AbortSignal): Promise<void> {
  await using coop = await startCoop(["mastodon"]);
  // The store is there before anybody locks it.
  await (await coop.installation.start()).stop();
  for (const [index, { outage, end }] of courses.entries()) {
    stop.throwIfAborted();
    const before = coop.mail.mails().length;
    const told = (kind: "page" | "end") =>
      coop.mail
        .mails()
        .slice(before)
        .filter(({ text }) => text.includes("RESOLVED") === (kind === "end"));
    await dieWhileLocked(coop, outage, () => coop.service("mastodon").become("errors"));
    await liveUntil(coop, () => expect(told("page")).not.toEqual([]));
    await dieWhileLocked(coop, end, () => coop.service("mastodon").become("healthy"));
    await liveUntil(coop, () => expect(told("end")).not.toEqual([]));

    expect(told("page").length, `pages, killed at ${outage}`).toBe(copiesAfter(outage));
    expect(told("end").length, `ends, killed at ${end}`).toBe(copiesAfter(end));
    const order = coop.mail.mails().slice(before);
    expect(order.slice(0, told("page").length), "no page after its end").toEqual(told("page"));
    await using store = await openSqliteStore(coop.installation.store);
    const incidents = await store.incidents.list({});
    expect(incidents.map(({ state }) => state)).toEqual(Array.from({ length: index + 1 }, () => "resolved"));
  }
}

/** Accepted, and killed before that was noted: it is told again. */
const copiesAfter = (point: KillPoint): number => (point === "send-after" ? 2 : 1);

/** A life that finds something out while its store is locked, and ends there. */
async function dieWhileLocked(coop: Coop, point: KillPoint, change: () => Promise<void>): Promise<void> {
  const program = coop.installation.spawn(point);
  const running = await program.watching();
  await until(async () => expect((await running.health()).status).toBe(200));
  using lock = new DatabaseSync(coop.installation.store);
  lock.exec("begin immediate");
  await change();
  await until(() => expect(program.process.signalCode, `it came to ${point}:\n${program.printed()}`).toBe("SIGKILL"));
}

/** A life with a store that works, until all that waits has gone out and stands in it. */
async function liveUntil(coop: Coop, holds: () => void): Promise<void> {
  const program = await coop.installation.start();
  await until(holds);
  await until(async () => {
    expect((await program.health()).status).toBe(200);
    expect((await program.metrics()).get("tidewatch_outbox_pending")).toBe(0);
  });
  expect(await program.stop()).toMatchObject({ code: 0 });
}
