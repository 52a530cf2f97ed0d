/**
 * Simulated life: recorder, judge, escalator and delivery on one store, wired as the program wires them, with a clock to turn,
 * samples by hand instead of probes, and a channel that notes who was told when.
 */
import { z } from "zod";
import { openDelivery } from "../../alerts/delivery/delivery.ts";
import { Fallback } from "../../alerts/delivery/fallback.ts";
import { openFallbackJournal } from "../../alerts/delivery/fallback-journal.ts";
import { openAuditor } from "../../alerts/escalation/auditor.ts";
import { openEscalator } from "../../alerts/escalation/escalator.ts";
import { Policy } from "../../alerts/escalation/policy.ts";
import { openJudge } from "../../alerts/judging/judge.ts";
import { openRecorder, type Recorder } from "../../collector/recorder/recorder.ts";
import { type Channel, defineChannel } from "../../core/channel.ts";
import type { Config } from "../../core/config/config.ts";
import { silentLog } from "../../core/log.ts";
import { acknowledgement } from "../../core/member-texts.ts";
import type { Notice } from "../../core/notice.ts";
import { type CheckKey, checkKey, type Finding } from "../../core/sample.ts";
import type { Store } from "../../core/store/store.ts";
import type { Check } from "../../core/target.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import type { FakeClock } from "./fake-clock.ts";

export interface LifeOptions {
  /** The store: what stays when the process dies. */
  readonly file: string;
  readonly clock: FakeClock;
  readonly config: Pick<Config, "organisation" | "onCall" | "targets" | "channels" | "vantagePoint" | "server"> &
    Partial<Pick<Config, "flapping">>;
  /** Called with every attempt to deliver, and awaited; throws a DeliveryError to refuse it. */
  onAttempt?(notice: Notice): unknown;
  /** With the fallback and the auditor, which look each second. */
  readonly audited?: true;
}

export interface Life extends AsyncDisposable {
  readonly store: Store;
  readonly checks: readonly Check[];
  /** What the channel accepted, oldest first; of earlier processes too. */
  readonly told: readonly { readonly at: Temporal.Instant; readonly notice: Notice }[];
  /** One run of a check, now. */
  record(check: Check, seen: Finding): void;
  /** Until all that was recorded is stored, and whoever is to be told of it now is told. */
  settle(): Promise<void>;
  /** Whoever is named takes the open incident of this target. */
  acknowledge(target: string, by: string): Promise<void>;
  /** What the auditor says. */
  fault(): string | undefined;
  /** As after kill -9: what is stored is all that is left, and a new process goes on with it. */
  restart(): Promise<void>;
}

export async function beginLife(options: LifeOptions): Promise<Life> {
  const { clock, config } = options;
  const told: { at: Temporal.Instant; notice: Notice }[] = [];
  const ranAt = new Map<CheckKey, number>();
  const channel = notingChannel(async (notice) => {
    await options.onAttempt?.(notice);
    told.push({ at: clock.now(), notice });
  });
  let process = await startProcess(options, channel);

  const settle = async () => {
    await process.recorder.flush();
    await clock.turn(0);
  };
  await settle();
  return {
    get store() {
      return process.store;
    },
    checks: checksOf(config),
    told,
    settle,
    record(check, seen) {
      const key = checkKey({ target: check.target, check: check.id });
      const [now, before] = [clock.monotonicSeconds(), ranAt.get(key)];
      ranAt.set(key, now);
      process.recorder.record({
        target: check.target,
        check: check.id,
        vantagePoint: config.vantagePoint,
        at: clock.now(),
        durationSeconds: 0.05,
        ...(before !== undefined && { sinceLastSeconds: now - before }),
        ...seen,
      });
    },
    async acknowledge(target, by) {
      const open = await process.store.incidents.list({ open: true });
      const incident = open.find((one) => one.target === target);
      if (!incident) throw new Error(`nothing is wrong with ${target}`);
      const at = clock.now();
      await process.store.incidents.acknowledge(incident.id, by, at, acknowledgement(at, true));
      process.wake();
      await clock.turn(0);
    },
    fault: () => process.fault(),
    async restart() {
      await process.die();
      process = await startProcess(options, channel);
      await settle();
    },
    [Symbol.asyncDispose]: () => process.die(),
  };
}

interface Process {
  readonly store: Store;
  readonly recorder: Recorder;
  wake(): void;
  fault(): string | undefined;
  die(): Promise<void>;
}

/** The parts that decide and tell, in the order in which the program starts them. */
async function startProcess({ file, clock, config, audited }: LifeOptions, channel: Channel): Promise<Process> {
  const { organisation, onCall, targets, server, vantagePoint, flapping } = config;
  const channels = Object.keys(config.channels);
  const store = await openSqliteStore(file);
  const shared = { store, clock, log: silentLog };
  const signingKey = await store.keys.signing("action");
  const settings = {
    ...shared,
    organisation,
    onCall,
    targets,
    channels,
    baseUrl: server.url,
    signingKey,
    ...(flapping && { flapping }),
  };
  const configured = new Map(channels.map((name) => [name, { channel, options: {} }]));
  const http = () => {
    throw new Error("the channel asks nobody");
  };
  const fallback = new Fallback({
    ...shared,
    journal: audited && (await openFallbackJournal(`${file}.fallback`)),
    policy: await Policy.open(settings),
    channels: configured,
    incidents: () => judge.incidents(),
    storeFault: () => recorder.failing(),
    http,
    onReleased: () => delivery.wake(),
  });
  await fallback.takeUp();
  const judge = await openJudge(settings);
  const escalator = await openEscalator({ ...settings, onNotices: () => delivery.wake() });
  const delivery = openDelivery({
    ...shared,
    onCall,
    channels: configured,
    hurry: (refused) => escalator.hurry(refused),
    holds: () => fallback.holds,
    onSent: (notice) => fallback.noteSent(notice),
    onReaderLost: () => escalator.readerLost(),
    by: "this process",
    http,
  });
  const auditor = openAuditor({
    ...shared,
    isToldPastStore: (key) => fallback.isTold(key),
    tellsNobody: () => onCall.escalation.length === 0,
  });
  const recorder = await openRecorder({
    requests: {},
    ...shared,
    checks: checksOf(config),
    vantagePoint,
    judge: {
      consider: (judged) => judge.consider(judged),
      committed(opened) {
        delivery.wake();
        escalator.wake();
        return judge.committed(opened);
      },
    },
    onStored: () => delivery.wake(),
  });
  recorder.include(judge.start());
  const stop = new AbortController();
  const watching = audited ? [fallback.run(stop.signal), auditor.run(stop.signal)] : [];
  const running = Promise.all([delivery.run(stop.signal), escalator.run(stop.signal), ...watching]);
  return {
    store,
    recorder,
    wake: () => delivery.wake(),
    fault: () => auditor.fault(),
    async die() {
      stop.abort();
      await fallback[Symbol.asyncDispose]();
      await delivery[Symbol.asyncDispose]();
      await running;
      await store[Symbol.asyncDispose]();
    },
  };
}

function notingChannel(attempted: (notice: Notice) => Promise<void>): Channel {
  return defineChannel({
    summary: "Notes who was told.",
    options: z.strictObject({}),
    example: {},
    address: z.string(),
    residency: "own",
    open: async () => ({
      deliver: async (notice) => {
        await attempted(notice);
        return {};
      },
      [Symbol.asyncDispose]: async () => {},
    }),
  });
}

const checksOf = ({ targets }: Pick<Config, "targets">): readonly Check[] => targets.flatMap(({ checks }) => checks);
