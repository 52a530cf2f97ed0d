/** Annotations as they are kept: what happened to a target, such as an upgrade, and may explain what was measured. */
import type { Annotation } from "../upgrade.ts";

export interface AnnotationStore {
  /** What happened in the span; oldest first. With a limit, the newest of them. */
  list(span: {
    readonly from: Temporal.Instant;
    readonly to: Temporal.Instant;
    readonly limit?: number;
  }): Promise<readonly Annotation[]>;
}
