/** The reports that team pages ask for (capacity): computed from the store when somebody looks. */
import type { CapacityModel } from "./capacity/capacity.ts";
import type { Annotation } from "./upgrade.ts";

export interface Reports {
  capacity(): Promise<CapacityReport>;
}

/** How full everything is that fills, and how long it lasts. */
interface CapacityReport {
  readonly models: readonly CapacityModel[];
  /** What happened to any target as far back as the charts go, with the target's name in it, oldest first. */
  readonly annotations: readonly Annotation[];
}
