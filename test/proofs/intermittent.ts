/** Failures that come and go, and refusals among them: real schedule and judge, answers by pattern or by chance. */
import { expect } from "vitest";
import { ConcurrencyLimit } from "../../collector/probing/concurrency.ts";
import { Schedule } from "../../collector/probing/schedule.ts";
import { advance, currentOutcome, noConfirmation, resultOf } from "../../core/confirmation.ts";
import type { JudgedSample } from "../../core/judge.ts";
import { silentLog } from "../../core/log.ts";
import type { Finding, Sample } from "../../core/sample.ts";
import type { Check } from "../../core/target.ts";
import { check, target, World } from "../alerts/world.ts";
import { randomFrom } from "../helpers/random.ts";
import type { Proof } from "./lib/proof.ts";

const good: Answer = { outcome: "up" };
const bad: Answer = { outcome: "down", reason: "answered 503" };
const refused: Answer = {
  outcome: "unknown",
  connected: true,
  reason: "blocked: the monitor is asked to come less often",
};
type Answer = Finding & Pick<Sample, "connected">;

/** The next answer of one service. */
type Answers = () => Answer;

/** In turn, for ever. */
function pattern(...answers: readonly Answer[]): () => Answers {
  return () => {
    let next = 0;
    return () => answers[next++ % answers.length] ?? good;
  };
}

const byChance = (share: number) => (random: () => number) => () => (random() < share ? bad : good);

interface Case {
  readonly name: string;
  /** How each service answers; by chance where it takes the random numbers. */
  readonly answers: (random: () => number) => Answers;
  /** Until somebody is told. */
  readonly minutes: number;
  readonly isRandom?: true;
}

const cases: readonly Case[] = [
  { name: "503-503-429 in turn", answers: pattern(bad, bad, refused), minutes: 10 },
  { name: "every fifth", answers: pattern(bad, good, good, good, good), minutes: 30 },
  { name: "two of five together", answers: pattern(bad, bad, good, good, good), minutes: 10 },
  { name: "two of five apart", answers: pattern(bad, good, bad, good, good), minutes: 10 },
  { name: "three of five together", answers: pattern(bad, bad, bad, good, good), minutes: 10 },
  { name: "three of five apart", answers: pattern(bad, bad, good, bad, good), minutes: 10 },
  { name: "503-200-200", answers: pattern(bad, good, good), minutes: 10 },
  { name: "503-503-200", answers: pattern(bad, bad, good), minutes: 10 },
  { name: "1/5 by chance", answers: byChance(1 / 5), minutes: 30, isRandom: true },
  { name: "1/3 by chance", answers: byChance(1 / 3), minutes: 10, isRandom: true },
  { name: "2/5 by chance", answers: byChance(2 / 5), minutes: 10, isRandom: true },
  { name: "3/5 by chance", answers: byChance(3 / 5), minutes: 10, isRandom: true },
];

export const proof: Proof = {
  summary: "Failures that come and go are told in time, single ones never; 30 simulated days",
  async round(seed, stop) {
    const told = await everyCase(seed, { services: 400, stop });
    const everySeconds = seed % 2 === 0 ? 30 : 60;
    return `${told}; ${await calm(seed, { everySeconds, days: 30, stop })}`;
  },
};

/** A round of all cases, each with so many services. @returns how many of each were told in time. */
export async function everyCase(
  seed: number,
  { services, stop }: { readonly services: number; readonly stop: AbortSignal },
): Promise<string> {
  const lines: string[] = [];
  for (const everySeconds of [60, 30]) {
    for (const one of cases) {
      const life = await live(seed, { everySeconds, services: one.isRandom ? services : 5, answers: one.answers });
      await life.pass(one.minutes * 60, stop);
      const inTime = await life.told();
      const share = inTime / life.services;
      const line = `${one.name} at ${everySeconds} s: ${inTime} of ${life.services}`;
      expect(share, `${line} told within ${one.minutes} min, seed ${seed}`).toBeGreaterThanOrEqual(
        one.isRandom ? 0.95 : 1,
      );
      if (one.name.startsWith("503-503-429"))
        expect(life.saidToWork, `${line}: "working" without a good answer`).toBe(0);
      lines.push(line);
      await life.end();
    }
  }
  return lines.join(", ");
}

/** Single failures, one answer in 200: what is told is exactly what three of them in a row confirm. */
export async function calm(
  seed: number,
  { everySeconds, days, stop }: { readonly everySeconds: number; readonly days: number; readonly stop: AbortSignal },
): Promise<string> {
  const life = await live(seed, { everySeconds, services: 20, answers: byChance(0.005) });
  await life.pass(days * 86_400, stop);
  const incidents = await life.incidents();
  const seen = incidents.map((one) => `${one.target} ${one.urgency} ${one.impact} at ${one.confirmedAt}`);
  expect(seen.toSorted(), `seed ${seed}`).toEqual(life.triples.toSorted());
  await life.end();
  return `${days} days each ${everySeconds} s: ${life.answered} answers, ${incidents.length} outages, nothing else told`;
}

interface Watched {
  readonly answers: Answers;
  /** Bad answers in a row. */
  run: number;
  confirmation: JudgedSample["confirmation"];
  ranAt: number | undefined;
}

/** So many services that answer as they are told, from the first look on. */
async function live(
  seed: number,
  given: { readonly everySeconds: number; readonly services: number; readonly answers: Case["answers"] },
) {
  const { everySeconds, services, answers } = given;
  const random = randomFrom(seed);
  const checks = Array.from({ length: services }, (_, index) => check(`s${index}`, "web", { everySeconds }));
  const targets = checks.map((one) => target(one.target, one.target, [one]));
  const world = await World.open({ targets });
  const { clock } = world;
  const watched = new Map<string, Watched>(
    checks.map((one): [string, Watched] => [
      one.target,
      { answers: answers(random), run: 0, confirmation: noConfirmation, ranAt: undefined },
    ]),
  );
  const of = (one: Check) => watched.get(one.target) ?? expect.fail(one.target);
  const triples: string[] = [];
  let [answered, saidToWork] = [0, 0];
  let committed = Promise.resolve();

  const end = new AbortController();
  const schedule = new Schedule({
    checks,
    clock,
    concurrency: new ConcurrencyLimit({ clock }),
    log: silentLog,
    async run(one): Promise<Sample> {
      const service = of(one);
      const now = clock.monotonicSeconds();
      const before = service.ranAt;
      service.ranAt = now;
      answered++;
      return {
        target: one.target,
        check: one.id,
        vantagePoint: "local",
        at: clock.now(),
        durationSeconds: 0.05,
        ...(before !== undefined && { sinceLastSeconds: now - before }),
        ...service.answers(),
      };
    },
    onSample(sample) {
      const one = checks.find(({ target: id }) => id === sample.target) ?? expect.fail();
      const service = of(one);
      service.run = sample.outcome === "down" ? service.run + 1 : 0;
      if (service.run === one.confirm.failures) triples.push(`${one.target} page down at ${sample.at}`);
      const policy = { ...one.confirm, everySeconds };
      const { confirmation, change, blip } = advance(service.confirmation, resultOf(sample), policy);
      service.confirmation = confirmation;
      if (currentOutcome(confirmation) === "up") saidToWork++;
      const event = { sample, check: one, confirmation, ...(change && { change }), ...(blip && { blip }) };
      const changes = world.judge.consider(event);
      if (changes) committed = committed.then(() => world.commit(changes));
    },
  });
  const running = schedule.run(end.signal);
  return {
    services,
    triples,
    get answered() {
      return answered;
    },
    get saidToWork() {
      return saidToWork;
    },
    async pass(seconds: number, stop: AbortSignal): Promise<void> {
      for (let passed = 0; passed < seconds; passed += 600) {
        stop.throwIfAborted();
        await clock.turn(Math.min(600, seconds - passed));
        await committed;
      }
    },
    incidents: () => world.incidents(),
    /** About how many services a notice was written. */
    async told(): Promise<number> {
      const incidents = await world.incidents();
      const notices = await Promise.all(incidents.map(({ id }) => world.store.outbox.of(id)));
      return new Set(incidents.filter((_, index) => (notices[index]?.length ?? 0) > 0).map((one) => one.target)).size;
    },
    async end(): Promise<void> {
      end.abort();
      await running.catch(() => {});
      await world[Symbol.asyncDispose]();
    },
  };
}
