/**
 * Disk space, in a database or on a disk: the settings, readings, thresholds and capacity plan of whatever can get
 * full.
 */
import { z } from "zod";
import { bytes, duration, ratio } from "../../core/config/settings.ts";
import type { Localised } from "../../core/language.ts";
import { gauge, type MetricFamily } from "../../core/metric-families.ts";
import type { Reading } from "../../core/sample.ts";
import type { CapacityPlan } from "../../core/target.ts";
import type { Threshold } from "../../core/threshold.ts";

/** Below one half it is a typing error, and the thresholds would make no sense. */
export const usableFraction = (usually: string) =>
  ratio()
    .refine((share) => share >= 0.5, { error: "less than 50% usable cannot be right" })
    .prefault(usually);

export const storageSettings = {
  usableFraction: usableFraction("90%").describe(
    "Share of it that can be used before the host stops writes; ask the provider.",
  ),
  leadDays: z
    .number()
    .int()
    .min(0)
    .max(365)
    .prefault(14)
    .describe("Days from the decision to buy until the bigger one is in use."),
  sizes: z
    .array(
      z.strictObject({
        name: z.string().trim().min(1).max(60).describe("What the provider calls it."),
        capacity: bytes({ atLeast: 1 }).describe("How much it holds. GB and GiB are told apart: 7% between them."),
        monthly: z.number().min(0).optional().describe("Price a month, in the organisation's currency."),
      }),
    )
    .max(50)
    .prefault([])
    .describe("Sizes on offer, for the plan of what to buy and when."),
  store: z
    .string()
    .trim()
    .min(1)
    .max(60)
    .optional()
    .describe("Its name in metrics; needed only where a target has two of the same kind."),
  fullFor: duration()
    .prefault("4m")
    .describe("How long it must stay at a level before somebody is told. A little less than one or two intervals."),
};

const StorageSettings = z.object(storageSettings);
type StorageSettings = z.output<typeof StorageSettings>;

export function capacityPlan(
  check: string,
  settings: Pick<StorageSettings, "usableFraction" | "leadDays" | "sizes">,
  limitBytes?: number,
): CapacityPlan {
  return {
    check,
    ...(limitBytes !== undefined && { limitBytes }),
    usableFraction: settings.usableFraction,
    leadDays: settings.leadDays,
    sizes: settings.sizes.map(({ name, capacity, monthly }) => ({
      name,
      bytes: capacity,
      ...(monthly !== undefined && { monthly }),
    })),
  };
}

export const storageMetrics: readonly MetricFamily[] = [
  gauge("storage_used_bytes", "Bytes used of something that fills.", ["store"]),
  gauge("storage_limit_bytes", "Bytes at which it is full.", ["store"]),
  gauge("storage_used_ratio", "Share of the limit that is used.", ["store"]),
];

export function storageReadings(store: string, usedBytes: number, limitBytes: number | undefined): readonly Reading[] {
  const labels = { store };
  const used: Reading = { metric: "storage_used_bytes", value: usedBytes, labels };
  if (limitBytes === undefined || limitBytes <= 0) return [used];
  return [
    used,
    { metric: "storage_limit_bytes", value: limitBytes, labels },
    { metric: "storage_used_ratio", value: usedBytes / limitBytes, labels },
  ];
}

/**
 * A ticket at 80 % and a page at 92 %, but the page always before the host stops writes: where that happens at 90 %,
 * somebody is woken at 88 %.
 */
export function fullThresholds({
  usableFraction,
  fullFor,
}: Pick<StorageSettings, "usableFraction" | "fullFor">): readonly Threshold[] {
  const page = rounded(Math.min(0.92, usableFraction - 0.02));
  return levels(fullFor, "storage_used_ratio", "disk-full", {
    ticket: {
      id: "filling",
      at: rounded(Math.min(0.8, page - 0.08)),
      hysteresis: 0.03,
      title: { en: "Storage is filling up", fr: "L’espace de stockage se remplit" },
    },
    page: {
      id: "full",
      at: page,
      hysteresis: 0.03,
      title: { en: "Storage is almost full", fr: "L’espace de stockage est presque plein" },
    },
  });
}

interface Step {
  readonly id: string;
  readonly at: number;
  readonly hysteresis: number;
  readonly title: Localised;
  readonly affects?: Threshold["affects"];
}

/** Two levels of one ratio: worth a look this week, and worth waking somebody. */
export function levels(
  fullFor: number,
  metric: string,
  runbook: string,
  steps: { readonly ticket: Step; readonly page: Step },
): readonly Threshold[] {
  return (["ticket", "page"] as const).map((urgency) => {
    const { id, at, hysteresis, title, affects = "nothing" } = steps[urgency];
    return {
      id,
      metric,
      raiseAt: at,
      clearAt: rounded(at - hysteresis),
      raiseAfterSeconds: fullFor,
      clearAfterSeconds: fullFor,
      urgency,
      affects,
      unit: "ratio",
      title,
      runbook,
    };
  });
}

const rounded = (share: number): number => Math.round(share * 10_000) / 10_000;
