/**
 * The schedule, when each check runs: spread over its interval by its name (a jitter that stays the same after a
 * restart), never twice at once, without drift; sooner as a retry that confirms a failure or a recovery, of the check
 * itself or of what depends on it.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { advance, type Confirmation, noConfirmation, pending, resultOf } from "../../core/confirmation.ts";
import { doubtfulSeconds, isDoubtful } from "../../core/intermittence.ts";
import type { Log } from "../../core/log.ts";
import { type CheckKey, checkKey, type Sample } from "../../core/sample.ts";
import type { Check } from "../../core/target.ts";
import { WakeableSleep } from "../../core/wake-up.ts";
import type { ConcurrencyLimit } from "./concurrency.ts";

export interface ScheduleParts {
  readonly checks: readonly Check[];
  /** What was known when the process began. */
  readonly confirmations?: ReadonlyMap<CheckKey, Confirmation>;
  readonly clock: Clock;
  readonly concurrency: ConcurrencyLimit;
  readonly log: Log;
  /** One run. Rejects only when `signal` is aborted. */
  run(check: Check, signal: AbortSignal): Promise<Sample>;
  /** In the order the runs ended, with what is now known about the check. */
  onSample(sample: Sample, confirmation: Confirmation): void;
  /** How many seconds late a run began. */
  onLag?(seconds: number): void;
  /** Called at least every few seconds while the schedule is alive. */
  onMoved?(): void;
}

interface Entry {
  check: Check;
  /** Monotonic seconds of one moment of its own grid. */
  grid: number;
  due: number;
  /** Monotonic seconds at which its last run began. */
  ranAt: number;
  running: boolean;
  confirmation: Confirmation;
}

/** So that somebody can see that we are alive, even with one check a day. */
const longestSleepSeconds = 5;
/** What was never seen, or not for an interval, is looked at within this time after the start. */
const catchUpSeconds = 10;

export class Schedule {
  readonly #parts: ScheduleParts;
  /** Monotonic seconds at the epoch of the wall clock, as of the start; never looked at again, so that it may jump. */
  readonly #epoch: number;
  readonly #entries = new Map<CheckKey, Entry>();
  /** Taken out while they were running; should they come back, they are not begun a second time. */
  readonly #leaving = new Map<CheckKey, Entry>();
  readonly #running = new Set<Promise<void>>();
  readonly #sleeper = new WakeableSleep();
  /** Monotonic seconds at which the sleep ends by itself. */
  #sleepsUntil = 0;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
    this.#epoch = parts.clock.monotonicSeconds() - parts.clock.now().epochMilliseconds / 1000;
    this.reconfigure(parts.checks);
  }

  /** Another set of checks from now on; those that stay keep their moments and what is known of them. */
  reconfigure(checks: readonly Check[]): void {
    const before = new Map([...this.#leaving, ...this.#entries]);
    this.#entries.clear();
    this.#leaving.clear();
    for (const check of checks) {
      const key = keyOf(check);
      const known = before.get(key);
      if (known) this.#entries.set(key, this.#kept(known, check));
      else this.#entries.set(key, this.#begun(check, this.#parts.confirmations?.get(key) ?? noConfirmation));
    }
    for (const [key, entry] of before) {
      if (entry.running && !this.#entries.has(key)) this.#leaving.set(key, entry);
    }
    this.#sleeper.wake();
  }

  /** Until `signal` is aborted; then it ends as soon as the runs under way have let go. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#parts.concurrency.end(signal.reason), { once: true });
    while (!signal.aborted) {
      this.#parts.onMoved?.();
      const now = this.#parts.clock.monotonicSeconds();
      let next = now + longestSleepSeconds;
      for (const entry of this.#entries.values()) {
        if (entry.running) continue;
        if (entry.due <= now) this.#start(entry, signal);
        else next = Math.min(next, entry.due);
      }
      this.#sleepsUntil = next;
      await this.#sleeper.sleep(this.#parts.clock, next - now, signal);
    }
    await Promise.all(this.#running);
  }

  #start(entry: Entry, signal: AbortSignal): void {
    entry.running = true;
    entry.ranAt = this.#parts.clock.monotonicSeconds();
    const run = this.#once(entry, signal).finally(() => {
      entry.running = false;
      this.#leaving.delete(keyOf(entry.check));
      this.#running.delete(run);
      // Looking through all checks after every run would cost more than the runs, where there are thousands.
      if (entry.due < this.#sleepsUntil) this.#sleeper.wake();
    });
    this.#running.add(run);
  }

  async #once(entry: Entry, signal: AbortSignal): Promise<void> {
    const { clock, concurrency, log, run, onSample, onLag } = this.#parts;
    const { check } = entry;
    try {
      const sample = await concurrency.use((own) => {
        onLag?.(Math.max(0, clock.monotonicSeconds() - entry.due));
        return run(check, own);
      });
      // Taken out of the configuration meanwhile: nobody knows what to do with it.
      if (this.#entries.get(keyOf(check)) !== entry) return;
      entry.confirmation = next(entry.confirmation, sample, entry.check);
      onSample(sample, entry.confirmation);
      if (pending(entry.confirmation) === "failing") this.#lookAtCauses(check);
    } catch (error) {
      if (!signal.aborted) log.error("internal error in the schedule", { check: keyOf(check), error });
    } finally {
      entry.due = dueAfter(entry, clock.monotonicSeconds());
    }
  }

  /** What a failing check depends on is looked at now, so that both are sure of it at about the same time. */
  #lookAtCauses({ dependsOn = [] }: Check): void {
    const now = this.#parts.clock.monotonicSeconds();
    for (const key of dependsOn) {
      const cause = this.#entries.get(key);
      if (!cause || cause.running) continue;
      // Never sooner than it would be looked at if it failed itself.
      cause.due = Math.min(cause.due, Math.max(now, cause.ranAt + retryAfter(cause.check)));
      if (cause.due < this.#sleepsUntil) this.#sleeper.wake();
    }
  }

  #kept(entry: Entry, check: Check): Entry {
    const sameInterval = entry.check.everySeconds === check.everySeconds;
    entry.check = check;
    if (!sameInterval) {
      entry.grid = this.#gridOf(check);
      entry.due = onGrid(entry, this.#parts.clock.monotonicSeconds());
    }
    return entry;
  }

  #begun(check: Check, confirmation: Confirmation): Entry {
    const now = this.#parts.clock.monotonicSeconds();
    const ranAt = Number.NEGATIVE_INFINITY;
    const entry = { check, grid: this.#gridOf(check), due: now, ranAt, running: false, confirmation };
    entry.due = Math.min(onGrid(entry, now), now + this.#patience(check, confirmation));
    return entry;
  }

  /** How long a check may wait after the start of the process, whatever its grid says. */
  #patience(check: Check, confirmation: Confirmation): number {
    if (confirmation.lastAt === null) return share(keyOf(check)) * catchUpSeconds;
    const sinceLast = Math.max(0, (this.#parts.clock.now().epochMilliseconds - confirmation.lastAt) / 1000);
    if (sinceLast > check.everySeconds) return share(keyOf(check)) * catchUpSeconds;
    // A confirmation that a restart interrupted goes on as if nothing had been.
    return Math.max(0, waitSeconds(check, confirmation) - sinceLast);
  }

  #gridOf(check: Check): number {
    return this.#epoch + share(keyOf(check)) * check.everySeconds;
  }
}

const keyOf = (check: Check): CheckKey => checkKey({ target: check.target, check: check.id });

/** The same place in 0..1 for the same name, for ever. */
function share(key: CheckKey): number {
  return createHash("sha256").update(key).digest().readUInt32BE() / 2 ** 32;
}

function next(confirmation: Confirmation, sample: Sample, { everySeconds, confirm }: Check): Confirmation {
  return advance(confirmation, resultOf(sample), {
    everySeconds,
    failures: confirm.failures,
    successes: confirm.successes,
  }).confirmation;
}

/** The first moment of the grid after `now`: moments that passed during a long run are skipped. */
function onGrid({ grid, check: { everySeconds } }: Pick<Entry, "grid" | "check">, now: number): number {
  return grid + (Math.floor((now - grid) / everySeconds) + 1) * everySeconds;
}

function dueAfter(entry: Entry, now: number): number {
  const wait = waitSeconds(entry.check, entry.confirmation);
  return wait < Number.POSITIVE_INFINITY ? now + wait : onGrid(entry, now);
}

/** The end of an outage is not left to a check that runs rarely. */
const longestWhileDownSeconds = 60;

/** Seconds to the next look where that is sooner than its interval; endless otherwise. */
function waitSeconds(check: Check, confirmation: Confirmation): number {
  const { everySeconds, confirm } = check;
  const waiting = pending(confirmation);
  // Who turns us away for longer is not asked more often for that.
  const isRefused = (confirmation.unmeasured?.seconds ?? 0) > 2.5 * everySeconds;
  if (waiting === "failing" && !isRefused) return retryInDoubt(check, confirmation) ?? retryAfter(check);
  if (waiting === "recovering") return Math.min(everySeconds, confirm.recoverySeconds);
  if (isDoubtful(confirmation.intermittence) && confirmation.lastKnown && !confirmation.unmeasured) {
    return doubtfulSeconds(everySeconds);
  }
  const isInTrouble = confirmation.down.on || confirmation.intermittence?.on;
  return isInTrouble && everySeconds > longestWhileDownSeconds ? longestWhileDownSeconds : Number.POSITIVE_INFINITY;
}

/**
 * Where failures came and went before: the first retry comes sooner, to know whether this one stays, and the second as much
 * later, so that what confirms an outage lies as far apart as ever. Undefined where nothing came before, or less confirms one.
 */
function retryInDoubt(check: Check, { intermittence, degraded }: Confirmation): number | undefined {
  const cameAndWent = intermittence !== undefined && intermittence.failures.length > degraded.run;
  if (!cameAndWent || intermittence.on || check.confirm.failures < 3) return undefined;
  const soon = Math.min(retryAfter(check), doubtfulSeconds(check.everySeconds));
  if (degraded.run > 2) return undefined;
  return degraded.run === 2 ? 2 * retryAfter(check) - soon : soon;
}

const retryAfter = ({ confirm, everySeconds }: Check): number => Math.min(everySeconds, confirm.retrySeconds);
