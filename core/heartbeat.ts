/**
 * Heartbeats of jobs that call us (cron, backups): what a job said, and the secret address it calls. The address cannot
 * be guessed, and a wrong one costs a stranger's request one hash: nothing is looked up for it.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { type CheckKey, checkKey } from "./sample.ts";
import type { CheckRef } from "./store/series.ts";
import type { Check } from "./target.ts";

/** What is known of one job; moments in epoch milliseconds, because it crosses threads and is kept. */
export const HeartbeatState = z.strictObject({
  /** When its first call began to be waited for. */
  expectedSince: z.number(),
  /** While it runs, if it said so. */
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  succeededAt: z.number().nullable(),
  /** Of the last end: 0 is good. */
  exitCode: z.number().nullable(),
  /** Of the last run that said when it began. */
  runSeconds: z.number().nullable(),
  /** What it sent along at its last end, as plain text. */
  said: z.string(),
});
export type HeartbeatState = z.output<typeof HeartbeatState>;

/** The job's state, and the last time in which its call could not be heard. */
export const ReceivedHeartbeat = z.strictObject({
  state: HeartbeatState,
  gap: z.strictObject({ from: z.number(), until: z.number() }).exactOptional(),
});
export type ReceivedHeartbeat = z.output<typeof ReceivedHeartbeat>;

/** One call: a run begins, or it ended with this code. */
export type Beat = { readonly kind: "start" } | { readonly kind: "end"; readonly exitCode: number };

/** Where calls go. */
export interface HeartbeatListener {
  /** Which check this address belongs to; undefined for any other. */
  recognise(token: string): CheckRef | undefined;
  /** Resolves when it is kept. Throws `StoreUnavailable`. */
  hear(of: CheckRef, beat: Beat, said: string): Promise<void>;
}

export const expected = (now: number): HeartbeatState => ({
  expectedSince: now,
  startedAt: null,
  endedAt: null,
  succeededAt: null,
  exitCode: null,
  runSeconds: null,
  said: "",
});

/** Takes one more call into account. */
export function advanceHeartbeat(state: HeartbeatState, beat: Beat, said: string, now: number): HeartbeatState {
  if (beat.kind === "start") return { ...state, startedAt: now };
  const { startedAt, succeededAt } = state;
  return {
    ...state,
    startedAt: null,
    endedAt: now,
    succeededAt: beat.exitCode === 0 ? now : succeededAt,
    exitCode: beat.exitCode,
    runSeconds: startedAt === null ? null : Math.max(0, (now - startedAt) / 1000),
    said,
  };
}

/** The last part of the address of a call: nothing, `start`, `fail` or an exit code. Undefined when it is none of these. */
export function beatOf(word: string | undefined): Beat | undefined {
  if (word === undefined || word === "") return { kind: "end", exitCode: 0 };
  if (word === "start") return { kind: "start" };
  if (word === "fail") return { kind: "end", exitCode: 1 };
  return /^\d{1,3}$/.test(word) && Number(word) <= 255 ? { kind: "end", exitCode: Number(word) } : undefined;
}

/** A check whose job calls. With another version its address is another one, and the one before is nothing any more. */
export interface HeartbeatJob extends CheckRef {
  readonly version: number;
}

const Settings = z.object({ version: z.int() }).catch({ version: 1 });

export const jobsOf = (checks: readonly Check[]): readonly HeartbeatJob[] =>
  checks
    .filter(({ probe }) => probe === "heartbeat")
    .map(({ target, id, options }) => ({ target, check: id, version: Settings.parse(options).version }));

/** `target.check.mac`: it tells a person what it is for, and nobody can make another one. */
export const heartbeatToken = ({ target, check, version }: HeartbeatJob, key: Uint8Array): string =>
  `${target}.${check}.${mac(checkKey({ target, check }), version, key)}`;

/**
 * The check that a token is for, whether or not it is still configured; undefined when it is not one of ours.
 * @param versionOf the version in force.
 */
export function verifyHeartbeatToken(
  token: string,
  key: Uint8Array,
  versionOf: (of: CheckKey) => number,
): CheckRef | undefined {
  const parts = token.length > 200 ? null : /^([a-z0-9-]+)\.([a-z0-9-]+)\.([\w-]{43})$/.exec(token);
  const [, target, check, given] = parts ?? [];
  if (target === undefined || check === undefined || given === undefined) return undefined;
  const of = checkKey({ target, check });
  const right = Buffer.from(mac(of, versionOf(of), key));
  return timingSafeEqual(right, Buffer.from(given)) ? { target, check } : undefined;
}

/** The first version says nothing, as addresses did before there were any. */
const mac = (of: CheckKey, version: number, key: Uint8Array): string =>
  createHmac("sha256", key)
    .update("tidewatch heartbeat\0")
    .update(version === 1 ? of : `${of}\0${version}`)
    .digest("base64url");
