/**
 * The recorder, the one writer of the store: takes each sample, lets it confirm or end a failure, asks the judge, and
 * commits once a second, or at once when something changed. What the store cannot take now waits in memory; nothing is
 * reported as stored before it is.
 */
import { type Clock, farFuture } from "../../core/clock.ts";
import type { Confirmation } from "../../core/confirmation.ts";
import { StoreUnavailable } from "../../core/errors.ts";
import type { JudgedSample, SampleJudge } from "../../core/judge.ts";
import type { CheckState, Live } from "../../core/live-state.ts";
import type { Log } from "../../core/log.ts";
import { type CheckKey, checkKey, type Sample } from "../../core/sample.ts";
import type { Changes } from "../../core/store/changes.ts";
import type { Store } from "../../core/store/store.ts";
import type { Check } from "../../core/target.ts";
import { confirmationEverySeconds, SeriesState } from "./check-state.ts";
import { RequestAnswers, type RequestHandlers, refusedByStore } from "./request-answers.ts";
import { StoreFailure } from "./store-failure.ts";
import { changesOf, type Entry, limits, Queue } from "./write-queue.ts";

export interface RecorderOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly checks: readonly Check[];
  readonly vantagePoint: string;
  readonly judge: SampleJudge;
  /** What is answered to requests of others. */
  readonly requests: RequestHandlers;
  /** Called with samples that are durable now, in order. */
  onStored(samples: readonly Sample[]): void;
}

export interface Recorder extends Live, AsyncDisposable {
  /** Never waits, never throws. Samples of checks that are not configured are ignored. */
  record(sample: Sample): void;
  /** What was decided without a sample, at a start or a reload: committed behind everything that waits. Never throws. */
  include(decided: Changes | undefined): void;
  /** Goes on with other checks; what is known of those that stay, or come back, stays known. */
  reconfigure(checks: readonly Check[]): void;
  /** Commits once a second and keeps the store in order, until the signal; then commits what is left. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when everything recorded so far is durable; throws StoreUnavailable when that cannot be now. */
  flush(): Promise<void>;
  confirmationOf(key: CheckKey): Confirmation | undefined;
  /** Why nothing can be stored, since when and what waits; undefined when all is well. */
  failing(): string | undefined;
  /** What was given up since the start. */
  dropped(): Dropped;
}

interface Dropped {
  /** There was no more room for them, or the store did not take them by an error of ours. */
  readonly samples: number;
  /** By an error of ours: what the judge could not decide, or could not be stored. Somebody may have been told nothing. */
  readonly decisions: number;
}

const maintainEverySeconds = 120;

export async function openRecorder(options: RecorderOptions): Promise<Recorder> {
  const recorder = new CommittingRecorder(options);
  await recorder.load();
  return recorder;
}

class CommittingRecorder implements Recorder {
  readonly #options: RecorderOptions;
  readonly #queue = new Queue();
  /** Also those that are not configured now: they may come back. */
  readonly #known = new Map<CheckKey, SeriesState>();
  /** In the order of the configuration. */
  #configured: ReadonlyMap<CheckKey, SeriesState> = new Map();
  #moves = 0;
  #stored = 0;
  /** What an earlier process left. */
  #left = new Map<CheckKey, Parameters<SeriesState["resume"]>[0]>();
  #committing: Promise<void> | undefined;
  readonly #failure: StoreFailure;
  /** One transaction for each entry: one of them is what the store stumbles over. */
  #oneByOne = 0;
  #droppedDecisions = 0;
  readonly #requests: RequestAnswers;
  #requestsFail = false;
  #maintaining: Promise<void> | undefined;
  #maintainAt = 0;
  #maintainFails = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#failure = new StoreFailure(options.clock, options.log);
    this.#requests = new RequestAnswers(options.store.requests, options.requests, options.log);
  }

  /** Confirmations as they were, moved on by the samples that were stored after them. */
  async load(): Promise<void> {
    const { store, vantagePoint, checks } = this.#options;
    const ours = (of: { readonly vantagePoint: string }) => of.vantagePoint === vantagePoint;
    const note = (key: CheckKey, what: Parameters<SeriesState["resume"]>[0]) =>
      this.#left.set(key, { ...this.#left.get(key), ...what });
    for (const one of (await store.judgements.confirmations()).filter(ours))
      note(checkKey(one), { confirmation: one.confirmation });
    for (const transition of (await store.judgements.transitions({ from: farFuture, to: farFuture })).filter(ours)) {
      note(checkKey(transition), { transition });
    }
    for (const last of (await store.samples.latest()).filter(ours)) note(checkKey(last), { last });
    const missed = await this.#missed(checks);
    this.reconfigure(checks, { skip: false });
    for (const sample of missed.filter(ours)) this.#replay(sample);
    for (const [key, { last }] of this.#left) {
      const state = this.#known.get(key);
      if (last) state?.skipTo(last);
    }
  }

  reconfigure(checks: readonly Check[], { skip } = { skip: true }): void {
    const now = this.#options.clock.monotonicSeconds();
    const states = checks.map((check, index): [CheckKey, SeriesState] => {
      const key = checkKey({ target: check.target, check: check.id });
      const known = this.#known.get(key);
      known?.configure(check);
      if (known) return [key, known];
      const spread = (confirmationEverySeconds * (index + 1)) / checks.length;
      const state = new SeriesState(check, this.#options.vantagePoint, now + spread);
      const left = this.#left.get(key);
      if (left) state.resume(left);
      if (skip) state.skipTo(left?.last);
      this.#known.set(key, state);
      return [key, state];
    });
    this.#configured = new Map(states);
    this.#moves++;
  }

  record(sample: Sample): void {
    const state = this.#configured.get(checkKey(sample));
    if (!state) return;
    const { advance, moved, transitions, confirmation } = state.record(sample, this.#options.clock.monotonicSeconds());
    if (moved) this.#moves++;
    const decided = this.#consider({
      sample,
      check: state.check,
      confirmation: advance.confirmation,
      ...(advance.change && { change: advance.change }),
      ...(advance.blip && { blip: advance.blip }),
    });
    this.#queue.push({ sample, transitions, ...(confirmation && { confirmation }), ...(decided && { decided }) });
    if (advance.change || decided) void this.#commit();
  }

  include(decided: Changes | undefined): void {
    if (!decided) return;
    this.#queue.push({ decided });
    void this.#commit();
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        await this.#options.clock.sleep(1, signal);
        await this.#takeRequests();
        await this.#commit();
        this.#maintain();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await this.#maintaining;
    await this.#commit({ now: true });
  }

  async flush(): Promise<void> {
    do await this.#commit({ now: true });
    while (this.#queue.length > 0 && !this.#failure.error);
    if (this.#failure.error) throw this.#failure.error;
  }

  confirmationOf(key: CheckKey): Confirmation | undefined {
    return this.#configured.get(key)?.confirmation;
  }

  get moves(): number {
    return this.#moves;
  }

  get stored(): number {
    return this.#stored;
  }

  checks(): readonly CheckState[] {
    return [...this.#configured.values()].map((state) => state.snapshot());
  }

  failing(): string | undefined {
    return this.#failure.text(this.#queue);
  }

  dropped(): Dropped {
    return { samples: this.#queue.dropped, decisions: this.#droppedDecisions };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#maintaining;
    await this.#commit({ now: true });
    if (this.#queue.length === 0) return;
    this.#options.log.error("samples are lost: the store could not take them", { samples: this.#queue.length });
  }

  /** Stored samples that a stored confirmation does not know of. */
  async #missed(checks: readonly Check[]): Promise<readonly Sample[]> {
    const since = checks.flatMap(({ target, id }) => {
      const left = this.#left.get(checkKey({ target, check: id }));
      const lastAt = left?.confirmation?.lastAt ?? undefined;
      return lastAt !== undefined && left?.last && left.last.at.epochMilliseconds > lastAt ? [lastAt] : [];
    });
    if (since.length === 0) return [];
    return this.#options.store.samples.since(Temporal.Instant.fromEpochMilliseconds(Math.min(...since)));
  }

  #replay(sample: Sample): void {
    const key = checkKey(sample);
    const state = this.#known.get(key);
    const lastAt = this.#left.get(key)?.confirmation?.lastAt ?? undefined;
    if (!state || lastAt === undefined || sample.at.epochMilliseconds <= lastAt) return;
    const { transitions, confirmation } = state.record(sample, this.#options.clock.monotonicSeconds());
    if (transitions.length > 0 || confirmation)
      this.#queue.push({ transitions, ...(confirmation && { confirmation }) });
  }

  #consider(event: JudgedSample): Changes | undefined {
    try {
      return this.#options.judge.consider(event);
    } catch (error) {
      this.#options.log.error("the judge failed on a sample", { check: checkKey(event.sample), error });
      this.#droppedDecisions++;
      return undefined;
    }
  }

  /** Each is committed with what follows from it, behind everything that waits. */
  async #takeRequests(): Promise<void> {
    // What waits tells whether the store can be used again; where nothing waits, this does.
    if (this.#failure.error && (this.#queue.length > 0 || this.#failure.tooEarly)) return;
    try {
      for (const taken of await this.#requests.take(this.#options.clock.now())) this.#queue.push(taken);
      this.#requestsFail = false;
      this.#failure.ended(this.#queue);
    } catch (error) {
      if (error instanceof StoreUnavailable) return this.#failure.began(error);
      if (!this.#requestsFail) this.#options.log.error("requests cannot be read; they wait in the store", { error });
      this.#requestsFail = true;
    }
  }

  /** Calls that overlap are one; what is recorded meanwhile is committed by it too. */
  #commit({ now } = { now: false }): Promise<void> {
    if (!now && this.#failure.tooEarly) return Promise.resolve();
    this.#committing ??= this.#commitAll().finally(() => {
      this.#committing = undefined;
    });
    return this.#committing;
  }

  async #commitAll(): Promise<void> {
    // Those who record now must not wait for the disk; and what changes in the same moment is committed together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const entries = this.#queue.removeOldest(this.#oneByOne > 0 ? 1 : limits.commit);
      if (!(await this.#commitSome(entries))) return;
    }
  }

  /** @returns false when the store cannot take anything now. */
  async #commitSome(entries: readonly Entry[]): Promise<boolean> {
    const changes = changesOf(entries);
    try {
      const { opened } = await this.#options.store.commit(changes);
      this.#oneByOne = Math.max(0, this.#oneByOne - 1);
      this.#failure.ended(this.#queue);
      if (changes.transitions && changes.transitions.length > 0) this.#stored++;
      this.#tell(changes, opened);
      return true;
    } catch (error) {
      if (error instanceof StoreUnavailable) {
        this.#queue.pushFirst(entries);
        this.#failure.began(error);
        return false;
      }
      this.#isolate(entries, error);
      return true;
    }
  }

  #tell(changes: Changes, opened: Awaited<ReturnType<Store["commit"]>>["opened"]): void {
    const { onStored, judge, log } = this.#options;
    try {
      if (changes.samples && changes.samples.length > 0) onStored(changes.samples);
    } catch (error) {
      log.error("internal error after samples were stored", { error });
    }
    if (!changes.incidents || changes.incidents.length === 0) return;
    try {
      const next = judge.committed(opened);
      if (next) this.#queue.pushFirst([{ decided: next }]);
    } catch (error) {
      log.error("the judge failed on incidents that were stored", { error });
    }
  }

  /** An error of ours in one entry must not keep all others from the disk, for ever; but nothing goes in silence. */
  #isolate(entries: readonly Entry[], error: unknown): void {
    const { log } = this.#options;
    const [entry] = entries;
    if (entries.length > 1) {
      this.#oneByOne = entries.length;
      this.#queue.pushFirst(entries);
    } else if (entry?.decided && entry.sample) {
      log.error("what was decided about a sample cannot be stored", { check: checkKey(entry.sample), error });
      this.#droppedDecisions++;
      const { decided: _decided, ...rest } = entry;
      this.#queue.pushFirst([rest]);
    } else if (entry?.request !== undefined) {
      log.error("what follows from a request cannot be stored", { request: entry.request, error });
      this.#queue.pushFirst([{ decided: refusedByStore(entry.request, this.#options.clock.now()) }]);
    } else {
      log.error("a change cannot be stored", { check: entry?.sample && checkKey(entry.sample), error });
      this.#oneByOne = Math.max(0, this.#oneByOne - 1);
      if (entry?.sample) this.#queue.countDropped();
      if (entry?.decided) this.#droppedDecisions++;
    }
  }

  /** Beside the commits: none of them waits for it. */
  #maintain(): void {
    const { store, clock, log } = this.#options;
    if (this.#maintaining || this.#failure.error || clock.monotonicSeconds() < this.#maintainAt) return;
    this.#maintainAt = clock.monotonicSeconds() + maintainEverySeconds;
    this.#maintaining = store
      .maintain(clock.now())
      .then(() => {
        this.#maintainFails = false;
      })
      .catch((error: unknown) => {
        if (!this.#maintainFails) log.error("the store could not be kept in order", { error });
        this.#maintainFails = true;
      })
      .finally(() => {
        this.#maintaining = undefined;
      });
  }
}
