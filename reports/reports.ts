/** The list of reports for the team pages, each computed from the store when somebody looks. */
import type { Clock } from "../core/clock.ts";
import type { Reports } from "../core/reports.ts";
import type { Store } from "../core/store/store.ts";
import type { Target } from "../core/target.ts";
import { capacityModels, namedAnnotations } from "./capacity.ts";

export interface ReportParts {
  readonly store: Pick<Store, "samples" | "annotations">;
  readonly clock: Clock;
  /** As the last reload left them. */
  readonly targets: () => readonly Target[];
}

export function openReports({ store, clock, targets }: ReportParts): Reports {
  return {
    async capacity() {
      const [watched, now] = [targets(), clock.now()];
      return {
        models: await capacityModels(store, watched, now),
        annotations: await namedAnnotations(store, watched, now),
      };
    },
  };
}
