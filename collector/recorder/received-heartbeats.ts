/** Receives the heartbeats of jobs (cron, backups), stores each at once, and passes it on to the probing thread. */
import type { Clock } from "../../core/clock.ts";
import {
  advanceHeartbeat,
  type Beat,
  expected,
  type HeartbeatListener,
  type HeartbeatState,
  jobsOf,
  type ReceivedHeartbeat,
  verifyHeartbeatToken,
} from "../../core/heartbeat.ts";
import { plainLines } from "../../core/plain-text.ts";
import { type CheckKey, checkKey } from "../../core/sample.ts";
import type { CheckRef } from "../../core/store/series.ts";
import type { Store } from "../../core/store/store.ts";
import type { Check } from "../../core/target.ts";

export interface HeartbeatParts {
  readonly store: Pick<Store, "heartbeats" | "keys" | "samples">;
  readonly clock: Clock;
  readonly checks: readonly Check[];
  /** Called at every change, with all that is known of that job. */
  onHeard?(key: CheckKey, heartbeat: ReceivedHeartbeat): void;
}

export interface Heartbeats extends HeartbeatListener {
  /** To be called as soon as jobs can call: before, nothing is expected of them, and nothing is kept. */
  begin(): Promise<void>;
  /** Of each configured job. */
  received(): ReadonlyMap<CheckKey, ReceivedHeartbeat>;
  reconfigure(checks: readonly Check[]): Promise<void>;
}

/** As much of what a job says is kept. */
const keptCharacters = 2000;

export async function openHeartbeats({ store, clock, checks, onHeard }: HeartbeatParts): Promise<Heartbeats> {
  const key = await store.keys.signing("heartbeat");
  const known = new Map((await store.heartbeats.list()).map((kept) => [checkKey(kept), kept.state] as const));
  const configured = new Map<CheckKey, number>();
  let gap: Gap | undefined;
  const receivedOf = (state: HeartbeatState): ReceivedHeartbeat => ({ state, ...(gap && { gap }) });

  const keep = async (of: CheckRef, state: HeartbeatState) => {
    await store.heartbeats.keep(of, state);
    known.set(checkKey(of), state);
    onHeard?.(checkKey(of), receivedOf(state));
  };
  const listenTo = (wanted: readonly Check[]) => {
    const jobs = jobsOf(wanted);
    configured.clear();
    for (const job of jobs) configured.set(checkKey(job), job.version);
    return jobs;
  };
  const reconfigure = async (wanted: readonly Check[]) => {
    const jobs = listenTo(wanted);
    // What is taken out and put back later is expected anew: nobody could hear it in between.
    for (const { target, check } of await store.heartbeats.list()) {
      if (configured.has(checkKey({ target, check }))) continue;
      await store.heartbeats.forget({ target, check });
      known.delete(checkKey({ target, check }));
    }
    for (const job of jobs) {
      if (!known.has(checkKey(job))) await keep(job, expected(clock.now().epochMilliseconds));
    }
  };
  listenTo(checks);

  return {
    async begin() {
      gap = await gapBefore(store, clock);
      await reconfigure(checks);
    },
    reconfigure,
    received: () => {
      const all = [...known].filter(([job]) => configured.has(job));
      return new Map(all.map(([job, state]) => [job, receivedOf(state)]));
    },
    recognise(token) {
      const job = verifyHeartbeatToken(token, key, (of) => configured.get(of) ?? 1);
      return job && configured.has(checkKey(job)) ? job : undefined;
    },
    async hear(of: CheckRef, beat: Beat, said: string) {
      const now = clock.now().epochMilliseconds;
      const before = known.get(checkKey(of)) ?? expected(now);
      await keep(of, advanceHeartbeat(before, beat, plainLines(said, keptCharacters), now));
    },
  };
}

type Gap = NonNullable<ReceivedHeartbeat["gap"]>;

/** From the last sign of the process before, a sample or a call, to now: calls in between were heard by nobody. */
async function gapBefore(store: HeartbeatParts["store"], clock: Clock): Promise<Gap | undefined> {
  const samples = (await store.samples.latest()).map(({ at }) => at.epochMilliseconds);
  const calls = (await store.heartbeats.list()).flatMap(({ state: { expectedSince, startedAt, endedAt } }) => [
    expectedSince,
    startedAt ?? expectedSince,
    endedAt ?? expectedSince,
  ]);
  const until = clock.now().epochMilliseconds;
  const from = [...samples, ...calls].reduce((latest, at) => Math.max(latest, at), Number.NEGATIVE_INFINITY);
  return Number.isFinite(from) && until > from ? { from, until } : undefined;
}
