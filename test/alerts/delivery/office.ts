/** A scene for the delivery: a real store, the escalator, scripted channels, and a clock to turn. */
import { z } from "zod";
import {
  type ConfiguredChannel,
  type Delivery,
  type DeliveryResult,
  openDelivery,
} from "../../../alerts/delivery/delivery.ts";
import { type Escalator, openEscalator } from "../../../alerts/escalation/escalator.ts";
import { Policy, type PolicyOptions } from "../../../alerts/escalation/policy.ts";
import { type Beginning, begin } from "../../../alerts/escalation/transitions.ts";
import { type Channel, type DeliveryContext, defineChannel } from "../../../core/channel.ts";
import { DeliveryError } from "../../../core/errors.ts";
import type { Incident } from "../../../core/incident.ts";
import { sameInAll } from "../../../core/language.ts";
import { silentLog } from "../../../core/log.ts";
import type { Notice } from "../../../core/notice.ts";
import type { OnCall } from "../../../core/organisation.ts";
import type { Escalated } from "../../../core/store/escalations.ts";
import type { Store } from "../../../core/store/store.ts";
import { openSqliteStore } from "../../../store/sqlite/sqlite.ts";
import { FakeClock } from "../../helpers/fake-clock.ts";
import { noHttp, onCall } from "../world.ts";

export const everybody: OnCall = {
  ...onCall,
  contacts: onCall.contacts.map((contact) => ({
    ...contact,
    addresses: { email: `${contact.id}@coop.example`, pager: contact.id },
  })),
};

/** What a channel does with an attempt: take it, or anything else. */
export type Answer = (notice: Notice, context: DeliveryContext) => Promise<void> | void;

export const takes: Answer = () => {};
export const refuses =
  (verdict: DeliveryError["verdict"], retryAfterSeconds?: number): Answer =>
  () => {
    throw new DeliveryError("no", { verdict, retryAfterSeconds });
  };
export const hangs: Answer = () => new Promise<void>(() => {});

interface Attempt {
  readonly key: string;
  /** `page contractor` */
  readonly name: string;
  readonly atSeconds: number;
}

export class Office {
  readonly clock: FakeClock;
  readonly attempts: Attempt[] = [];
  readonly results: DeliveryResult[] = [];
  /** Every question to the store: `outbox.recent 1`. */
  readonly calls: string[] = [];
  /** What the channel knew of the thread, at each attempt; and what it hands back. */
  readonly references: (string | undefined)[] = [];
  reference: string | undefined;
  /** Channels that were closed, in order. */
  readonly closed: string[] = [];
  /** Channels that follow no script. */
  readonly real: Record<string, ConfiguredChannel> = {};
  answers: Record<string, Answer> = { email: takes, pager: takes };
  store: Store;
  delivery: Delivery | undefined;
  escalator: Escalator | undefined;
  /** Of the channels. */
  deadlineSeconds: number | undefined;
  policy: PolicyOptions = {
    organisation: { name: sameInAll("Co-op"), languages: ["en"], timeZone: "UTC" },
    targets: [],
    onCall: everybody,
    channels: ["email"],
    baseUrl: "https://status.example",
    signingKey: new Uint8Array(32),
  };
  #count = 0;
  #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(store: Store, clock: FakeClock) {
    this.store = store;
    this.clock = clock;
  }

  static async open(file = ":memory:", clock = new FakeClock()): Promise<Office> {
    return new Office(await openSqliteStore(file), clock);
  }

  async start(names: readonly string[] = ["email", "pager"], escalation = everybody.escalation): Promise<void> {
    this.#stop = new AbortController();
    this.policy = { ...this.policy, channels: names, onCall: { ...everybody, escalation } };
    const shared = { clock: this.clock, log: silentLog };
    const escalator = await openEscalator({
      ...this.policy,
      ...shared,
      store: this.store,
      onNotices: () => this.delivery?.wake(),
    });
    this.escalator = escalator;
    this.delivery = openDelivery({
      ...shared,
      store: this.#counted(),
      onCall: everybody,
      channels: this.channels(names),
      hurry: (refused) => escalator.hurry(refused),
      ...noHttp,
      onResult: (result) => this.results.push(result),
    });
    this.#running = Promise.all([this.delivery.run(this.#stop.signal), escalator.run(this.#stop.signal)]);
  }

  /** As at SIGTERM. */
  async stopsGently(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.delivery?.[Symbol.asyncDispose]();
    await this.#running;
  }

  /** An incident with these notices, committed; then the loops are told. */
  async pages(...notices: readonly Partial<Notice>[]): Promise<Incident> {
    const incident = await this.commits(...notices);
    await this.wakes();
    return incident;
  }

  /** An incident whose escalation begins so, told by the configuration. */
  async escalates(as: Beginning = { state: "told" }, urgency: "page" | "ticket" = "page"): Promise<Incident> {
    const incident = await this.commitsEscalation(as, urgency);
    await this.wakes();
    return incident;
  }

  async wakes(): Promise<void> {
    this.escalator?.wake();
    this.delivery?.wake();
    await this.clock.turn(0);
  }

  async commitsEscalation(as: Beginning = { state: "told" }, urgency: "page" | "ticket" = "page"): Promise<Incident> {
    const policy = await Policy.open(this.policy);
    return this.#opens((id, { id: _, state: __, ...facts }) => {
      const news = {
        facts: { ...facts, urgency },
        name: facts.title,
        seen: { kind: "tries", tries: [], needed: 1 },
      } as const;
      return begin(policy, id, { news, foundAt: facts.confirmedAt, as, title: facts.title });
    });
  }

  async commits(...notices: readonly Partial<Notice>[]): Promise<Incident> {
    return this.#opens((id) => ({
      add: notices.map((more, index) => this.notice({ incident: id, key: `${id}.${index}`, ...more })),
    }));
  }

  async #opens(escalate: (id: number, incident: Incident) => Escalated): Promise<Incident> {
    const now = this.clock.now();
    const facts = {
      key: `target-${this.#count++}`,
      kind: "outage",
      target: "mastodon",
      checks: ["web"],
      impact: "down",
      urgency: "page",
      title: sameInAll("Mastodon is down"),
      explanation: sameInAll("It cannot be reached."),
      reason: "answered 502",
      runbook: "service-down",
      startedAt: now,
      confirmedAt: now,
    } as const;
    const update = { at: now, kind: "confirmed", text: sameInAll("We know."), public: true } as const;
    const { opened } = await this.store.commit({
      incidents: [
        {
          change: "open",
          facts,
          update,
          escalate: (id) => escalate(id, { ...facts, id, state: "open" }),
        },
      ],
    });
    const [incident] = opened;
    if (!incident) throw new Error("no incident was opened");
    return incident;
  }

  notice(more: Partial<Notice>): Notice {
    return {
      key: "notice",
      kind: "page",
      urgency: "now",
      to: { kind: "contact", id: "contractor" },
      channel: "email",
      thread: "incident-1",
      headline: "[Tidewatch #1] Mastodon is down",
      summary: "DOWN",
      sections: [{ about: "trouble", lines: ["DOWN"] }],
      actions: [],
      language: "en",
      notBefore: this.clock.now(),
      ...more,
    };
  }

  later(seconds: number): Temporal.Instant {
    return this.clock.now().add({ seconds });
  }

  async states(incident = 1): Promise<readonly string[]> {
    return (await this.store.outbox.of(incident)).map(({ key, state }) => `${key} ${state}`);
  }

  /** `page contractor email sent` */
  async told(incident = 1): Promise<readonly string[]> {
    const notices = await this.store.outbox.of(incident);
    return notices.map(({ kind, to, channel, state }) => `${kind} ${to.id} ${channel} ${state}`);
  }

  /** Seconds at which this notice was tried: by its key, or as `page contractor`. */
  triedAt(which: string): readonly number[] {
    const tried = this.attempts.filter(({ key, name }) => key === which || name === which);
    return tried.map(({ atSeconds }) => atSeconds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.store[Symbol.asyncDispose]();
  }

  channels(names: readonly string[]): ReadonlyMap<string, ConfiguredChannel> {
    const scripted = (name: string): ConfiguredChannel => ({ channel: this.#channel(name), options: {} });
    return new Map(names.map((name) => [name, this.real[name] ?? scripted(name)]));
  }

  /** The store, with its reading and claiming counted. */
  #counted(): Store {
    const { incidents, outbox } = this.store;
    return Object.create(this.store, {
      incidents: { value: this.#countedPort("incidents", incidents) },
      outbox: { value: this.#countedPort("outbox", outbox) },
    });
  }

  #countedPort<Port extends object>(port: string, kept: Port): Port {
    const calls = this.calls;
    return new Proxy(kept, {
      get(store, name) {
        const value: unknown = Reflect.get(store, name);
        if (typeof value !== "function") return value;
        return (...of: unknown[]) => {
          calls.push(`${port}.${String(name)} ${String(of[0])}`);
          return value.apply(store, of);
        };
      },
    });
  }

  #channel(name: string): Channel {
    return defineChannel({
      summary: "Scripted.",
      options: z.strictObject({}),
      example: {},
      address: z.string(),
      residency: "own",
      ...(this.deadlineSeconds !== undefined && { deadlineSeconds: this.deadlineSeconds }),
      open: async () => ({
        deliver: async (notice, _address, context) => {
          const { key, kind, to } = notice;
          const atSeconds = Math.round(this.clock.monotonicSeconds());
          this.attempts.push({ key, name: `${kind} ${to.id}`, atSeconds });
          this.references.push(context.thread.reference);
          await this.answers[name]?.(notice, context);
          return this.reference === undefined ? {} : { reference: this.reference };
        },
        [Symbol.asyncDispose]: async () => void this.closed.push(name),
      }),
    });
  }
}
