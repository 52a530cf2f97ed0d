/** How long a notice that was not accepted waits for its next try: the retry delay, longer from failure to failure. */
import type { DeliveryError } from "../../core/errors.ts";
import { isWaking } from "../../core/notice.ts";
import type { NoticeStatus } from "../../core/store/outbox.ts";

/** Seconds after the first, second … failure; then always the last. */
const delays: readonly number[] = [5, 15, 30, 60];
const longestDelay = 15 * 60;
/** What wakes nobody is tried less and less often after so many failures more. */
const failuresBeforeCalm = 10;

export function retryDelaySeconds(notice: Pick<NoticeStatus, "attempts" | "kind">, error: DeliveryError): number {
  const { attempts } = notice;
  const late = Math.max(0, attempts - delays.length - failuresBeforeCalm);
  const calm = isWaking(notice) ? 0 : 60 * 2 ** Math.min(late, 6) - 60;
  const delay = (delays[Math.max(0, attempts - 1)] ?? 60) + calm;
  return Math.min(Math.max(delay, error.retryAfterSeconds ?? 0), longestDelay);
}
