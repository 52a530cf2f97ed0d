/**
 * Supervises the probing thread from the main thread: starts it, receives its samples, and starts it again when it dies
 * or hangs.
 */
import { Worker } from "node:worker_threads";
import type { Clock } from "../../core/clock.ts";
import type { Confirmation } from "../../core/confirmation.ts";
import type { ReceivedHeartbeat } from "../../core/heartbeat.ts";
import type { Log } from "../../core/log.ts";
import { type CheckKey, checkKey, type Sample } from "../../core/sample.ts";
import { noLongerNeeded } from "../../core/wake-up.ts";
import { asSample, type FromWorker, fromWorker, type ProbingStart, type ToWorker } from "./worker-messages.ts";

export type { ProbingStart } from "./worker-messages.ts";

export interface ProbingParts {
  /** The file that is the thread. */
  readonly entry: URL;
  readonly start: ProbingStart;
  readonly confirmations?: ReadonlyMap<CheckKey, Confirmation>;
  /** Asked whenever a thread begins. */
  readonly received?: () => ReadonlyMap<CheckKey, ReceivedHeartbeat>;
  readonly clock: Clock;
  readonly log: Log;
  onSample(sample: Sample): void;
  /** How many seconds late a run began. */
  onLag?(seconds: number): void;
  /** Called when it begins, and ends, that we reach nobody. */
  onConnectivity?(online: boolean): void;
  /** Called at least every few seconds while the thread is alive. */
  onMoved?(): void;
}

export interface Probing extends AsyncDisposable {
  /** Resolves once the thread uses it; rejects when it cannot, and goes on with the one before. */
  reconfigure(start: ProbingStart): Promise<void>;
  /** A job called. */
  heard(key: CheckKey, heartbeat: ReceivedHeartbeat): void;
}

/** Seconds without a sign of life after which the thread is taken for stuck. */
const stuckSeconds = 30;
const longestBackOffSeconds = 30;
/** After so long a life the next death is no part of a series. */
const healthySeconds = 60;
const stopSeconds = 5;

/** Resolves once the thread is measuring; rejects when it cannot begin. */
export async function openProbing(parts: ProbingParts): Promise<Probing> {
  const probing = new ProbingThread(parts);
  try {
    await probing.begin();
  } catch (error) {
    await probing[Symbol.asyncDispose]();
    throw error;
  }
  return probing;
}

class ProbingThread implements Probing {
  readonly #parts: ProbingParts;
  readonly #confirmations: Map<CheckKey, Confirmation>;
  readonly #closed = new AbortController();
  #start: ProbingStart;
  #worker: Worker | undefined;
  #answers: PromiseWithResolvers<void>[] = [];
  #movedSeconds = 0;
  #life: Promise<void> = Promise.resolve();

  constructor(parts: ProbingParts) {
    this.#parts = parts;
    this.#start = parts.start;
    this.#confirmations = new Map(parts.confirmations);
  }

  begin(): Promise<void> {
    const first = this.#expectAnswer();
    this.#life = this.#live();
    return first;
  }

  reconfigure(start: ProbingStart): Promise<void> {
    const answer = this.#expectAnswer();
    const before = this.#start;
    this.#start = start;
    // While it is being started again, it will begin with the new one.
    this.#say({ kind: "configure", start });
    return answer.catch((error: unknown) => {
      if (this.#start === start) this.#start = before;
      throw error;
    });
  }

  heard(key: CheckKey, heartbeat: ReceivedHeartbeat): void {
    this.#say({ kind: "heard", key, heartbeat });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    this.#closed.abort(new Error("closed"));
    if (worker) {
      this.#say({ kind: "stop" });
      const patience = setTimeout(() => void worker.terminate(), stopSeconds * 1000);
      await this.#life;
      clearTimeout(patience);
    }
    await this.#life;
    this.#answer(new Error("the probing thread was closed"));
  }

  #expectAnswer(): Promise<void> {
    const answer = Promise.withResolvers<void>();
    this.#answers.push(answer);
    return answer.promise;
  }

  #answer(error?: Error): void {
    for (const answer of this.#answers.splice(0)) {
      if (error) answer.reject(error);
      else answer.resolve();
    }
  }

  #say(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  /** One thread after the other, until closed; gives up only when the very first one cannot begin. */
  async #live(): Promise<void> {
    const { clock, log } = this.#parts;
    let backOffSeconds = 1;
    for (let first = true; !this.#closed.signal.aborted; first = false) {
      const born = clock.monotonicSeconds();
      const death = await this.#one();
      if (this.#closed.signal.aborted) return;
      if (first && death.unborn) {
        this.#answer(death.error);
        return;
      }
      if (clock.monotonicSeconds() - born > healthySeconds) backOffSeconds = 1;
      log.error("probing thread died, starting it again", { error: death.error, inSeconds: backOffSeconds });
      await clock.sleep(backOffSeconds, this.#closed.signal).catch(() => {});
      backOffSeconds = Math.min(longestBackOffSeconds, backOffSeconds * 2);
    }
  }

  /** One thread from birth to death. */
  async #one(): Promise<{ readonly error: Error; readonly unborn: boolean }> {
    const { clock } = this.#parts;
    let error: Error | undefined;
    let unborn = true;
    const worker = new Worker(this.#parts.entry, {
      workerData: {
        start: this.#start,
        confirmations: [...this.#confirmations],
        received: [...(this.#parts.received?.() ?? [])],
      },
      // A probe that eats memory takes its own thread down, not the program.
      resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 },
      name: "probing",
    });
    this.#worker = worker;
    this.#movedSeconds = clock.monotonicSeconds();
    const over = new AbortController();
    worker.on("message", (data) => {
      const message = fromWorker.safeParse(data);
      if (message.data?.kind === "ready") {
        if (unborn) void this.#guard(worker, over.signal);
        unborn = false;
      }
      if (message.success) this.#heard(message.data);
      else this.#parts.log.error("the probing thread said something unknown", { error: message.error });
    });
    worker.on("error", (cause) => {
      error = cause instanceof Error ? cause : new Error(String(cause));
    });
    const exited = new Promise<number>((resolve) => worker.once("exit", resolve));
    const code = await exited;
    over.abort(noLongerNeeded);
    this.#worker = undefined;
    return { error: error ?? new Error(`it ended with code ${code}`), unborn };
  }

  #heard(message: FromWorker): void {
    const { clock, log, onSample, onLag, onMoved, onConnectivity } = this.#parts;
    this.#movedSeconds = clock.monotonicSeconds();
    if (message.kind === "ready") this.#answer();
    else if (message.kind === "refused") this.#answer(new Error(message.message));
    else if (message.kind === "moved") onMoved?.();
    else if (message.kind === "connectivity") onConnectivity?.(message.online);
    else if (message.kind === "log") log[message.level](message.message, message.fields);
    else {
      const sample = asSample(message.sample);
      this.#confirmations.set(checkKey(sample), message.confirmation);
      onLag?.(message.lagSeconds);
      onSample(sample);
    }
  }

  /** Ends a thread that has begun and is caught in a loop of its own. */
  async #guard(worker: Worker, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    try {
      for (let still = 0; still < 2; ) {
        await clock.sleep(stuckSeconds / 2, signal);
        // Twice, because it may have been us who stood still.
        still = clock.monotonicSeconds() - this.#movedSeconds > stuckSeconds ? still + 1 : 0;
      }
      log.error("probing thread gives no sign of life, ending it");
      await worker.terminate();
    } catch {
      // It ended by itself.
    }
  }
}
