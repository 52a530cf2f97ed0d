/** Hears the calls of jobs, keeps them at once, and tells the probing thread. */
import type { Clock } from "../core/clock.ts";
import {
  advanceHeartbeat,
  type Beat,
  expected,
  type Hearing,
  type HeartbeatListener,
  type HeartbeatState,
  verifyHeartbeatToken,
} from "../core/heartbeat.ts";
import { plainLines } from "../core/plain-text.ts";
import { type CheckKey, checkKey } from "../core/sample.ts";
import type { CheckRef, Store } from "../core/store.ts";
import type { Check } from "../core/target.ts";

export interface HeartbeatParts {
  readonly store: Pick<Store, "heartbeats" | "keepHeartbeat" | "signingKey" | "latestSamples">;
  readonly clock: Clock;
  readonly checks: readonly Check[];
  /** Called at every change, with all that is known of that job. */
  onHeard?(key: CheckKey, hearing: Hearing): void;
}

export interface Heartbeats extends HeartbeatListener {
  /** Of each configured job. */
  hearings(): ReadonlyMap<CheckKey, Hearing>;
  reconfigure(checks: readonly Check[]): Promise<void>;
}

/** As much of what a job says is kept. */
const keptCharacters = 2000;

export async function openHeartbeats({ store, clock, checks, onHeard }: HeartbeatParts): Promise<Heartbeats> {
  const key = await store.signingKey("heartbeat");
  const known = new Map((await store.heartbeats()).map((kept) => [checkKey(kept), kept.state] as const));
  const configured = new Set<CheckKey>();
  const deaf = await gapBefore(store, clock);
  const hearingOf = (state: HeartbeatState): Hearing => ({ state, ...(deaf && { deaf }) });

  const keep = async (of: CheckRef, state: HeartbeatState) => {
    await store.keepHeartbeat(of, state);
    known.set(checkKey(of), state);
    onHeard?.(checkKey(of), hearingOf(state));
  };
  const reconfigure = async (wanted: readonly Check[]) => {
    const jobs = wanted.filter(({ probe }) => probe === "heartbeat").map(({ target, id }) => ({ target, check: id }));
    configured.clear();
    for (const job of jobs) {
      configured.add(checkKey(job));
      if (!known.has(checkKey(job))) await keep(job, expected(clock.now().epochMilliseconds));
    }
  };
  await reconfigure(checks);

  return {
    reconfigure,
    hearings: () => {
      const all = [...known].filter(([job]) => configured.has(job));
      return new Map(all.map(([job, state]) => [job, hearingOf(state)]));
    },
    recognise(token) {
      const job = verifyHeartbeatToken(token, key);
      return job && configured.has(checkKey(job)) ? job : undefined;
    },
    async hear(of: CheckRef, beat: Beat, said: string) {
      const now = clock.now().epochMilliseconds;
      const before = known.get(checkKey(of)) ?? expected(now);
      await keep(of, advanceHeartbeat(before, beat, plainLines(said, keptCharacters), now));
    },
  };
}

/** From the newest sample of the process before to now: calls in between were heard by nobody. */
async function gapBefore(
  store: HeartbeatParts["store"],
  clock: Clock,
): Promise<{ readonly from: number; readonly until: number } | undefined> {
  const newest = (await store.latestSamples()).map(({ at }) => at.epochMilliseconds);
  const until = clock.now().epochMilliseconds;
  const from = newest.reduce((latest, at) => Math.max(latest, at), Number.NEGATIVE_INFINITY);
  return Number.isFinite(from) && until > from ? { from, until } : undefined;
}
