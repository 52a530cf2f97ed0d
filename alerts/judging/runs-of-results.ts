/**
 * Since when each check has given the same kind of result, counted on the monotonic clock: when an outage began and when it
 * ended is told by that, whatever the wall clock was set to in between.
 */
import { type Clock, instant } from "../../core/clock.ts";
import type { JudgedSample } from "../../core/judge.ts";
import { isBad, seriesKey } from "./confirmed-outages.ts";

interface Run {
  readonly kind: "good" | "bad" | "unknown";
  readonly results: number;
  /** Monotonic; undefined where an earlier process saw its beginning. */
  readonly since: number | undefined;
}

/** Less is what the wall clock, the monotonic one and a busy process differ by; the moment that was measured is told then. */
const tolerance = 2000;

export class RunsOfResults {
  readonly #clock: Clock;
  readonly #runs = new Map<string, Run>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same event, its moment as the wall clock stands now: it may have been set while the check ran. */
  dated(event: JudgedSample): JudgedSample {
    const { sample } = event;
    const at = this.#closest(sample.at, this.#clock.monotonicSeconds() - sample.durationSeconds);
    return at === sample.at ? event : { ...event, sample: { ...sample, at } };
  }

  note({ sample, confirmation, change }: JudgedSample): void {
    const key = seriesKey(sample);
    const kind = sample.outcome === "up" ? "good" : isBad(sample) ? "bad" : "unknown";
    const before = this.#runs.get(key);
    if (before?.kind === kind) {
      this.#runs.set(key, { ...before, results: before.results + 1 });
      return;
    }
    const isOlder = !before && (change ? change.since < sample.at.epochMilliseconds : longest(confirmation) > 1);
    const since = isOlder ? undefined : this.#clock.monotonicSeconds() - sample.durationSeconds;
    this.#runs.set(key, { kind, results: 1, since });
  }

  /** When that began which was confirmed by this event. */
  beginning({ sample, check, change }: JudgedSample): Temporal.Instant {
    if (!change) return sample.at;
    const said = instant(change.since);
    const run = this.#runs.get(seriesKey(sample));
    const needed = run?.kind === "good" ? check.confirm.successes : check.confirm.failures;
    // What was confirmed by more than one run of results began before this one.
    if (run?.since === undefined || run.results < needed) return said;
    return this.#closest(said, run.since);
  }

  #closest(said: Temporal.Instant, monotonic: number): Temporal.Instant {
    const ago = Math.round((this.#clock.monotonicSeconds() - monotonic) * 1000);
    const counted = this.#clock.now().subtract({ milliseconds: Math.max(0, ago) });
    return Math.abs(counted.epochMilliseconds - said.epochMilliseconds) <= tolerance ? said : counted;
  }
}

const longest = ({ down, degraded }: JudgedSample["confirmation"]): number => Math.max(down.run, degraded.run);
