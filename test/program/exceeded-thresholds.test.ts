import { describe, expect, test } from "vitest";
import { samplesText } from "../../commands/lib/sample-text.ts";
import { worstExit } from "../../commands/probe.ts";
import type { Sample } from "../../core/sample.ts";
import { Secret } from "../../core/secret.ts";
import sidekiq from "../../probes/sidekiq.ts";
import { observed } from "../../program/exceeded-thresholds.ts";

const thresholds = sidekiq.thresholds?.(sidekiq.options.parse({ url: new Secret("redis://127.0.0.1") })) ?? [];

const check = { probe: "sidekiq", thresholds };

const looked = (queue: string, age: number, more: Partial<Sample> = {}): Sample => ({
  target: "mastodon",
  check: "queues",
  vantagePoint: "here",
  at: Temporal.Instant.from("2026-11-23T09:00:00Z"),
  durationSeconds: 0.003,
  outcome: "up",
  readings: [
    { metric: "queue_latency_seconds", value: age, labels: { queue } },
    { metric: "queue_dead_recent_jobs", value: 0 },
  ],
  ...more,
});

describe("one look at levels", () => {
  test("beyond what wakes somebody it is degraded, names the threshold, and is the exit code", () => {
    const explanation = { en: "Posts arrive late.", fr: "Les publications arrivent en retard." };
    const sample = observed(looked("default", 845, { reason: "default: late", explanation }), check);
    expect(sample).toMatchObject({ outcome: "degraded", reason: "default: late", explanation });
    expect(worstExit([sample])).toBe(1);
    const text = samplesText([sample], { colour: false });
    expect(text).toMatch(/^▲ degraded +mastodon\/queues +3\.0 ms {2}default: late$/m);
    expect(text).toContain(
      "    beyond    late-default: queue=default: 14m 5s (told at 2m, over below 40s), wakes somebody once it has lasted 5m\n",
    );
  });

  test("without words of the probe it has those of the threshold", () => {
    expect(observed(looked("mailers", 1860), check)).toMatchObject({
      outcome: "degraded",
      reason: "E-mails to members arrive late",
      explanation: { fr: "Les courriels aux membres partent en retard." },
    });
  });

  test("beyond a ticket only it is shown, and nobody has to act", () => {
    const sample = observed(looked("default", 60), check);
    expect(sample.outcome).toBe("up");
    expect(worstExit([sample])).toBe(0);
    expect(samplesText([sample], { colour: false })).toMatch(
      /beyond +slow-default: queue=default: 1m .*, is a ticket once it has lasted 30m$/m,
    );
  });

  test("is not made of what was not measured, nor better than what the check says", () => {
    expect(observed(looked("default", 845, { outcome: "unknown" }), check)).toMatchObject({
      outcome: "unknown",
      levels: [],
    });
    expect(observed(looked("default", 845, { outcome: "down" }), check).outcome).toBe("down");
    expect(observed(looked("default", 1), check)).toMatchObject({ outcome: "up", levels: [] });
  });
});
