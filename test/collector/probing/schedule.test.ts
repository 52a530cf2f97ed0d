import { afterEach, expect, test } from "vitest";
import { ConcurrencyLimit } from "../../../collector/probing/concurrency.ts";
import { Schedule } from "../../../collector/probing/schedule.ts";
import { advance, type Confirmation, noConfirmation } from "../../../core/confirmation.ts";
import { silentLog } from "../../../core/log.ts";
import type { CheckKey, Outcome, Sample } from "../../../core/sample.ts";
import type { Check } from "../../../core/target.ts";
import { aCheck, aSample } from "../../helpers/checks.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";

const ends: AbortController[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end.abort();
});

interface Run {
  readonly check: string;
  /** Monotonic seconds. */
  readonly at: number;
}

interface Wishes {
  readonly clock?: FakeClock;
  readonly confirmations?: ReadonlyMap<CheckKey, Confirmation>;
  readonly takesSeconds?: number;
  outcome?(run: number, check: Check): Outcome;
}

function setup(checks: readonly Check[], wishes: Wishes = {}) {
  const { clock = new FakeClock(), confirmations, takesSeconds = 0, outcome = () => "up" as const } = wishes;
  const runs: Run[] = [];
  const samples: Sample[] = [];
  const lags: number[] = [];
  const busy = new Map<string, number>();
  let mostAtOnce = 0;
  let moves = 0;
  const schedule = new Schedule({
    checks,
    clock,
    concurrency: new ConcurrencyLimit({ clock }),
    log: silentLog,
    ...(confirmations && { confirmations }),
    async run(check, signal) {
      const key = `${check.target}/${check.id}`;
      const at = clock.now();
      runs.push({ check: key, at: clock.monotonicSeconds() });
      const now = (busy.get(key) ?? 0) + 1;
      busy.set(key, now);
      mostAtOnce = Math.max(mostAtOnce, now);
      try {
        if (takesSeconds > 0) await clock.sleep(takesSeconds, signal);
      } finally {
        busy.set(key, now - 1);
      }
      return aSample(check, at, outcome(runs.length, check));
    },
    onSample: (sample) => samples.push(sample),
    onLag: (seconds) => lags.push(seconds),
    onMoved: () => {
      moves += 1;
    },
  });
  const end = new AbortController();
  ends.push(end);
  const running = schedule.run(end.signal);
  return {
    clock,
    schedule,
    runs,
    samples,
    lags,
    end,
    running,
    mostAtOnce: () => mostAtOnce,
    moves: () => moves,
  };
}

/** Known and good a second ago: nothing to catch up with. */
const knownAt = (clock: FakeClock): Confirmation =>
  advance(
    noConfirmation,
    { at: clock.now().epochMilliseconds - 1000, outcome: "up" },
    { everySeconds: 60, failures: 3, successes: 2 },
  ).confirmation;

const known = (clock: FakeClock, checks: readonly Check[]): ReadonlyMap<CheckKey, Confirmation> =>
  new Map(checks.map(({ target, id }) => [`${target}/${id}`, knownAt(clock)]));

function gaps(runs: readonly Run[]): number[] {
  return runs.slice(1).map((run, index) => Number((run.at - (runs[index]?.at ?? 0)).toFixed(3)));
}

test("runs at its interval without drift, however long a run takes", async () => {
  const clock = new FakeClock();
  const checks = [aCheck()];
  const { runs } = setup(checks, { clock, confirmations: known(clock, checks), takesSeconds: 7.3 });
  await clock.turn(3600);
  expect(runs.length).toBe(60);
  expect(new Set(gaps(runs))).toEqual(new Set([60]));
});

test("keeps its moment of the minute across restarts", async () => {
  const checks = [aCheck()];
  const moments = [];
  for (const start of ["2026-11-23T12:00:00Z", "2026-11-23T17:31:12.345Z"]) {
    const clock = new FakeClock(start);
    const { samples } = setup(checks, { clock, confirmations: known(clock, checks) });
    await clock.turn(60);
    expect(samples.length).toBe(1);
    moments.push((samples[0]?.at.epochMilliseconds ?? 0) % 60_000);
  }
  expect(Math.abs((moments[0] ?? 0) - (moments[1] ?? 1000))).toBeLessThan(2);
});

test("what a failing check depends on is looked at at once, and no more than if it failed itself", async () => {
  const clock = new FakeClock();
  const web = aCheck({ id: "web", dependsOn: ["mastodon/database"] });
  const database = aCheck({ id: "database", everySeconds: 3600 });
  const checks = [web, database];
  const bad = { web: false, database: false };
  const { runs } = setup(checks, {
    clock,
    confirmations: known(clock, checks),
    outcome: (_run, { id }) => (bad[id === "web" ? "web" : "database"] ? "down" : "up"),
  });
  const momentsOf = (check: string) => runs.filter((run) => run.check === check).map(({ at }) => at);
  await clock.turn(60);
  const before = momentsOf("mastodon/database").length;
  bad.web = true;
  await clock.turn(600);
  const [, ...tries] = momentsOf("mastodon/web");
  expect(tries.length).toBeGreaterThan(5);
  // Beside the two tries that were not sure yet; after the third the web speaks for itself.
  expect(momentsOf("mastodon/database").slice(before)).toEqual(tries.slice(0, 2));
});

test("a check that runs rarely is run more often while it is down, so that the end is seen soon", async () => {
  const clock = new FakeClock();
  const slow = aCheck({ everySeconds: 900 });
  let bad = true;
  const { runs } = setup([slow], { clock, outcome: () => (bad ? "down" : "up") });
  await clock.turn(10 + 40);
  expect(runs).toHaveLength(3);
  await clock.turn(600);
  expect(new Set(gaps(runs.slice(2)))).toEqual(new Set([60]));
  bad = false;
  await clock.turn(90);
  const calm = runs.length;
  await clock.turn(880);
  expect(runs.length - calm).toBeLessThanOrEqual(1);
});

test("checks are spread over the interval", async () => {
  const clock = new FakeClock();
  const checks = Array.from({ length: 300 }, (_, index) => aCheck({ id: `check-${index}` }));
  const { runs } = setup(checks, { clock, confirmations: known(clock, checks) });
  await clock.turn(60);
  expect(runs.length).toBe(300);
  const perSixth = [0, 1, 2, 3, 4, 5].map((sixth) => runs.filter(({ at }) => Math.floor(at / 10) === sixth).length);
  expect(Math.min(...perSixth)).toBeGreaterThan(25);
});

test("what was not seen for an interval is looked at within ten seconds of the start, then on its grid", async () => {
  const clock = new FakeClock();
  const slow = aCheck({ everySeconds: 3600 });
  const { runs } = setup([slow], { clock });
  await clock.turn(10);
  expect(runs.length).toBe(1);
  await clock.turn(3600);
  expect(runs.length).toBe(2);
});

test("a restart in the middle of an interval does not run again what was just seen", async () => {
  const clock = new FakeClock();
  const slow = aCheck({ everySeconds: 36_000 });
  const { runs } = setup([slow], { clock, confirmations: known(clock, [slow]) });
  await clock.turn(20);
  expect(runs.length).toBe(0);
});

test("a run that takes longer than the interval skips moments and is never doubled", async () => {
  const clock = new FakeClock();
  const checks = [aCheck({ everySeconds: 10 })];
  const { runs, mostAtOnce } = setup(checks, { clock, confirmations: known(clock, checks), takesSeconds: 25 });
  await clock.turn(300);
  expect(new Set(gaps(runs))).toEqual(new Set([30]));
  expect(mostAtOnce()).toBe(1);
});

test("a failure is tried again 20 s after its end until it is confirmed, then the grid goes on", async () => {
  const clock = new FakeClock();
  const checks = [aCheck()];
  const { runs } = setup(checks, {
    clock,
    confirmations: known(clock, checks),
    takesSeconds: 5,
    outcome: () => "down",
  });
  await clock.turn(200);
  expect(gaps(runs).slice(0, 2)).toEqual([25, 25]);
  expect((runs[3]?.at ?? 0) - (runs[0]?.at ?? 0)).toBeCloseTo(60, 3);
  expect(gaps(runs).slice(3)).toEqual([60, 60]);
});

test("the first good result of a recovery is soon made sure of", async () => {
  const clock = new FakeClock();
  const checks = [aCheck()];
  const outcome = (run: number) => (run <= 3 ? ("down" as const) : ("up" as const));
  const { runs } = setup(checks, { clock, confirmations: known(clock, checks), outcome });
  await clock.turn(400);
  expect(gaps(runs).slice(0, 2)).toEqual([20, 20]);
  expect(gaps(runs)[3]).toBe(20);
  expect((runs[5]?.at ?? 0) - (runs[0]?.at ?? 0)).toBeCloseTo(120, 3);
});

test("goes on with the confirmation that a restart interrupted", async () => {
  const clock = new FakeClock();
  const check = aCheck({ everySeconds: 36_000 });
  const policy = { everySeconds: 36_000, failures: 3, successes: 2 };
  const at = clock.now().epochMilliseconds - 5000;
  const { confirmation } = advance(knownAt(clock), { at, outcome: "down" }, policy);
  const { runs } = setup([check], {
    clock,
    confirmations: new Map([["mastodon/web", confirmation]]),
    outcome: () => "down",
  });
  await clock.turn(60);
  expect(runs.length).toBe(2);
});

test.each([-86_400, -1, 1, 86_400])("a jump of the wall clock by %d s moves nothing", async (jump) => {
  const clock = new FakeClock();
  const checks = [aCheck()];
  const { runs } = setup(checks, { clock, confirmations: known(clock, checks) });
  await clock.turn(150);
  clock.jump(jump);
  await clock.turn(450);
  expect(runs.length).toBe(10);
  expect(new Set(gaps(runs))).toEqual(new Set([60]));
});

test("another configuration keeps the moments of checks that stay, drops and adds the others", async () => {
  const clock = new FakeClock();
  const [web, api, feed] = [aCheck(), aCheck({ id: "api" }), aCheck({ id: "feed" })];
  const { runs, schedule, samples } = setup([web, api], { clock, confirmations: known(clock, [web, api]) });
  await clock.turn(90);
  schedule.reconfigure([{ ...web, timeoutSeconds: 5 }, feed]);
  await clock.turn(150);
  expect(new Set(gaps(runs.filter(({ check }) => check === "mastodon/web")))).toEqual(new Set([60]));
  expect(runs.filter(({ check, at }) => check === "mastodon/api" && at > 90)).toEqual([]);
  expect(samples.filter(({ check }) => check === "feed").length).toBeGreaterThanOrEqual(2);
});

test("a check that leaves while it runs tells nothing more, and is not doubled should it come back", async () => {
  const clock = new FakeClock();
  const check = aCheck({ everySeconds: 10 });
  const { runs, samples, schedule, mostAtOnce } = setup([check], { clock, takesSeconds: 30 });
  await clock.turn(12);
  expect(runs.length).toBe(1);
  schedule.reconfigure([]);
  await clock.turn(3);
  schedule.reconfigure([check]);
  await clock.turn(60);
  expect(mostAtOnce()).toBe(1);
  expect(runs.length).toBeGreaterThan(1);
  schedule.reconfigure([]);
  const before = samples.length;
  await clock.turn(60);
  expect(samples.length).toBe(before);
});

test("2,000 checks that all hang miss no run and are never late", async () => {
  const clock = new FakeClock();
  const checks = Array.from({ length: 2000 }, (_, index) =>
    aCheck({ id: `check-${index}`, confirm: { failures: 1, retrySeconds: 20, successes: 2, recoverySeconds: 20 } }),
  );
  const { runs, lags } = setup(checks, {
    clock,
    confirmations: known(clock, checks),
    takesSeconds: 10,
    outcome: () => "down",
  });
  await clock.turn(120);
  expect(runs.length).toBe(4000);
  expect(Math.max(...lags)).toBeLessThan(1);
});

test("says that it is alive even when nothing is due", async () => {
  const clock = new FakeClock();
  const { moves } = setup([], { clock });
  await clock.turn(60);
  expect(moves()).toBeGreaterThanOrEqual(12);
});

test("ends promptly, with runs under way", async () => {
  const { clock, end, running, samples } = setup([aCheck()], { takesSeconds: 1000 });
  await clock.turn(30);
  end.abort(new Error("shutdown"));
  await running;
  expect(samples).toEqual([]);
});

test("after a failure a check is looked at more often for a while, and what confirms an outage is as far apart as ever", async () => {
  const failing = new Set([2, 5, 6, 7]);
  const { clock, runs } = setup([aCheck()], { outcome: (run) => (failing.has(run) ? "down" : "up") });
  await clock.turn(700);
  const gaps = runs.slice(1).map(({ at }, index) => Math.round(at - (runs[index]?.at ?? 0)));
  // A failure, its retry, two looks in doubt; then one that stays: soon, and as much later.
  expect(gaps.slice(1, 6)).toEqual([20, 3, 3, 3, 37]);
});

test("a blip is doubted for 24 looks and no longer", async () => {
  const { clock, runs } = setup([aCheck()], { outcome: (run) => (run === 2 ? "down" : "up") });
  await clock.turn(900);
  const gaps = runs.slice(1).map(({ at }, index) => Math.round(at - (runs[index]?.at ?? 0)));
  expect(gaps.slice(1, 25)).toEqual([20, ...Array.from({ length: 23 }, () => 3)]);
  expect(gaps.slice(26, 30)).toEqual([60, 60, 60, 60]);
});
