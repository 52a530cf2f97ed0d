/** A time limit for each question: a side question gets a share of the time, so that one that hangs cannot delay the whole run. */
import { isDeadline, withinTime } from "../../core/deadline.ts";
import { Unreachable } from "../../core/errors.ts";
import type { ProbeContext } from "../../core/probe.ts";

/** Seconds that a side question may take. */
const limitSeconds = 5;
/** Seconds for the one question that a check is about: it may be slow, and should be seen to be. */
export const mainLimitSeconds = 10;

/**
 * Why there is no answer. `failure` is there when the server refused or broke off, and not when it was us who stopped
 * waiting: then nobody knows whether an answer would have come.
 */
export interface NoAnswer {
  readonly reason: string;
  readonly evidence: string;
  readonly failure?: Unreachable;
}

/** @returns what `work` gave, or why there is no answer. Ends with the run when that is aborted. */
export async function withTimeLimit<T>(
  work: Promise<T>,
  { clock, signal }: Pick<ProbeContext, "clock" | "signal">,
  seconds = limitSeconds,
): Promise<{ readonly answer: T } | NoAnswer> {
  // The signal of the run does not end this wait: it ends `work`, whose error tells better what it waited for.
  try {
    return await withinTime(
      work.then((answer) => ({ answer })),
      { seconds, clock },
      (): NoAnswer => ({ reason: `no answer within ${seconds} s`, evidence: waited(seconds) }),
    );
  } catch (error) {
    if (signal.aborted || !(error instanceof Unreachable)) throw error;
    return { reason: error.message, evidence: error.evidence, failure: error };
  }
}

const waited = (seconds: number): string => `asked, waited ${seconds} s, and stopped waiting`;

/**
 * The same for what members themselves wait for: it gets all the time that the check has left. That this was too short
 * means no answer, so that what is only slow does not leave the run without a result.
 */
export async function untilDeadline<T>(
  work: Promise<T>,
  { clock, signal }: Pick<ProbeContext, "clock" | "signal">,
): Promise<{ readonly answer: T } | NoAnswer> {
  const begun = clock.monotonicSeconds();
  try {
    return { answer: await work };
  } catch (error) {
    if (!(error instanceof Unreachable) || (signal.aborted && !isDeadline(signal.reason))) throw error;
    const seconds = clock.monotonicSeconds() - begun;
    const { evidence } = error;
    if (!signal.aborted) return { reason: error.message, evidence, failure: error };
    if (isConnected(error)) return { reason: `no answer within ${Math.floor(seconds)} s`, evidence };
    // Where nobody takes the connection for so long, it is more than slow; a moment before the end says nothing.
    return { reason: error.message, evidence, ...(seconds >= limitSeconds && { failure: error }) };
  }
}

const isConnected = ({ stage }: Unreachable): boolean => stage === "request" || stage === "transfer";
