/** How long a notice that was not accepted waits for its next try: the retry delay, longer from failure to failure. */
import { isWaking } from "../../core/notice.ts";
import { mostCopies, type NoticeStatus } from "../../core/store/outbox.ts";
import type { FailedAttempt } from "./failed-attempt.ts";

/** Seconds after the first, second … failure; then always the last, so that the end of a fault is noticed within a minute. */
const delays = [5, 12, 30, 55] as const;
const usualDelay = 55;
/** Before the last copy that may leave, where the others have no answer: the server shall have time to get well. */
const lastCopyDelay = 55;
const longestDelay = 15 * 60;
/** What wakes nobody is tried less and less often after so many failures more. */
const failuresBeforeCalm = 10;

export function retryDelaySeconds(
  notice: Pick<NoticeStatus, "attempts" | "copies" | "kind">,
  { error, copy }: Pick<FailedAttempt, "error" | "copy">,
): number {
  const { attempts, copies } = notice;
  const late = Math.max(0, attempts - delays.length - failuresBeforeCalm);
  const calm = isWaking(notice) ? 0 : 60 * 2 ** Math.min(late, 6) - 60;
  const least = copy === "unanswered" && copies === mostCopies - 1 ? lastCopyDelay : 0;
  const delay = Math.max((delays[Math.max(0, attempts - 1)] ?? usualDelay) + calm, least);
  return Math.min(Math.max(delay, error.retryAfterSeconds ?? 0), longestDelay);
}
