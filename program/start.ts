/** The whole program, wired together: measure, keep, judge, tell, show. Each part knows only the store and a clock. */
import { dirname, join } from "node:path";
import type { Hono } from "hono";
import { type Delivery, openDelivery } from "../alerts/delivery/delivery.ts";
import { openJudge } from "../alerts/judging/judge.ts";
import { sendHeartbeats } from "../collector/heartbeat.ts";
import { type Heartbeats, openHeartbeats } from "../collector/heartbeats.ts";
import { openHttp } from "../collector/http.ts";
import { type Ledger, openLedger } from "../collector/ledger.ts";
import { type Metrics, openMetrics } from "../collector/metrics.ts";
import { userAgent } from "../collector/network/user-agent.ts";
import { openProbing, type Probing, type ProbingParts, type ProbingStart } from "../collector/probing.ts";
import { openUpgrades } from "../collector/recorder/upgrades.ts";
import { openSqliteStore } from "../collector/store/sqlite.ts";
import { openTelemetry } from "../collector/telemetry.ts";
import type { Clock } from "../core/clock.ts";
import type { Config, Plugins } from "../core/config.ts";
import type { Log } from "../core/log.ts";
import { readingFamilies } from "../core/metric-families.ts";
import { checkKey } from "../core/sample.ts";
import type { Store } from "../core/store/store.ts";
import type { Check } from "../core/target.ts";
import { listen } from "../dashboards/listen.ts";
import { openPages, type Pages } from "../dashboards/pages.ts";
import { privateApp, publicApp } from "../dashboards/server.ts";
import { straightToPages } from "../dashboards/straight-to-pages.ts";
import { openReports } from "../reports/reports.ts";
import { deliverySettings } from "./delivery-settings.ts";
import { openFigures } from "./figures.ts";
import { openLiveness } from "./liveness.ts";

export interface TidewatchParts {
  readonly config: Config;
  /** What the configuration was read from: the probing thread reads it again. */
  readonly source: Omit<ProbingStart, "version">;
  readonly plugins: Plugins;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes a past into a new store; for practice. */
  readonly seed?: (store: Store) => Promise<void>;
  /** More for the private listener; for practice. */
  readonly privately?: (store: Store) => Hono;
}

export interface Tidewatch extends AsyncDisposable {
  readonly publicPort: number;
  readonly privatePort: number;
  readonly store: Store;
  /** Resolves never; rejects when a part ended that must not end. */
  readonly failed: Promise<never>;
  /** Goes on with another configuration: phases, verdicts and open incidents stay. */
  reload(config: Config, source: Omit<ProbingStart, "version">): Promise<void>;
}

/** How long each part may stand still before /healthz says so, in seconds. */
const patience = { scheduler: 60, judge: 60, store: 15, outbox: 120 } as const;

export async function startTidewatch(parts: TidewatchParts): Promise<Tidewatch> {
  const { clock, log, plugins, version } = parts;
  await using undo = new AsyncDisposableStack();
  const stop = new AbortController();
  const loops = new Loops(stop.signal);
  let { config } = parts;
  let settings = deliverySettings(config, plugins);

  const { store, judge, ledger, metrics, delivery, liveness, pages, figures } = await openAll(
    parts,
    { config: () => config, settings },
    undo,
  );
  undo.defer(async () => {
    // Here too: it may be the start that failed.
    stop.abort(new Error("shutting down"));
    await loops.ended();
  });
  ledger.include(judge.start());
  for (const [name, part] of Object.entries({ ledger, delivery, pages, figures })) {
    loops.start(name, (signal) => part.run(signal));
  }
  loops.start("liveness", (signal) => watchLedger(ledger, liveness, clock, signal));
  const heartbeat = heartbeatOf(config, { version, clock, log, healthy: () => liveness.stuck() });
  if (heartbeat) loops.start("heartbeat", heartbeat);

  // The listeners hear jobs before there is a thread to be told of them: it then asks for all there is.
  let measuring: Probing | undefined;
  const heartbeats = await openHeartbeats({
    store,
    clock,
    checks: checksOf(config),
    onHeard: (key, hearing) => measuring?.heard(key, hearing),
  });
  const listeners = undo.use(
    await openListeners(parts, {
      config: () => config,
      store,
      pages,
      metrics,
      heartbeats,
      health: () => liveness.parts(),
      onNotice: () => delivery.wake(),
    }),
  );
  // Not before a job can call: a start that failed on its port must leave nobody late.
  await heartbeats.begin();

  const probing = undo.use(
    await startProbing(parts, ledger, {
      hearings: () => heartbeats.hearings(),
      onLag: (seconds) => metrics.setScheduleLag(seconds),
      onMoved: () => liveness.moved("scheduler"),
    }),
  );

  measuring = probing;

  // First of all: what is on its way has its time while the others end.
  undo.defer(() => stop.abort(new Error("shutting down")));
  const held = undo.move();
  return {
    publicPort: listeners.publicPort,
    privatePort: listeners.privatePort,
    store,
    failed: loops.failed,
    async reload(next, source) {
      warnOfRestart(config, next, log);
      // The thread first: when it cannot use the new one, everything stays as it was.
      await probing.reconfigure({ ...source, version });
      config = next;
      await heartbeats.reconfigure(checksOf(config));
      ledger.reconfigure(checksOf(config));
      ledger.include(judge.reconfigure(judgeSettings(config)));
      settings = deliverySettings(config, plugins, settings);
      await delivery.reconfigure(settings);
      metrics.reconfigure(config.targets);
      pages.reconfigure(pageSettings(config));
      figures.changed();
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** All that keeps, judges, tells and shows, in the order in which one needs the other; nothing runs yet. */
async function openAll(
  { config, plugins, clock, log, version, env, seed }: TidewatchParts,
  current: { config(): Config; readonly settings: ReturnType<typeof deliverySettings> },
  undo: AsyncDisposableStack,
) {
  undo.use(await openTelemetry(config.telemetry, { version, env }));
  const store = undo.use(await openSqliteStore(config.store.sqlite));
  await seed?.(store);
  const shared = { store, clock, log };
  const judge = await openJudge({
    ...judgeSettings(config),
    ...shared,
    signingKey: await store.keys.signing("action"),
    practice: config.practice,
  });

  const families = readingFamilies(plugins.probes);
  const upgrades = await openUpgrades(store, families, clock.now());
  const ledger = undo.use(
    await openLedger({
      ...shared,
      checks: checksOf(config),
      vantagePoint: config.vantagePoint,
      decide: {
        consider: (judged) => upgrades.noted(judged.sample, judge.consider(judged)),
        committed(opened) {
          for (const { urgency } of opened) if (urgency === "page") metrics.countPage();
          pages.changed();
          figures.changed();
          delivery.wake();
          return judge.committed(opened);
        },
      },
      onStored(samples) {
        metrics.observe(samples);
        figures.changed();
        delivery.wake();
      },
    }),
  );
  const metrics = openMetrics({
    version,
    live: ledger,
    targets: config.targets,
    channels: Object.keys(config.channels),
    families,
  });
  const delivery = undo.use(
    openDelivery({
      ...current.settings,
      ...shared,
      onResult: ({ channel, result }) => metrics.countNotice(channel, result === "sent"),
      onMoved: () => liveness.moved("outbox"),
    }),
  );
  const liveness = openLiveness(clock, patience, { outbox: () => brokenChannels(delivery) });
  const pages = await openPages({
    ...pageSettings(config),
    ...shared,
    live: ledger,
    practice: config.practice,
    directory: join(dirname(config.store.sqlite), "pages"),
  });
  const figures = openFigures({ ...shared, live: ledger, metrics, targets: () => current.config().targets });
  return { store, judge, ledger, metrics, delivery, liveness, pages, figures };
}

/** The thread that measures; what it measures goes into the ledger. */
function startProbing(
  { config, source, version, clock, log }: TidewatchParts,
  ledger: Ledger,
  heard: Pick<ProbingParts, "hearings" | "onLag" | "onMoved">,
): Promise<Probing> {
  return openProbing({
    entry: new URL("./probe-worker.ts", import.meta.url),
    start: { ...source, version },
    verdicts: new Map(ledger.checks().map((state) => [checkKey(state), state.verdict])),
    clock,
    log,
    // A place keeps its name until a restart, also when the thread has read another one by now.
    onSample: (sample) => ledger.record({ ...sample, vantagePoint: config.vantagePoint }),
    ...heard,
  });
}

interface Listeners extends AsyncDisposable {
  readonly publicPort: number;
  readonly privatePort: number;
}

/** What people and scrapers see of the parts that are running; nothing is kept here. */
async function openListeners(
  { clock, log, privately }: TidewatchParts,
  shown: {
    /** As the last reload left it. */
    config(): Config;
    readonly store: Store;
    readonly pages: Pages;
    readonly metrics: Metrics;
    readonly heartbeats: Heartbeats;
    health(): Readonly<Record<string, boolean>>;
    onNotice(): void;
  },
): Promise<Listeners> {
  const { config, store, pages, heartbeats, health, onNotice } = shown;
  const { server, practice } = config();
  const metrics = (accept: string | undefined) => shown.metrics.render(accept);
  const inPublic = publicApp({
    settings: () => publicSettings(config()),
    pages,
    store,
    clock,
    log,
    practice,
    health,
    onNotice,
    heartbeats,
    reports: openReports({ store, clock, targets: () => config().targets }),
    ...(server.metrics === "public" && { metrics }),
  });
  const inPrivate = privateApp({ health, metrics, log });
  const more = privately?.(store);
  if (more) inPrivate.route("/", more);
  await using undo = new AsyncDisposableStack();
  const { port: publicPort } = undo.use(
    await listen(inPublic, { ...server.public, setting: "server.public" }, straightToPages(pages)),
  );
  const { port: privatePort } = undo.use(await listen(inPrivate, { ...server.private, setting: "server.private" }));
  const held = undo.move();
  return { publicPort, privatePort, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** The loop that tells somebody outside that we live; undefined when the configuration names nobody. */
function heartbeatOf(
  config: Config,
  { version, ...parts }: { version: string; clock: Clock; log: Log; healthy(): string | undefined },
): ((signal: AbortSignal) => Promise<void>) | undefined {
  if (!config.heartbeat) return undefined;
  const { url, everySeconds } = config.heartbeat;
  const client = openHttp({ userAgent: userAgent(config, version) });
  const http = (signal: AbortSignal) => client.forRun(signal);
  return (signal) => sendHeartbeats({ url: url.reveal(), everySeconds }, { ...parts, http }, signal);
}

const checksOf = (config: Config): readonly Check[] => config.targets.flatMap((target) => target.checks);

const pageSettings = ({ organisation, targets }: Config) => ({ organisation, targets });

const publicSettings = ({ organisation, onCall, server }: Config) => ({
  organisation,
  contacts: onCall.contacts,
  baseUrl: server.url,
});

const judgeSettings = ({ organisation, targets, onCall, channels, server }: Config) => ({
  organisation,
  targets,
  onCall,
  channels: Object.keys(channels),
  baseUrl: server.url,
});

/** A channel that has accepted nothing for so long is a broken pager: somebody must learn of it in another way. */
const brokenAfterSeconds = 120;

function brokenChannels(delivery: Delivery): string | undefined {
  const broken = delivery.failing().filter(({ seconds }) => seconds > brokenAfterSeconds);
  if (broken.length === 0) return undefined;
  return broken
    .map(({ channel, seconds }) => `${channel} has accepted nothing for ${Math.floor(seconds)} s`)
    .join("; ");
}

/** What the listeners and the file of the store are cannot change while the program runs. */
function warnOfRestart(before: Config, after: Config, log: Log): void {
  const fixed = (config: Config) => ({
    "server.public": config.server.public,
    "server.private": config.server.private,
    "server.metrics": config.server.metrics,
    store: config.store,
    heartbeat: config.heartbeat && { every: config.heartbeat.everySeconds, url: config.heartbeat.url.reveal() },
    telemetry: config.telemetry,
    vantagePoint: config.vantagePoint,
  });
  const now: Readonly<Record<string, unknown>> = fixed(after);
  for (const [setting, value] of Object.entries(fixed(before))) {
    if (JSON.stringify(value) !== JSON.stringify(now[setting])) log.warn("needs a restart to take effect", { setting });
  }
}

/** The judge and the store move when the ledger has committed; it says when it cannot. */
async function watchLedger(
  ledger: { failing(): string | undefined },
  liveness: { moved(part: "judge" | "store"): void },
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    if (ledger.failing() === undefined) liveness.moved("store");
    liveness.moved("judge");
    await clock.sleep(1, signal);
  }
}

/** Loops that run until the signal; one that ends by itself before is an error of ours, and ends the program. */
class Loops {
  readonly #signal: AbortSignal;
  readonly #running: Promise<void>[] = [];
  readonly #failure = Promise.withResolvers<never>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.#failure.promise.catch(() => {});
  }

  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  start(name: string, loop: (signal: AbortSignal) => Promise<void>): void {
    const ended = loop(this.#signal).then(
      () => this.#ended(name, undefined),
      (cause: unknown) => this.#ended(name, cause),
    );
    this.#running.push(ended);
  }

  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }

  #ended(name: string, cause: unknown): void {
    if (!this.#signal.aborted) this.#failure.reject(new Error(`the loop "${name}" ended`, { cause }));
  }
}
