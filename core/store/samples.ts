/** The samples that are kept, and the readings in them: raw, or summed for each hour or day. */
import type { Sample } from "../sample.ts";
import type { CheckRef } from "./series.ts";

export interface ReadingSeries extends CheckRef {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly { readonly at: Temporal.Instant; readonly value: number }[];
}

export interface SampleStore {
  /** Samples of all checks that began after `at`, oldest first. */
  since(at: Temporal.Instant): Promise<readonly Sample[]>;
  /** The newest sample of each check, with its readings. */
  latest(): Promise<readonly Sample[]>;
  /** Newest first. */
  list(of: CheckRef, span: { from: Temporal.Instant; to: Temporal.Instant; limit: number }): Promise<readonly Sample[]>;
  /** Series of one metric. A day's value is the median of its readings, an hour's their mean, dated to its beginning. */
  readings(
    of: { readonly metric: string; readonly target?: string; readonly check?: string },
    per: "raw" | "hour" | "day",
    span: { from: Temporal.Instant; to: Temporal.Instant },
  ): Promise<readonly ReadingSeries[]>;
}
