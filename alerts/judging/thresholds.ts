/** Readings against their thresholds: what is raised now, kept across restarts and jumps of the clock. */
import type { Level } from "../../core/escalation.ts";
import { checkKey, type Sample } from "../../core/sample.ts";
import type { StoredThreshold } from "../../core/store/judgements.ts";
import type { CheckRef } from "../../core/store/series.ts";
import type { Store } from "../../core/store/store.ts";
import type { Check } from "../../core/target.ts";
import { advanceThreshold, calmThreshold, type Threshold, type ThresholdState } from "../../core/threshold.ts";
import { seriesKey } from "./confirmed-outages.ts";

type Labels = Readonly<Record<string, string>>;

/** How one rule stands with one more sample. */
export interface RuleStanding {
  readonly rule: Threshold;
  /** Label sets that were raised just now, and since when they stood beyond the line. */
  readonly raised: readonly { readonly labels: string; readonly since: number }[];
  /** When the last of them crossed the line back, where one did just now. */
  readonly clearedAt: number | undefined;
  /** All label sets that are raised, the worst first. */
  readonly levels: readonly Level[];
}

interface Entry {
  readonly stored: Omit<StoredThreshold, "state">;
  state: ThresholdState;
  value: number | undefined;
}

/** Beyond this the wall clock was set; less is rounding. */
const jumpMilliseconds = 2000;

export class Thresholds {
  /** By rule (`target/check:rule`), then by vantage point and labels. */
  readonly #rules = new Map<string, Map<string, Entry>>();
  /** When the last sample of a series was taken, epoch milliseconds. */
  readonly #lastAt = new Map<string, number>();
  /** Series that this process has had a sample of. */
  readonly #seen = new Set<string>();

  private constructor() {}

  static async load(store: Pick<Store, "judgements" | "samples">): Promise<Thresholds> {
    const thresholds = new Thresholds();
    for (const { state, ...stored } of await store.judgements.thresholds()) thresholds.#entry(stored).state = state;
    for (const sample of await store.samples.latest()) {
      thresholds.#lastAt.set(seriesKey(sample), sample.at.epochMilliseconds);
    }
    return thresholds;
  }

  /** With one more sample. */
  evaluate(
    sample: Sample,
    check: Check,
  ): { readonly rules: readonly RuleStanding[]; readonly stored: readonly StoredThreshold[] } {
    const shift = this.#shift(sample, check.everySeconds);
    this.#lastAt.set(seriesKey(sample), sample.at.epochMilliseconds);
    if (!this.#seen.has(seriesKey(sample))) this.#forgetUnseen(check, sample.vantagePoint);
    this.#seen.add(seriesKey(sample));
    // What we failed to measure says nothing about the level.
    if (sample.outcome === "unknown") return { rules: [], stored: [] };
    const stored: StoredThreshold[] = [];
    const rules = check.thresholds.flatMap((rule) => this.#evaluateRule(sample, rule, shift, stored) ?? []);
    return { rules, stored };
  }

  /** Anything of this rule is raised. */
  isRaised(rule: string): boolean {
    return this.#entriesOf(rule).some(({ state }) => state.raised);
  }

  /** What a vantage point said that was renamed or given up. One that goes on measures again. */
  #forgetUnseen({ target, id, thresholds }: Check, here: string): void {
    for (const rule of thresholds) {
      const entries = this.#rules.get(ruleKey({ target, check: id }, rule.id));
      for (const [key, { stored }] of entries ?? []) {
        if (stored.vantagePoint !== here && !this.#seen.has(seriesKey(stored))) entries?.delete(key);
      }
    }
  }

  #evaluateRule(sample: Sample, rule: Threshold, shift: number, stored: StoredThreshold[]): RuleStanding | undefined {
    const values = this.#valuesOf(sample, rule);
    if (values.size === 0) return undefined;
    const raised: { labels: string; since: number }[] = [];
    let clearedAt: number | undefined;
    for (const [labels, value] of values) {
      const { target, check, vantagePoint } = sample;
      const entry = this.#entry({ target, check, vantagePoint, threshold: rule.id, labels });
      const before = entry.state;
      const { state, change } = advanceThreshold(shifted(before, shift), value, sample.at.epochMilliseconds, rule);
      entry.state = state;
      // One that has vanished keeps the last value that was seen.
      if (Number.isFinite(value)) entry.value = value;
      if (change?.raised) raised.push({ labels, since: change.since });
      else if (change) clearedAt = Math.max(clearedAt ?? change.since, change.since);
      if (before.raised !== state.raised || before.crossedAt !== state.crossedAt) {
        stored.push({ ...entry.stored, state });
      }
    }
    return { rule, raised, clearedAt, levels: this.levels(sample, rule) };
  }

  /** Label sets of this sample, and those that have vanished from it (a queue that was removed holds nothing). */
  #valuesOf(sample: Sample, rule: Threshold): ReadonlyMap<string, number> {
    const values = new Map(
      (sample.readings ?? [])
        .filter(({ metric, value, labels }) => metric === rule.metric && !Number.isNaN(value) && carries(labels, rule))
        .map(({ labels, value }) => [canonical(labels), value]),
    );
    // Without any reading of this metric nothing is known: some are taken only now and then.
    if (values.size === 0) return values;
    for (const { stored, state } of this.#entriesOf(ruleKey(sample, rule.id))) {
      const vanished = stored.vantagePoint === sample.vantagePoint && !values.has(stored.labels);
      if (vanished && (state.raised || state.crossedAt !== null)) values.set(stored.labels, Number.NEGATIVE_INFINITY);
    }
    return values;
  }

  /** Those of a rule that is to open an incident: a page takes the place of a ticket about the same reading. */
  levelsToTell(check: Check, rule: Threshold): readonly Level[] {
    const of = { target: check.target, check: check.id };
    const pages = rule.urgency === "page" ? [] : check.thresholds.filter(({ urgency }) => urgency === "page");
    const paged = pages
      .filter(({ metric }) => metric === rule.metric)
      .flatMap((page) => this.#entriesOf(ruleKey(of, page.id)).filter(({ state }) => isPaged(state, page, rule)))
      .map(({ stored }) => stored.labels);
    return this.levels(of, rule).filter(({ labels }) => !paged.includes(canonical(labels)));
  }

  /** All label sets that are raised, the worst first. */
  levels(of: CheckRef, rule: Threshold): readonly Level[] {
    return this.#entriesOf(ruleKey(of, rule.id))
      .flatMap(({ stored, state, value }) =>
        state.raised && value !== undefined ? [{ labels: readLabels(stored.labels), value, rule }] : [],
      )
      .sort((a, b) => b.value - a.value);
  }

  #entriesOf(rule: string): readonly Entry[] {
    return [...(this.#rules.get(rule)?.values() ?? [])];
  }

  #entry(stored: Entry["stored"]): Entry {
    const key = ruleKey(stored, stored.threshold);
    const entries = this.#rules.get(key) ?? new Map<string, Entry>();
    this.#rules.set(key, entries);
    const entry = entries.get(`${stored.vantagePoint} ${stored.labels}`) ?? {
      stored,
      state: calmThreshold,
      value: undefined,
    };
    entries.set(`${stored.vantagePoint} ${stored.labels}`, entry);
    return entry;
  }

  /**
   * Milliseconds by which earlier moments must be moved so that "for ten minutes" counts measured time only: neither a
   * clock that was set nor time in which we were away makes a level older.
   */
  #shift(sample: Sample, everySeconds: number): number {
    const lastAt = this.#lastAt.get(seriesKey(sample));
    if (lastAt === undefined) return 0;
    const gap = sample.at.epochMilliseconds - lastAt;
    const every = everySeconds * 1000;
    const measured = sample.sinceLastSeconds === undefined ? Math.max(gap, 0) : sample.sinceLastSeconds * 1000;
    const shift = gap - (measured > 2.5 * every ? every : measured);
    return Math.abs(shift) < jumpMilliseconds ? 0 : shift;
  }
}

/** Raised, or about to be: a ticket waits for that no longer than it has waited for itself. */
function isPaged({ raised, crossedAt }: ThresholdState, page: Threshold, ticket: Threshold): boolean {
  return raised || (crossedAt !== null && page.raiseAfterSeconds <= ticket.raiseAfterSeconds);
}

function shifted(state: ThresholdState, shift: number): ThresholdState {
  return state.crossedAt === null || shift === 0 ? state : { ...state, crossedAt: state.crossedAt + shift };
}

/** This rule is about readings with these labels. */
export function carries(labels: Labels | undefined, rule: Threshold): boolean {
  return Object.entries(rule.labels ?? {}).every(([name, value]) => labels?.[name] === value);
}

/** The same text for the same labels, whatever their order. */
function canonical(labels: Labels | undefined): string {
  return JSON.stringify(Object.fromEntries(Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function readLabels(text: string): Labels {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== "object" || parsed === null) return {};
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, String(value)]));
}

/** Names one rule of one check: `mastodon/queues:latency`, the key of its incident. */
export const ruleKey = (of: CheckRef, rule: string) => `${checkKey(of)}:${rule}`;
