/** Thresholds for the connection limit of a database: the same for every kind of database. */
import type { Threshold } from "../../core/threshold.ts";
import { levels } from "./disk-space.ts";

/** @param metric share of the connections that are in use. */
export const connectionThresholds = (fullFor: number, metric: string, runbook: string): readonly Threshold[] =>
  levels(fullFor, metric, runbook, {
    ticket: {
      id: "connections-many",
      at: 0.8,
      hysteresis: 0.1,
      title: { en: "The database uses most of its connections", fr: "La base utilise la plupart de ses connexions" },
    },
    page: {
      id: "connections-out",
      at: 0.95,
      hysteresis: 0.05,
      affects: "degraded",
      title: { en: "The database is running out of connections", fr: "La base n’a presque plus de connexions" },
    },
  });
