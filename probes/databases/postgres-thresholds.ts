/** Thresholds for PostgreSQL: space, connections, transaction number wraparound (vacuum), replication slots. */
import type { Threshold } from "../../core/threshold.ts";
import { connectionThresholds } from "./connection-thresholds.ts";
import { fullThresholds, levels } from "./disk-space.ts";

export function postgresThresholds(settings: {
  readonly capacity?: number | undefined;
  readonly usableFraction: number;
  readonly fullFor: number;
}): readonly Threshold[] {
  const { capacity, fullFor } = settings;
  return [
    ...(capacity === undefined ? [] : fullThresholds(settings)),
    ...connectionThresholds(fullFor, "postgres_connections_ratio", "database-connections"),
    ...levels(fullFor, "postgres_wraparound_ratio", "database-wraparound", {
      ticket: {
        id: "wraparound-near",
        at: 0.4,
        hysteresis: 0.03,
        title: { en: "Vacuum of the database falls behind", fr: "Le nettoyage (VACUUM) de la base prend du retard" },
      },
      page: {
        id: "wraparound",
        at: 0.7,
        hysteresis: 0.03,
        title: { en: "The database will stop taking writes", fr: "La base va cesser d’accepter des écritures" },
      },
    }),
    ...slotThresholds(capacity, fullFor),
  ];
}

/** Nothing stops a forgotten slot by itself: it keeps write-ahead log until the disk is full. */
function slotThresholds(capacity: number | undefined, fullFor: number): readonly Threshold[] {
  const level = (id: string, urgency: Threshold["urgency"], raiseAt: number): Threshold => ({
    id,
    metric: "postgres_slot_retained_bytes",
    raiseAt,
    clearAt: raiseAt / 2,
    raiseAfterSeconds: fullFor,
    clearAfterSeconds: fullFor,
    urgency,
    affects: "nothing",
    unit: "bytes",
    title: { en: "A replication slot fills the disk", fr: "Un slot de réplication remplit le disque" },
    runbook: "replication-slot",
  });
  if (capacity === undefined) return [level("slot-behind", "ticket", 10_000_000_000)];
  return [level("slot-behind", "ticket", capacity * 0.1), level("slot-stuck", "page", capacity * 0.25)];
}
