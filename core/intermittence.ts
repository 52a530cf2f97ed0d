/**
 * Intermittence: failures that come and go, and never make a run that is confirmed. m of n results decide, in two windows.
 *
 * Quick: 6 bad ones of 25 results. In this time a doubtful check is looked at more often, so that an answer that fails one
 * time in three is found within minutes. Slow: 14 bad ones within 120 intervals, for trouble that is short each time, and
 * that quick looks would only thin out.
 *
 * How often each is wrong where single tries fail by chance, p = 0.5 % of them, counted from a first failure:
 * - quick: 5 more among the 24 after it: C(24, 5) p^5 = 42,504 × 3.1e-12 = 1.3e-7.
 * - slow: each failure brings 24 more looks, and so 0.12 failures of its own: they come in clusters, and no Poisson tells how
 *   many. Of 19 million simulated first failures 227 led to 10 within 120 intervals, 46 to 11, 5 to 12, 2 to 13, none to 14;
 *   each more is about 4 times rarer, so 14 are some 3e-8.
 * A check each 60 s has 43,200 looks in 30 days and 216 first failures: the quick window is wrong about 20 services once in
 * 1,700 months, each 30 s once in 850. Five of 25 would be wrong 50 times as often (C(24, 4) p^4 = 6.6e-6).
 *
 * How surely they tell: of 25 results fail at least 6 in 38 % of cases at a share of 1/5, 89 % at 1/3, 97 % at 2/5 (binomial),
 * and the window moves on. At 1/3 a failure comes each 3 results, and the five after the first take 2 minutes: told within 10
 * minutes is what first fails in the 8 looks of the first 8 minutes, 1 - (2/3)^8 = 96 %, and more by three in a row.
 */
import { z } from "zod";

const quick = { bad: 6, of: 25 };
const slow = { bad: 14, intervals: 120 };
/** Good results in a row after which it is over: at a share of 1/5 that happens by chance once in 260 times. */
const calmResults = 25;
/** Looks at a doubtful check are at least so far apart; and no more than this share of its interval. */
const leastSeconds = 3;
const leastShare = 1 / 20;

/** Times are epoch milliseconds. */
export const Intermittence = z
  .object({
    on: z.boolean(),
    /** Results that were counted. */
    looks: z.number(),
    /** The bad ones, oldest first, by their place among the counted: those that decided it, once it is on. */
    failures: z.array(z.object({ at: z.number(), look: z.number() }).readonly()).readonly(),
    /** While it is on: good results in a row, and the beginning of the first of them. */
    calm: z.number(),
    calmSince: z.number(),
  })
  .readonly();
export type Intermittence = z.output<typeof Intermittence>;

const none: Intermittence = { on: false, looks: 0, failures: [], calm: 0, calmSince: 0 };

/** With one more result; undefined where nothing is in doubt. */
export function advanceIntermittence(
  state: Intermittence = none,
  { at, isBad, everySeconds }: { readonly at: number; readonly isBad: boolean; readonly everySeconds: number },
): Intermittence | undefined {
  if (!isBad && state === none) return undefined;
  if (state.on) {
    if (isBad) return { ...state, calm: 0 };
    const calm = state.calm + 1;
    return calm < calmResults ? { ...state, calm, calmSince: calm === 1 ? at : state.calmSince } : undefined;
  }
  const begin = at - slow.intervals * everySeconds * 1000;
  const looks = state.looks + 1;
  const failures = [...state.failures, ...(isBad ? [{ at, look: looks }] : [])]
    .filter((failure) => failure.at >= begin)
    .slice(-slow.bad);
  if (failures.length === 0) return undefined;
  const inQuick = failures.slice(-quick.bad).filter(({ look }) => look > looks - quick.of);
  const deciding = inQuick.length === quick.bad ? inQuick : failures.length === slow.bad ? failures : undefined;
  return { ...state, looks, on: isBad && deciding !== undefined, failures: (isBad && deciding) || failures };
}

/** A first failure is not long ago: looked at more often, it is known sooner what it was. */
export function isDoubtful(state: Intermittence | undefined): boolean {
  const last = state?.failures.at(-1);
  return state !== undefined && !state.on && last !== undefined && state.looks - last.look < quick.of - 1;
}

/** Seconds between two looks at a doubtful check. */
export const doubtfulSeconds = (everySeconds: number): number =>
  Math.min(everySeconds, Math.max(leastSeconds, everySeconds * leastShare));
