/**
 * Months of a co-op's life by a clock that is turned: outages, blips, causes, a monitor that sees nothing, kill -9, a mail
 * server that refuses. Each confirmed outage is told to those whose turn came, once, and its end to the same people.
 */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Config } from "../../core/config/config.ts";
import { DeliveryError } from "../../core/errors.ts";
import type { Incident } from "../../core/incident.ts";
import type { Notice } from "../../core/notice.ts";
import type { OnCall } from "../../core/organisation.ts";
import type { Outcome } from "../../core/sample.ts";
import type { Check } from "../../core/target.ts";
import { parseConfig } from "../../program/config-file.ts";
import { loadPlugins } from "../../program/plug-ins.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { beginLife, type Life } from "../helpers/life.ts";
import { randomFrom } from "../helpers/random.ts";
import { isDisturbed, messagesOf, mostMessagesOf, type Refusal } from "./lib/expected.ts";
import { Observer, type Outage } from "./lib/observer.ts";
import type { Proof } from "./lib/proof.ts";

const day = 86_400;
const services = ["mastodon", "relay", "forum", "podcasts", "photos"];
/** Cannot do without the database. */
const dependents = new Set(["mastodon", "relay"]);
const yaml = `
organisation: { name: Simulated Co-op, languages: [en], timeZone: America/Vancouver }
server: { public: "127.0.0.1:8080", private: "127.0.0.1:9464", url: "https://status.example" }
targets:
  - { id: database, name: database, checks: [{ id: connect, probe: tcp, host: 192.0.2.1, port: 5432, every: 15m }] }
${services
  .map((id) => {
    const cause = dependents.has(id) ? ", dependsOn: [database/connect]" : "";
    return `  - { id: ${id}, name: ${id}, checks: [{ id: web, probe: http, url: "http://${id}.example/", every: 15m${cause} }] }`;
  })
  .join("\n")}
alerts:
  contacts:
    - { id: contractor, name: Contractor, email: contractor@coop.example, timeZone: America/Toronto }
    - { id: techops, name: TechOps, email: techops@coop.example, timeZone: America/Vancouver }
    - { id: chair, name: Chair, email: chair@coop.example, timeZone: America/Halifax }
  email: { from: tidewatch@coop.example, smtp: { env: SMTP_URL } }
  confirm: { failures: 3, retryEvery: 20s, successes: 2, recoverEvery: 30s }
  flapping: { within: 0s }
  escalation:
    - { after: 0s, notify: [contractor] }
    - { after: 15m, notify: [techops] }
    - { after: 30m, notify: [techops, chair] }
`;

export const proof: Proof = {
  summary: "Simulated months: confirmed outages against who was told, exactly",
  round: (seed, stop) => simulate(seed, { days: 30, stop }),
};

/** @returns what happened in that time, in a few words. */
export async function simulate(
  seed: number,
  { days, stop }: { readonly days: number; readonly stop: AbortSignal },
): Promise<string> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tidewatch-months-"));
  const config = parseConfig(yaml, {
    ...(await loadPlugins()),
    file: "months.yaml",
    env: { SMTP_URL: "smtp://mail.example" },
  });
  const clock = new FakeClock();
  const mail = new Mail(clock);
  const onAttempt = (notice: Notice) => mail.attempt(notice);
  await using life = await beginLife({ file: join(folder.path, "tidewatch.db"), clock, config, onAttempt });
  const fate = new Fate(life, clock, mail, randomFrom(seed));
  await fate.pass(days, stop);
  await expectTold(life, config, fate, mail);
  return fate.summary;
}

/** A mail server that refuses at times, and notes to whom. */
class Mail {
  readonly refusals: Refusal[] = [];
  /** Of which incident to whom something was refused. */
  readonly refused = new Set<string>();
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  refuse(seconds: number): void {
    const from = this.#clock.now();
    this.refusals.push({ from, to: from.add({ seconds: Math.ceil(seconds) }) });
  }

  attempt({ incident, to }: Notice): void {
    const now = this.#clock.now();
    if (!this.refusals.some(({ from, to }) => isBefore(from, now) && isBefore(now, to))) return;
    this.refused.add(`${incident} ${to.id}`);
    throw new DeliveryError("421 not now", { verdict: "retry" });
  }
}

/** What a check goes through for a while: until then, or for so many tries. */
interface Spell {
  readonly outcome: Outcome;
  readonly until?: Temporal.Instant;
  readonly tries?: number;
  /** In between, a try may find something else. */
  readonly isNoisy?: true;
}

interface Watched {
  readonly check: Check;
  readonly observer: Observer;
  next: Temporal.Instant;
  /** When its next trouble begins, if it is well then. */
  troubleAt: Temporal.Instant;
  spell: Spell | undefined;
}

/** Lets it happen: what each try finds, what people do, and when the program is killed. */
class Fate {
  readonly outages: Outage[] = [];
  readonly #life: Life;
  readonly #clock: FakeClock;
  readonly #mail: Mail;
  readonly #random: () => number;
  readonly #watched: readonly Watched[];
  readonly #plans: { readonly at: Temporal.Instant; readonly act: () => Promise<void> }[] = [];
  #blindUntil: Temporal.Instant;
  #kills = 0;
  #ends = false;

  constructor(life: Life, clock: FakeClock, mail: Mail, random: () => number) {
    this.#life = life;
    this.#clock = clock;
    this.#mail = mail;
    this.#random = random;
    this.#blindUntil = clock.now();
    this.#watched = life.checks.map((check) => ({
      check,
      observer: new Observer(check.target, check.everySeconds),
      next: this.#in(random() * check.everySeconds),
      troubleAt: this.#in(random() * day),
      spell: undefined,
    }));
  }

  get summary(): string {
    const told = this.outages.filter(({ isExplained }) => !isExplained).length;
    return `${this.outages.length} outages, ${told} of them told, ${this.#life.told.length} notices, ${this.#kills} kills, ${this.#mail.refusals.length} times no mail`;
  }

  async pass(days: number, stop: AbortSignal): Promise<void> {
    const end = this.#in(days * day);
    this.#plan(this.#random() * day, () => this.#goBlind());
    this.#plan(this.#random() * day, () => this.#kill());
    this.#plan(0, () => this.#maintain());
    while (isBefore(this.#clock.now(), end)) {
      stop.throwIfAborted();
      await this.#step();
    }
    this.#ends = true;
    while (this.#watched.some(({ observer }) => !observer.isCalm)) await this.#step();
    await this.#clock.turn(3600);
  }

  /** Whatever comes next: a try, or what was planned. */
  async #step(): Promise<void> {
    const watched = earliest(this.#watched, ({ next }) => next);
    const plan = earliest(this.#plans, ({ at }) => at);
    const isPlan = isBefore(plan.at, watched.next);
    const seconds = (isPlan ? plan.at : watched.next).since(this.#clock.now()).total("seconds");
    await this.#clock.turn(Math.max(0, seconds));
    if (!isPlan) return this.#try(watched);
    this.#plans.splice(this.#plans.indexOf(plan), 1);
    if (!this.#ends) await plan.act();
  }

  async #try(watched: Watched): Promise<void> {
    const { check, observer } = watched;
    const outcome = this.#found(watched);
    const outage = observer.take(this.#clock.now(), outcome, this.#isExplained(check));
    const reason = outcome === "down" || outcome === "degraded" ? { reason: "answered 502" } : {};
    this.#life.record(check, { outcome, ...reason });
    await this.#life.settle();
    // No two moments are the same: what is due at one of them never meets what happens at another.
    watched.next = this.#in(observer.nextSeconds + this.#random());
    if (outage && !outage.resolvedAt) await this.#confirmed(outage);
  }

  #found(watched: Watched): Outcome {
    const now = this.#clock.now();
    if (isBefore(now, this.#blindUntil)) return "unknown";
    if (watched.spell === undefined && isBefore(watched.troubleAt, now)) this.#beginTrouble(watched);
    const { spell } = watched;
    const isOver = spell?.until ? isBefore(spell.until, now) : spell?.tries === 0;
    if (!spell || isOver || this.#ends) {
      watched.spell = undefined;
      return "up";
    }
    if (spell.tries !== undefined) watched.spell = { ...spell, tries: spell.tries - 1 };
    const noise = spell.isNoisy ? this.#random() : 1;
    if (noise < 0.03) return "unknown";
    return noise < 0.08 ? "up" : spell.outcome;
  }

  #beginTrouble(watched: Watched): void {
    watched.troubleAt = this.#in(-Math.log(this.#random()) * 2 * day);
    const { target } = watched.check;
    const database = this.#watched.find((one) => one.check.target === "database");
    const others = this.#watched.filter((one) => dependents.has(one.check.target));
    // Outages and their cause are put together by hand: others keep away from one another.
    const isBusy = (one: Watched | undefined) => one && (one.spell !== undefined || !one.observer.isCalm);
    if (dependents.has(target) ? isBusy(database) : target === "database" && others.some(isBusy)) return;
    const kind = this.#random();
    if (kind < 0.35) watched.spell = { outcome: "down", tries: kind < 0.2 ? 1 : 2 };
    else {
      const seconds = 120 * 100 ** this.#random() + (target === "database" ? 2400 : 0);
      const outcome = kind < 0.5 && target !== "database" ? "degraded" : "down";
      watched.spell = { outcome, until: this.#in(seconds), ...(target !== "database" && { isNoisy: true }) };
    }
  }

  async #confirmed(outage: Outage): Promise<void> {
    this.outages.push(outage);
    if (outage.target === "database") this.#spread();
    if (outage.isExplained) return;
    const dice = this.#random();
    if (dice < 0.15) this.#plan(this.#random() * 1800, async () => this.#mail.refuse(60 + this.#random() * 900));
    else if (dice < 0.3) this.#plan(this.#random() * 2400, () => this.#take(outage));
    else if (dice < 0.6) this.#plan(this.#random() * 2400, () => this.#restart());
  }

  /** What cannot do without the database fails soon after it, and is well again before it is. */
  #spread(): void {
    const until = this.#watched
      .find(({ check }) => check.target === "database")
      ?.spell?.until?.subtract({ seconds: 300 });
    for (const watched of this.#watched.filter(({ check }) => dependents.has(check.target))) {
      if (!until || this.#random() < 0.2) continue;
      watched.spell = { outcome: "down", until };
      watched.next = this.#in(60 + this.#random() * 60);
    }
  }

  #isExplained({ target }: Check): boolean {
    const database = this.#watched.find(({ check }) => check.target === "database");
    return dependents.has(target) && database?.observer.outage !== undefined;
  }

  async #take(outage: Outage): Promise<void> {
    if (outage.resolvedAt) return;
    outage.takenAt = this.#clock.now();
    await this.#life.acknowledge(outage.target, "TechOps");
  }

  async #restart(): Promise<void> {
    this.#kills++;
    await this.#life.restart();
  }

  async #kill(): Promise<void> {
    await this.#restart();
    this.#plan(this.#random() * 2 * day, () => this.#kill());
  }

  async #goBlind(): Promise<void> {
    this.#blindUntil = this.#in(600 + this.#random() * 7200);
    this.#plan(day + this.#random() * 6 * day, () => this.#goBlind());
  }

  async #maintain(): Promise<void> {
    await this.#life.store.maintain(this.#clock.now());
    this.#plan(6 * 3600 + this.#random(), () => this.#maintain());
  }

  #plan(seconds: number, act: () => Promise<void>): void {
    this.#plans.push({ at: this.#in(seconds), act });
  }

  #in(seconds: number): Temporal.Instant {
    return this.#clock.now().add({ milliseconds: Math.round(seconds * 1000) });
  }
}

/** Every outage is an incident and every incident an outage; and about each was told what had to be. */
async function expectTold(life: Life, { onCall }: Config, { outages }: Fate, mail: Mail): Promise<void> {
  const incidents = (await life.store.incidents.list({})).toSorted((a, b) => a.id - b.id);
  expect(incidents.map(inWords)).toEqual(
    outages.toSorted((a, b) => compare(a.confirmedAt, b.confirmedAt)).map(inWords),
  );
  for (const incident of incidents) {
    const outage = outages.find(
      ({ target, startedAt }) => target === incident.target && startedAt.equals(incident.startedAt),
    );
    if (!outage) continue;
    const told = life.told.filter(({ notice }) => notice.incident === incident.id);
    const about = `#${incident.id} ${incident.target}, ${incident.startedAt}`;
    if (isDisturbed(outage, mail.refusals)) expectToldInTheEnd(outage, incident, { told, onCall, mail, about });
    else
      expect(told.map(({ at, notice }) => `${second(at)} ${notice.kind} to ${notice.to.id}`).toSorted(), about).toEqual(
        messagesOf(outage, onCall)
          .map(({ at, what }) => `${second(at)} ${what}`)
          .toSorted(),
      );
  }
}

/** Some of it may have come late, or too late to be of use; but nothing twice, and nobody is left with half of it. */
function expectToldInTheEnd(
  outage: Outage,
  { id }: Incident,
  {
    told,
    onCall,
    mail,
    about,
  }: { readonly told: Life["told"]; readonly onCall: OnCall; readonly mail: Mail; readonly about: string },
): void {
  const expected = mostMessagesOf(outage, onCall).map(({ what }) => what);
  const seen = told.map(({ notice }) => `${notice.kind} to ${notice.to.id}`);
  const alarmed = new Set(told.filter(({ notice }) => notice.kind !== "resolve").map(({ notice }) => notice.to.id));
  const released = told.filter(({ notice }) => notice.kind === "resolve").map(({ notice }) => notice.to.id);
  expect(new Set(told.map(({ notice }) => notice.key)).size, `${about}: nothing twice`).toBe(told.length);
  expect(without(seen, expected), `${about}: nothing that was not to be told`).toEqual([]);
  expect(released.toSorted(), `${about}: each of them once`).toEqual([...new Set(released)].toSorted());
  for (const contact of alarmed)
    expect(released, `${about}: the end, to whom its beginning was told`).toContain(contact);
  for (const contact of released.filter((one) => !alarmed.has(one))) {
    expect(mail.refused, `${about}: the end alone, where the beginning was refused`).toContain(`${id} ${contact}`);
  }
  if (!outage.isExplained) expect(seen.length, `${about}: somebody hears of it`).toBeGreaterThan(0);
}

/** What is left of `all` when each of `known` takes one away. */
function without(all: readonly string[], known: readonly string[]): readonly string[] {
  const left = [...all];
  for (const one of known) if (left.includes(one)) left.splice(left.indexOf(one), 1);
  return left;
}

const inWords = (one: Incident | Outage): string => {
  const resolvedAt = "mendedAt" in one ? one.mendedAt : "resolvedAt" in one ? one.resolvedAt : undefined;
  return `${one.target} ${one.impact} from ${one.startedAt}, confirmed ${one.confirmedAt}, until ${resolvedAt}`;
};

const compare = Temporal.Instant.compare;
const isBefore = (a: Temporal.Instant, b: Temporal.Instant): boolean => compare(a, b) < 0;
const second = (at: Temporal.Instant): string => at.round("second").toString();

function earliest<T>(all: readonly T[], moment: (one: T) => Temporal.Instant): T {
  const [first, ...others] = all;
  if (first === undefined) throw new Error("nothing is left to happen");
  return others.reduce((least, one) => (isBefore(moment(one), moment(least)) ? one : least), first);
}
