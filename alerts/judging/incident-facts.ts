/** What an incident begins as, and what is told of it: an outage with its tries, or a threshold with its readings. */
import { instant } from "../../core/clock.ts";
import type { News, Seen, Try } from "../../core/escalation.ts";
import type { IncidentFacts } from "../../core/incident.ts";
import type { Intermittence } from "../../core/intermittence.ts";
import type { JudgedSample } from "../../core/judge.ts";
import type { Localised } from "../../core/language.ts";
import {
  intermittentText,
  intermittentTitle,
  levelText,
  outageExplanation,
  outageTitle,
  titled,
  unreachableText,
} from "../../core/member-texts.ts";
import { plainText } from "../../core/plain-text.ts";
import type { Sample } from "../../core/sample.ts";
import type { Target } from "../../core/target.ts";
import { lineLength, reasonOf } from "../escalation/wording.ts";
import type { Tries } from "./confirmed-outages.ts";
import type { RuleStanding } from "./thresholds.ts";

export type Facts = Omit<IncidentFacts, "id">;

const usualRunbook = { down: "service-down", degraded: "service-degraded" } as const;

/** @param event a bad try, the one that speaks for it. */
export function outageFacts(
  { sample, change }: Pick<JudgedSample, "sample" | "change">,
  target: Target,
  impact: "down" | "degraded",
): Facts {
  return {
    key: target.id,
    kind: "outage",
    target: target.id,
    checks: [sample.check],
    impact,
    urgency: impact === "down" ? "page" : "ticket",
    title: outageTitle(target.name, impact),
    explanation: ownWords(sample) ?? outageExplanation(target.name, impact),
    reason: reasonOf({ kind: "tries", tries: [sample], needed: 1 }),
    runbook: sample.runbook ?? usualRunbook[impact],
    startedAt: change ? instant(change.since) : sample.at,
    confirmedAt: sample.at,
  };
}

/** The same where nothing but failures that come and go speaks for it. */
export function intermittentFacts(
  { sample }: Pick<JudgedSample, "sample">,
  target: Target,
  { intermittence, seen }: { readonly intermittence: Intermittence; readonly seen: Tries },
): Facts {
  const facts = outageFacts({ sample: seen.tries.at(-1) ?? sample }, target, "degraded");
  const [first] = intermittence.failures;
  return {
    ...facts,
    title: intermittentTitle(target.name),
    explanation: intermittentText(target.name),
    reason: plainText(`fails now and then, the last time: ${facts.reason}`, lineLength),
    runbook: usualRunbook.degraded,
    ...(first && { startedAt: instant(first.at) }),
    confirmedAt: sample.at,
  };
}

/** That nothing answered is better said with the name of the service. */
function ownWords({ explanation }: Sample): Localised | undefined {
  return explanation?.en === unreachableText.en ? undefined : explanation;
}

/** @param key of the rule that is broken. */
export function ruleFacts(
  key: string,
  sample: Sample,
  target: Target,
  { rule, raised, levels }: Pick<RuleStanding, "rule" | "raised" | "levels">,
  seen: Seen,
): Facts {
  return {
    key,
    kind: "threshold",
    target: target.id,
    checks: [sample.check],
    impact: rule.affects === "degraded" ? "degraded" : "none",
    urgency: rule.urgency,
    title: titled(target.name, rule.title),
    explanation: levelText(rule, levels[0]?.value),
    reason: reasonOf(seen),
    runbook: rule.runbook,
    startedAt: raised.length > 0 ? instant(Math.min(...raised.map(({ since }) => since))) : sample.at,
    confirmedAt: sample.at,
  };
}

/** What is told of an incident, and kept with its escalation: without the evidence of its tries. */
export function newsOf(
  { name }: Pick<Target, "name">,
  seen: Seen,
  told: Pick<News, "facts"> & {
    readonly membersSee: Localised | undefined;
    readonly again?: News["again"] | undefined;
    readonly company?: { readonly also: readonly Localised[]; readonly addresses: readonly string[] } | undefined;
    readonly flapping?: News["flapping"] | undefined;
    readonly outlasts?: News["outlasts"] | undefined;
  },
): News {
  const { facts, membersSee, again, company, flapping, outlasts } = told;
  return {
    facts,
    name,
    seen: seen.kind === "tries" ? { ...seen, tries: seen.tries.map(shortened) } : seen,
    ...(membersSee && { membersSee }),
    ...(again && { again }),
    ...(company && company.also.length > 0 && { also: company.also }),
    ...(company && company.addresses.length > 0 && { addresses: company.addresses }),
    ...(flapping && { flapping }),
    ...(outlasts && { outlasts }),
  };
}

const shortened = ({ check, vantagePoint, at, outcome, reason, phases }: Try): Try => ({
  check,
  vantagePoint,
  at,
  outcome,
  ...(reason !== undefined && { reason }),
  ...(phases && { phases }),
});

/** What members read about: public targets, and of thresholds those that they notice. */
export function shown(target: Pick<Target, "public">, facts: Pick<Facts, "impact">): boolean {
  return target.public && facts.impact !== "none";
}
