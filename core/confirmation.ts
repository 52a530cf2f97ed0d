/**
 * Confirmation: from the single results of a check, retries among them, to what is confirmed: which outage began, when it
 * recovered, and the intervals that the SLA is counted from. One pure state machine, used by the schedule (when to retry),
 * the judge (what to tell) and the uptime (what to count).
 *
 * Rules, for interval I, N failures and K successes:
 * (a) N bad results in a row confirm; the trouble began at the first of them.
 * (b) K good results in a row end it; it ended at the first of them; a shorter good run changes nothing.
 * (c) Bad results that never reach N are a blip: recorded, not counted.
 * (d) A gap of more than 2.5 I is unknown from the last result + I on; it breaks an unconfirmed run, an open trouble
 *     stays open. A result `unknown` is unknown from its own beginning on, and breaks an unconfirmed run.
 * (e) Where our own connection was good (`connected`), it was the service that did not let itself be measured: that neither
 *     confirms nor breaks a run, and is no more than silence (d) while a run or a trouble goes on.
 * (f) Bad results that come and go are degraded: intermittence.ts. While a run is confirmed none are counted for that.
 * (g) A failure that nothing good came before since the last unknown does not make the service "up" by not being confirmed.
 */
import { z } from "zod";
import { advanceIntermittence, Intermittence } from "./intermittence.ts";
import type { Outcome, Sample } from "./sample.ts";
import type { ConfirmationSettings } from "./target.ts";

/** Half-open stretch of time, epoch milliseconds. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}
export interface OutcomeInterval extends Interval {
  readonly outcome: Outcome;
}

/** Whether "at least this bad" is true, and the run of results that speaks against it. */
const ConfirmedLevel = z.object({ on: z.boolean(), run: z.number(), runStart: z.number() });
type ConfirmedLevel = Readonly<z.output<typeof ConfirmedLevel>>;

/** The state of the machine, as plain JSON: all that is known about one check so far. Times are epoch milliseconds. */
export const Confirmation = z
  .object({
    lastAt: z.number().nullable(),
    lastKnown: z.boolean(),
    /** Before this moment nothing can change any more. */
    settledUntil: z.number().nullable(),
    degraded: ConfirmedLevel.readonly(),
    down: ConfirmedLevel.readonly(),
    /** No good result came since the last unknown, or ever. */
    unheard: z.literal(true).exactOptional(),
    /** Failures that come and go; absent where there are none. */
    intermittence: Intermittence.exactOptional(),
    /** Since when it cannot be measured though we are connected, and seconds of that by the monotonic clock. */
    unmeasured: z.object({ since: z.number(), seconds: z.number() }).readonly().exactOptional(),
  })
  .readonly();
export type Confirmation = z.output<typeof Confirmation>;

export interface ConfirmationPolicy extends Pick<ConfirmationSettings, "failures" | "successes"> {
  readonly everySeconds: number;
}

export interface ConfirmedChange {
  readonly from: Outcome;
  readonly to: Outcome;
  /** Start of the first result of the confirming run. */
  readonly since: number;
  /** Start of the confirming result. */
  readonly confirmedAt: number;
}

export interface Advance {
  readonly confirmation: Confirmation;
  /** Stretches that became certain, in order, without gaps. */
  readonly settled: readonly OutcomeInterval[];
  readonly change?: ConfirmedChange;
  /** A run of bad results that ended without being confirmed. */
  readonly blip?: Interval;
}

const off: ConfirmedLevel = { on: false, run: 0, runStart: 0 };
export const noConfirmation: Confirmation = {
  lastAt: null,
  lastKnown: false,
  settledUntil: null,
  degraded: off,
  down: off,
};

/** As it stands where only the confirmed change is known, and no result after it. */
export function confirmedAs(
  to: "degraded" | "down",
  { since, at }: { readonly since: number; readonly at: number },
): Confirmation {
  const on = { ...off, on: true };
  return { lastAt: at, lastKnown: true, settledUntil: since, degraded: on, down: to === "down" ? on : off };
}

/** What holds now. `unknown` when the last result was unknown or there is none; a gap since then is judged by `settle`. */
export function currentOutcome(confirmation: Confirmation): Outcome {
  return confirmation.lastKnown ? presentOutcome(confirmation) : "unknown";
}

/** A change is being made sure of: try again sooner than the interval. */
export function pending(confirmation: Confirmation): "failing" | "recovering" | undefined {
  const { degraded, down } = confirmation;
  if ((down.run > 0 && !down.on) || (degraded.run > 0 && !degraded.on)) return "failing";
  if (down.run > 0 || degraded.run > 0) return "recovering";
  return undefined;
}

export interface Result extends Pick<Sample, "outcome"> {
  /** The beginning of the run, epoch milliseconds. */
  readonly at: number;
  /** Monotonic time since the run before, where known: with it a jump of the wall clock is told from a gap. */
  readonly sinceLastSeconds?: number | undefined;
  readonly connected?: true | undefined;
}

/** What the machine needs of a sample. */
export const resultOf = ({ at, outcome, sinceLastSeconds, connected }: Sample): Result => ({
  at: at.epochMilliseconds,
  outcome,
  sinceLastSeconds,
  connected,
});

/** A run of results is not kept over a longer time than this in which the service could not be measured. */
const longestUnmeasuredInRunSeconds = 600;

/** Takes one more result into account. */
export function advance(confirmation: Confirmation, result: Result, policy: ConfirmationPolicy): Advance {
  const unmeasured = unmeasuredAfter(confirmation, result, policy);
  const isRefused = result.outcome === "unknown" && result.connected === true;
  if (isRefused && confirmation.lastKnown && goesOn(confirmation)) {
    return { confirmation: { ...confirmation, ...unmeasured }, settled: [] };
  }
  const { confirmation: next, ...advanced } = advanceMeasured(confirmation, result, policy);
  return { ...advanced, confirmation: { ...next, ...unmeasured } };
}

/** What is measured again is no longer unmeasured; that we are blind ourselves says neither. */
function unmeasuredAfter(
  { unmeasured }: Confirmation,
  { at, outcome, connected, sinceLastSeconds }: Result,
  { everySeconds }: ConfirmationPolicy,
): Pick<Confirmation, "unmeasured"> {
  if (outcome !== "unknown") return {};
  if (!connected) return unmeasured ? { unmeasured } : {};
  if (!unmeasured) return { unmeasured: { since: at, seconds: 0 } };
  const passed = sinceLastSeconds ?? Math.max(0, (at - unmeasured.since) / 1000 - unmeasured.seconds);
  const seconds = unmeasured.seconds + Math.min(passed, 2.5 * everySeconds);
  return { unmeasured: { ...unmeasured, seconds } };
}

/** A trouble is open, or a run of results is on its way. */
function goesOn({ degraded, down, intermittence }: Confirmation): boolean {
  return intermittence?.on === true || [degraded, down].some(({ on, run }) => on || run > 0);
}

function advanceMeasured(confirmation: Confirmation, result: Result, policy: ConfirmationPolicy): Advance {
  const { lastAt, settledUntil } = confirmation;
  // The wall clock may have gone back: history that is settled stays as it is.
  const at = Math.max(result.at, lastAt ?? result.at, settledUntil ?? result.at);
  if (lastAt === null || settledUntil === null) {
    return judge({ ...confirmation, lastAt: at, settledUntil: at, unheard: true }, at, result.outcome, policy, []);
  }
  const step = policy.everySeconds * 1000;
  const unmeasuredSeconds = confirmation.unmeasured?.seconds ?? 0;
  const jumped =
    result.sinceLastSeconds !== undefined && (result.sinceLastSeconds + unmeasuredSeconds) * 1000 <= 2.5 * step;
  const silent = at - lastAt > 2.5 * step;
  const settled: OutcomeInterval[] = [];
  if (!confirmation.lastKnown || silent) {
    const known = Math.max(settledUntil, confirmation.lastKnown ? lastAt + step : lastAt);
    push(settled, settledUntil, known, confirmedOutcome(confirmation));
    push(settled, known, at, "unknown");
    const wasRefused = confirmation.unmeasured !== undefined && unmeasuredSeconds <= longestUnmeasuredInRunSeconds;
    const keep = confirmation.lastKnown && (jumped || wasRefused);
    const blip = keep ? undefined : brokenRun(confirmation, known);
    const next: Confirmation = {
      ...confirmation,
      ...(!keep && { unheard: true }),
      settledUntil: at,
      degraded: rebase(confirmation.degraded, at, keep),
      down: rebase(confirmation.down, at, keep),
      ...restless(confirmation),
    };
    const judged = judge(next, at, result.outcome, policy, settled);
    return blip && !judged.blip ? { ...judged, blip } : judged;
  }
  return judge(confirmation, at, result.outcome, policy, settled);
}

/** The stretches from `settledUntil` to `until` as they stand today; a later result may still change them. */
export function settle(confirmation: Confirmation, until: number, everySeconds: number): readonly OutcomeInterval[] {
  const { lastAt, settledUntil } = confirmation;
  if (lastAt === null || settledUntil === null || until <= settledUntil) return [];
  const step = everySeconds * 1000;
  const known = !confirmation.lastKnown ? lastAt : until - lastAt > 2.5 * step ? lastAt + step : until;
  const settled: OutcomeInterval[] = [];
  push(settled, settledUntil, Math.max(settledUntil, known), presentOutcome(confirmation));
  push(settled, Math.max(settledUntil, known), until, "unknown");
  return settled;
}

/** Of which a later result may say that it was another. */
function presentOutcome(confirmation: Confirmation): Outcome {
  const confirmed = confirmedOutcome(confirmation);
  return confirmation.unheard && confirmed === "up" ? "unknown" : confirmed;
}

/** As it was confirmed last: what was not measured since then does not change it. */
export function confirmedOutcome({ down, degraded, intermittence }: Confirmation): Exclude<Outcome, "unknown"> {
  return levelOutcome(down.on, degraded.on || intermittence?.on === true);
}

function judge(
  confirmation: Confirmation,
  at: number,
  outcome: Outcome,
  policy: ConfirmationPolicy,
  settled: OutcomeInterval[],
): Advance {
  const from = confirmation.settledUntil ?? at;
  if (outcome === "unknown") {
    push(settled, from, at, confirmedOutcome(confirmation));
    const blip = brokenRun(confirmation, at);
    const next: Confirmation = {
      lastAt: at,
      lastKnown: false,
      settledUntil: at,
      degraded: rebase(confirmation.degraded, at, false),
      down: rebase(confirmation.down, at, false),
      ...restless(confirmation),
      unheard: true,
    };
    return { confirmation: next, settled, ...(blip && { blip }) };
  }
  const degraded = step(confirmation.degraded, outcome !== "up", at, policy);
  const down = step(confirmation.down, outcome === "down", at, policy);
  const intermittence = intermittenceAfter(confirmation, { at, outcome, degraded }, policy);
  const waiting = [degraded, down].filter((level) => level.run > 0).map((level) => level.runStart);
  const calmSince = intermittence.state?.calm ? [intermittence.state.calmSince] : [];
  const settledUntil = Math.min(at, ...waiting, ...calmSince);
  const flips = [degraded.flippedAt, down.flippedAt, intermittence.flippedAt].filter((flip) => flip !== undefined);
  const edges = [from, ...flips, settledUntil]
    .filter((edge) => edge >= from && edge <= settledUntil)
    .sort((a, b) => a - b);
  edges.slice(1).forEach((to, index) => {
    const start = edges[index] ?? to;
    push(
      settled,
      start,
      to,
      levelOutcome(
        onAt(confirmation.down, down, start),
        onAt(confirmation.degraded, degraded, start) || onAt(intermittence.before, intermittence, start),
      ),
    );
  });
  const before = confirmedOutcome(confirmation);
  const after = levelOutcome(down.on, degraded.on || intermittence.on);
  const begun = intermittence.on && !intermittence.before.on ? intermittence.state?.failures[0]?.at : undefined;
  const blip = outcome === "up" ? brokenRun(confirmation, at) : undefined;
  return {
    confirmation: {
      lastAt: at,
      lastKnown: true,
      settledUntil,
      degraded: bare(degraded),
      down: bare(down),
      ...(intermittence.state && { intermittence: intermittence.state }),
      ...(confirmation.unheard && outcome !== "up" && { unheard: true as const }),
    },
    settled,
    ...(before !== after && {
      change: { from: before, to: after, since: begun ?? Math.min(...flips), confirmedAt: at },
    }),
    ...(blip && { blip }),
  };
}

/** One binary machine: is it at least this bad? */
function step(
  level: ConfirmedLevel,
  bad: boolean,
  at: number,
  policy: ConfirmationPolicy,
): ConfirmedLevel & { readonly flippedAt?: number } {
  if (bad === level.on) return { on: level.on, run: 0, runStart: 0 };
  const run = level.run + 1;
  const runStart = level.run === 0 ? at : level.runStart;
  if (run < (level.on ? policy.successes : policy.failures)) return { on: level.on, run, runStart };
  return { on: bad, run: 0, runStart: 0, flippedAt: runStart };
}

/** What it is after one more result; as a level where it changes. Nothing is counted while a run is confirmed. */
function intermittenceAfter(
  { intermittence: state, down, degraded: level }: Confirmation,
  { at, outcome, degraded }: { readonly at: number; readonly outcome: Outcome; readonly degraded: ConfirmedLevel },
  { everySeconds }: ConfirmationPolicy,
) {
  const before = { on: state?.on === true };
  const isConfirmed = down.on || level.on || degraded.on;
  const next =
    isConfirmed && !before.on ? undefined : advanceIntermittence(state, { at, isBad: outcome !== "up", everySeconds });
  const on = next?.on === true;
  const isChange = on !== before.on;
  const flippedAt = on ? (degraded.run > 0 ? degraded.runStart : at) : state?.calmSince || at;
  return { before, on, state: next, ...(isChange && { flippedAt }) };
}

/** Good results before a time that was not measured do not count among those after it. */
const restless = ({ intermittence }: Confirmation): Pick<Confirmation, "intermittence"> =>
  intermittence ? { intermittence: { ...intermittence, calm: 0 } } : {};

const bare = ({ on, run, runStart }: ConfirmedLevel): ConfirmedLevel => ({ on, run, runStart });

type Switch = Pick<ConfirmedLevel, "on">;

function onAt(before: Switch, after: Switch & { readonly flippedAt?: number }, at: number): boolean {
  return after.flippedAt !== undefined && at >= after.flippedAt ? after.on : before.on;
}

function rebase(level: ConfirmedLevel, at: number, keepRun: boolean): ConfirmedLevel {
  return keepRun && level.run > 0 ? { ...level, runStart: at } : { on: level.on, run: 0, runStart: 0 };
}

function brokenRun(confirmation: Confirmation, until: number): Interval | undefined {
  const starts = [confirmation.degraded, confirmation.down]
    .filter((level) => !level.on && level.run > 0)
    .map((level) => level.runStart);
  return starts.length > 0 && !confirmation.down.on ? { from: Math.min(...starts), to: until } : undefined;
}

function levelOutcome(down: boolean, degraded: boolean): Exclude<Outcome, "unknown"> {
  if (down) return "down";
  return degraded ? "degraded" : "up";
}

function push(into: OutcomeInterval[], from: number, to: number, outcome: Outcome): void {
  if (to <= from) return;
  const last = into.at(-1);
  if (last && last.outcome === outcome && last.to === from) into[into.length - 1] = { from: last.from, to, outcome };
  else into.push({ from, to, outcome });
}
