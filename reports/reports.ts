/** The list of reports for the team pages, each made from the store and the running parts when somebody looks. */
import type { Reports } from "../core/reports.ts";
import type { Store } from "../core/store/store.ts";
import type { Target } from "../core/target.ts";
import { capacityModels, namedAnnotations } from "./capacity.ts";
import { type OutboxReportParts, outboxReport } from "./outbox.ts";

export interface ReportParts extends OutboxReportParts {
  readonly store: Pick<Store, "samples" | "annotations" | "outbox">;
  /** As the last reload left them. */
  readonly targets: () => readonly Target[];
}

export function openReports(parts: ReportParts): Reports {
  const { store, clock, targets } = parts;
  return {
    async capacity() {
      const [watched, now] = [targets(), clock.now()];
      return {
        models: await capacityModels(store, watched, now),
        annotations: await namedAnnotations(store, watched, now),
      };
    },
    outbox: () => outboxReport(parts),
  };
}
