/** What became of an attempt to deliver a notice that was not accepted. */
import type { DeliveryError } from "../../core/errors.ts";

export interface FailedAttempt {
  readonly error: DeliveryError;
  /** Whether a copy left whole: it was refused and counts no more, or nobody answered and it may have arrived. */
  readonly copy: "none" | "refused" | "unanswered";
  /** A later attempt decides what becomes of the notice. */
  readonly isOvertaken: boolean;
}
