/**
 * The heartbeat probe: waits for a job (cron, backup) to call, and a call that is late is the failure; the public
 * listener receives the calls.
 */
import { z } from "zod";
import { duration } from "../core/config/settings.ts";
import type { HeartbeatState } from "../core/heartbeat.ts";
import type { Localised } from "../core/language.ts";
import { gauge } from "../core/metric-families.ts";
import { defineProbe, type ProbeContext } from "../core/probe.ts";
import type { Finding, Reading } from "../core/sample.ts";
import { formatDuration } from "../core/units.ts";

const day = 86_400;

const options = z.strictObject({
  expectEvery: duration({ atLeast: 60, atMost: 400 * day }).describe("How often the job runs: `1d` for a nightly one."),
  grace: duration({ atMost: 30 * day })
    .prefault("1h")
    .describe("How late its call may be. An hour covers the change to summer time."),
  mayRun: duration({ atLeast: 1 })
    .optional()
    .describe("How long a run may take, for a job that also calls `…/start` when it begins."),
  version: z
    .int()
    .min(1)
    .max(1_000_000)
    .prefault(1)
    .describe(
      "Count it up when somebody else has got to know the address: the job then has another one, and must be told.",
    ),
});
type Options = z.output<typeof options>;

export default defineProbe({
  summary: "Waits for a job to call an address that only it knows; a call that is late is the failure.",
  internal: true,
  readings: [
    gauge("heartbeat_success_timestamp_seconds", "When a job last called and said that it went well.", ["check"]),
    gauge("heartbeat_run_seconds", "How long the last run of a job took, from its start call to its end.", ["check"]),
  ],
  options,
  runbook: "heartbeat",
  example: { expectEvery: "1d", grace: "1h" },

  async run(settings, context): Promise<Finding> {
    const { heartbeat, clock } = context;
    if (!heartbeat) return { outcome: "unknown", reason: "calls are heard by `tidewatch run` only" };
    const { state, gap } = heartbeat;
    const readings = readingsOf(state);
    const fault = failure(state) ?? tooLong(state, settings, clock.now()) ?? tooLate(state, settings, context);
    if (!fault)
      return { outcome: "up", readings, ...(state.endedAt === null && { reason: "waits for the first call" }) };
    const missed = fault.late && gap && couldHaveBeenMissed(state, settings, gap, clock.now());
    if (missed) return { outcome: "unknown", reason: couldNotListen(gap), readings };
    return {
      outcome: "down",
      reason: fault.reason,
      explanation: notAsPlanned,
      readings,
      ...(state.said && { evidence: `the job said:\n${state.said}` }),
    };
  },
});

interface Fault {
  readonly reason: string;
  readonly late?: boolean;
}

/** The last result counts: a job that failed is still failed when it starts again. */
function failure({ exitCode, endedAt }: HeartbeatState): Fault | undefined {
  if (exitCode === null || exitCode === 0 || endedAt === null) return undefined;
  return { reason: `the run that ended ${moment(endedAt)} failed (exit code ${exitCode})` };
}

function tooLong({ startedAt }: HeartbeatState, { mayRun }: Options, now: Temporal.Instant): Fault | undefined {
  if (mayRun === undefined || startedAt === null) return undefined;
  if (now.epochMilliseconds - startedAt <= mayRun * 1000) return undefined;
  return { reason: `a run began ${moment(startedAt)} and has not ended, ${formatDuration(mayRun)} was allowed` };
}

function tooLate(state: HeartbeatState, { expectEvery, grace }: Options, context: ProbeContext): Fault | undefined {
  if (secondsSinceCall(state, context) <= expectEvery + grace) return undefined;
  const expectation = `expected every ${formatDuration(expectEvery)}`;
  const reason =
    state.succeededAt === null
      ? `has never called since ${moment(state.expectedSince)}, ${expectation}`
      : `last called ${moment(state.succeededAt)}, ${expectation}`;
  return { reason, late: true };
}

const lastGood = ({ succeededAt, expectedSince }: HeartbeatState): number => succeededAt ?? expectedSince;

/** By the wall clock up to the first look after a call, from there by the clock that never jumps. */
function secondsSinceCall(state: HeartbeatState, { memory, clock }: ProbeContext): number {
  const since = lastGood(state);
  const mark = Mark.safeParse(memory.get("sinceLastCall")).data;
  if (mark?.since === since) return mark.seconds + clock.monotonicSeconds() - mark.at;
  const seconds = Math.max(0, (clock.now().epochMilliseconds - since) / 1000);
  memory.set("sinceLastCall", { since, seconds, at: clock.monotonicSeconds() });
  return seconds;
}
const Mark = z.object({ since: z.number(), seconds: z.number(), at: z.number() });

type Span = { readonly from: number; readonly until: number };

/** `curl --retry` gets over a restart; in a longer time in which we did not listen the call may have been lost, until the next one is due. */
function couldHaveBeenMissed(
  state: HeartbeatState,
  { expectEvery, grace }: Options,
  { from, until }: Span,
  now: Temporal.Instant,
): boolean {
  const toleratedMs = (expectEvery + grace) * 1000;
  const wasLateBefore = lastGood(state) + toleratedMs < from;
  return until - from > restartMilliseconds && !wasLateBefore && now.epochMilliseconds < until + toleratedMs;
}
const restartMilliseconds = 300_000;

const couldNotListen = ({ from, until }: Span): string =>
  `we were not listening from ${moment(from)} to ${moment(until)}: its call may have come then`;

function readingsOf({ succeededAt, runSeconds }: HeartbeatState): readonly Reading[] {
  return [
    ...(succeededAt === null ? [] : [{ metric: "heartbeat_success_timestamp_seconds", value: succeededAt / 1000 }]),
    ...(runSeconds === null ? [] : [{ metric: "heartbeat_run_seconds", value: runSeconds }]),
  ];
}

const moment = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 16).replace("T", " ")} UTC`;

const notAsPlanned: Localised = {
  en: "A regular task behind the scenes did not run as planned.",
  fr: "Une tâche régulière en coulisses ne s’est pas déroulée comme prévu.",
};
