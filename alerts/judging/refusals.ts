/**
 * Services that cannot be measured although our own connection is good: a bot wall, a refused password, something that is
 * not what it should be. It is no outage, but somebody has to let us in, or we see nothing from then on.
 */
import { instant } from "../../core/clock.ts";
import type { Seen } from "../../core/escalation.ts";
import type { JudgedSample } from "../../core/judge.ts";
import { notMeasuredText, titled } from "../../core/member-texts.ts";
import { type CheckKey, checkKey, type Sample } from "../../core/sample.ts";
import type { Store } from "../../core/store/store.ts";
import type { Target } from "../../core/target.ts";
import { reasonOf } from "../escalation/wording.ts";
import { keyOf } from "./confirmed-outages.ts";
import type { Facts } from "./incident-facts.ts";

/** By the monotonic clock: a gate that closes for a moment needs nobody. */
const toldAfterSeconds = 600;

/** Epoch milliseconds since when, and for how long by the monotonic clock. */
interface Refusal {
  readonly since: number;
  readonly seconds: number;
}

export class Refusals {
  readonly #refused = new Map<CheckKey, Refusal>();

  /** Takes up where an earlier process ended. */
  static async load({ judgements }: Pick<Store, "judgements">): Promise<Refusals> {
    const refusals = new Refusals();
    for (const stored of await judgements.confirmations()) {
      const { unmeasured } = stored.confirmation;
      if (unmeasured) refusals.#refused.set(checkKey(stored), unmeasured);
    }
    return refusals;
  }

  update({ sample, confirmation: { unmeasured } }: JudgedSample): void {
    if (unmeasured) this.#refused.set(checkKey(sample), unmeasured);
    else this.#refused.delete(checkKey(sample));
  }

  /** Since when, in epoch milliseconds, a required check of it has been refused for so long that somebody is told. */
  since({ checks }: Pick<Target, "checks">): number | undefined {
    if (this.#refused.size === 0) return undefined;
    const lasting = checks.flatMap((check) => {
      const refusal = check.required ? this.#refused.get(keyOf(check)) : undefined;
      return refusal && refusal.seconds >= toldAfterSeconds ? [refusal.since] : [];
    });
    return lasting.length > 0 ? Math.min(...lasting) : undefined;
  }
}

/** Names the incident of a target that cannot be measured. */
export const refusalKey = ({ id }: Pick<Target, "id">): string => `${id}:not-measured`;

const title = { en: "cannot be measured", fr: "la mesure est impossible" };

export const refusalSeen = (sample: Sample): Seen => ({ kind: "tries", tries: [sample], needed: 1 });

/** @param sample the last that was refused. */
export function refusalFacts(sample: Sample, target: Target, since: number): Facts {
  return {
    key: refusalKey(target),
    kind: "threshold",
    target: target.id,
    checks: [sample.check],
    impact: "none",
    urgency: "ticket",
    title: titled(target.name, title),
    explanation: notMeasuredText,
    reason: reasonOf(refusalSeen(sample)),
    runbook: "not-measured",
    startedAt: instant(since),
    confirmedAt: sample.at,
  };
}
