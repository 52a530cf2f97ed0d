/** How each required check stands by its confirmation, and the bad tries that speak for it. */
import { instant } from "../../core/clock.ts";
import { type Confirmation, confirmedOutcome } from "../../core/confirmation.ts";
import type { Seen } from "../../core/escalation.ts";
import type { Intermittence } from "../../core/intermittence.ts";
import type { JudgedSample } from "../../core/judge.ts";
import { type CheckKey, checkKey, type Sample } from "../../core/sample.ts";
import { isWorse, worstOf } from "../../core/severity.ts";
import type { StoredConfirmation } from "../../core/store/judgements.ts";
import type { Series } from "../../core/store/series.ts";
import type { Store } from "../../core/store/store.ts";
import type { Check, Target } from "../../core/target.ts";

/** What a check has been confirmed to be; the last confirmed state stays while nothing is known. */
export type Standing = "up" | "degraded" | "down";

/** No run of a check takes longer: a try that began before a cause was well again is over by then. */
const longestRunMilliseconds = 610_000;

/** Bad tries remembered for each check: enough for any confirmation one would read at night. */
const triesKept = 5;
/** Of the newest samples, among which these are looked for after a restart. */
const samplesRead = 200;

/** What tries showed, with all that was found at each. */
export interface Tries extends Extract<Seen, { kind: "tries" }> {
  readonly tries: Sample[];
}

export class Outages {
  readonly #standing = new Map<string, Map<string, Standing>>();
  readonly #tries = new Map<string, readonly Sample[]>();
  /** When a check was last found well again, and how it stood before; epoch milliseconds. */
  readonly #mended = new Map<CheckKey, { readonly at: number; readonly before: Standing }>();
  /** Bad tries of a check that is doubtful or intermittent, whatever came between them. */
  readonly #failures = new Map<string, readonly Sample[]>();
  /** When the run began that may confirm that a check is down; epoch milliseconds. */
  readonly #failing = new Map<CheckKey, number>();
  /** Series that this process has had a sample of. */
  readonly #seen = new Set<string>();

  private constructor() {}

  /** Takes up where an earlier process ended. */
  static async load(store: Pick<Store, "judgements" | "samples">, now: Temporal.Instant): Promise<Outages> {
    const outages = new Outages();
    for (const stored of await store.judgements.confirmations()) {
      outages.#set(stored, confirmedOutcome(stored.confirmation));
      outages.#noteFailing(checkKey(stored), stored.confirmation);
      const runStart = startOfBadRun(stored.confirmation);
      if (runStart !== undefined) outages.#tries.set(seriesKey(stored), await badSince(runStart));
      const [first] = stored.confirmation.intermittence?.failures ?? [];
      if (first) outages.#failures.set(seriesKey(stored), await badSince(first.at));

      async function badSince(from: number): Promise<readonly Sample[]> {
        // Until after now: the clock may have been put back since.
        const span = { from: instant(from), to: now.add({ hours: 24 }), limit: samplesRead };
        const samples = await store.samples.list(stored, span);
        return samples
          .filter((sample) => isBad(sample) && sameSeries(sample, stored))
          .slice(0, triesKept)
          .toReversed();
      }
    }
    return outages;
  }

  /** @returns how the check stands now. */
  update({ sample, confirmation }: JudgedSample): Standing {
    const standing = confirmedOutcome(confirmation);
    const key = seriesKey(sample);
    if (!this.#seen.has(key)) this.#forgetUnseen(sample);
    this.#seen.add(key);
    const before = this.worst(checkKey(sample));
    this.#set(sample, standing);
    if (isWorse(before, this.worst(checkKey(sample)))) {
      this.#mended.set(checkKey(sample), { at: sample.at.epochMilliseconds, before });
    }
    if (isBad(sample)) this.#tries.set(key, [...(this.#tries.get(key) ?? []), sample].slice(-triesKept));
    else this.#tries.delete(key);
    if (!confirmation.intermittence) this.#failures.delete(key);
    else if (isBad(sample)) this.#failures.set(key, [...(this.#failures.get(key) ?? []), sample].slice(-triesKept));
    this.#noteFailing(checkKey(sample), confirmation);
    return standing;
  }

  /** The wall clock was set by so many milliseconds. */
  clockSet(milliseconds: number): void {
    for (const samples of [this.#tries, this.#failures]) {
      for (const [key, tries] of samples) {
        samples.set(
          key,
          tries.map((one) => ({ ...one, at: one.at.add({ milliseconds }) })),
        );
      }
    }
    for (const [key, since] of this.#failing) this.#failing.set(key, since + milliseconds);
    for (const [key, one] of this.#mended) this.#mended.set(key, { ...one, at: one.at + milliseconds });
  }

  #noteFailing(key: CheckKey, { down }: Confirmation): void {
    if (down.run > 0 && !down.on) this.#failing.set(key, down.runStart);
    else this.#failing.delete(key);
  }

  /** The check is down, or may be confirmed as that within moments: what is wrong with its readings is told by that. */
  speaksFor(check: Check, at: Temporal.Instant): boolean {
    return check.required && (this.worst(keyOf(check)) === "down" || this.isFailing({ checks: [check] }, at));
  }

  /** A required check of it may be confirmed as down within moments. */
  isFailing({ checks }: Pick<Target, "checks">, at: Temporal.Instant): boolean {
    return checks.some((check) => {
      const since = check.required ? this.#failing.get(keyOf(check)) : undefined;
      const { failures, retrySeconds } = check.confirm;
      const longest = failures * (Math.min(retrySeconds, check.everySeconds) + check.timeoutSeconds) * 1000;
      return since !== undefined && at.epochMilliseconds - since <= longest;
    });
  }

  /** How a check stands, wherever it is looked at from; up as long as nothing else is known. */
  worst(key: CheckKey): Standing {
    const standings = this.#standing.get(key);
    return standings ? (worstOf([...standings.values()]) ?? "up") : "up";
  }

  /** How the worst required check of a target stands. */
  worstOf({ checks }: Pick<Target, "checks">): Standing {
    const standings = checks
      .filter(({ required }) => required)
      .map(({ target, id }) => this.worst(checkKey({ target, check: id })));
    return worstOf(standings) ?? "up";
  }

  /** How bad a check was for a try that began at `at`: one that is well by now may have spoilt it all the same. */
  stoodAt(key: CheckKey, at: Temporal.Instant): Standing {
    const now = this.worst(key);
    const mended = this.#mended.get(key);
    if (!mended || !isWorse(mended.before, now)) return now;
    const ago = mended.at - at.epochMilliseconds;
    return ago >= 0 && ago < longestRunMilliseconds ? mended.before : now;
  }

  /** Bad tries of a check without a good one between, wherever it is looked at from, where they are the most. */
  badTries({ target, id }: Pick<Check, "target" | "id">): readonly Sample[] {
    const places = [...(this.#standing.get(checkKey({ target, check: id }))?.keys() ?? [])];
    const runs = places.map((vantagePoint) => this.tries({ target, check: id, vantagePoint }, triesKept));
    return runs.reduce((most, run) => (run.length > most.length ? run : most), []);
  }

  /** The last bad tries of a check without a good one between, oldest first. */
  tries(of: Series, atMost: number): readonly Sample[] {
    return (this.#tries.get(seriesKey(of)) ?? []).slice(-atMost);
  }

  /** The bad tries of a check that fails now and then. */
  seenIntermittent(of: Series, { failures, looks }: Intermittence): Tries {
    const tries = [...(this.#failures.get(seriesKey(of)) ?? [])];
    const share = { bad: failures.length, of: looks - (failures[0]?.look ?? looks) + 1 };
    return { kind: "tries", tries, needed: failures.length, share };
  }

  /** The bad tries that confirm how a check stands. */
  seen(of: Series, { confirm }: Check): Seen {
    const needed = confirm.failures;
    return { kind: "tries", tries: this.tries(of, needed), needed };
  }

  /** The same of a check that stands as badly as its target does: of this one, or else of another. */
  worstSeen(of: Series, check: Check, target: Target): Seen {
    const worst = this.worstOf(target);
    if (this.worst(keyOf(check)) === worst) return this.seen(of, check);
    const other = target.checks.find((one) => one.required && this.worst(keyOf(one)) === worst);
    const tries = other ? this.badTries(other) : [];
    const needed = other?.confirm.failures ?? 1;
    return tries.length > 0 ? { kind: "tries", tries: tries.slice(-needed), needed } : this.seen(of, check);
  }

  /**
   * The target is well: every required check is up as far as it was ever measured, and those that are part of the
   * incident have been measured.
   */
  isOver(target: Target, involved: readonly string[]): boolean {
    return target.checks.filter(({ required }) => required).every((check) => this.#isUp(check, involved));
  }

  #isUp(check: Check, involved: readonly string[]): boolean {
    const standings = [...(this.#standing.get(checkKey({ target: check.target, check: check.id }))?.values() ?? [])];
    if (standings.length === 0) return !involved.includes(check.id);
    return standings.every((standing) => standing === "up");
  }

  /** A vantage point that was renamed or given up says nothing any more; one that goes on will speak for itself. */
  #forgetUnseen({ target, check }: Series): void {
    const byPlace = this.#standing.get(checkKey({ target, check }));
    for (const vantagePoint of byPlace?.keys() ?? []) {
      if (!this.#seen.has(seriesKey({ target, check, vantagePoint }))) byPlace?.delete(vantagePoint);
    }
  }

  #set(series: Series, standing: Standing): void {
    const key = checkKey(series);
    const byPlace = this.#standing.get(key) ?? new Map<string, Standing>();
    byPlace.set(series.vantagePoint, standing);
    this.#standing.set(key, byPlace);
  }
}

export function isBad({ outcome }: Pick<Sample, "outcome">): boolean {
  return outcome === "down" || outcome === "degraded";
}

function startOfBadRun({ down, degraded }: Confirmation): number | undefined {
  const starts = [down, degraded].filter(({ on, run }) => !on && run > 0).map(({ runStart }) => runStart);
  return starts.length > 0 ? Math.min(...starts) : undefined;
}

export const keyOf = ({ target, id }: Pick<Check, "target" | "id">): CheckKey => checkKey({ target, check: id });

export const seriesKey = ({ target, check, vantagePoint }: Series) => `${target}/${check}@${vantagePoint}`;

function sameSeries(a: Series, b: StoredConfirmation | Series): boolean {
  return seriesKey(a) === seriesKey(b);
}
