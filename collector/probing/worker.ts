/**
 * The loop of the probing thread: reads the configuration, keeps the schedule, and sends each sample to the main
 * thread.
 */
import type { MessagePort } from "node:worker_threads";
import type { Clock } from "../../core/clock.ts";
import { ConfigError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Probe } from "../../core/probe.ts";
import type { Check } from "../../core/target.ts";
import { openHttp } from "../network/http-client.ts";
import { ConcurrencyLimit } from "./concurrency.ts";
import { Runner, type RunnerSettings } from "./runner.ts";
import { Schedule } from "./schedule.ts";
import { openSelfCheck } from "./self-check.ts";
import { asPlain, type FromWorker, type ProbingStart, toWorker, workerData } from "./worker-messages.ts";

/** What the probing thread needs of a configuration. */
export interface ProbingPlan {
  readonly checks: readonly Check[];
  readonly probes: Readonly<Record<string, Probe>>;
  readonly vantagePoint: string;
  readonly userAgent: string;
  readonly selfCheck: { readonly anchors: readonly string[]; readonly require?: number };
}

/**
 * Until the main thread says stop.
 * @param load the same reading of the configuration as in the main thread. Throws `ConfigError`.
 */
export async function probeUntilStopped(
  port: MessagePort,
  data: unknown,
  load: (start: ProbingStart) => Promise<ProbingPlan>,
  clock: Clock,
): Promise<void> {
  const send = (message: FromWorker) => port.postMessage(message);
  const log = logTo(send);
  process.on("unhandledRejection", (error) => log.error("internal error in the probing thread", { error }));
  const { start, confirmations, received } = workerData.parse(data);
  const plan = await load(start);
  const onChange = (online: boolean) => send({ kind: "connectivity", online });
  const tools = { clock, log, onChange };
  const runner = new Runner(settingsOf(plan, tools), { clock, log });
  let lagSeconds = 0;
  for (const [key, heartbeat] of received) runner.heard(key, heartbeat);
  const schedule = new Schedule({
    checks: plan.checks,
    confirmations: new Map(confirmations),
    clock,
    concurrency: new ConcurrencyLimit({ clock }),
    log,
    run: (check, signal) => runner.run(check, signal),
    // One message for each run: waking the main thread costs more than what is in it.
    onSample: (sample, confirmation) => send({ kind: "ran", sample: asPlain(sample), confirmation, lagSeconds }),
    onLag: (seconds) => {
      lagSeconds = seconds;
    },
    onMoved: atMostEachSecond(clock, () => send({ kind: "moved" })),
  });

  const configure = async (next: ProbingStart) => {
    try {
      const wanted = await load(next);
      runner.reconfigure(settingsOf(wanted, tools), wanted.checks);
      schedule.reconfigure(wanted.checks);
      send({ kind: "ready" });
    } catch (error) {
      if (!(error instanceof ConfigError)) log.error("internal error while reading the configuration", { error });
      send({ kind: "refused", message: error instanceof Error ? error.message : String(error) });
    }
  };
  const stop = new AbortController();
  let configuring = Promise.resolve();
  port.on("message", (data) => {
    const message = toWorker.parse(data);
    if (message.kind === "stop") stop.abort();
    else if (message.kind === "heard") runner.heard(message.key, message.heartbeat);
    else configuring = configuring.then(() => configure(message.start));
  });
  send({ kind: "ready" });
  await schedule.run(stop.signal);
  port.close();
}

function settingsOf(
  { probes, vantagePoint, userAgent, selfCheck }: ProbingPlan,
  tools: { readonly clock: Clock; readonly log: Log; onChange(online: boolean): void },
): RunnerSettings {
  const http = openHttp({ userAgent });
  return { probes, vantagePoint, http, selfCheck: openSelfCheck({ ...selfCheck, http, ...tools }) };
}

function atMostEachSecond(clock: Clock, say: () => void): () => void {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = clock.monotonicSeconds();
    if (now - last < 1) return;
    last = now;
    say();
  };
}

function logTo(send: (message: FromWorker) => void): Log {
  const at =
    (level: "info" | "warn" | "error") =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      // Through JSON, so that a secret prints as [secret] and nothing is there that cannot be sent.
      send({ kind: "log", level, message, fields: JSON.parse(JSON.stringify(fields, errorsToo)) });
    };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

function errorsToo(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (!(value instanceof Error)) return value;
  return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
}
