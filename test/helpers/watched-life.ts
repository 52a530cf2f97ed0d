/** An invented life of a few watched services: results, silences, incidents, reloads, and a store that fails for a while. */
import fc from "fast-check";
import { SeriesState } from "../../collector/recorder/check-state.ts";
import type { Live } from "../../core/live-state.ts";
import { type Outcome, outcomes } from "../../core/sample.ts";
import type { Transition } from "../../core/store/judgements.ts";
import type { Check, Target } from "../../core/target.ts";
import { openSqliteStore, type SqliteStore } from "../../store/sqlite/sqlite.ts";
import { FakeClock } from "./fake-clock.ts";
import { aCheck, ago, service } from "./status-scene.ts";
import { opening, updateAt } from "./store-contract/scene.ts";

const hour = 3600;
const everySeconds = [300, hour, 6 * hour, 24 * hour];

/** One thing that happens; `of` chooses the check or the target that it happens to. */
export type Happening = (life: WatchedLife) => Promise<void> | void;

const happening = <Fields>(
  name: string,
  fields: fc.Arbitrary<Fields>,
  act: (life: WatchedLife, fields: Fields) => Promise<void> | void,
) =>
  fields.map(
    (given): Happening =>
      Object.assign((life: WatchedLife) => act(life, given), { toString: () => `${name} ${JSON.stringify(given)}` }),
  );

export const anyHappening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 8,
    arbitrary: happening("time", fc.constantFrom(20, 400, 2 * hour, 26 * hour, 70 * hour), (life, seconds) =>
      life.pass(seconds),
    ),
  },
  {
    weight: 6,
    arbitrary: happening("outcome", fc.tuple(fc.nat(), fc.constantFrom(...outcomes)), (life, [of, outcome]) =>
      life.become(of, outcome),
    ),
  },
  { weight: 1, arbitrary: happening("silence", fc.nat(), (life, of) => life.toggleSilence(of)) },
  {
    weight: 2,
    arbitrary: happening(
      "incident",
      fc.tuple(fc.nat(), fc.constantFrom(10, hour, 50 * hour)),
      (life, [of, secondsAgo]) => life.openIncident(of, secondsAgo),
    ),
  },
  { weight: 2, arbitrary: happening("resolved", fc.constant(undefined), (life) => life.resolveIncident()) },
  {
    weight: 1,
    arbitrary: happening("reload", fc.tuple(fc.nat(), fc.boolean(), fc.boolean()), (life, [of, required, internal]) =>
      life.reload(of, { required, internal }),
    ),
  },
  {
    weight: 1,
    arbitrary: happening(
      "zone",
      fc.constantFrom("America/Vancouver", "Europe/London", "Pacific/Auckland", "America/St_Johns"),
      (life, zone) => {
        life.zone = zone;
      },
    ),
  },
  {
    weight: 1,
    arbitrary: happening("clock", fc.constantFrom(-30 * hour, -60, 90, 30 * hour), (life, seconds) =>
      life.clock.jump(seconds),
    ),
  },
  { weight: 2, arbitrary: happening("store", fc.boolean(), (life, fails) => life.storeFails(fails)) },
);

/** Days before clocks change in one of the zones, and one in the middle of the winter. */
export const anyBeginning = fc.constantFrom(
  "2026-10-23T05:00:00Z",
  "2027-03-12T20:00:00Z",
  "2027-03-26T12:00:00Z",
  "2026-12-30T23:30:00Z",
);

interface Running {
  readonly check: Check;
  readonly state: SeriesState;
  /** When it runs next, in monotonic seconds. */
  next: number;
  outcome: Outcome;
  isSilent: boolean;
}

export class WatchedLife implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly store: SqliteStore;
  readonly live: Live;
  readonly #running: readonly Running[];
  readonly #open: number[] = [];
  #waiting: readonly Transition[] = [];
  #fails = false;
  #stored = 0;
  zone = "America/Vancouver";
  targets: readonly Target[];

  /** @param checks how many each service has. */
  static async begin(at: string, checks: readonly number[]): Promise<WatchedLife> {
    return new WatchedLife(new FakeClock(at), await openSqliteStore(":memory:"), checks.map(aTarget));
  }

  private constructor(clock: FakeClock, store: SqliteStore, targets: readonly Target[]) {
    this.clock = clock;
    this.store = store;
    this.targets = targets;
    const checks = targets.flatMap((target) => target.checks);
    const running = checks.map((check, index): Running => {
      const state = new SeriesState(check, "here", 0);
      return { check, state, next: index * 7, outcome: "up", isSilent: false };
    });
    this.#running = running;
    const stored = () => this.#stored;
    this.live = {
      moves: 0,
      get stored() {
        return stored();
      },
      checks: () => running.map(({ state }) => state.snapshot()),
    };
  }

  /** Every check runs whenever it is its time. */
  async pass(seconds: number): Promise<void> {
    const [from, wall] = [this.clock.monotonicSeconds(), this.clock.now()];
    const transitions: Transition[] = [];
    for (const one of this.#running) {
      for (; one.next <= from + seconds; one.next += one.check.everySeconds) {
        if (one.isSilent || one.next < from) continue;
        const { target, id: check, everySeconds: sinceLastSeconds } = one.check;
        const at = wall.add({ milliseconds: Math.round((one.next - from) * 1000) });
        const sample = { target, check, vantagePoint: "here", at, outcome: one.outcome, durationSeconds: 1 };
        transitions.push(...one.state.record({ ...sample, sinceLastSeconds }, one.next).transitions);
      }
    }
    await this.clock.turn(seconds);
    await this.#write(transitions);
  }

  become(of: number, outcome: Outcome): void {
    this.#chosen(of).outcome = outcome;
  }

  toggleSilence(of: number): void {
    const one = this.#chosen(of);
    one.isSilent = !one.isSilent;
  }

  /** One of a threshold: it says how its service stood, as far back as it began. */
  async openIncident(of: number, secondsAgo: number): Promise<void> {
    const target = this.targets[of % this.targets.length]?.id ?? "";
    const change = opening(target);
    if (change.change !== "open") return;
    const began = {
      kind: "threshold",
      startedAt: ago(this.clock.now(), secondsAgo),
      confirmedAt: this.clock.now(),
    } as const;
    const { opened } = await this.store.commit({ incidents: [{ ...change, facts: { ...change.facts, ...began } }] });
    this.#open.push(...opened.map(({ id }) => id));
  }

  async resolveIncident(): Promise<void> {
    const id = this.#open.shift();
    if (id === undefined) return;
    const at = this.clock.now();
    const update = { ...updateAt(0, "resolved"), at };
    await this.store.commit({ incidents: [{ change: "resolve", id, at, update, escalate: () => ({}) }] });
  }

  reload(of: number, { required, internal }: { readonly required: boolean; readonly internal: boolean }): void {
    this.targets = this.targets.map((target, index) => {
      if (index !== of % this.targets.length) return target;
      const [first, ...others] = target.checks;
      if (!first) return target;
      const { internal: _before, ...rest } = first;
      return { ...target, checks: [{ ...rest, required, ...(internal && { internal }) }, ...others] };
    });
  }

  /** What it cannot take is written when it is back. */
  async storeFails(fails: boolean): Promise<void> {
    this.#fails = fails;
    await this.#write([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }

  #chosen(of: number): Running {
    const one = this.#running[of % this.#running.length];
    if (!one) throw new Error("nothing is watched");
    return one;
  }

  async #write(transitions: readonly Transition[]): Promise<void> {
    this.#waiting = [...this.#waiting, ...transitions];
    if (this.#fails) return;
    await this.store.commit({ transitions: this.#waiting });
    if (this.#waiting.length > 0) this.#stored++;
    this.#waiting = [];
  }
}

/** The checks of a service look at it in different intervals. */
function aTarget(count: number, number: number): Target {
  const id = `service-${number}`;
  const checks = Array.from({ length: count }, (_, index) =>
    aCheck(id, `check-${index}`, { everySeconds: everySeconds[(number + index) % everySeconds.length] ?? 300 }),
  );
  const objective = { goal: 0.99, overSeconds: 7 * 24 * hour };
  return { ...service(id, []).target, checks, public: number !== 1, objective };
}
