/**
 * The escalation of one incident: who was told of it, who is told next and when, or why nobody is told now. All that must
 * be known of it after a restart stands here, and nothing is worked out from the notices that were sent.
 */
import { z } from "zod";
import type { IncidentFacts } from "./incident.ts";
import { type Localised, storedText } from "./language.ts";
import { type CheckKey, outcomes, phaseNames } from "./sample.ts";

/** Whether somebody is told: the reasons not to differ in what ends them. */
export type EscalationState =
  | { readonly state: "told" }
  /** What may be its root cause is being confirmed; it is told when that takes too long, or all of it was found well. */
  | { readonly state: "waiting"; readonly until: Temporal.Instant; readonly candidates: readonly CheckKey[] }
  /** Its root cause is told in its place. */
  | { readonly state: "inhibited"; readonly by: CheckKey | undefined }
  /** Somebody decided not to be told. */
  | { readonly state: "silenced"; readonly by: string }
  | { readonly state: "acknowledged"; readonly by: string };

/** Something that is to be done at a moment, and the moment from which that was reckoned: both by the same wall clock. */
export interface Planned {
  readonly dueAt: Temporal.Instant;
  readonly plannedAt: Temporal.Instant;
}

const Text: z.ZodType<Localised> = storedText;
const Moment = z.iso.datetime().transform((text) => Temporal.Instant.from(text));

/** Steps after `afterSeconds`, up to and with `upToSeconds` where that is given, come no later than counted from here. */
const Announced = z.object({
  from: Moment,
  afterSeconds: z.number(),
  upToSeconds: z.number().exactOptional(),
});
export type Announced = z.output<typeof Announced>;
export const AllAnnounced = z.array(Announced).readonly();

export interface EscalationFacts {
  readonly incident: number;
  /** Keeps all notices of the incident together. Empty where a store of an older version has none yet, as is the subject. */
  readonly thread: string;
  readonly subject: string;
  /** 0 at its opening; one more each time that it is told anew, because it became worse or outlasts its root cause. */
  readonly revision: number;
  /** When that was found which this revision tells. */
  readonly foundAt: Temporal.Instant;
  /** The steps of this revision count from here: when it was found, or until when candidate causes were waited for. */
  readonly countedFrom: Temporal.Instant;
  /** Steps that this revision has told; `afterSeconds` of the last one, where this version told it. */
  readonly told: { readonly steps: number; readonly afterSeconds?: number };
  /** What was announced before this revision, or this wait: the steps of which it holds come no later. */
  readonly noLaterThan: readonly Announced[];
  /** Undefined only where an older version began it. */
  readonly news: News | undefined;
  /** The next step, or the end of the wait; undefined when there is none. */
  readonly next: Planned | undefined;
}

export type Escalation = EscalationFacts & EscalationState;

/** A bad try as a notice shows it. */
const Try = z.object({
  check: z.string(),
  vantagePoint: z.string(),
  at: Moment,
  outcome: z.enum(outcomes),
  reason: z.string().exactOptional(),
  phases: z.partialRecord(z.enum(phaseNames), z.number()).exactOptional(),
});
export type Try = z.output<typeof Try>;

/** A reading that has stood beyond its threshold. */
const Level = z.object({
  labels: z.record(z.string(), z.string()),
  value: z.number(),
  rule: z.object({
    raiseAt: z.number(),
    clearAt: z.number(),
    unit: z.enum(["seconds", "bytes", "ratio", "count"]),
  }),
});
export type Level = z.output<typeof Level>;

/** What the tries or the readings showed when it was confirmed. */
const Seen = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("tries"),
    tries: z.array(Try).readonly(),
    needed: z.number(),
    /** They came and went: so many of so many tries. */
    share: z.object({ bad: z.number(), of: z.number() }).exactOptional(),
  }),
  z.object({ kind: z.literal("levels"), check: z.string(), levels: z.array(Level).readonly() }),
]);
export type Seen = z.output<typeof Seen>;

const Facts: z.ZodType<Omit<IncidentFacts, "id">> = z.object({
  key: z.string(),
  kind: z.enum(["outage", "threshold"]),
  target: z.string(),
  checks: z.array(z.string()),
  impact: z.enum(["down", "degraded", "none"]),
  urgency: z.enum(["page", "ticket"]),
  title: Text,
  explanation: Text,
  reason: z.string(),
  runbook: z.string(),
  startedAt: Moment,
  confirmedAt: Moment,
});

/** What is told about trouble; kept, so that a later step says what the first one said. As JSON its moments are texts. */
export const News = z.object({
  facts: Facts,
  /** Of the target. */
  name: Text,
  seen: Seen,
  /** The line on the status page; absent when members see nothing of it. */
  membersSee: Text.exactOptional(),
  /** Resolved less than an hour before this began. */
  again: z.object({ id: z.number(), resolvedAt: Moment }).exactOptional(),
  /** What else fails on the same machine, by name. */
  also: z.array(Text).readonly().exactOptional(),
  /** Of that machine, as the names of the failing checks led to it. */
  addresses: z.array(z.string()).readonly().exactOptional(),
  /** It ended at that moment and came back: the next that is told of it is its end, after it was quiet for so long. */
  flapping: z.object({ resolvedAt: Moment, quietSeconds: z.number() }).exactOptional(),
  /** The check that explained it until now, so that nobody was told. */
  outlasts: z.object({ check: z.string(), isOver: z.boolean() }).exactOptional(),
});
export type News = z.output<typeof News>;
