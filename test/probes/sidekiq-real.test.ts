/** A real Sidekiq at work: our figures equal those of its own API, on the same Redis at the same instant. */
import { expect, test } from "vitest";
import { z } from "zod";
import { Refused } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { startRedis } from "../../practice/servers/redis.ts";
import { openSidekiqConsole, type RubyConsole, sidekiqRuby, startSidekiq } from "../../practice/servers/ruby.ts";
import { withRedis } from "../../probes/databases/redis-client.ts";
import { readSidekiq, type SidekiqState } from "../../probes/queues/sidekiq-state.ts";
import probe from "../../probes/sidekiq.ts";
import { systemClock } from "../../program/system-clock.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { command } from "../helpers/redis-dump.ts";
import { redisTest } from "../helpers/redis-test.ts";
import { runProbe } from "../helpers/run-probe.ts";

const missing = await reasonWhyNot();
if (missing) console.warn(`skipped, because there is no Sidekiq: ${missing}`);
const sidekiqTest = missing === undefined ? redisTest : test.skip;

async function reasonWhyNot(): Promise<string | undefined> {
  try {
    await sidekiqRuby();
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return `${error.message} ${error.remedy}`;
    throw error;
  }
}

const jobs = `
class OkWorker; include Sidekiq::Worker; def perform(*); end; end
class SlowWorker; include Sidekiq::Worker; def perform(*) = sleep(60); end
class FailWorker; include Sidekiq::Worker; sidekiq_options retry: 16; def perform(*) = raise("connection refused"); end
class DeadWorker; include Sidekiq::Worker; sidekiq_options retry: 0; def perform(*) = raise(ArgumentError, "smtp down"); end
`;

/** Everything that we also say, asked of Sidekiq's API. */
const oracle = `
stats = Sidekiq::Stats.new
retries = Sidekiq::RetrySet.new
dead = Sidekiq::DeadSet.new
{
  processed: stats.processed, failed: stats.failed, scheduled: stats.scheduled_size, retry: stats.retry_size,
  dead: stats.dead_size, enqueued: stats.enqueued, busy: stats.workers_size,
  queues: Sidekiq::Queue.all.map { |queue|
    before = Time.now.to_f
    latency = queue.latency
    [queue.name, { jobs: queue.size, earliest: before - latency, latest: Time.now.to_f - latency }]
  }.to_h,
  retryFailedAt: retries.map { |job| job["failed_at"] }.min,
  diedLately: dead.count { |job| job.at.to_f > Time.now.to_f - 3600 },
  processes: Sidekiq::ProcessSet.new(false).map { |process|
    { busy: process["busy"], quiet: process.stopping?, queues: process["queues"], concurrency: process["concurrency"] }
  },
}`;
const Oracle = z.object({
  processed: z.number(),
  failed: z.number(),
  scheduled: z.number(),
  retry: z.number(),
  dead: z.number(),
  enqueued: z.number(),
  busy: z.number(),
  queues: z.record(z.string(), z.object({ jobs: z.number(), earliest: z.number(), latest: z.number() })),
  retryFailedAt: z.number().nullable(),
  diedLately: z.number(),
  processes: z.array(
    z.object({ busy: z.number(), quiet: z.boolean(), queues: z.array(z.string()), concurrency: z.number() }),
  ),
});

sidekiqTest(
  "a real Sidekiq enqueues, schedules, retries, kills, falls quiet and stops, and each time we count what it counts",
  async () => {
    await using redis = await startRedis();
    await using ruby = await openSidekiqConsole(redis.url, jobs);
    await ruby.ask(`
      %w[default default push ingress pull mailers scheduler].each { |queue| OkWorker.set(queue: queue).perform_async(1) };
      OkWorker.set(queue: "default").perform_in(3600, "later");
      60.times { FailWorker.set(queue: "push").perform_async("https://remote.example/inbox") };
      2.times { DeadWorker.set(queue: "mailers").perform_async("user@example.org") };
      SlowWorker.set(queue: "pull").perform_async(60);
      Sidekiq::Client.push_bulk("class" => OkWorker, "queue" => "ingress", "args" => [[1], [2], [3]]).size`);
    const before = await sameInstant(redis.url, ruby);
    expect(before.queues.map(({ name, jobs }) => [name, jobs])).toContainEqual(["ingress", 4]);
    const check = remembering(redis.url);
    expect((await check.look()).outcome).toBe("unknown");
    await check.clock.turn(120);
    expect((await check.look()).outcome).toBe("down");

    await using worker = await startSidekiq({
      redisUrl: redis.url,
      queues: ["default,8", "push,6", "mailers,2", "pull,1"],
      concurrency: 3,
      jobs,
    });
    await eventually(ruby, "s = Sidekiq::Stats.new; [s.processed >= 10, s.retry_size, s.dead_size, s.workers_size]", [
      true,
      60,
      2,
      1,
    ]);
    const working = await sameInstant(redis.url, ruby);
    expect(working).toMatchObject({
      failed: 62,
      retry: { jobs: 60, moreUnseen: false },
      dead: { jobs: 2 },
      scheduled: { jobs: 1 },
    });
    expect(await check.look()).toMatchObject({
      outcome: "degraded",
      reason: "jobs wait, and no Sidekiq process serves ingress, scheduler",
      evidence: expect.stringContaining("being retried: FailWorker, RuntimeError"),
    });

    // By hand, as from its web page: one retry is given up, and one of the dead is tried again.
    await ruby.ask("Sidekiq::RetrySet.new.first.kill; Sidekiq::DeadSet.new.size");
    expect((await sameInstant(redis.url, ruby, working.dead.newest)).dead).toMatchObject({ jobs: 3, sinceLastLook: 1 });

    await ruby.ask("Sidekiq::ProcessSet.new(false).each(&:quiet!).size");
    await eventually(ruby, "Sidekiq::ProcessSet.new(false).map(&:stopping?)", [true]);
    expect((await sameInstant(redis.url, ruby)).processes).toMatchObject([{ quiet: true, concurrency: 3 }]);

    await worker[Symbol.asyncDispose]();
    const stopped = await sameInstant(redis.url, ruby);
    // What it could not finish is pushed back with its first date.
    expect(stopped.processes).toEqual([]);
    expect(stopped.queues.find(({ name }) => name === "pull")?.jobs).toBe(1);
  },
);

/** Reads both while Redis lets nobody write: nothing can change between the one look and the other. */
async function sameInstant(url: string, ruby: RubyConsole, diedAfter?: string): Promise<SidekiqState> {
  return command(url, async (client) => {
    await client.call("CLIENT", "PAUSE", "4000", "WRITE");
    const [told, ours] = [Oracle.parse(await ruby.ask(oracle)), await look(url, diedAfter)];
    await client.call("CLIENT", "UNPAUSE");
    expect(flat(ours)).toEqual({ ...told, queues: flatQueues(told.queues), retryFailedAt: near(told.retryFailedAt) });
    return ours;
  });
}

async function look(url: string, diedAfter?: string): Promise<SidekiqState> {
  const context = { signal: new AbortController().signal, clock: systemClock };
  return (await withRedis(new Secret(url), context, (redis) => readSidekiq(redis, { diedAfter }))).answer;
}

/** Our state in the words of the oracle. */
function flat({ at, queues, scheduled, retry, dead, processed, failed, processes }: SidekiqState) {
  return {
    processed,
    failed,
    scheduled: scheduled.jobs,
    retry: retry.jobs,
    dead: dead.jobs,
    diedLately: dead.recentJobs,
    enqueued: queues.reduce((sum, queue) => sum + queue.jobs, 0),
    busy: processes.reduce((sum, { busy }) => sum + busy, 0),
    queues: queues.map(({ name, jobs, latencySeconds = Number.NaN }) => ({ name, jobs, since: at - latencySeconds })),
    retryFailedAt: retry.oldestSeconds === undefined ? null : at - retry.oldestSeconds,
    processes,
  };
}

/** It counts the age from some moment while it is asked, and one queue after the other. */
const flatQueues = (queues: z.output<typeof Oracle>["queues"]) =>
  Object.entries(queues)
    .map(([name, { jobs, ...since }]) => ({ name, jobs, since: jobs === 0 ? expect.any(Number) : within(since) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** Both clocks are cut to the microsecond. */
const within = ({ earliest, latest }: { readonly earliest: number; readonly latest: number }) =>
  expect.toSatisfy((moment: number) => moment > earliest - 0.001 && moment < latest + 0.001);

const near = (moment: number | null) => (moment === null ? null : expect.closeTo(moment, 2));

const eventually = (ruby: RubyConsole, question: string, answer: unknown) =>
  expect.poll(() => ruby.ask(question), { timeout: 60_000, interval: 200 }).toEqual(answer);

function remembering(url: string) {
  const [memory, clock] = [new Map<string, unknown>(), new FakeClock()];
  return { clock, look: () => runProbe(probe, { url: new Secret(url) }, { memory, clock }) };
}
