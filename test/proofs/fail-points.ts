/**
 * The real program, killed with kill -9 at each point where a page or the end of an incident could be lost or doubled, outage
 * after outage, and started again: somebody has every page, and its end, and nobody more copies than that explains.
 */
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "vitest";
import { mostCopies } from "../../core/store/outbox.ts";
import type { CaughtMail } from "../../practice/servers/mail.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { type Coop, startCoop } from "../helpers/co-op.ts";
import { type KillPoint, killPoints } from "../helpers/kill-points.ts";
import { until } from "../helpers/program.ts";
import { randomFrom } from "../helpers/random.ts";
import type { Proof } from "./lib/proof.ts";

/** Longer than any start and any confirmation takes, also where a machine has better things to do. */
const lifetimeMs = 120_000;

export const proof: Proof = {
  summary: "kill -9 of the real program at each point where a page could be lost or doubled",
  async round(seed, stop) {
    const random = randomFrom(seed);
    // The last one tries the bound: three copies are accepted, and never noted.
    const courses = [...Array.from({ length: 5 }, () => wholeCourse(random)), unconfirmed];
    const kills = await killAtPoints(courses, stop);
    for (const point of killPoints) expect(kills.get(point), point).toBeGreaterThanOrEqual(5);
    return [...kills].map(([point, count]) => `${point} ${count}`).join(", ");
  },
};

/** Where one outage and its end are killed, in the order in which the program comes there. */
export interface Course {
  readonly outage: readonly KillPoint[];
  readonly end: readonly KillPoint[];
}

/** One outage after the other. @returns how often it was killed where. */
export async function killAtPoints(
  courses: readonly Course[],
  stop: AbortSignal,
): Promise<ReadonlyMap<KillPoint, number>> {
  const kills = new Map<KillPoint, number>();
  await using coop = await startCoop(["mastodon"]);
  const service = coop.service("mastodon");
  const die = async (point: KillPoint) => {
    stop.throwIfAborted();
    await dieAt(coop, point);
    kills.set(point, (kills.get(point) ?? 0) + 1);
  };
  for (const [index, course] of courses.entries()) {
    const before = coop.mail.mails().length;
    await service.become("errors");
    for (const point of course.outage) await die(point);
    await service.become("healthy");
    for (const point of course.end) await die(point);
    const last = await coop.installation.start();
    await until(() => expect(recoveries(coop, before)).not.toEqual([]));
    await last.logged(({ message, ["kind"]: kind }) => message === "notice sent" && kind === "resolve");
    expect(await last.stop()).toMatchObject({ code: 0 });
    await expectTold(coop, { outages: index + 1, before, course });
  }
  return kills;
}

/** All points, some of them twice by the dice; no more than two copies are without an answer. */
function wholeCourse(random: () => number): Course {
  const sometimesTwice = (point: KillPoint) => (random() < 0.3 ? [point, point] : [point]);
  return {
    outage: [
      ...sometimesTwice("commit-before"),
      "commit-after",
      ...sometimesTwice("claim"),
      ...sometimesTwice("send-before"),
      "copy-counted",
      "send-after",
      "settle",
    ],
    end: [...sometimesTwice("resolve-before"), "resolve-commit", "claim", "send-after"],
  };
}

const unconfirmed: Course = {
  outage: ["commit-after", "send-after", "send-after", "send-after"],
  end: ["resolve-commit"],
};

/** A life that ends there. */
async function dieAt(coop: Coop, point: KillPoint): Promise<void> {
  const program = coop.installation.spawn(point);
  const over = new AbortController();
  const late = wait(lifetimeMs, "late" as const, { signal: over.signal });
  const code = await Promise.race([program.exited(), late]);
  over.abort();
  late.catch(() => {});
  expect(code, `it came to ${point}:\n${program.printed()}`).toBe(null);
}

async function expectTold(
  coop: Coop,
  { outages, before, course }: { readonly outages: number; readonly before: number; readonly course: Course },
): Promise<void> {
  const mails = about(coop, before);
  const pages = mails.filter((mail) => !isRecovery(mail));
  const ends = recoveries(coop, before);
  expect(pages.length, "copies of the page").toBeGreaterThan(0);
  expect(pages.length, "copies of the page").toBeLessThanOrEqual(mostCopiesOf(course.outage));
  expect(ends.length, "copies of its end").toBeLessThanOrEqual(mostCopiesOf(course.end));
  expect(new Set(mails.map(({ messageId }) => messageId)).size, "a copy is recognisable as one").toBe(2);
  expect(mails.slice(0, pages.length).some(isRecovery), "no page after its end").toBe(false);
  await using store = await openSqliteStore(coop.installation.store);
  const incidents = await store.incidents.list({});
  expect(incidents.map(({ state }) => state)).toEqual(Array.from({ length: outages }, () => "resolved"));
}

/** One, and one for each kill between sending it and noting that; never more than three. */
function mostCopiesOf(points: readonly KillPoint[]): number {
  return Math.min(mostCopies, 1 + points.filter((point) => point === "send-after").length);
}

const about = ({ mail }: Coop, before: number): readonly CaughtMail[] => mail.mails().slice(before);
const isRecovery = ({ text }: CaughtMail): boolean => text.includes("RESOLVED");
const recoveries = (coop: Coop, before: number) => about(coop, before).filter(isRecovery);
