/**
 * Queues as a Mastodon's Sidekiq 8 keeps them in Redis, with a pretended worker: healthy, late, stuck or without a
 * worker.
 */
import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";

export interface SidekiqQueues extends AsyncDisposable {
  /** Nobody works on this queue any more: its oldest job is `ageSeconds` old at once, and further ones pile up. */
  stall(queue: string, stalled?: { readonly ageSeconds?: number; readonly jobs?: number }): Promise<void>;
  /** The worker catches up. */
  drain(queue: string): Promise<void>;
  /** The worker is killed: its heartbeat ends, and jobs wait in every queue. */
  killWorker(): Promise<void>;
  /** It is started again and works off what waits, except in stalled queues. */
  startWorker(): Promise<void>;
  /** One heartbeat and a handful of finished jobs. Happens by itself every few seconds. */
  beat(): Promise<void>;
}

const queueNames = ["default", "push", "ingress", "mailers", "pull", "scheduler", "fasp"] as const;
const jobClasses: Readonly<Record<string, string>> = {
  default: "FeedInsertWorker",
  push: "ActivityPub::DeliveryWorker",
  ingress: "ActivityPub::ProcessingWorker",
  mailers: "ActionMailer::MailDeliveryJob",
  pull: "LinkCrawlWorker",
  scheduler: "Scheduler::TrendsRefreshScheduler",
  fasp: "Fasp::AnnounceContentLifecycleEventWorker",
};

/** @param options.everySeconds between heartbeats; Sidekiq's own is 10 s, and Redis forgets it after 60. */
export async function openSidekiqQueues(
  url: string,
  options: { readonly everySeconds?: number } = {},
): Promise<SidekiqQueues> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1 });
  // Redis is stopped before or with us when the practice ends; a command that fails says so itself.
  redis.on("error", () => {});
  await redis.connect();
  const queues = new PretendedSidekiq(redis);
  await queues.open();
  const timer = setInterval(() => void queues.beat().catch(() => {}), (options.everySeconds ?? 5) * 1000);
  return {
    stall: (queue, stalled) => queues.stall(queue, stalled),
    drain: (queue) => queues.drain(queue),
    killWorker: () => queues.killWorker(),
    startWorker: () => queues.startWorker(),
    beat: () => queues.beat(),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      redis.disconnect();
    },
  };
}

class PretendedSidekiq {
  readonly #redis: Redis;
  readonly #identity = `practice:${process.pid}:${randomBytes(6).toString("hex")}`;
  readonly #stalled = new Set<string>();
  #startedAt = 0;
  #planned = "";
  #failing = "";
  #working = true;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async open(): Promise<void> {
    const now = await this.#now();
    const hour = 3600;
    this.#startedAt = now;
    this.#planned = job("default", now, { planned: true });
    this.#failing = job("push", now - 60, { error: "HTTP::TimeoutError" });
    await this.#redis
      .multi()
      .sadd("queues", ...queueNames)
      .zadd("dead", now - 4 * hour, job("mailers", now - 4 * hour))
      .incrby("stat:processed", 184_223)
      .incrby("stat:failed", 912)
      .exec();
    await this.beat();
  }

  async beat(): Promise<void> {
    if (!this.#working) return this.#pileUp(queueNames, 3);
    const now = await this.#now();
    const working = this.#redis
      .multi()
      .sadd("processes", this.#identity)
      .hset(this.#identity, {
        beat: now,
        busy: 1,
        quiet: "false",
        concurrency: 5,
        rss: 210_000,
        rtt_us: 90,
        info: JSON.stringify({
          hostname: "practice",
          started_at: this.#startedAt,
          pid: process.pid,
          tag: "mastodon",
          queues: queueNames,
          labels: [],
          identity: this.#identity,
          version: "8.1.6",
          embedded: false,
        }),
      })
      .expire(this.#identity, 60)
      // Whoever works also takes up what is due, so that nothing is ever overdue.
      .zadd("schedule", now + 3600, this.#planned)
      .zadd("retry", now + 90, this.#failing)
      .incrby("stat:processed", 17);
    for (const queue of queueNames.filter((name) => !this.#stalled.has(name))) working.del(`queue:${queue}`);
    await working.exec();
    // A working queue is rarely empty and never old.
    if (!this.#stalled.has("default")) await this.#pileUp(["default"], 1);
    await this.#pileUp([...this.#stalled], 5);
  }

  async stall(queue: string, { ageSeconds = 3600, jobs = 400 } = {}): Promise<void> {
    this.#stalled.add(queue);
    const now = await this.#now();
    const waiting = Array.from({ length: jobs }, (_, index) => job(queue, now - ageSeconds * (1 - index / jobs)));
    // The oldest stands at the tail, where the worker takes from: first pushed, first done.
    await this.#redis
      .multi()
      .sadd("queues", queue)
      .del(`queue:${queue}`)
      .lpush(`queue:${queue}`, ...waiting)
      .exec();
  }

  async drain(queue: string): Promise<void> {
    this.#stalled.delete(queue);
    const done = await this.#redis.llen(`queue:${queue}`);
    await this.#redis.multi().del(`queue:${queue}`).incrby("stat:processed", done).exec();
  }

  async killWorker(): Promise<void> {
    this.#working = false;
    // Redis would forget it within a minute; practice need not wait for that.
    await this.#redis.del(this.#identity);
    await this.#pileUp(queueNames, 10);
  }

  async startWorker(): Promise<void> {
    this.#working = true;
    await this.beat();
  }

  async #pileUp(queues: readonly string[], jobs: number): Promise<void> {
    const now = await this.#now();
    const pushes = this.#redis.multi();
    for (const queue of queues) {
      for (let pushed = 0; pushed < jobs; pushed++) pushes.lpush(`queue:${queue}`, job(queue, now));
    }
    await pushes.exec();
  }

  /** By the clock of Redis, as whoever reads it will count. */
  async #now(): Promise<number> {
    const [seconds, microseconds] = await this.#redis.time();
    return Number(seconds) + Number(microseconds) / 1_000_000;
  }
}

/** As Sidekiq 8 writes it: times in milliseconds. A planned job joins no queue yet. */
function job(
  queue: string,
  enqueuedAtSeconds: number,
  { planned = false, error }: { readonly planned?: boolean; readonly error?: string } = {},
): string {
  const at = Math.round(enqueuedAtSeconds * 1000);
  return JSON.stringify({
    retry: queue === "push" ? 16 : true,
    queue,
    class: jobClasses[queue] ?? "PracticeWorker",
    args: [],
    jid: randomBytes(12).toString("hex"),
    created_at: at,
    ...(planned ? {} : { enqueued_at: at }),
    ...(error !== undefined && { error_class: error, failed_at: at, retry_count: 0 }),
  });
}
