/** A small world for the alerts: a real store, a clock to turn, and the recorder's part of the work done by hand. */
import { stepsLeft, stepsOf } from "../../alerts/escalation/plan.ts";
import { type AlertSettings, Policy } from "../../alerts/escalation/policy.ts";
import { take } from "../../alerts/escalation/transitions.ts";
import { type Judge, type JudgeOptions, openJudge } from "../../alerts/judging/judge.ts";
import { advance, type Confirmation, noConfirmation, resultOf } from "../../core/confirmation.ts";
import type { Incident } from "../../core/incident.ts";
import type { JudgedSample } from "../../core/judge.ts";
import { sameInAll } from "../../core/language.ts";
import { silentLog } from "../../core/log.ts";
import { type Notice, noticeText } from "../../core/notice.ts";
import type { OnCall } from "../../core/organisation.ts";
import { checkKey, type Finding, type Sample } from "../../core/sample.ts";
import type { Changes } from "../../core/store/changes.ts";
import type { Store } from "../../core/store/store.ts";
import type { Check, Target } from "../../core/target.ts";
import type { Threshold } from "../../core/threshold.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite.ts";
import { FakeClock } from "../helpers/fake-clock.ts";

export const signingKey = new Uint8Array(32).fill(1);

export const onCall: OnCall = {
  contacts: [
    {
      id: "contractor",
      name: "Contractor",
      timeZone: "America/Vancouver",
      email: "oncall@example.org",
      addresses: { email: "oncall@example.org", pager: "1" },
    },
    {
      id: "techops",
      name: "TechOps",
      timeZone: "America/Toronto",
      email: "techops@example.org",
      addresses: { email: "techops@example.org" },
    },
  ],
  escalation: [
    { afterSeconds: 0, notify: ["contractor"] },
    { afterSeconds: 900, notify: ["techops"] },
  ],
};

export function check(target: string, id: string, more: Partial<Check> = {}): Check {
  return {
    target,
    id,
    probe: "http",
    everySeconds: 60,
    timeoutSeconds: 10,
    required: true,
    confirm: { failures: 3, retrySeconds: 20, successes: 2, recoverySeconds: 30 },
    thresholds: [],
    options: {},
    ...more,
  };
}

export function target(id: string, name: string, checks: readonly Check[], more: Partial<Target> = {}): Target {
  return { id, name: sameInAll(name), public: true, planned: false, checks, capacity: [], ...more };
}

export const latency: Threshold = {
  id: "latency",
  metric: "queue_latency_seconds",
  raiseAt: 900,
  clearAt: 300,
  raiseAfterSeconds: 600,
  clearAfterSeconds: 600,
  urgency: "page",
  affects: "degraded",
  unit: "seconds",
  title: { en: "Posts arrive late", fr: "Les publications arrivent en retard" },
  age: { en: "the oldest job was {age} old then", fr: "la plus ancienne tâche attendait alors depuis {age}" },
  runbook: "queue-latency",
};

export const mastodon = target("mastodon", "Mastodon", [
  check("mastodon", "web"),
  check("mastodon", "api"),
  check("mastodon", "queues", { thresholds: [latency] }),
]);

/** For a delivery whose channels ask nobody anything. */
export const noHttp = {
  by: "here",
  http: (): never => {
    throw new Error("no channel of this test asks anybody anything");
  },
};

/** All that a notice says, as it stands in a mail. */
export const textOf = (notice: Notice | undefined): string => (notice ? noticeText(notice) : "");

/** Whose monitor it is, and who is told. */
const settings: Omit<AlertSettings, "targets"> = {
  organisation: { name: sameInAll("CoSocial"), languages: ["en", "fr"], timeZone: "America/Vancouver" },
  onCall,
  channels: ["email"],
  baseUrl: "https://status.example/",
};

type Seen = Finding["outcome"] | (Finding & Pick<Sample, "connected">);

export class World {
  readonly clock: FakeClock;
  readonly file: string;
  options: Partial<JudgeOptions>;
  targets: readonly Target[];
  store: Store;
  judge: Judge;
  vantagePoint = "local";
  /** Where the names of targets lead, by the id of the target. */
  addresses: Readonly<Record<string, readonly string[]>> = {};
  #confirmations = new Map<string, Confirmation>();
  #ranAt = new Map<string, number>();

  private constructor(
    file: string,
    clock: FakeClock,
    targets: readonly Target[],
    options: Partial<JudgeOptions>,
    parts: { store: Store; judge: Judge },
  ) {
    this.file = file;
    this.clock = clock;
    this.targets = targets;
    this.options = options;
    this.store = parts.store;
    this.judge = parts.judge;
  }

  static async open(
    options: Partial<JudgeOptions> & { readonly file?: string; readonly start?: string } = {},
  ): Promise<World> {
    const { file = ":memory:", start, ...judgeOptions } = options;
    const clock = new FakeClock(start);
    const targets = judgeOptions.targets ?? [mastodon];
    const store = await openSqliteStore(file);
    const judge = await World.#openJudge(store, clock, targets, judgeOptions);
    return new World(file, clock, targets, judgeOptions, { store, judge });
  }

  static #openJudge(store: Store, clock: FakeClock, targets: readonly Target[], options: Partial<JudgeOptions>) {
    return openJudge({ store, clock, log: silentLog, signingKey, ...settings, ...options, targets });
  }

  /** Who is told, by the configuration as it stands now. */
  #policy(): Promise<Policy> {
    return Policy.open({ signingKey, ...settings, ...this.options, targets: this.targets });
  }

  /** As after kill -9: whatever was not committed is gone, and a new process reads the store. */
  async restart(targets = this.targets): Promise<void> {
    if (this.file === ":memory:") throw new Error("a world in memory does not survive a restart");
    await this.store[Symbol.asyncDispose]();
    this.store = await openSqliteStore(this.file);
    this.targets = targets;
    this.#confirmations = new Map(
      (await this.store.judgements.confirmations()).map((stored) => [checkKey(stored), stored.confirmation]),
    );
    this.#ranAt.clear();
    this.judge = await World.#openJudge(this.store, this.clock, targets, this.options);
    await this.commit(this.judge.start());
  }

  /** One run of a check, now: judged and committed. */
  async sees(id: string, seen: Seen): Promise<void> {
    await this.commit(this.considers(id, seen));
  }

  /** The same without the commit: what the recorder would write. */
  considers(id: string, seen: Seen): Changes {
    const event = this.#judged(id, typeof seen === "string" ? { outcome: seen } : seen);
    const { target, check, vantagePoint } = event.sample;
    return {
      samples: [event.sample],
      confirmations: [{ target, check, vantagePoint, confirmation: event.confirmation }],
      ...this.judge.consider(event),
    };
  }

  async commit(changes: Changes | undefined): Promise<void> {
    for (let next = changes; next; ) {
      const { opened } = await this.store.commit(next);
      next = next.incidents ? this.judge.committed(opened) : undefined;
    }
  }

  /** Three failed tries of a check, 20 s apart. */
  async breaks(id: string, seen: Finding = { outcome: "down", reason: "answered 502" }): Promise<void> {
    for (const wait of [20, 20, 0]) {
      await this.sees(id, seen);
      await this.clock.turn(wait);
    }
  }

  /** Two good tries of a check, 30 s apart. */
  async mends(id: string): Promise<void> {
    await this.sees(id, "up");
    await this.clock.turn(30);
    await this.sees(id, "up");
  }

  async incidents(): Promise<readonly Incident[]> {
    return (await this.store.incidents.list({})).toSorted((a, b) => a.id - b.id);
  }

  /** `page contractor email pending`, in the order in which they were written; then the steps that are planned. */
  async outbox(incident = 1): Promise<readonly string[]> {
    const notices = await this.store.outbox.of(incident);
    const written = notices.map(({ kind, to, channel, state }) => `${kind} ${to.id} ${channel} ${state}`);
    return [...written, ...(await this.planned(incident)).map(({ line }) => `${line} planned`)];
  }

  /** The steps that are to come as long as nothing happens, by the configuration of now. */
  async planned(incident = 1): Promise<readonly { readonly line: string; readonly at: Temporal.Instant }[]> {
    const escalation = await this.store.escalations.of(incident);
    if (!escalation?.next) return [];
    const urgency = escalation.news?.facts.urgency ?? "page";
    return stepsLeft(escalation, stepsOf((await this.#policy()).plan, urgency)).flatMap(({ recipients, at }, index) => {
      const later = escalation.told.steps + index > 0 ? "escalation" : "page";
      const kind = urgency === "ticket" ? "ticket" : later;
      return recipients.map(({ contact, channel }) => ({ line: `${kind} ${contact.id} ${channel}`, at }));
    });
  }

  /** Tells the steps that are due. */
  async escalates(): Promise<void> {
    for (;;) {
      const [due] = await this.store.due.next("escalation", 1);
      if (!due || Temporal.Instant.compare(due.dueAt, this.clock.now()) > 0) return;
      const escalate = take(await this.#policy(), due);
      await this.store.commit({ escalations: [{ incident: Number(due.subject), taking: due, escalate }] });
    }
  }

  /** Tells the steps that are due, takes everything that is to be sent and calls it sent. */
  async sendsWhatIsDue(channel = "email"): Promise<void> {
    await this.escalates();
    for (const { key, attempts } of await this.store.outbox.claim(channel, {
      by: "here",
      now: this.clock.now(),
      limit: 100,
      leaseSeconds: 30,
    })) {
      await this.store.outbox.settle(key, attempts, { state: "sent", at: this.clock.now() });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }

  #judged(id: string, seen: Finding & Pick<Sample, "connected">): JudgedSample {
    const [targetId = "", checkId = ""] = id.split("/");
    const found = this.targets.find((one) => one.id === targetId)?.checks.find((one) => one.id === checkId);
    if (!found) throw new Error(`there is no check ${id}`);
    const ranAt = this.#ranAt.get(id);
    const now = this.clock.monotonicSeconds();
    this.#ranAt.set(id, now);
    const sample: Sample = {
      target: targetId,
      check: checkId,
      vantagePoint: this.vantagePoint,
      at: this.clock.now(),
      durationSeconds: 0.05,
      ...(this.addresses[targetId] && { addresses: this.addresses[targetId] }),
      ...(ranAt !== undefined && { sinceLastSeconds: now - ranAt }),
      ...seen,
    };
    const { confirmation, change, blip } = advance(this.#confirmations.get(id) ?? noConfirmation, resultOf(sample), {
      ...found.confirm,
      everySeconds: found.everySeconds,
    });
    this.#confirmations.set(id, confirmation);
    return { sample, check: found, confirmation, ...(change && { change }), ...(blip && { blip }) };
  }
}
